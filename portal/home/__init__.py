"""The home page: what needs me, what runs now, what runs next."""
