"""The peer: examples/nyc-taxi/nyc_taxi.json, written by hand for `spark-submit` as a good PySpark developer would.

    spark-submit … bench/peer_nyc_taxi.py LAKE
It reads the same file, types the same columns, checks the same thing and writes the same Parquet (to another folder).
"""

from __future__ import annotations

import sys

from pyspark.sql import SparkSession

MONEY = "DECIMAL(10,2)"
TRIPS = (
    "vendor_id INT, pickup_datetime TIMESTAMP, dropoff_datetime TIMESTAMP, store_and_fwd_flag STRING, rate_code_id INT, "
    "pickup_longitude DOUBLE, pickup_latitude DOUBLE, dropoff_longitude DOUBLE, dropoff_latitude DOUBLE, passenger_count INT, "
    f"trip_distance {MONEY}, fare_amount {MONEY}, extra {MONEY}, mta_tax {MONEY}, tip_amount {MONEY}, tolls_amount {MONEY}, "
    f"ehail_fee {MONEY}, total_amount {MONEY}, payment_type INT, trip_type INT, surplus_1 STRING, surplus_2 STRING"
)
KEPT = [
    "vendor_id",
    "pickup_datetime",
    "dropoff_datetime",
    "rate_code_id",
    "pickup_longitude",
    "pickup_latitude",
    "dropoff_longitude",
    "dropoff_latitude",
    "passenger_count",
    "trip_distance",
    "fare_amount",
    "tip_amount",
    "total_amount",
    "payment_type",
]


def main(lake: str) -> None:
    spark = SparkSession.builder.appName("nyc_taxi").config("spark.sql.session.timeZone", "America/New_York").getOrCreate()
    print("first stage", flush=True)
    # FAILFAST: a value that does not fit stops the job.
    options = {"header": "true", "enforceSchema": "true", "mode": "FAILFAST", "timestampFormat": "yyyy-MM-dd HH:mm:ss"}
    read = spark.read.options(**options, ignoreLeadingWhiteSpace="true", ignoreTrailingWhiteSpace="true")
    trips = read.schema(TRIPS).csv(f"{lake}/raw/green_tripdata_2013-08.csv").drop("surplus_1", "surplus_2").cache()
    if trips.where("vendor_id IS NULL OR store_and_fwd_flag NOT IN ('Y', 'N')").count():
        raise SystemExit("check failed: trips hold a value that does not fit")
    stored = trips.where("store_and_fwd_flag = 'Y'").select(*KEPT)
    stored.coalesce(1).write.mode("overwrite").parquet(f"{lake}/peer/green_trips_stored")
    spark.stop()


if __name__ == "__main__":
    main(sys.argv[1])
