"""“Only what is new” leaves no row out and reads none twice, whatever becomes of the table, the stage and the column."""

from __future__ import annotations

from typing import Any

import pytest

from tests.executor.databases.servers import MARIADB, POSTGRESQL, SAVE, Servers, done, extract
from tests.executor.running import Outcome

pytestmark = [pytest.mark.spark, pytest.mark.services]


def read(servers: Servers, stage: dict[str, Any], before: Outcome | None = None) -> tuple[Outcome, list[tuple[Any, ...]]]:
    marks = before.named("result")[0]["watermarks"] if before else {}
    outcome = done(servers.run(stage, SAVE, watermarks=marks))
    return outcome, servers.read()


def test_rows_that_were_gone_for_a_while_are_not_read_twice(servers: Servers) -> None:
    servers.say(POSTGRESQL, "DROP TABLE IF EXISTS away", "CREATE TABLE away (id int)", "INSERT INTO away SELECT generate_series(1, 4)")
    stage = extract(POSTGRESQL, tableName="away", watermarkColumn="id")
    first, rows = read(servers, stage)
    assert rows == [(1,), (2,), (3,), (4,)]
    servers.say(POSTGRESQL, "DELETE FROM away WHERE id > 2")
    second, rows = read(servers, stage, first)
    assert rows == [] and second.result == "succeeded_with_warnings" and "watermark-behind" in str(second.events)
    servers.say(POSTGRESQL, "INSERT INTO away VALUES (3), (4), (5)")
    third, rows = read(servers, stage, second)
    assert rows == [(5,)]
    renamed = stage | {"name": "another_name"}
    fourth, rows = read(servers, renamed, third)
    assert rows == [], "a stage with another name goes on where it was"
    servers.say(POSTGRESQL, "INSERT INTO away VALUES (6)")
    fifth, rows = read(servers, renamed, fourth)
    assert rows == [(6,)]
    assert read(servers, stage, fifth)[1] == [], "and back"


def test_other_conditions_are_another_question(servers: Servers) -> None:
    servers.say(POSTGRESQL, "DROP TABLE IF EXISTS parted", "CREATE TABLE parted (id int, word text)")
    servers.say(POSTGRESQL, "INSERT INTO parted VALUES (1, 'a'), (2, 'b'), (3, 'a')")
    stage = extract(POSTGRESQL, tableName="parted", watermarkColumn="id")
    first, rows = read(servers, stage | {"predicates": ["word = 'a'"]})
    assert rows == [(1, "a"), (3, "a")]
    assert read(servers, stage | {"predicates": ["word = 'b'"]}, first)[1] == [(2, "b")]


@pytest.mark.parametrize(
    ("name", "kind", "values"),
    [
        (POSTGRESQL, "float4", "(0.05), (0.1)"),  # 0.1 of four bytes is more than 0.1
        pytest.param(MARIADB, "float", "(1), (16777215)", marks=pytest.mark.lake),  # told as 16777200
        pytest.param(
            MARIADB, "varchar(9)", "('8'), ('9'), ('10')", marks=pytest.mark.lake
        ),  # the highest is '9', and '10' is no less than 9
    ],
)
def test_a_column_whose_highest_value_is_told_otherwise_stops_the_run(name: str, kind: str, values: str, servers: Servers) -> None:
    servers.say(name, "DROP TABLE IF EXISTS odd_marks", f"CREATE TABLE odd_marks (v {kind})", f"INSERT INTO odd_marks VALUES {values}")
    outcome = servers.run(extract(name, tableName="odd_marks", watermarkColumn="v"), SAVE)
    assert (outcome.result, outcome.problem["code"], outcome.problem["field"]) == ("failed", "column-of-ranges", "watermarkColumn")
