"""The peer: examples/jobs/daily_delays.json, written by hand for `spark-submit` as a good PySpark developer would.

    spark-submit … bench/peer_daily_delays.py LAKE
It reads the same files, types the same columns, checks the same things and writes the same Parquet (to another folder).
"""

from __future__ import annotations

import sys

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

FLIGHTS = (
    "year INT, month INT, day INT, dep_time INT, sched_dep_time INT, dep_delay INT, arr_time INT, sched_arr_time INT, arr_delay INT, "
    "carrier STRING, flight INT, tailnum STRING, origin STRING, dest STRING, air_time INT, distance INT, hour INT, minute INT, "
    "time_hour TIMESTAMP"
)
WEATHER = (
    "origin STRING, year INT, month INT, day INT, hour INT, temp DOUBLE, dewp DOUBLE, humid DOUBLE, wind_dir DOUBLE, wind_speed DOUBLE, "
    "wind_gust DOUBLE, precip DOUBLE, pressure DOUBLE, visib DOUBLE, time_hour TIMESTAMP"
)


def read(spark: SparkSession, path: str, schema: str) -> DataFrame:
    """FAILFAST: a value that does not fit stops the job."""
    options = {"header": "true", "nullValue": "NA", "mode": "FAILFAST", "timestampFormat": "yyyy-MM-dd'T'HH:mm:ssX"}
    return spark.read.options(**options).schema(schema).csv(path)


def check(condition: bool, words: str) -> None:
    if not condition:
        raise SystemExit(f"check failed: {words}")


def main(lake: str) -> None:
    spark = SparkSession.builder.appName("daily_delays").config("spark.sql.session.timeZone", "UTC").getOrCreate()
    print("first stage", flush=True)
    flights = read(spark, f"{lake}/raw/flights.csv", FLIGHTS).cache()
    weather = read(spark, f"{lake}/raw/weather.csv", WEATHER)
    check(flights.where("year = 2013").count() > 0, "no flights")
    windy = weather.groupBy("origin", "time_hour").agg(F.max("wind_speed").alias("wind_speed"))
    daily = (
        flights.where("dep_delay IS NOT NULL AND year = 2013")
        .join(windy, ["origin", "time_hour"], "left")
        .groupBy("origin", F.make_date("year", "month", "day").alias("day"))
        .agg(
            F.count("*").alias("flights"),
            F.round(F.avg("dep_delay"), 2).alias("mean_delay"),
            F.round(F.max("wind_speed"), 2).alias("max_wind"),
        )
        .orderBy("origin", "day")
        .cache()
    )
    check(daily.where("flights <= 0 OR origin IS NULL OR day IS NULL").count() == 0, "days without a flight")
    daily.coalesce(1).write.mode("overwrite").parquet(f"{lake}/peer/daily_delays")
    spark.stop()


if __name__ == "__main__":
    main(sys.argv[1])
