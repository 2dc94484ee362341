"""What cannot be counted as rows go by is asked at the end: the first rows of what stands at a place, all places of the same rows at once.

A query that compares a column of Parquet with twelve words has twelve such places, and a job names its tables in many queries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from executor.running.hazard_table import HAZARDS

if TYPE_CHECKING:
    from executor.running.hazards import Place
    from executor.spark.session import SparkProcess

MOST_ASKED = 100_000
"""Rows that are asked."""
MOST_AT_ONCE = 16
"""Places for which one query counts: far more would make one that Java no longer compiles."""
_VALUE = "_sluice_value_"


@dataclass(frozen=True)
class Asked:
    """Where a place is asked. `look`: the `ValueLook` that found it, `place`: its number there."""

    spark: Any
    look: Any
    place: int


Question = Callable[[], None]


def ask_all(questions: Iterable[Question], process: SparkProcess) -> None:
    """As many at once as Spark has cores: while one is planned, which takes one core, another is answered. What cannot be asked is not
    told: the query itself has run."""
    with ThreadPoolExecutor(process.profile.cores, initializer=lambda: process.session) as pool:
        for asked in [pool.submit(_quietly, question) for question in questions]:
            asked.result()


def _quietly(question: Question) -> None:
    with suppress(*spark_errors()):
        question()


def of_first_rows(places: Iterable[Place]) -> Iterator[Question]:
    """Each notes what is counted in the first rows at some of these places."""
    for group in _of_same_rows([place for place in places if place.is_to_be_asked]):
        for start in range(0, len(group), MOST_AT_ONCE):
            yield partial(_ask, group[start : start + MOST_AT_ONCE])


def _of_same_rows(places: Sequence[Place]) -> Iterator[list[Place]]:
    known: dict[tuple[str, int], list[tuple[Any, list[Place]]]] = {}
    for place in places:
        if place.asked is None:
            continue
        rows: Any = place.asked.look.askedRows(place.asked.place)
        alike = known.setdefault((rows.output().toString(), rows.canonicalized().hashCode()), [])
        same = next((group for other, group in alike if other.sameResult(rows)), None)
        if same is None:
            same = []
            alike.append((rows, same))
        same.append(place)
    return (group for alike in known.values() for _, group in alike)


def _ask(places: Sequence[Place]) -> None:
    try:
        _ask_at_once(places)
    except spark_errors():
        for place in places if len(places) > 1 else ():
            with suppress(*spark_errors()):
                _ask_at_once([place])


def _ask_at_once(places: Sequence[Place]) -> None:
    from pyspark.sql import DataFrame as Frame

    counts = [[count.replace(_VALUE, f"{_VALUE}{n}_") for count in HAZARDS[place.kind].counts] for n, place in enumerate(places)]
    asked = [place.asked for place in places if place.asked is not None]
    spark = asked[0].spark
    looks, numbers = spark._jvm.java.util.ArrayList(), spark._jvm.java.util.ArrayList()
    for one in asked:
        looks.add(one.look)
        numbers.add(one.place)
    frame = Frame(asked[0].look.askedAt(spark._jsparkSession, looks, numbers), spark).limit(MOST_ASKED)
    row = iter(frame.selectExpr("count(1)", *[count for each in counts for count in each]).first() or ())
    rows: int = next(row)
    for place, each in zip(places, counts, strict=True):
        place.take_asked(rows, [next(row) or 0 for _ in each], is_whole=rows < MOST_ASKED)


def spark_errors() -> tuple[type[Exception], ...]:
    """What Spark and the way to it raise; known only where there is a Spark."""
    from py4j.protocol import Py4JJavaError
    from pyspark.errors import PySparkException

    return Py4JJavaError, PySparkException
