"""A run from its first event to its result."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.executor.running import Outcome, lines, run_here, start, values_line

if TYPE_CHECKING:
    from executor.spark.session import SparkProcess

pytestmark = pytest.mark.spark

ROWS = "origin,delay,day\nJFK,12,2013-01-01\nEWR,-3,2013-01-01\nJFK,40,2013-01-02\n"
EXTRACT = {"type": "DelimitedExtract", "name": "flights", "inputURI": "raw/flights.csv", "header": True, "outputView": "flights"}
SAVE = {"type": "ParquetLoad", "name": "save", "inputView": "daily", "outputURI": "curated/daily"}


def transform(sql: str, name: str = "daily", view: str = "daily") -> dict[str, Any]:
    return {"type": "SQLTransform", "name": name, "sql": sql, "outputView": view}


GROUPED = transform("SELECT origin, count(*) AS flights, avg(CAST(delay AS INT)) AS mean FROM flights GROUP BY origin")
ENDLESS = transform("SELECT count(*) AS n FROM range(10000000) a CROSS JOIN range(10000000) b CROSS JOIN flights")


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "flights.csv").write_text(ROWS)
    return tmp_path


def parquet_files(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.glob("*.parquet"))


def test_a_run_says_every_stage_and_publishes_at_its_end(spark_process: SparkProcess, lake: Path) -> None:
    outcome = run_here(spark_process, [EXTRACT, GROUPED, SAVE], lake)
    assert (outcome.code, outcome.result) == (0, "succeeded")
    assert [event["stage"] for event in outcome.named("stage_entered")] == ["flights", "daily", "save"]
    assert [event["outcome"] for event in outcome.named("stage_finished")] == ["done", "done", "done"]
    assert outcome.events[0]["event"] == "run_started" and outcome.events[-1]["event"] == "result"
    (output,) = outcome.events[-1]["outputs"]
    assert (output["uri"], output["format"], output["rows"], output["files"]) == ("curated/daily", "parquet", 2, 1)
    rows = spark_process.session.read.parquet(str(lake / "curated" / "daily")).orderBy("origin").collect()
    assert [tuple(row) for row in rows] == [("EWR", 1, -3.0), ("JFK", 2, 26.0)]
    assert sorted(entry.name for entry in (lake / "curated").iterdir()) == ["daily"]


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        (
            "SELECT origin, day FROM flights UNION ALL SELECT day, origin FROM flights",
            ["“day” comes under “origin”", "“origin” comes under “day”"],
        ),
        (
            "SELECT day, origin, delay FROM flights UNION SELECT * FROM (SELECT day, delay, ORIGIN FROM flights)",
            ["“ORIGIN” comes under “delay”"],
        ),
        ("WITH both AS (SELECT origin, day FROM flights EXCEPT SELECT day, origin FROM flights) SELECT count(*) AS n FROM both", ["“day”"]),
        (
            "SELECT origin FROM flights WHERE (day, origin) IN (SELECT day, origin FROM flights INTERSECT SELECT origin, day FROM flights)",
            ["“day”"],
        ),
        ("SELECT origin, day FROM flights UNION ALL SELECT day AS origin, origin AS day FROM flights", []),
        ("SELECT origin, day FROM flights UNION ALL SELECT ORIGIN, DAY FROM flights UNION ALL SELECT 'x', delay FROM flights", []),
        ("SELECT * FROM flights", []),
    ],
)
def test_a_union_that_puts_columns_under_names_of_others_is_told(
    spark_process: SparkProcess, lake: Path, sql: str, told: list[str]
) -> None:
    again = transform("SELECT * FROM daily", "again", "again")
    outcome = run_here(spark_process, [EXTRACT, transform(sql), again, SAVE], lake)
    warned = {event["stage"]: event.get("details", {}).get("warnings", []) for event in outcome.named("stage_finished")}
    assert outcome.result == ("succeeded_with_warnings" if told else "succeeded")
    assert [warning["code"] for warning in warned["daily"]] == (["columns-by-place"] if told else [])
    assert warned["again"] == [], "each is told once, where it happens"
    for words in told:
        assert words in warned["daily"][0]["message"]


def test_metrics_tell_what_each_stage_read_and_wrote(spark_process: SparkProcess, lake: Path) -> None:
    outcome = run_here(spark_process, [EXTRACT, GROUPED, SAVE], lake)
    metrics = {event["stage"]: event["metrics"] for event in outcome.named("stage_metrics")}
    assert metrics["save"]["records_written"] == 2
    assert metrics["save"]["bytes_written"] > 0 and metrics["save"]["tasks"] >= 1


def test_an_output_without_rows_says_so(spark_process: SparkProcess, lake: Path) -> None:
    nothing = transform("SELECT origin FROM flights WHERE origin = 'XXX'", "nothing")
    outcome = run_here(spark_process, [EXTRACT, nothing, SAVE], lake)
    assert [output["rows"] for output in outcome.events[-1]["outputs"]] == [0]


def test_a_stage_of_another_environment_is_skipped_and_said(spark_process: SparkProcess, lake: Path) -> None:
    elsewhere = GROUPED | {"name": "only_prod", "environments": ["prod"]}
    here = transform("SELECT origin FROM flights", "only_dev") | {"environments": ["dev"]}
    outcome = run_here(spark_process, [EXTRACT, elsewhere, here, SAVE], lake, environment="dev")
    assert {event["stage"]: event["outcome"] for event in outcome.named("stage_finished")}["only_prod"] == "skipped"
    assert outcome.result == "succeeded"
    assert spark_process.session.read.parquet(str(lake / "curated" / "daily")).columns == ["origin"]


def test_when_a_stage_fails_nothing_is_published_and_nothing_after_it_runs(spark_process: SparkProcess, lake: Path) -> None:
    run_here(spark_process, [EXTRACT, GROUPED, SAVE], lake)
    before = parquet_files(lake / "curated" / "daily")
    check = {"type": "SQLValidate", "name": "check", "sql": "SELECT count(*) > 100 AS outcome, 'too few rows' AS message FROM flights"}
    outcome = run_here(spark_process, [EXTRACT, GROUPED, SAVE, check, SAVE | {"name": "again", "outputURI": "curated/again"}], lake)
    assert (outcome.code, outcome.result) == (2, "failed")
    assert outcome.problem["stage"] == "check" and outcome.problem["found"] == "too few rows"
    assert [event["stage"] for event in outcome.named("stage_entered")][-1] == "check"
    assert parquet_files(lake / "curated" / "daily") == before
    assert sorted(entry.name for entry in (lake / "curated").iterdir()) == ["daily"]


def test_without_the_portals_yes_nothing_is_published(spark_process: SparkProcess, lake: Path) -> None:
    for answer in ('{"publish": false}\n', "", "yes\n", '{"publish": "true"}\n', "[true]\n"):
        outcome = run_here(spark_process, [EXTRACT, GROUPED, SAVE], lake, answers=answer, confirm_publish=True)
        assert (outcome.code, outcome.result) == (2, "not_published")
        assert [output["uri"] for output in outcome.named("publish_requested")[0]["outputs"]] == ["curated/daily"]
        assert not (lake / "curated" / "daily").exists()


def test_with_the_portals_yes_it_is_published(spark_process: SparkProcess, lake: Path) -> None:
    outcome = run_here(spark_process, [EXTRACT, GROUPED, SAVE], lake, answers='{"publish": true}\n', confirm_publish=True)
    assert outcome.result == "succeeded"
    assert parquet_files(lake / "curated" / "daily")


def test_appending_twice_doubles_the_rows(spark_process: SparkProcess, lake: Path) -> None:
    for result in ("succeeded", "succeeded_with_warnings"):
        assert run_here(spark_process, [EXTRACT, GROUPED, SAVE | {"saveMode": "Append"}], lake).result == result
    assert spark_process.session.read.parquet(str(lake / "curated" / "daily")).count() == 4


def test_a_stage_after_a_load_reads_what_the_load_has_staged(spark_process: SparkProcess, lake: Path) -> None:
    back = {"type": "ParquetExtract", "name": "back", "inputURI": "curated/daily", "outputView": "back"}
    check = {
        "type": "SQLValidate",
        "name": "check",
        "sql": "SELECT count(*) = 2 AS outcome, concat(count(*), ' rows') AS message FROM back",
    }
    assert run_here(spark_process, [EXTRACT, GROUPED, SAVE, back, check], lake).result == "succeeded"


def test_a_persisted_view_is_counted(spark_process: SparkProcess, lake: Path) -> None:
    outcome = run_here(spark_process, [EXTRACT, GROUPED | {"persist": True}, SAVE], lake)
    (rows,) = [event for event in outcome.named("stage_rows") if event["view"] == "daily"]
    assert (rows["direction"], rows["rows"]) == ("out", 2)


def test_a_run_ends_within_its_views_and_forgets_them(spark_process: SparkProcess, lake: Path) -> None:
    run_here(spark_process, [EXTRACT], lake)
    other = lake / "other"
    (other / "raw").mkdir(parents=True)
    outcome = run_here(spark_process, [transform("SELECT 1 AS a"), SAVE], other)
    assert outcome.result == "succeeded"


# --- the program ------------------------------------------------------------------------------------------------------------


def read_until(process: Any, event: str) -> list[dict[str, Any]]:
    found = []
    for line in process.stdout:
        found.append(json.loads(line))
        if found[-1]["event"] == event:
            return found
    raise AssertionError(f"ended before {event}: {found[-3:]}")


def test_the_program_says_json_lines_only_and_writes_views(lake: Path) -> None:
    process = start("run", "-", "--values", "-", "--views", str(lake / "views.json"), cwd=lake)
    output, _ = process.communicate(values_line([EXTRACT, GROUPED, SAVE], lake, secrets={"password": "hunter2-canary"}), timeout=240)
    outcome = Outcome(process.returncode, lines(output))
    assert (outcome.code, outcome.result) == (0, "succeeded")
    assert "hunter2-canary" not in output
    views = {view["view"]: view for view in json.loads((lake / "views.json").read_text())}
    assert views["flights"]["count"] == 3 and views["daily"]["count"] == 2
    assert [column["name"] for column in views["daily"]["columns"]] == ["origin", "flights", "mean"]
    assert ["EWR", 1, -3.0] in views["daily"]["rows"]


def test_a_document_that_is_not_right_ends_with_1_and_all_its_problems(lake: Path) -> None:
    process = start("run", "-", "--values", "-", cwd=lake)
    bad = [EXTRACT | {"inptURI": "x"}, transform("SELECT 1", view="no view name")]
    output, _ = process.communicate(values_line(bad, lake), timeout=240)
    outcome = Outcome(process.returncode, lines(output))
    assert (outcome.code, outcome.result) == (1, "invalid")
    assert len(outcome.named("problem")) >= 2


@pytest.mark.parametrize("how", [signal.SIGKILL, pytest.param(signal.SIGTERM, marks=pytest.mark.lake)])
def test_a_run_killed_in_the_middle_leaves_the_last_output_untouched(lake: Path, how: signal.Signals) -> None:
    old = lake / "curated" / "daily"
    old.mkdir(parents=True)
    (old / "part-0.parquet").write_text("the last good output")
    process = start("run", "-", "--values", "-", cwd=lake)
    assert process.stdin is not None
    other = SAVE | {"name": "first", "inputView": "flights", "outputURI": "curated/daily"}
    process.stdin.write(values_line([EXTRACT, other, ENDLESS, SAVE | {"outputURI": "curated/other"}], lake))
    process.stdin.flush()
    while read_until(process, "stage_entered")[-1]["stage"] != "save":
        pass
    time.sleep(1)
    children = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True).stdout.split()
    process.send_signal(how)
    rest, _ = process.communicate(timeout=60)
    assert (old / "part-0.parquet").read_text() == "the last good output"
    assert not (lake / "curated" / "other").exists()
    if how == signal.SIGTERM:
        assert process.returncode == 2 and lines(rest)[-1]["outcome"] == "stopped"
        assert sorted(entry.name for entry in (lake / "curated").iterdir()) == ["daily"]
    assert children and all(_gone(int(child)) for child in children)


def test_a_spark_that_is_killed_is_said_as_what_it_may_have_been(lake: Path) -> None:
    process = start("run", "-", "--values", "-", cwd=lake)
    assert process.stdin is not None
    process.stdin.write(values_line([EXTRACT, ENDLESS, SAVE], lake))
    process.stdin.flush()
    while read_until(process, "stage_entered")[-1]["stage"] != "save":
        pass
    time.sleep(1)
    subprocess.run(["pkill", "-KILL", "-P", str(process.pid), "java"], check=True)
    output, _ = process.communicate(timeout=60)
    outcome = Outcome(process.returncode, lines(output))
    assert (outcome.code, outcome.result, outcome.problem["code"]) == (2, "failed", "spark-killed")


def _gone(pid: int) -> bool:
    """Whether the process has ended, within ten seconds."""
    for _ in range(100):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.1)
    return False


def test_running_out_of_memory_is_said_in_plain_words(lake: Path) -> None:
    hungry = transform("SELECT aggregate(sequence(1, 40), 'xxxxxxxxxxxxxxxx', (a, x) -> a || a) AS a FROM flights")
    process = start("run", "-", "--values", "-", cwd=lake)
    output, _ = process.communicate(values_line([EXTRACT, hungry, SAVE], lake), timeout=240)
    outcome = Outcome(process.returncode, lines(output))
    assert (outcome.code, outcome.result) == (2, "failed")
    assert outcome.problem["code"] == "out-of-memory"
    assert "larger compute profile" in outcome.problem["fix"]
    assert not (lake / "curated" / "daily").exists()


@pytest.mark.parametrize("persist", [True, False])
def test_rows_that_are_known_are_told_once_and_handed_on(spark_process: SparkProcess, lake: Path, persist: bool) -> None:
    (lake / "raw" / "more.csv").write_text(ROWS)
    both = EXTRACT | {"inputURI": "raw/*.csv", "persist": persist}
    outcome = run_here(spark_process, [both, GROUPED | {"persist": True}, SAVE], lake)
    flow = {event["stage"]: (event.get("rows_in"), event.get("rows_out")) for event in outcome.named("stage_finished")}
    assert flow == {"flights": (None, 6), "daily": (6, 2), "save": (2, 2)}


CHECK = {"type": "SQLValidate", "name": "two", "sql": "SELECT count(*) = 3 AS outcome, 'three' AS message FROM flights"}


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """`meanwhile(act)`: somebody does it after the check has passed and before the load writes."""
    from executor.running import runner

    def plan(act: Callable[[], object]) -> None:
        run_stage = runner.Runner.run_stage

        def before(self: Any, index: int, stage: Any) -> None:
            if stage.name == "save":
                act()
            run_stage(self, index, stage)

        monkeypatch.setattr(runner.Runner, "run_stage", before)

    return plan


def replaced(file: Path, text: str) -> None:
    """As an upload does: another file takes the name."""
    fresh = file.with_name(".fresh")
    fresh.write_text(text)
    fresh.replace(file)


CHANGED = "was changed while this run read it: old and new rows could be mixed."
GONE = "was renamed or deleted while this run read it."


@pytest.mark.parametrize("how", ["replaced", "shorter", "same size", "renamed", "deleted", "one of a folder", "removed from a folder"])
def test_what_is_replaced_while_a_run_reads_it_is_not_checked_as_it_was_and_written_as_it_is(
    spark_process: SparkProcess, lake: Path, meanwhile: Callable[..., None], how: str
) -> None:
    """And whatever Spark meets in it then is told as that."""
    file, uri = lake / "raw" / "flights.csv", "raw/flights.csv"
    if "folder" in how:
        uri = "raw"
        (lake / "raw" / "more.csv").write_text("origin,delay,day\n")
    acts: dict[str, Callable[[], object]] = {
        "replaced": lambda: replaced(file, ROWS + "LGA,1,2013-01-03\n"),
        "shorter": lambda: replaced(file, ""),
        "same size": lambda: replaced(file, ROWS.replace("EWR", "LGA")),
        "renamed": lambda: file.rename(file.with_name("other.csv")),
        "deleted": lambda: file.unlink(),
        "one of a folder": lambda: replaced(file, "origin,delay,day\n"),
        "removed from a folder": lambda: (lake / "raw" / "more.csv").unlink(),
    }
    meanwhile(acts[how])
    outcome = run_here(spark_process, [EXTRACT | {"inputURI": uri}, CHECK, GROUPED, SAVE], lake)
    assert outcome.result == "failed"
    problem = [event["problem"] for event in outcome.events if "problem" in event][-1]
    assert (problem["code"], problem["stage"], problem["field"]) == ("input-changed", "flights", "inputURI")
    assert problem["message"] == f"“{uri}” {GONE if how in ('renamed', 'deleted') else CHANGED}"
    assert problem.get("found") == ("a file that is called other.csv now" if how == "renamed" else None)
    assert not (lake / "curated" / "daily").exists()


def test_what_comes_beside_an_input_while_a_run_reads_it_does_not_disturb_it(
    spark_process: SparkProcess, lake: Path, meanwhile: Callable[..., None]
) -> None:
    """The next day's file, and what another run stages there."""

    def act() -> None:
        (lake / "raw" / "tomorrow.csv").write_text(ROWS)
        (lake / "raw" / ".sluice-staging" / "x").mkdir(parents=True, exist_ok=True)
        (lake / "raw" / ".sluice-staging" / "other.lock").unlink(missing_ok=True)

    (lake / "raw" / ".sluice-staging").mkdir()
    (lake / "raw" / ".sluice-staging" / "other.lock").write_text("")
    meanwhile(act)
    outcome = run_here(spark_process, [EXTRACT | {"inputURI": "raw"}, CHECK, GROUPED, SAVE], lake)
    assert outcome.result == "succeeded"
    (lake / "raw" / "tomorrow.csv").unlink()
    again = EXTRACT | {
        "name": "save",
        "inputURI": "lake:raw",
        "outputView": "again",
    }  # this one would have tomorrow's rows, the first one not
    outcome = run_here(spark_process, [EXTRACT | {"inputURI": "raw"}, CHECK, again, GROUPED], lake)
    assert [event["problem"]["code"] for event in outcome.events if "problem" in event] == ["input-changed"]
