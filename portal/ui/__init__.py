"""Template tags and shared pieces of pages; knows no subject."""
