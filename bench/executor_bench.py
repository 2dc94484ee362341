"""The executor beside the peer: a cold start, the whole job, and previews in a warm session."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

from bench import programs
from bench.figures import Figure, Say, alternately, side_by_side, whole

PREVIEWED = "daily_delays"
ROWS = 1000


def prepare(lake: Path) -> None:
    """The demo's files below `lake`/raw; made once."""
    from portal.demo import flights
    from portal.runs import sandbox

    if (lake / "raw" / "flights.csv").is_file():
        return
    for table in flights.TABLES:
        flights._copy(flights.package_folder(), table, lake / "raw" / f"{table}.csv")
    sandbox.give_to_executors(lake)


def cold(lake: Path, turns: int, say: Say) -> list[Figure]:
    """Cold start to first stage, and the whole job."""
    say("daily_delays from a cold start: python -m executor run (in its sandbox), and spark-submit of the same job")
    prepare(lake)

    def ours() -> programs.Moments:
        return programs.our_run(programs.document(), lake)

    def peer() -> programs.Moments:
        return programs.peer_run("daily_delays", lake)

    ours(), peer()  # once unmeasured: files in the page cache, folders made
    mine, others = side_by_side(turns, ours, peer, say)
    same_rows(lake, PREVIEWED, ["origin", "day", "flights", "mean_delay", "max_wind"])
    first = Figure("cold start to first stage", "spark-submit", "sooner", [m.first_stage for m in mine], [m.first_stage for m in others])
    end = whole("daily_delays, process start to end", "spark-submit", "≤ 0.9×", mine, others, stages=mine[-1].stages)
    shutil.rmtree(lake / "peer", ignore_errors=True)
    return [first, end]


def same_rows(lake: Path, table: str, columns: list[str]) -> None:
    """Raises RuntimeError where curated/`table` and peer/`table` differ in these columns: the comparison means nothing then."""
    from pyspark.sql import SparkSession

    spark = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").config("spark.log.level", "ERROR").getOrCreate()
    ours, peer = (spark.read.parquet(str(lake / folder / table)).select(columns) for folder in ("curated", "peer"))
    different = ours.exceptAll(peer).count() + peer.exceptAll(ours).count()
    spark.stop()
    if different:
        raise RuntimeError(f"{different} rows differ between our output and the peer's")


def preview(lake: Path, turns: int, say: Say) -> list[Figure]:
    """A warm preview beside the same query in an open PySpark session; the query is edited before every turn, as people do."""
    prepare(lake)
    say(f"{ROWS} rows of the stage {PREVIEWED} in a warm session, the SQL changed every time; PySpark holds the same views")
    with programs.serving(lake) as serve, PySparkShell(lake) as shell:
        numbers = iter(range(1, 10_000))
        sampled = [serve.preview(*edited(next(numbers)), ROWS, sample=True) for _ in range(turns + 1)][1:]
        shell.query(next(numbers))
        serve.preview(*edited(next(numbers)), ROWS, sample=False)
        ours, peer = alternately(
            max(turns, 5),
            lambda: serve.preview(*edited(next(numbers)), ROWS, sample=False).end,
            lambda: shell.query(next(numbers)),
            say,
        )
    return [
        Figure("warm start to first stage (preview)", "no peer: spark-submit has no warm start", "≤ 1 s", [m.first_stage for m in sampled]),
        Figure(f"warm preview, {ROWS} rows, sample", "–", "≤ 1 s", [m.end for m in sampled]),
        Figure(f"warm preview, {ROWS} rows, all 336,776 flights", "open PySpark, flights cached", "≤ 1.1×", ours, peer),
    ]


def edited(number: int) -> tuple[dict[str, Any], int]:
    """The job with a small change in the previewed query, and that stage's index."""
    job = programs.document()
    index = next(i for i, stage in enumerate(job["stages"]) if stage["name"] == PREVIEWED)
    stage = job["stages"][index]
    job["stages"][index] = stage | {"sql": changed(stage["sql"].replace("${year}", "2013"), number)}
    return job, index


def changed(sql: str, number: int) -> str:
    """Another query with the same work to do."""
    return sql.replace("count(*) AS flights", f"count(*) + {number} AS flights")


class PySparkShell:
    """An open PySpark session of stock settings but our cores and memory, with the views that the query reads."""

    def __init__(self, lake: Path) -> None:
        self._lake = lake

    def __enter__(self) -> PySparkShell:
        from pyspark.sql import SparkSession

        from bench.peer_daily_delays import FLIGHTS, WEATHER, read

        settings = {"spark.ui.enabled": "false", "spark.log.level": "ERROR", "spark.sql.session.timeZone": "UTC"}
        settings |= {"spark.driver.memory": "1g", "spark.sql.shuffle.partitions": "4", "spark.ui.showConsoleProgress": "false"}
        self.spark = SparkSession.builder.master("local[2]").config(map=settings).getOrCreate()
        flights = read(self.spark, f"{self._lake}/raw/flights.csv", FLIGHTS).cache()
        flights.count()
        flights.createOrReplaceTempView("flights_typed")
        weather = read(self.spark, f"{self._lake}/raw/weather.csv", WEATHER)
        weather.groupBy("origin", "time_hour").agg({"wind_speed": "max"}).toDF("origin", "time_hour", "wind_speed").createOrReplaceTempView(
            "weather_hourly"
        )
        return self

    def __exit__(self, *_: object) -> None:
        self.spark.stop()

    def query(self, number: int) -> float:
        """Seconds for the rows of the edited query."""
        job, index = edited(number)
        begun = time.perf_counter()
        self.spark.sql(job["stages"][index]["sql"]).limit(ROWS).collect()
        return time.perf_counter() - begun
