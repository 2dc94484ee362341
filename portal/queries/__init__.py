"""The query page: read-only SQL over the tables of an environment, and queries that people keep."""
