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
        (POSTGRESQL, "text", "('8'), ('9'), ('10')"),
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


def test_what_is_new_alone_takes_the_place_of_all_rows_with_a_warning(servers: Servers) -> None:
    servers.say(POSTGRESQL, "DROP TABLE IF EXISTS grows", "CREATE TABLE grows (id int)", "INSERT INTO grows VALUES (1), (2)")
    stage = extract(POSTGRESQL, tableName="grows", watermarkColumn="id")
    first, rows = read(servers, stage)
    assert (first.result, rows) == ("succeeded", [(1,), (2,)]), "the first run reads all rows"
    second, rows = read(servers, stage, first)
    assert rows == [] and second.result == "succeeded_with_warnings" and "replaces all that is there" in str(second.events)
    kept = done(servers.run(stage, SAVE | {"saveMode": "Append"}, watermarks=first.named("result")[0]["watermarks"]))
    assert kept.result == "succeeded"


def test_a_connection_that_leads_elsewhere_by_now_is_told_once(servers: Servers) -> None:
    servers.say(POSTGRESQL, "DROP TABLE IF EXISTS moved", "CREATE TABLE moved (id int)", "INSERT INTO moved VALUES (1), (2)")
    stage, save = extract(POSTGRESQL, tableName="moved", watermarkColumn="id"), SAVE | {"saveMode": "Append"}
    marks = done(servers.run(stage, save)).named("result")[0]["watermarks"]
    elsewhere = {name: {**about, "at": "another place"} for name, about in marks.items()}
    told = done(servers.run(stage, save, watermarks=elsewhere))
    assert told.result == "succeeded_with_warnings" and "leads elsewhere since rows were read last" in str(told.events)
    for before in (told.named("result")[0]["watermarks"], {name: {**about, "at": ""} for name, about in marks.items()}, marks):
        assert done(servers.run(stage, save, watermarks=before)).result == "succeeded"


def test_stages_that_exchange_their_names_read_nothing_twice(servers: Servers) -> None:
    for table in ("one", "two"):
        servers.say(POSTGRESQL, f"DROP TABLE IF EXISTS {table}", f"CREATE TABLE {table} (id int)", f"INSERT INTO {table} VALUES (1), (2)")
    one = extract(POSTGRESQL, tableName="one", watermarkColumn="id") | {"name": "a"}
    two = extract(POSTGRESQL, tableName="two", watermarkColumn="id") | {"name": "b", "outputView": "two"}
    save = [SAVE | {"saveMode": "Append"}, SAVE | {"name": "save_two", "inputView": "two", "outputURI": "out2", "saveMode": "Append"}]

    def marks(*stages: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
        outcome = done(servers.run(*stages, *save, watermarks=before))
        counted = {event["stage"]: event["rows"] for event in outcome.named("stage_rows") if event["stage"] in ("save", "save_two")}
        assert before == {} or not any(counted.values()), counted
        return outcome.named("result")[0]["watermarks"]

    first = marks(one, two, before={})
    second = marks(one | {"name": "b"}, two | {"name": "a"}, before=first)
    assert {name: about["about"] for name, about in second.items()} == {"a": first["b"]["about"], "b": first["a"]["about"]}
    third = marks(one, two, before=second)
    assert third == first
    copy = one | {"name": "copy", "outputView": "there", "fetchsize": 7}
    outcome = done(servers.run(one | {"outputView": "apart"}, copy, SAVE, watermarks=third))
    assert servers.read() == [(1,), (2,)] and set(outcome.named("result")[0]["watermarks"]) == {"a", "b", "copy"}, (
        "another stage, which reads all"
    )


@pytest.mark.parametrize(
    ("field", "query", "is_refused"),
    [
        ({"watermarkColumn": "id"}, "SELECT * FROM parts ORDER BY id LIMIT 2", True),
        ({"watermarkColumn": "id"}, "SELECT * FROM parts ORDER BY id FETCH FIRST 2 ROWS ONLY", True),
        ({"predicates": ["id < 3", "id >= 3"]}, "SELECT * FROM parts LIMIT 2", True),
        ({"predicates": ["id < 3", "id >= 3"]}, "SELECT DISTINCT ON (id % 2) id FROM parts", True),
        ({"partitionColumn": "id", "numPartitions": 2}, "SELECT * FROM parts LIMIT 2", True),
        ({"watermarkColumn": "id"}, "SELECT id, (SELECT p.id FROM parts p LIMIT 1) AS one, 'no limit' AS w FROM parts -- limit", False),
        ({"predicates": ["id < 3", "id >= 3"]}, "SELECT id, 'no limit' AS w FROM parts", False),
    ],
)
def test_a_query_that_leaves_rows_out_is_not_asked_in_parts_nor_for_what_is_new(
    field: dict[str, Any], query: str, is_refused: bool, servers: Servers
) -> None:
    servers.say(POSTGRESQL, "DROP TABLE IF EXISTS parts", "CREATE TABLE parts (id int)", "INSERT INTO parts VALUES (1), (2), (3), (4)")
    outcome = servers.run(extract(POSTGRESQL, sql=query, **field), SAVE)
    if is_refused:
        assert (outcome.result, outcome.problem["code"]) == ("failed", "parts-of-some")
    else:
        done(outcome)
        assert len(servers.read()) == 4


def marks_of(outcome: Outcome) -> dict[str, Any]:
    return outcome.named("result")[0]["watermarks"]  # type: ignore[no-any-return]


def test_another_question_is_not_added_to_what_is_there(servers: Servers) -> None:
    servers.say(POSTGRESQL, "DROP TABLE IF EXISTS asked", "CREATE TABLE asked (id int, word text)", "INSERT INTO asked VALUES (1, 'a')")
    stage, add = extract(POSTGRESQL, sql="SELECT id FROM asked", watermarkColumn="id"), SAVE | {"saveMode": "Append"}
    before = marks_of(done(servers.run(stage, add)))
    spelled = stage | {"sql": "SELECT id -- all of them\n  FROM   asked"}
    assert marks_of(done(servers.run(spelled, add, watermarks=before)))["read"]["about"] == before["read"]["about"], "the same question"
    other = stage | {"sql": "SELECT id, word FROM asked"}
    refused = servers.run(other, add, watermarks=before)
    assert (refused.result, refused.problem["code"], refused.problem["field"]) == ("failed", "question-changed", "sql")
    assert (
        servers.run(extract(POSTGRESQL, tableName="asked", watermarkColumn="id"), add, watermarks=before).problem["code"]
        == "question-changed"
    )
    once = done(servers.run(other, SAVE, watermarks=before))
    assert once.result == "succeeded"
    assert done(servers.run(other, add, watermarks=marks_of(once))).result == "succeeded"
    back = done(servers.run(stage, SAVE, watermarks=marks_of(once)))
    assert servers.read() == [] and marks_of(back)["read"]["about"] == before["read"]["about"], "who goes back goes on where it was"
    legacy = {"read": {name: value for name, value in before["read"].items() if name in ("about", "value")}}
    assert done(servers.run(other, add, watermarks=legacy)).result == "succeeded_with_warnings"


def test_each_value_that_comes_with_a_run_has_its_own_mark(servers: Servers) -> None:
    servers.say(POSTGRESQL, "DROP TABLE IF EXISTS lands", "CREATE TABLE lands (id int, land text)")
    servers.say(POSTGRESQL, "INSERT INTO lands VALUES (1, 'de'), (2, 'fr'), (3, 'de'), (4, 'fr')")
    query = {"sql": "SELECT id FROM lands WHERE land = ${land}", "watermarkColumn": "id"}
    job = [extract(POSTGRESQL, **query), SAVE | {"saveMode": "Append"}]
    declared, marks = {"land": {"type": "string"}}, {}
    for land, rows in (("de", [(1,), (3,)]), ("fr", [(2,), (4,)]), ("de", []), ("fr", [])):
        outcome = done(servers.run(*job, watermarks=marks, declared=declared, parameters={"land": land}))
        assert servers.read() == rows, land
        marks = marks_of(outcome)
    assert len(marks) == 2
