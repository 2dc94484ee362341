"""SQL as other databases write it, found in a query and turned into Spark's way: one change of the text each."""
