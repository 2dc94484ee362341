"""What runs publish, for other programs: the statement for Hive and Athena, and its tables in a Glue catalog."""
