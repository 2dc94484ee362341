"""Everything that the portal sends to other servers: one client, and the rules of where it may go."""
