"""Where data lies: one file for each kind of store."""
