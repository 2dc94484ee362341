"""What a job publishes, as other programs (Hive, Athena, Presto, Trino, Glue) know tables. Starts no Spark."""
