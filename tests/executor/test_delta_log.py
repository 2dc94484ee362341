"""The log of a Delta table without Spark: what is believed, how a version is made, who wins, and how one goes back."""

from __future__ import annotations

import io
import itertools
import json
import os
import signal
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from executor.files import delta_commit, delta_steps, exchange, kept, lake, marks
from executor.files.delta_commit import name_of, put_commit, stage, take_back, text_of
from executor.files.delta_history import history
from executor.files.delta_log import LOG, Log
from executor.files.delta_travel import version_of
from executor.files.delta_values import require_values
from executor.files.folder import place_of
from executor.files.publish import Publisher
from executor.problems import ProblemError
from executor.put_back import put_back
from executor.running import tables
from executor.stages import STAGE_TYPES
from executor.stores.roots import Roots
from tests.tally import Tally

PROTOCOL: dict[str, Any] = {"minReaderVersion": 1, "minWriterVersion": 2}
SCHEMA = {"type": "struct", "fields": [{"name": "id", "type": "long", "nullable": True, "metadata": {}}]}


def metadata(**more: Any) -> dict[str, Any]:
    known = {"id": "one", "format": {"provider": "parquet", "options": {}}, "schemaString": json.dumps(SCHEMA)}
    return {"metaData": known | {"partitionColumns": [], "configuration": {}} | more}


def add(path: str, rows: int = 1, **more: Any) -> dict[str, Any]:
    stats = json.dumps({"numRecords": rows})
    return {"add": {"path": path, "partitionValues": {}, "size": 3, "modificationTime": 1, "dataChange": True, "stats": stats} | more}


def remove(path: str) -> dict[str, Any]:
    return {"remove": {"path": path, "deletionTimestamp": 1, "dataChange": True}}


def info(time: int = 1_000, **more: Any) -> dict[str, Any]:
    return {"commitInfo": {"timestamp": time, "operation": "WRITE", "operationParameters": {}, **more}}


def write(table: Path, version: int, *actions: dict[str, Any]) -> None:
    (table / LOG).mkdir(parents=True, exist_ok=True)
    for action in actions:
        if "add" in action and not (table / action["add"]["path"]).exists():
            (table / action["add"]["path"]).parent.mkdir(parents=True, exist_ok=True)
            (table / action["add"]["path"]).write_text("abc")
    (table / LOG / name_of(version)).write_bytes(text_of(actions))


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Version 0: a. Version 1: a, b."""
    place = Path(os.path.realpath(tmp_path)) / "lake" / "table"
    write(place, 0, info(1_000), {"protocol": PROTOCOL}, metadata(), add("a.parquet", 2))
    write(place, 1, info(5_000), add("b.parquet", 3))
    return place


Runs = Callable[..., Publisher]


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Runs]:
    """Makes what publishes for a run, by the run's name."""
    made: list[Publisher] = []

    def run(name: str = "run", **more: Any) -> Publisher:
        made.append(Publisher(name, Path(os.path.realpath(tmp_path)) / "lake", **more))
        return made[-1]

    yield run
    for publisher in made:
        publisher.discard()


def files(table: Path, version: int | None = None) -> list[str]:
    return sorted(path for path, _ in Log.of(table, "t").state(version).files)


def refused(work: Callable[[], Any]) -> str:
    with pytest.raises(ProblemError) as raised:
        work()
    (problem,) = raised.value.problems
    assert problem.fix
    return problem.code


FOLDER_VALUES = [
    ("decimal(10,2)", ["1.10", "-0.01", "0E-2", "99999999.99"], ["0.-1", "1.005", "100000000", "1_0", "NaN"]),
    ("integer", ["-5", "2147483647"], ["2147483648", "1.0", "x", "１"]),
    ("byte", ["-128"], ["128"]),
    ("long", ["9223372036854775807"], ["9223372036854775808"]),
    ("double", ["1.0E300", "NaN", "-Infinity", "-0.0", "7"], ["one", "1,5", "0x1p3"]),
    ("boolean", ["true", "False"], ["yes", "2"]),
    ("date", ["0001-01-01", "1582-10-10", "+10000-01-01"], ["2024-02-30", "20240229", "2024-02-29 00:00:00", "soon"]),
    (
        "timestamp",
        ["2024-10-27 02:30:00.123456", "2024-10-27 02:30:00.1", "1500-01-01T00:00:00.000000Z"],
        ["27.10.2024", "noon"],
    ),
    ("timestamp_ntz", ["2024-10-27 02:30:00"], ["2024-10-27 25:00:00"]),
    ("string", ["", "%2F", "null"], []),
]


@pytest.mark.parametrize(("kind", "good", "bad"), FOLDER_VALUES, ids=[kind for kind, _, _ in FOLDER_VALUES])
def test_a_folders_value_that_is_none_of_its_columns_type_is_told(tmp_path: Path, kind: str, good: list[str], bad: list[str]) -> None:
    """Spark would read its rows as having no value."""
    schema = json.dumps({"type": "struct", "fields": [{"name": "k", "type": kind, "nullable": True, "metadata": {}}]})
    about = metadata(schemaString=schema, partitionColumns=["k"])

    def state(number: int, *values: Any) -> Any:
        place = tmp_path / f"t{number}"
        rows = [add(f"{n}.parquet", partitionValues={} if one == "left out" else {"k": one}) for n, one in enumerate(values)]
        write(place, 0, {"protocol": PROTOCOL}, about, *rows)
        return Log.of(place, "t").state()

    require_values(state(0, *good, None, ""), "t")
    for number, one in enumerate([*bad, "left out"], 1):
        assert refused(partial(require_values, state(number, good[0], one), "t")) == "table-folder-value", one


# --- what is believed -------------------------------------------------------------------------------------------------


def test_a_version_is_what_its_commits_make_it(table: Path) -> None:
    write(table, 2, info(9_000), remove("a.parquet"), add("c ä%25.parquet", 5))
    state = Log.of(table, "t").state()
    assert (state.version, state.rows, state.bytes) == (2, 8, 6) and files(table) == ["b.parquet", "c ä%.parquet"]
    assert files(table, 0) == ["a.parquet"] and files(table, 1) == ["a.parquet", "b.parquet"]
    assert [one["version"] for one in history(Log.of(table, "t"))] == [2, 1, 0]


def test_a_commit_may_say_last_when_and_how_it_came(table: Path) -> None:
    """As delta-rs writes it: else the time of the file would count, which is another one once the folder was copied."""
    write(table, 2, add("c.parquet"), info(9_000, operation="MERGE"))
    log = Log.of(table, "t")
    assert history(log)[0]["operation"] == "MERGE" and log.times()[2].timestamp() == 9
    assert version_of(log, {"timestampAsOf": "1970-01-01 00:00:08"}) == 1


def test_what_is_kept_says_the_rows_that_come_back_or_none(table: Path) -> None:
    """What a run has added to a table is not what the table holds then."""
    said = json.dumps({"rows": 20, "bytes": 3, "files": 1, "stage": "s"})
    for version, parameters in enumerate(
        ({"mode": "Append"}, {"mode": "Append"}, {"mode": "Overwrite"}, {"mode": "Overwrite", "predicate": "a"})
    ):
        write(table, version + 2, info(9_000 + version, operationParameters=parameters, userMetadata=said))
    write(table, 6, info(9_900, userMetadata=said))
    told = {row["id"]: (row.get("rows"), row.get("stage")) for row in kept.listing(table)}
    assert told["version-4"] == (20, "s") and told["version-3"] == told["version-5"] == (None, "s")


@pytest.mark.parametrize(
    ("travel", "nearest", "version"),
    [
        ({}, False, 1),
        ({"versionAsOf": "0"}, False, 0),
        ({"versionAsOf": "2"}, False, "table-version-gone"),
        ({"versionAsOf": "2"}, True, 1),
        ({"relativeVersion": "-1"}, False, 0),
        ({"relativeVersion": "-2"}, False, "table-version-gone"),
        ({"relativeVersion": "-2"}, True, 0),
        ({"timestampAsOf": "1970-01-01 00:00:04"}, False, 0),
        ({"timestampAsOf": "1970-01-01T01:00:05+01:00"}, False, 1),
        ({"timestampAsOf": "2013-01-01"}, False, "table-version-gone"),
        ({"timestampAsOf": "2013-01-01"}, True, 1),
        ({"timestampAsOf": "1969-01-01"}, False, "table-version-gone"),
        ({"timestampAsOf": "1969-01-01"}, True, 0),
        ({"timestampAsOf": "yesterday"}, False, "time-form"),
        ({"label": "none"}, False, "table-version-gone"),
    ],
)
def test_a_version_is_found(table: Path, travel: dict[str, str], nearest: bool, version: Any) -> None:
    log = Log.of(table, "t")
    if isinstance(version, int):
        assert version_of(log, travel, nearest=nearest) == version
    else:
        assert refused(lambda: version_of(log, travel, nearest=nearest)) == version


def damage(table: Path, what: str) -> None:
    log = table / LOG
    match what:
        case "gap":
            write(table, 3, info(), add("d.parquet"))
        case "half a line":
            (log / name_of(1)).write_text('{"add": {"path": "b.par')
        case "empty":
            (log / name_of(1)).write_text("")
        case "no object":
            (log / name_of(1)).write_text("[1]\n")
        case "no path":
            (log / name_of(1)).write_text('{"add": 7}')
        case "no columns":
            write(table, 0, {"protocol": PROTOCOL}, add("a.parquet"))
        case "a link":
            (table / "log").mkdir()
            for path in log.iterdir():
                path.rename(table / "log" / path.name)
            log.rmdir()
            log.symlink_to(table / "log")
        case "its end is gone":
            (log / f"{2:020d}.crc").write_text("{}")
        case "half a checkpoint":
            (log / f"{1:020d}.checkpoint.parquet").write_bytes(b"PAR1")


@pytest.mark.parametrize(
    "what", ["half a line", "empty", "no object", "no path", "no columns", "a link", "its end is gone", "half a checkpoint"]
)
def test_a_damaged_log_is_not_believed(table: Path, what: str) -> None:
    damage(table, what)
    assert refused(lambda: Log.of(table, "t").state()) == "table-corrupt"


def test_a_version_that_comes_while_names_are_read_is_none_that_is_gone(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = Log._listed

    def late(*where: Any) -> Any:
        found = listed(*where)
        write(table, 2, info(9_000), add("c.parquet"))
        return found

    (table / LOG / f"{2:020d}.crc").write_text("{}")
    monkeypatch.setattr(Log, "_listed", late)
    assert Log.of(table, "t").latest == 2


def test_what_comes_behind_a_gap_is_not_read_as_if_it_were_all(table: Path) -> None:
    damage(table, "gap")
    assert refused(lambda: Log.of(table, "t").state()) in ("table-corrupt", "table-version-gone")


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "file:///etc/passwd",
        "../other/x.parquet",
        "a/../../x.parquet",
        "%2e%2e/x.parquet",
        "%2Fetc/passwd",
        "s3a://b/x",
        "_x/y",
        ".x/y",
        "http:x",
        "a//b",
    ],
)
def test_a_log_leads_nowhere_else(table: Path, path: str) -> None:
    (table / LOG / name_of(1)).write_bytes(text_of([info(), add(path)]))
    assert refused(lambda: Log.of(table, "t").state()) == "table-elsewhere"


def featured(name: str) -> dict[str, Any]:
    return {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": [name], "writerFeatures": [name]}


@pytest.mark.parametrize(
    ("protocol", "reads", "writes"),
    [
        ({"minReaderVersion": 1, "minWriterVersion": 2}, True, True),
        ({"minReaderVersion": 4, "minWriterVersion": 7}, False, False),
        (featured("deletionVectors"), True, True),
        (featured("tomorrow"), False, False),
        ({"minReaderVersion": 1, "minWriterVersion": 7, "writerFeatures": ["rowTracking"]}, True, False),
        ({"minReaderVersion": 1, "minWriterVersion": 8}, True, False),
    ],
)
def test_a_protocol_that_is_not_known_is_refused(tmp_path: Path, protocol: dict[str, Any], reads: bool, writes: bool) -> None:
    table = tmp_path / "table"
    write(table, 0, info(), {"protocol": protocol}, metadata(), add("a.parquet"))
    if not reads:
        assert refused(lambda: Log.of(table, "t").state()) == "table-newer"
    if writes:
        stage(table, tmp_path / "staged", "t", appends=False)
    else:
        assert refused(lambda: stage(table, tmp_path / "staged", "t", appends=False)) == "table-newer"


@pytest.mark.parametrize("name", ["delta.enableChangeDataFeed", "delta.enableRowTracking", "delta.enableInCommitTimestamps"])
def test_a_table_that_wants_more_of_its_writers_is_not_written(tmp_path: Path, name: str) -> None:
    write(tmp_path / "t", 0, info(), {"protocol": PROTOCOL}, metadata(configuration={name: "true"}), add("a.parquet"))
    assert refused(lambda: stage(tmp_path / "t", tmp_path / "staged", "t", appends=False)) == "table-newer"


# --- its files are no files --------------------------------------------------------------------------------------------


def test_files_of_a_table_are_not_read_one_by_one(table: Path) -> None:
    (table / "k=1").mkdir()
    (table / "k=1" / "x.parquet").write_text("abc")
    for address in ("", "/*.parquet", "/k=1", "/k=1/x.parquet", "/a.parquet", "/../*", "/..", "/_delta_log"):
        path = os.path.normpath(f"{table}{address}")
        assert refused(lambda path=path: place_of(path, "it")) == "place-is-table", address  # type: ignore[misc]


def test_other_loads_do_not_write_into_a_table_and_tables_not_into_folders(table: Path, runs: Runs) -> None:
    top = table.parent
    (top / "plain").mkdir()
    (top / "plain" / "part-0.parquet").write_text("abc")
    publisher = runs()
    for uri in ("table", "table/k=2"):
        for mode in ("Append", "Overwrite"):
            assert refused(lambda uri=uri, mode=mode: publisher.stage_output(uri, top / uri, mode, 0, "s")) == "place-is-table"  # type: ignore[misc]
    assert refused(lambda: publisher.stage_table("plain", top / "plain", "Append", 0, "s")) == "output-no-table"
    assert refused(lambda: publisher.stage_table("table/in", table / "in", "Append", 0, "s")) == "place-is-table"
    owned = runs(places={"other": True})
    assert refused(lambda: owned.stage_table("table", table, "Append", 0, "s")) == "place-not-own"
    publisher.discard()


def test_what_stands_for_a_tables_content_is_its_versions(table: Path) -> None:
    before = lake.snapshot(str(table))
    (table / "left.parquet").write_text("of a run that died")
    assert lake.snapshot(str(table)) == before
    write(table, 2, info(), remove("b.parquet"))  # no file came or went
    after = lake.snapshot(str(table))
    assert after != before and set(before) < set(after)


def test_its_columns_are_told_without_spark(table: Path) -> None:
    stage = STAGE_TYPES["DeltaLakeExtract"].model_validate({"name": "r", "inputURI": "table", "outputView": "v"})
    found = stage.columns_at(str(table), "table", None)  # type: ignore[attr-defined]
    assert (found.columns, found.rows, found.files) == ({"id": "bigint"}, 5, 2)


# --- publishing ---------------------------------------------------------------------------------------------------------


def changed(publisher: Publisher, table: Path, *actions: dict[str, Any], **more: Any) -> Any:
    """A table that a run has changed as Spark would."""
    mode = more.pop("mode", "Append")
    staged = publisher.stage_table(table.name, table, mode, 0, "save", **more)
    version = 0
    if staged.base is not None:
        version = Log.of(staged.folder, "t").latest + 1
        actions = tuple(
            {"remove": {**one["remove"], "path": f"file://{table}/{one['remove']['path']}"}} if "remove" in one else one for one in actions
        )
    write(staged.folder, version, info(), *actions)
    return staged


def test_one_commit_says_what_a_run_has_changed(table: Path, runs: Runs) -> None:
    publisher = runs("run-1")
    changed(publisher, table, remove("a.parquet"), add("k=1/c.parquet", 7), label="january")
    assert files(table) == ["a.parquet", "b.parquet"]
    facts = publisher.publish()
    assert files(table) == ["b.parquet", "k=1/c.parquet"] and (table / "k=1" / "c.parquet").read_text() == "abc"
    assert facts[0]["version"] == 2 and (facts[0]["files"], facts[0]["bytes"]) == (1, 3)
    assert marks.facts_of(table)["run_id"] == "run-1" and marks.facts_of(table)["label"] == "january"
    assert [one["id"] for one in facts[0]["kept"]] == ["version-1", "version-0"]
    publisher.discard()
    assert sorted(path.name for path in table.parent.iterdir()) == [".sluice-publishing", "table"]
    removed = [one for one in Log.of(table, "t").actions(2) if "remove" in one]
    assert [one["remove"]["path"] for one in removed] == ["a.parquet"]


def test_a_table_where_there_was_none_comes_whole(table: Path, runs: Runs) -> None:
    top = table.parent
    publisher = runs()
    changed(publisher, top / "new", {"protocol": PROTOCOL}, metadata(), add("a.parquet"), mode="Overwrite")
    publisher.publish()
    publisher.discard()
    assert files(top / "new") == ["a.parquet"] and Log.of(top / "new", "t").latest == 0


def test_a_change_that_is_none_makes_no_version(table: Path, runs: Runs) -> None:
    publisher = runs()
    changed(publisher, table)
    assert publisher.publish()[0]["published"] is False and Log.of(table, "t").latest == 1


def test_who_only_appends_comes_behind_others_and_nobody_loses_rows(table: Path, runs: Runs) -> None:
    one, other, third = (runs(f"run-{name}") for name in "abc")
    changed(one, table, add("c.parquet"), appends=True)
    changed(other, table, add("d.parquet"), appends=True)
    changed(third, table, add("e.parquet"), appends=False)  # a merge has looked at what was there
    one.publish()
    other.publish()
    assert files(table) == ["a.parquet", "b.parquet", "c.parquet", "d.parquet"]
    assert refused(third.publish) == "output-changed-meanwhile"
    assert files(table) == ["a.parquet", "b.parquet", "c.parquet", "d.parquet"] and Log.of(table, "t").latest == 3
    for publisher in (one, other, third):
        publisher.discard()
    assert not (table / "e.parquet").exists()


@pytest.mark.parametrize(
    "other", [metadata(configuration={"delta.constraints.x": "id > 0"}), {"protocol": PROTOCOL | {"minWriterVersion": 3}}]
)
def test_an_append_does_not_come_behind_other_rules(table: Path, other: dict[str, Any], runs: Runs) -> None:
    publisher = runs()
    changed(publisher, table, add("c.parquet"), appends=True)
    write(table, 2, info(), other)
    assert refused(publisher.publish) == "output-changed-meanwhile" and files(table) == ["a.parquet", "b.parquet"]


def test_an_append_with_a_rule_of_its_own_does_not_come_behind_rows_that_were_not_asked(table: Path, runs: Runs) -> None:
    publisher = runs()
    changed(publisher, table, metadata(configuration={"delta.constraints.x": "id > 0"}), add("c.parquet"), appends=True)
    write(table, 2, info(), add("theirs.parquet"))
    assert refused(publisher.publish) == "output-changed-meanwhile"


def test_a_number_that_another_program_takes_at_the_last_moment_is_not_taken_twice(
    table: Path, monkeypatch: pytest.MonkeyPatch, runs: Runs
) -> None:
    publisher = runs()
    changed(publisher, table, add("c.parquet"), appends=True)
    true_put, times = put_commit, []

    def quicker(place: Path, version: int, content: bytes) -> None:
        times.append(version)
        if len(times) == 1:
            write(table, version, info(), add("theirs.parquet"))
        true_put(place, version, content)

    monkeypatch.setattr("executor.files.delta_steps.put_commit", quicker)
    publisher.publish()
    assert times == [2, 3] and files(table) == ["a.parquet", "b.parquet", "c.parquet", "theirs.parquet"]


def test_all_or_none_with_other_outputs(table: Path, runs: Runs) -> None:
    top = table.parent
    publisher = runs()
    plain = publisher.stage_output("plain", top / "plain", "Overwrite", 0, "s")
    plain.mkdir()
    (plain / "part-0.parquet").write_text("abc")
    changed(publisher, table, remove("a.parquet"), add("c.parquet"))

    def fails(facts: Any) -> None:
        assert files(table) == ["b.parquet", "c.parquet"] and (top / "plain").is_dir()
        raise OSError(5, "no receipt")

    with pytest.raises(ProblemError):
        publisher.publish(fails)
    publisher.discard()
    assert files(table) == ["a.parquet", "b.parquet"] and not (top / "plain").exists()
    assert Log.of(table, "t").info(3)["operation"] == "RESTORE"  # one more commit; whoever read version 2 finds it in the history


def test_what_others_have_added_since_stays_when_a_commit_is_taken_back(table: Path) -> None:
    content = text_of([info(), remove("a.parquet"), add("c.parquet")])
    write(table, 2, info(), remove("a.parquet"), add("c.parquet"))
    write(table, 3, info(), add("theirs.parquet"))
    for _ in range(2):
        take_back(table, 2, content, "t")
        assert files(table) == ["a.parquet", "b.parquet", "theirs.parquet"] and Log.of(table, "t").latest == 4


def test_what_others_have_built_on_is_not_taken_back_in_silence(table: Path) -> None:
    content = text_of([info(), add("c.parquet")])
    write(table, 2, info(), add("c.parquet"))
    write(table, 3, info(), remove("c.parquet"), add("rewritten.parquet"))
    assert refused(lambda: take_back(table, 2, content, "t")) == "table-not-taken-back"
    assert files(table) == ["a.parquet", "b.parquet", "rewritten.parquet"] and Log.of(table, "t").latest == 3


def publish_until(point: int, top: Path) -> bool:
    """Publishes a table, a new one and plain files in a process of its own, which is killed at the step of this number; False when there
    are not so many."""
    pid = os.fork()
    if pid == 0:
        calls = itertools.count(1)

        def counted(module: Any, name: str) -> None:
            work = getattr(module, name)

            def one(*given: Any, **more: Any) -> Any:
                if next(calls) == point:
                    os.kill(os.getpid(), signal.SIGKILL)
                return work(*given, **more)

            setattr(module, name, one)

        publisher = Publisher("run", top)
        plain = publisher.stage_output("plain", top / "plain", "Overwrite", 0, "s")
        plain.mkdir()
        (plain / "part-0.parquet").write_text("new")
        changed(publisher, top / "table", remove("a.parquet"), add("c.parquet"), add("d.parquet"))
        changed(publisher, top / "fresh", {"protocol": PROTOCOL}, metadata(), add("e.parquet"), mode="Overwrite")
        steps = (
            (os, ("link", "fsync")),
            (exchange, ("rename", "_write_journal")),
            (delta_steps, ("put_commit", "_link")),
            (Path, ("unlink",)),
        )
        for module, names in steps:
            for name in names:
                counted(module, name)
        publisher.publish()
        os._exit(0)
    return os.WIFSIGNALED(os.waitpid(pid, 0)[1])


@pytest.mark.tally
def test_killed_at_any_moment_readers_have_the_old_or_the_new(table: Path, tally: Tally) -> None:
    """And never a part of it: what a run left that died while it published is taken back by the next one."""
    top, seen = table.parent, list[Any]()
    old, new = ["a.parquet", "b.parquet"], ["b.parquet", "c.parquet", "d.parquet"]
    for point in itertools.count(1):
        if not publish_until(point, top):
            break
        is_half = files(table) not in (old, new)
        Publisher("next", top).repair(seen.append)
        is_right = files(table) == old and not (top / "fresh").exists() and not (top / "plain").exists()
        tally("writer of two Delta tables and a folder killed (SIGKILL), folder").tried(half=is_half, lost=not is_right)
        assert is_right and not is_half
        assert all((table / path).is_file() for path in files(table))
    assert point > 12 and not seen
    assert files(table) == new and (top / "plain").is_dir() and files(top / "fresh") == ["e.parquet"]


# --- going back ---------------------------------------------------------------------------------------------------------


def test_an_earlier_version_is_put_back_in_one_step_and_that_too(table: Path) -> None:
    top = table.parent
    told = kept.put_back(top, table, "version-0", "table")
    assert files(table) == ["a.parquet"] and Log.of(table, "t").latest == 2
    assert [one["id"] for one in told["kept"]] == ["version-1", "version-0"]
    kept.put_back(top, table, "version-1", "table")
    assert files(table) == ["a.parquet", "b.parquet"]
    for gone in ("version-9", "version-3", "version-", "20130101T000000000000"):
        assert refused(lambda gone=gone: kept.put_back(top, table, gone, "table")) == "kept-output-gone"  # type: ignore[misc]


def test_rows_are_those_of_the_run_that_brought_them_whoever_has_put_their_files_together(table: Path) -> None:
    said = {version: json.dumps({"run_id": run}) for version, run in ((2, "the-run"), (3, "nobody"), (5, "a-later-run"))}
    write(table, 2, info(userMetadata=said[2]), add("c.parquet"))
    write(table, 3, info(operation="OPTIMIZE", userMetadata=said[3]), remove("c.parquet"), add("d.parquet"))
    write(table, 4, info(operation="VACUUM"))
    write(table, 5, info(userMetadata=said[5]), add("e.parquet"))
    for version in (3, 4):
        told = kept.put_back(table.parent, table, f"version-{version}", "table")
        assert told["current"]["run_id"] == "the-run"
        assert next(one["run_id"] for one in told["kept"] if one["id"] == f"version-{version}") == "the-run"


def test_a_table_to_which_rows_may_only_be_added_is_not_put_back(table: Path) -> None:
    write(table, 2, info(9_000), metadata(configuration={"delta.appendOnly": "true"}))
    assert refused(lambda: kept.put_back(table.parent, table, "version-0", "t")) == "table-only-appended"
    assert Log.of(table, "t").latest == 2


def test_a_version_whose_files_are_gone_is_not_put_back(table: Path) -> None:
    write(table, 2, info(), remove("a.parquet"))
    (table / "a.parquet").unlink()
    assert refused(lambda: kept.put_back(table.parent, table, "version-0", "table")) == "kept-output-gone"
    assert Log.of(table, "t").latest == 2


def test_a_commit_is_made_whole_or_not_at_all(table: Path) -> None:
    with pytest.raises(FileExistsError):
        put_commit(table, 1, b"mine")
    assert b"mine" not in (table / LOG / name_of(1)).read_bytes()
    assert not [path for path in (table / LOG).iterdir() if path.name.endswith(".tmp")]


def test_the_marks_of_deleted_rows_go_with_their_files(tmp_path: Path) -> None:
    """A file's name in a log (base 85 of a UUID) is found as Delta finds it."""
    assert delta_commit._vector_file("ab^-aqEH.-t@S}K{vb[*k^") == "ab/deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin"


def test_a_journal_of_tables_is_read_again(table: Path, runs: Runs) -> None:
    publisher = runs()
    changed(publisher, table, add("c.parquet"))
    (step,) = [publisher._prepared(output) for output in publisher.outputs]
    assert step is not None
    (table.parent / exchange.FOLDER).mkdir()
    journal = exchange._write_journal(table.parent, "run", [step])
    assert exchange._read_journal(table.parent, journal) == [step]
    journal.unlink()


def asked(given: dict[str, Any], top: Path) -> dict[str, Any]:
    return tables.table(given, Roots(top), lambda *told: None)


def test_a_tables_history_differences_and_restore_are_told(table: Path) -> None:
    top = table.parent
    more = {"schemaString": json.dumps(SCHEMA).replace("}]", '}, {"name": "v", "type": "string", "nullable": true, "metadata": {}}]')}
    write(table, 2, info(9_000, userMetadata=json.dumps({"run_id": "x", "label": "last"})), metadata(**more), remove("a.parquet"))
    told = asked({"uri": "table", "do": "history"}, top)
    assert (told["version"], told["earliest"], told["rows"], told["files"]) == (2, 0, 3, 1)
    assert [one.get("label") for one in told["history"]] == ["last", None, None] and told["columns"] == [["id", "bigint"], ["v", "string"]]
    between = asked({"uri": "table", "do": "diff", "from": 0, "to": 2}, top)
    assert (between["came"], between["went"], between["from"]["rows"], between["to"]["rows"]) == ([["v", "string"]], [], 2, 3)
    assert [one["version"] for one in between["versions"]] == [2, 1, 0]
    assert asked({"uri": "table", "do": "restore", "version": 1}, top)["version"] == 3 and files(table) == ["a.parquet", "b.parquet"]
    for given in ({"do": "drop"}, {"do": "restore", "version": "0"}, {"do": "vacuum", "hours": 1}, {"do": "diff", "from": 0}):
        assert refused(lambda given=given: asked({"uri": "table", **given}, top)) == "values-wrong"  # type: ignore[misc]
    assert refused(lambda: asked({"uri": "../lake/../..", "do": "history"}, top)) == "uri-outside-lake"


@pytest.mark.parametrize("do", sorted(tables.WORK))
def test_no_work_is_done_on_another_table_than_the_one_that_was_shown(table: Path, do: str) -> None:
    roots, before = Roots(table.parent), sorted(table.rglob("*"))
    given = {"uri": "table", "do": do, "from": 0, "to": 1, "version": 0, "hours": 168}
    with pytest.raises(ProblemError) as refused:
        tables.table(given | {"table": "another"}, roots, lambda *said: None)
    assert refused.value.problems[0].code == "table-replaced" and sorted(table.rglob("*")) == before
    if do != "optimize":  # which starts Spark
        assert tables.table(given | {"table": "one"}, roots, lambda *said: None)["do"] == do


def test_an_output_is_not_put_back_where_another_table_lies_by_now(table: Path) -> None:
    def answer(of: str) -> str:
        given = {"lake": str(table.parent), "uri": "table", "kept": "version-0", "table": of}
        put_back(io.StringIO(json.dumps(given)), answers := io.StringIO())
        return answers.getvalue()

    assert "table-replaced" in answer("another") and Log.of(table, "table").latest == 1
    assert "put_back" in answer("one") and Log.of(table, "table").latest == 2
