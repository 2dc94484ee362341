"""What one attempt leaves in the database, whatever its executor does."""

from __future__ import annotations

import errno
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone

from executor import event_lines
from executor.event_writer import line_of
from executor.events import RunFinished, StageFinished
from executor.files import receipts
from executor.files.publish import Publisher
from executor.problems import ProblemError
from portal.accounts.models import User
from portal.audit.models import AuditEvent
from portal.errors import Conflict
from portal.jobs.models import Job
from portal.runs import actions, launcher, leases, log_lines, sweeper
from portal.runs.models import Run, RunState, StageRun
from portal.runs.supervisor import Supervisor
from tests.runs import fake_executor as fake_executor_module
from tests.runs.stack import until

pytestmark = pytest.mark.django_db(transaction=True)
Work = Callable[[Run], Run]


def events_of(run: Run) -> list[dict[str, Any]]:
    return [json.loads(line) for segment in run.log_segments.all() for line in segment.lines.splitlines()]


def test_a_good_run_ends_succeeded_with_its_stages_outputs_and_log(queued: Callable[..., Run], work: Work, fake_executor: Path) -> None:
    run = work(queued())

    assert run.state == RunState.SUCCEEDED
    assert [(s.name, s.state, s.rows_out) for s in run.stage_runs.all()] == [
        ("flights", "done", 10),
        ("by_origin", "done", 10),
        ("write", "done", 3),
    ]
    assert run.outputs[0]["uri"] == "curated/by_origin"
    assert [e["seq"] for e in events_of(run)] == list(range(1, run.log_lines + 1))
    assert [c.after for c in run.state_changes.all()] == ["starting", "running", "succeeded"]
    assert (fake_executor / "published").read_text() == f"{run.pk}\n"
    attempt = run.attempts.get()
    assert (attempt.outcome, attempt.exit_code, attempt.sandbox) == ("succeeded", 0, "degraded")


@pytest.mark.parametrize("refused", ["portal.runs.sandbox.make_tmp", "portal.runs.groups.entering", "subprocess.Popen"])
def test_a_machine_that_has_no_room_for_the_program_is_told_as_that_at_once(
    queued: Callable[..., Run], work: Work, refused: str, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    """Not as a machine that stopped answering, after two leases; and no folder stays behind, held as long as the worker lives."""

    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(refused, full)
    run = work(queued())
    assert (run.state, run.fence, run.problem["code"]) == (RunState.FAILED, 1, "not-started")
    assert "No space left" in run.problem["message"] and "disk" in run.problem["fix"]
    until(lambda: not list((settings.RUN_DIR / "scratch").iterdir()), "its folder to go")


def test_lines_keep_their_order_and_none_is_lost(queued: Callable[..., Run], work: Work) -> None:
    run = work(queued("talk:5000"))

    said = [e["message"] for e in events_of(run) if e["event"] == "log" and e.get("source") == "job"]
    assert said == [f"line {number}" for number in range(5000)]
    segments = list(run.log_segments.values_list("first_seq", "last_seq"))
    assert [first for first, _ in segments[1:]] == [last + 1 for _, last in segments[:-1]]
    assert max(last - first for first, last in segments) < 200


def test_secrets_control_characters_and_endless_lines_are_not_kept(queued: Callable[..., Run], work: Work) -> None:
    run = work(queued("babble"))

    text = "".join(segment.lines for segment in run.log_segments.all())
    assert "hunter2" not in text and "s3cr3tword" not in text and "postgres://bob:" in text
    assert "\\u001b" not in text and "\\u0000" not in text and "<script>alert(1)</script>" in text
    assert max(len(line) for line in text.splitlines()) <= 16_000
    assert {"not an event at all", "on standard error"} <= {e.get("message") for e in events_of(run)}


def test_a_failure_is_kept_in_plain_words_and_nothing_is_published(queued: Callable[..., Run], work: Work, fake_executor: Path) -> None:
    run = work(queued("fail"))

    assert (run.state, run.problem["code"], run.problem["stage"]) == ("failed", "check-failed", "write")
    assert run.stage_runs.get(name="write").state == "failed"
    assert not (fake_executor / "published").exists()


def test_an_executor_that_is_killed_fails_its_run_and_keeps_the_log(queued: Callable[..., Run], work: Work) -> None:
    run = work(queued("vanish"))

    assert (run.state, run.problem["code"], run.problem["found"]) == ("failed", "executor-stopped", "signal SIGKILL")
    assert run.log_lines >= 6
    assert run.stage_runs.get(name="write").state == "not_reached"


def test_a_run_that_takes_too_long_ends_as_timed_out(queued: Callable[..., Run], work: Work, fake_executor: Path) -> None:
    run = queued("slowly:600")
    run.environment.compute.time_limit_minutes = 0
    run.environment.compute.save()

    work(run)

    assert (run.state, run.problem["code"]) == ("timed_out", "time-limit")
    assert not (fake_executor / "published").exists()


def when_started(lake: Path, do: Callable[[], Any]) -> threading.Thread:
    """Does something (in another thread) as soon as the fake executor is in its long stage."""
    from django.db import connection

    def wait() -> None:
        until((lake / "started").exists, "the fake executor")
        while True:
            try:
                do()
                break
            except OperationalError:  # the tests' database in memory does not wait for its turn, as a real one does
                time.sleep(0.01)
        connection.close()

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


@pytest.mark.parametrize("behaviour", ["slowly:600", "stubborn"])
def test_cancel_ends_the_process_and_publishes_nothing(
    queued: Callable[..., Run], work: Work, fake_executor: Path, olu: User, behaviour: str
) -> None:
    run = queued(behaviour)
    thread = when_started(fake_executor, lambda: actions.cancel_run(actor=olu, run=Run.objects.get(pk=run.pk)))

    work(run)
    thread.join()

    assert run.state == RunState.CANCELLED
    assert run.finished_at - run.cancel_requested_at < timedelta(seconds=10)
    pid = int((fake_executor / "started").read_text())
    assert not Path(f"/proc/{pid}").exists()
    assert not (fake_executor / "published").exists()


def test_a_cancel_and_the_end_at_the_same_time_leave_one_final_state_that_agrees_with_the_output(
    queued: Callable[..., Run], work: Work, fake_executor: Path, olu: User
) -> None:
    for delay in (0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4):
        run = queued("slowly:0.2")
        (fake_executor / "started").unlink(missing_ok=True)

        def cancel(run: Run = run, delay: float = delay) -> None:
            time.sleep(delay)
            with suppress(Conflict):
                actions.cancel_run(actor=olu, run=Run.objects.get(pk=run.pk))

        thread = when_started(fake_executor, cancel)
        work(run)
        thread.join()
        run.refresh_from_db()
        published = (fake_executor / "published").exists() and str(run.pk) in (fake_executor / "published").read_text()
        assert run.state in ("succeeded", "cancelled")
        assert published == (run.state == "succeeded")


def test_an_attempt_that_lost_its_lease_stops_its_executor_and_writes_nothing(
    queued: Callable[..., Run], work: Work, fake_executor: Path
) -> None:
    run = queued("slowly:600")

    def hand_on() -> None:
        while (seen := Run.objects.get(pk=run.pk)).state != "running":
            time.sleep(0.02)
        leases.hand_on(seen)

    thread = when_started(fake_executor, hand_on)
    claimed: list[str] = []
    real = launcher.Executor.finish

    def finish(executor: launcher.Executor) -> int:
        claimed.append(Run.objects.get(pk=run.pk).state)
        return real(executor)

    launcher.Executor.finish = finish  # type: ignore[method-assign]
    try:
        from portal.runs.supervisor import Supervisor

        leases.claim(run, "one")
        Supervisor(run).work()
    finally:
        launcher.Executor.finish = real  # type: ignore[method-assign]
    thread.join()
    run.refresh_from_db()
    assert (run.state, run.fence, claimed[0]) == ("queued", 1, "queued")
    assert run.attempts.get().outcome == "lost"
    assert not (fake_executor / "published").exists()


def test_a_frozen_executor_is_ended_and_said_in_plain_words(queued: Callable[..., Run], work: Callable[[Run], Run], settings: Any) -> None:
    settings.RUN_SILENT_SECONDS = 1
    run = work(queued("freeze"))
    assert (run.state, run.problem["code"]) == ("failed", "executor-frozen")
    assert "no sign of life for 1 seconds" in run.problem["message"] and "Nothing was published." in run.problem["message"]
    with pytest.raises(ProcessLookupError):
        os.kill(run.attempts.get().process_id, 0)


# --- what an executor must not be believed ----------------------------------------------------------------------------------


def test_lines_that_no_executor_should_say_cost_a_line_each_and_never_the_run(queued: Callable[..., Run], work: Work) -> None:
    run = work(queued("odd"))

    assert (run.state, [stage.state for stage in run.stage_runs.all()]) == ("succeeded", ["done"] * 3)
    assert run.outputs[0]["uri"] == "curated/by_origin"
    events = events_of(run)
    assert [e["seq"] for e in events] == list(range(1, run.log_lines + 1))
    assert not [e for e in events if e["event"] in ("gap", "unheard_of") or e.get("message") == "forged"]
    assert run.stage_runs.get(index=0).details == {"a": "NaN", "b": "1e999"}
    refused = [e["message"] for e in events if e["event"] == "log" and e["source"] == "executor"]
    assert len(refused) == len(fake_executor_module.ODD_LINES) - 1
    (cut,) = (e["message"] for e in events if e["event"] == "log" and e["message"].startswith("xxx"))
    assert cut.endswith("more characters are not kept)") and len(cut) < 16_000
    assert "A line was too long and was cut." in [e.get("message") for e in events]


def test_a_cut_line_keeps_what_is_whole_of_it() -> None:
    place = '"stage_index":1,"stage":"by_origin","stage_type":"SQLTransform"'
    text = f'{{"event":"stage_finished",{place},"outcome":"warning","duration_ms":7,"rows_out":3,"details":{{"message":"xxxxxx'
    reading = event_lines.read(text)
    assert (reading.event, reading.remarks) == (
        StageFinished(stage_index=1, stage="by_origin", stage_type="SQLTransform", outcome="warning", duration_ms=7, rows_out=3),
        ["A line was too long and was cut."],
    )


@pytest.mark.parametrize("behaviour", ["dies_after_publishing", "fails_after_result", "denies_publishing"])
def test_a_run_that_has_published_ends_as_published(queued: Callable[..., Run], work: Work, fake_executor: Path, behaviour: str) -> None:
    run = work(queued(behaviour))

    assert (fake_executor / "published").exists()
    assert (run.state, run.problem, run.outputs[0]["rows"]) == ("succeeded", None, 3)
    assert not (fake_executor / ".sluice-receipts").exists()


def test_a_problem_is_kept_without_what_no_problem_has(queued: Callable[..., Run], work: Work) -> None:
    run = work(queued("denies_publishing"))
    (told,) = (event["problem"] for event in events_of(run) if event["event"] == "problem")
    assert told == {"code": "failed", "message": "CANARY"}
    assert "CANARY" not in json.dumps([line.text for batch in log_lines.all_lines(run.pk, with_data=False) for line in batch])
    assert "CANARY" not in json.dumps([[event.action, event.details] for event in AuditEvent.objects.all()], default=str)


def test_a_run_that_has_published_and_lost_its_worker_ends_as_published(queued: Callable[..., Run], fake_executor: Path) -> None:
    run = queued()
    leases.claim(run, "a worker that dies")
    run.move_to(RunState.RUNNING)
    assert leases.grant_publishing(run)
    output: Any = {"stage": "write", "uri": "curated/by_origin", "rows": 7, "kept": [{"id": "20260101T000000000000", "rows": 6}]}
    result = RunFinished(outcome="succeeded_with_warnings", duration_ms=5, outputs=[output])
    fake_executor.mkdir(parents=True)
    receipts.write(fake_executor, str(run.pk), line_of(result))

    assert leases.hand_on(run) == "succeeded_with_warnings"
    run.refresh_from_db()
    assert (run.problem, run.outputs) == (None, [output])
    assert not (fake_executor / ".sluice-receipts").exists()
    (place,) = run.job.places.all()
    assert (place.last_run_id, place.kept) == (run.pk, output["kept"]), "what lies there now, and what can be put back"


@pytest.mark.parametrize(("begun", "given_back", "lost"), [(False, "queued", "failed"), (True, "failed", "failed")])
def test_what_has_acted_in_a_database_is_not_tried_again(
    begun: bool, given_back: str, lost: str, queued: Callable[..., Run], fake_executor: Path
) -> None:
    """It would be done twice. Whoever was lost may have done more than was heard."""
    for end, state in ((lambda run: leases.give_back(run, 1), given_back), (leases.hand_on, lost)):
        run = queued()
        leases.claim(run, "a worker that ends")
        run.move_to(RunState.RUNNING)
        started = timezone.now() if begun else None
        StageRun.objects.create(run=run, attempt_number=run.fence, index=0, name="clean", type="JDBCExecute", started_at=started)
        end(run)
        run.refresh_from_db()
        assert run.state == state and (state == "queued" or run.problem["code"] == "lost-after-acting")


def test_a_receipt_that_is_none_is_not_believed(queued: Callable[..., Run], fake_executor: Path) -> None:
    run = queued()
    leases.claim(run, "a worker that dies")
    run.move_to(RunState.RUNNING)
    assert leases.grant_publishing(run)
    fake_executor.mkdir(parents=True)
    receipts.write(fake_executor, str(run.pk), '{"event":"result","outcome":"failed","duration_ms":1}')
    (fake_executor / ".sluice-receipts" / f"{run.pk}-2.json").symlink_to("/etc/passwd")
    assert receipts.read(fake_executor, f"{run.pk}-2") is None
    assert leases.hand_on(run) == "failed"


def test_a_run_that_was_told_as_failed_cannot_publish_when_its_machine_wakes(queued: Callable[..., Run], fake_executor: Path) -> None:
    """A machine that slept, or whose clock was set forward: the sweeper ends the run while its program still lives."""
    run = queued()
    leases.claim(run, "a worker that sleeps")
    run.move_to(RunState.RUNNING)
    assert leases.grant_publishing(run)
    fake_executor.mkdir(parents=True)
    target = fake_executor / "curated/x"
    publisher = Publisher(str(run.pk), fake_executor)
    staged = publisher.stage_output("curated/x", target, "Overwrite", 0, "write")
    staged.mkdir()
    (staged / "part-0").write_text("late")

    assert leases.hand_on(run) == "failed"
    with pytest.raises(ProblemError) as refused:
        publisher.publish(lambda facts: receipts.write(fake_executor, str(run.pk), "{}"))
    publisher.discard()
    assert refused.value.problems[0].code == "run-given-up"
    assert not target.exists() and list(exchange_journals(fake_executor)) == []

    from portal.runs import receipts as notes

    assert notes.forget_noted() == 0, "the mark stays as long as anything may wake"
    assert receipts.read(fake_executor, str(run.pk)) is None
    mark = fake_executor / receipts.FOLDER / f"{run.pk}.json"
    os.utime(mark, (0, 0))
    assert notes.forget_noted() == 1 and not mark.exists()


def exchange_journals(lake: Path) -> Iterator[Path]:
    return (lake / ".sluice-publishing").glob("*.json")


def test_a_run_that_publishes_in_the_moment_it_is_given_up_ends_as_published(
    queued: Callable[..., Run], fake_executor: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = queued()
    leases.claim(run, "a worker that sleeps")
    run.move_to(RunState.RUNNING)
    assert leases.grant_publishing(run)
    fake_executor.mkdir(parents=True)
    look = leases.receipts.receipt_of

    def late(asked: Run) -> RunFinished | None:
        found = look(asked)
        if found is None:
            receipts.write(fake_executor, str(run.pk), line_of(RunFinished(outcome="succeeded", duration_ms=1, outputs=[])))
        return found

    monkeypatch.setattr(leases.receipts, "receipt_of", late)
    assert leases.hand_on(run) == "succeeded"


def test_a_lake_that_cannot_be_written_leaves_the_run_for_the_next_round_and_others_go_on(
    queued: Callable[..., Run], fake_executor: Path, settings: Any
) -> None:
    settings.PERSON_RUNS = 9
    stuck, other = queued(), queued()
    Job.objects.update(runs_at_once=2)
    for run in (stuck, other):
        leases.claim(run, "a worker that dies")
        run.move_to(RunState.RUNNING)
    assert leases.grant_publishing(stuck)
    Run.objects.update(lease_until=timezone.now() - timedelta(minutes=1))
    fake_executor.mkdir(parents=True)
    (fake_executor / receipts.FOLDER).symlink_to("/tmp")
    assert sweeper.sweep()["handed_on"] == 1
    stuck.refresh_from_db()
    other.refresh_from_db()
    assert (stuck.state, other.state) == ("running", "queued")
    (fake_executor / receipts.FOLDER).unlink()
    assert sweeper.sweep()["handed_on"] == 1


@pytest.mark.parametrize("behaviour", ["forges", "forges:asked", "names_other_stages"])
def test_a_result_without_leave_to_publish_is_no_good_run(
    queued: Callable[..., Run], work: Work, fake_executor: Path, behaviour: str
) -> None:
    run = work(queued(behaviour))

    assert (run.state, run.problem["code"], run.outputs) == ("failed", "result-not-believed", [])
    assert run.publishing_since is None and not (fake_executor / "published").exists()


# --- programs that do not understand each other -----------------------------------------------------------------------------


def test_a_program_that_lives_but_never_begins_is_ended_and_told(queued: Callable[..., Run], work: Work, settings: Any) -> None:
    settings.RUN_START_SECONDS = 0.5
    run = work(queued("idles"))
    assert (run.state, run.problem["code"]) == ("failed", "executor-not-begun")
    assert "Nothing was published" in run.problem["message"] and run.problem["fix"]


def test_a_request_to_publish_that_is_not_understood_is_answered_with_no(
    queued: Callable[..., Run], work: Work, fake_executor: Path
) -> None:
    run = work(queued("asks_strangely"))
    assert run.state == "failed"
    assert not (fake_executor / "published").exists()


def test_a_fault_of_our_own_ends_the_attempt_at_once(
    queued: Callable[..., Run], fake_executor: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from portal.runs import worker
    from portal.runs.supervisor import Supervisor

    def break_down(self: Supervisor) -> None:
        raise AttributeError("module has no attribute 'of_another_version'")

    monkeypatch.setattr(Supervisor, "work", break_down)
    run = queued()
    worker.work(str(run.pk))
    run.refresh_from_db()
    assert run.state == "failed" and run.problem["fix"]
    assert [attempt.outcome for attempt in run.attempts.order_by("number")] == ["lost", "lost"]


def test_notes_beside_outputs_go_once_their_run_has_ended(queued: Callable[..., Run], fake_executor: Path) -> None:
    from portal.runs import receipts as notes

    fake_executor.mkdir(parents=True)
    ended, working = queued(state="failed"), queued(state="running")
    half = fake_executor / ".sluice-receipts" / f"{queued(state='failed').pk}.new"
    names = [str(ended.pk), f"{ended.pk}-2", str(working.pk), "by-hand"]
    for name in names:
        receipts.write(fake_executor, name, "{}")
    (fake_executor / ".sluice-publishing").mkdir()
    open_exchange = fake_executor / ".sluice-publishing" / f"{ended.pk}-2.json"
    open_exchange.write_text("[]")
    half.write_text("{")  # its program died while it wrote the note
    assert notes.forget_noted() == 2
    assert not half.exists()
    assert [name for name in names if receipts.read(fake_executor, name)] == names[1:]
    open_exchange.unlink()  # repaired by the next run there
    assert notes.forget_noted() == 1
    assert [name for name in names if receipts.read(fake_executor, name)] == names[2:]


def test_a_clock_that_is_set_forward_while_a_run_publishes_costs_nothing(
    queued: Callable[..., Run], work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its lease is over by the new clock, but its worker lives."""
    answer = Supervisor._answer_publish

    def later(self: Supervisor) -> None:
        Run.objects.filter(pk=self.run.pk).update(lease_until=timezone.now() - timedelta(hours=1))
        answer(self)

    monkeypatch.setattr(Supervisor, "_answer_publish", later)
    assert work(queued()).state == "succeeded"


def test_a_clock_that_is_set_back_leaves_no_run_that_nobody_works_on(
    queued: Callable[..., Run], fake_executor: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [1000.0]
    monkeypatch.setattr(sweeper, "monotonic", lambda: clock[0])
    lost, lives = queued(), queued()
    Run.objects.filter(pk__in=[lost.pk, lives.pk]).update(
        state="running", fence=1, lease_owner="w", lease_until=timezone.now() + timedelta(hours=1)
    )
    assert sweeper.sweep()["handed_on"] == 0
    clock[0] += 10
    Run.objects.filter(pk=lives.pk).update(lease_until=timezone.now() + timedelta(seconds=30))
    assert sweeper.sweep()["handed_on"] == 0
    clock[0] += 30
    assert sweeper.sweep()["handed_on"] == 1
    assert [Run.objects.get(pk=run.pk).state for run in (lost, lives)] == ["queued", "running"]
