"""MergeLoad and Scd2Load: what becomes of rows that are there, new, gone, twice, late or without a key."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from executor.document.job import check as check_document
from executor.files.delta_commit import put_commit, text_of
from executor.running.outputs import Outputs
from tests.executor.delta.test_tables import done, load, read, rows, table, versions
from tests.executor.running import Outcome, run_here

if TYPE_CHECKING:
    from executor.spark.session import SparkProcess

pytestmark = [pytest.mark.spark, pytest.mark.lake]


def merge(**more: Any) -> dict[str, Any]:
    return {"type": "MergeLoad", "name": "merge", "inputView": "rows", "outputURI": "table", "keys": ["id"]} | more


def scd2(**more: Any) -> dict[str, Any]:
    return {"type": "Scd2Load", "name": "keep", "inputView": "rows", "outputURI": "table", "keys": ["id"]} | more


def values(*given: Any, columns: str = "id, v") -> dict[str, Any]:
    return rows(f"SELECT * FROM VALUES {', '.join(map(str, given))} AS t({columns})".replace("None", "NULL"))


def details(outcome: Outcome, name: str) -> dict[str, Any]:
    (found,) = [event["details"] for event in outcome.named("stage_finished") if event["stage"] == name]
    return dict(found)


def counts(outcome: Outcome, name: str = "merge") -> tuple[int, int, int]:
    found = details(outcome, name)
    return found["inserted"], found["updated"], found["deleted"]


@pytest.fixture
def start(spark_process: SparkProcess, tmp_path: Path) -> Path:
    done(run_here(spark_process, [values((1, "a"), (2, "b"), (3, "c")), load()], tmp_path))
    return tmp_path


def test_rows_are_updated_added_and_taken_out(spark_process: SparkProcess, start: Path) -> None:
    place = start / "table"
    outcome = done(run_here(spark_process, [values((2, "B"), (4, "d")), merge()], start))
    assert table(spark_process, place) == [(1, "a"), (2, "B"), (3, "c"), (4, "d")] and counts(outcome) == (1, 1, 0)
    said = outcome.named("result")[0]["outputs"][0]
    assert (said["rows"], said["whole_rows"], said["version"]) == (2, 4, 1), "what came, and what there is now"
    again = done(run_here(spark_process, [values((2, "B"), (4, "d")), merge()], start))
    assert counts(again) == (0, 0, 0) and versions(place) == [0, 1]  # nothing changed, so no version came
    assert again.named("result")[0]["outputs"][0]["published"] is False
    source = values((1, "x", True), (3, "z", False), (9, "n", True), columns="id, v, gone")
    outcome = done(run_here(spark_process, [source, merge(deleteWhere="source.gone", onlyForConditions=["gone"])], start))
    assert table(spark_process, place) == [(2, "B"), (3, "z"), (4, "d")] and counts(outcome) == (0, 1, 1)
    whole = merge(notMatchedBySource="delete", notMatchedBySourceWhere="target.id < 4", matched="leave")
    done(run_here(spark_process, [values((3, "ignored"), (5, "e")), whole], start))
    assert table(spark_process, place) == [(3, "z"), (4, "d"), (5, "e")]
    marked = merge(notMatchedBySource="update", notMatchedBySourceValues={"v": "concat(target.v, '!')"}, notMatched="leave")
    done(run_here(spark_process, [values((3, "z")), marked], start))
    assert table(spark_process, place) == [(3, "z"), (4, "d!"), (5, "e!")]
    own = merge(matchedValues={"v": "concat(target.v, source.v)"}, matchedWhere="source.id <> 4", notMatchedValues={"v": "upper(source.v)"})
    done(run_here(spark_process, [values((3, "1"), (4, "2"), (7, "q")), own], start))
    assert table(spark_process, place) == [(3, "z1"), (4, "d!"), (5, "e!"), (7, "Q")]


def test_what_a_merge_cannot_be_sure_of_is_refused(spark_process: SparkProcess, start: Path) -> None:
    def refused(source: dict[str, Any], **more: Any) -> dict[str, Any]:
        return run_here(spark_process, [source, merge(**more)], start).problem

    twice = refused(values((1, "x"), (1, "y"), (2, "z")))
    assert (twice["code"], twice["value"]) == ("merge-key-twice", "id = 1") and "1 key " in twice["message"] and "x" not in twice["found"]
    assert refused(values((None, "x"), (2, "y")))["found"] == "id: 1 row"
    drifted = refused(values(("1", "x"), ("2", "y")))
    assert drifted["code"] == "schema-drift" and "int" in drifted["found"]
    assert refused(values((1, "x", 2), columns="id, v, w"))["found"] == "“w” is new"
    assert refused(rows("SELECT 1 AS id"))["found"] == "“v” is gone"
    at_once = refused(rows("SELECT 'x' AS id, 2 AS w, 3 AS u"))["found"]
    assert at_once == "“v” is gone; “w” is new; “u” is new; “id” is int there, and string here"
    assert refused(values((1, "x")), matchedWhere="source.id = (SELECT 1 FROM nothing)")["code"] == "unknown-view"
    assert refused(values((1, "x")), matchedValues={"v": "reflect('java.lang.System', 'exit', '1')"})["field"] == "matchedValues"
    kept = run_here(spark_process, [values((1, "x")), merge(matchedValues={"id": "source.id * 1.5"})], start).problem
    assert (kept["code"], kept["data_column"]) == ("merge-value-type", "id")  # Delta would write 1
    assert refused(values((9, "x"), (3, "c")), matchCondition="target.id < 5")["found"] == "1 row"  # 9 would come again each time
    assert refused(values((9, "x")), notMatchedValues={"id": "'9'"})["code"] == "merge-value-type"
    assert refused(values((1, "x")), matchCondition="true) OR (true")["code"] == "sql-expression"
    assert refused(values((1, "x")), deleteWhere="target.id = 1")["field"] == "deleteWhere"
    assert versions(start / "table") == [0]
    added = merge(schemaChanges="add-columns")
    done(run_here(spark_process, [values((1, "x", 2), columns="id, v, w"), added], start))
    assert table(spark_process, start / "table")[0] == (1, "x", 2) and versions(start / "table") == [0, 1]


def test_a_source_that_is_chance_is_decided_once(spark_process: SparkProcess, start: Path) -> None:
    source = rows("SELECT id, CAST(rand() * 1000000 AS STRING) AS v FROM (SELECT explode(sequence(1, 50)) AS id)")
    for _ in range(2):
        outcome = done(run_here(spark_process, [source, merge()], start))
    assert counts(outcome) == (0, 50, 0) and len(table(spark_process, start / "table")) == 50


def test_one_job_reads_a_table_and_merges_into_it(spark_process: SparkProcess, start: Path) -> None:
    job = [
        read(),
        rows("SELECT id, upper(v) AS v FROM there WHERE id < 3"),
        merge(),
        read(view="after"),
        rows("SELECT 9 AS id, 'n' AS v", "n"),
    ]
    job += [
        load(view="n", saveMode="Append"),
        read(view="last"),
        {"type": "SQLValidate", "name": "v", "sql": "SELECT count(*) = 4, '' FROM last"},
    ]
    assert check_document({"stages": job}) == []
    done(run_here(spark_process, job, start))
    assert table(spark_process, start / "table") == [(1, "A"), (2, "B"), (3, "c"), (9, "n")]
    assert versions(start / "table") == [0, 1]


# --- history --------------------------------------------------------------------------------------------------------------


def test_a_history_is_kept_and_the_same_input_changes_nothing(spark_process: SparkProcess, tmp_path: Path) -> None:
    dated = "id, v, since"

    def day(*given: tuple[int, str, str], kind: str = "DATE", **more: Any) -> Outcome:
        source = values(*((one, text, f"#{since}#") for one, text, since in given), columns=dated)
        source["sql"] = source["sql"].replace("'#", f"{kind}'").replace("#'", "'")
        return run_here(spark_process, [source, scd2(effectiveColumn="since", **more)], tmp_path)

    def there() -> list[Any]:
        return [tuple(str(value) for value in row) for row in table(spark_process, tmp_path / "table")]

    done(day((1, "a", "2013-01-01"), (2, "b", "2013-01-01")))
    first = there()
    assert first == [("1", "a", "2013-01-01", "2013-01-01", "None", "True"), ("2", "b", "2013-01-01", "2013-01-01", "None", "True")]
    for _ in range(2):
        same = done(day((1, "a", "2013-01-01"), (2, "b", "2013-01-05")))
        assert counts(same, "keep") == (0, 0, 0) and there() == first
    assert counts(done(day((1, "A", "2013-02-01"))), "keep") == (1, 1, 0)
    assert [row[1:] for row in there() if row[0] == "1"] == [
        ("A", "2013-02-01", "2013-02-01", "None", "True"),
        ("a", "2013-01-01", "2013-01-01", "2013-02-01", "False"),
    ]
    late = day((1, "x", "2013-01-15"))
    assert late.problem["code"] == "scd2-late" and "1 row holds" in late.problem["message"]
    skipped = done(day((1, "x", "2013-01-15"), (3, "c", "2013-03-01"), late="skip"))
    assert skipped.result == "succeeded_with_warnings" and counts(skipped, "keep") == (1, 0, 0)
    done(day((1, "A", "2013-02-01"), (3, "c", "2013-03-01"), missing="close"))
    assert [row[0] for row in there() if row[-1] == "True"] == ["1", "3"]
    done(day((2, "b", "2030-04-01")))
    assert [row[-1] for row in there() if row[0] == "2"] == ["False", "True"]
    done(day((3, "c", "2030-05-01"), deletedWhere="source.id = 3"))
    assert [row[0] for row in there() if row[-1] == "True"] == ["1", "2"]
    assert len({row[0] for row in there() if row[-1] == "True"}) == len([row for row in there() if row[-1] == "True"])
    before = there()
    again = day((3, "c", "2013-03-01"))  # its last row ended later: both would hold in April
    assert again.problem["code"] == "scd2-late" and there() == before
    done(day((3, "c", "2030-05-01")))
    assert len(there()) == len(before) + 1
    done(day((9, "z", "2030-01-01"), missing="close"))
    assert all(since <= until for *_, since, until, _ in there() if until != "None"), "what has not begun yet does not end before it"
    before = there()
    timed = day((9, "y", "2031-01-01 10:00:00"), kind="TIMESTAMP")
    assert "time of day would be lost" in timed.problem["message"] and there() == before


def test_the_published_contacts(spark_process: SparkProcess, tmp_path: Path) -> None:
    """1,000 rows; then 1,100, of which 92 are changed and 100 new: 92 are closed, 1,192 in all. The table was made by another job, whose
    flag is a number."""
    contacts = "SELECT CAST(id AS INT) AS id, concat('name ', id) AS name, {state} AS state FROM range(1, {last})"
    initial = contacts.format(state="'NSW'", last=1001)
    opened = f"SELECT *, TIMESTAMP'2013-01-01' AS valid_from, CAST(NULL AS TIMESTAMP) AS valid_to, 1 AS iscurrent FROM ({initial})"
    done(run_here(spark_process, [rows(opened), load("contacts")], tmp_path))
    delta = contacts.format(state="if(id <= 92, 'VIC', 'NSW')", last=1101)
    keep = scd2(outputURI="contacts", trackedColumns=["name", "state"], currentFlag="iscurrent")
    told = "SELECT count(*) = 1192 AND count_if(iscurrent = 0) = 92 AND count_if(valid_to IS NOT NULL) = 92, 'all' FROM t"
    job = [rows(delta), keep, read("contacts", "t"), {"type": "SQLValidate", "name": "all", "sql": told}]
    outcome = done(run_here(spark_process, job, tmp_path))
    assert counts(outcome, "keep") == (192, 92, 0)
    assert counts(done(run_here(spark_process, job, tmp_path)), "keep") == (0, 0, 0) and versions(tmp_path / "contacts") == [0, 1]


def test_what_was_made_of_one_version_is_not_put_on_another(
    spark_process: SparkProcess, start: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    staged = Outputs.stage_table

    def late(outputs: Outputs, *given: Any, **more: Any) -> Path:
        put_commit(start / "table", 1, text_of([{"commitInfo": {"timestamp": 1, "operation": "WRITE"}}]))
        return staged(outputs, *given, **more)

    monkeypatch.setattr(Outputs, "stage_table", late)
    job = [read(), rows("SELECT id, concat(v, '!') AS v FROM there"), merge()]
    assert run_here(spark_process, job, start).problem["code"] == "input-changed"
    assert versions(start / "table") == [0, 1]
