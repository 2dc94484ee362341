"""A run that died while it published: what it left is taken back soon after its end, and not before."""

from __future__ import annotations

import fcntl
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from executor.files import exchange
from executor.files.publish import STAGING
from executor.running.repair import repair
from executor.stores.roots import Roots
from portal.runs import half_published, launcher, preview_client
from portal.runs.models import Run
from tests.environments.connected import make_root, make_s3
from tests.factories import DOCUMENT, make_run, make_version

pytestmark = pytest.mark.django_db


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the preview service was asked for; it answers that all is ended."""
    kept: list[dict[str, Any]] = []

    async def request(message: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        kept.append(message)
        yield {"event": "repaired", "open": False, "last": True}

    monkeypatch.setattr(preview_client, "request", request)
    return kept


def left_open(run: Run, name: str = "") -> Path:
    """The journal of an exchange that the run has begun."""
    folder = launcher.lake_folder(run.environment) / exchange.FOLDER
    folder.mkdir(exist_ok=True)
    journal = folder / f"{name or run.pk}.json"
    journal.write_text("[]")
    return journal


def test_it_is_ended_once_the_run_s_end_is_known(job: Any, dev: Any, asked: list[dict[str, Any]]) -> None:
    run = make_run(make_version(job), dev, "failed")
    left_open(run, f"{run.pk}-2")
    assert half_published.take_back() == 1
    (message,) = asked
    assert (message["what"], message["environment"], message["values"]) == ("repair", dev.pk, {"run_id": f"{run.pk}-2"})


def test_a_run_that_still_works_is_left_alone(job: Any, dev: Any, asked: list[dict[str, Any]]) -> None:
    left_open(make_run(make_version(job), dev, "running"))
    left_open(make_run(make_version(job), dev, "running"), "not-a-run")
    assert (half_published.take_back(), asked) == (0, [])


def test_it_is_tried_again_while_the_service_is_down(
    job: Any, dev: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def down(message: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        yield preview_client.DOWN

    monkeypatch.setattr(preview_client, "request", down)
    left_open(make_run(make_version(job), dev, "failed"))
    assert [half_published.take_back() for _ in range(2)] == [1, 1]
    assert "cannot be ended yet" in caplog.text


def test_what_a_killed_run_had_staged_is_removed_after_its_end(job: Any, dev: Any, asked: list[dict[str, Any]]) -> None:
    """Two runs staged in one folder: what is held by a process that lives stays."""
    version = make_version(job)
    killed, works = make_run(version, dev, "failed", fence=1), make_run(version, dev, "running", fence=1)
    lake = launcher.lake_folder(dev)
    for run in (killed, works):
        (lake / "curated" / STAGING / str(run.pk) / "by_origin").mkdir(parents=True)
    lock = (lake / "curated" / STAGING / f"{works.pk}.lock").open("a")
    fcntl.flock(lock, fcntl.LOCK_EX)
    assert half_published.remove_staged() == 1
    (message,) = asked
    assert (message["what"], message["values"]) == ("repair", {"run_id": str(killed.pk), "staged": ["curated/by_origin"]})
    repair(message["values"], Roots(lake), lambda *_: None)
    assert sorted(path.name for path in (lake / "curated" / STAGING).iterdir()) == sorted([str(works.pk), f"{works.pk}.lock"])
    lock.close()
    assert half_published.remove_staged() == 0


def test_nothing_outside_of_the_lake_is_removed(dev: Any, tmp_path: Path) -> None:
    lake, outside = launcher.lake_folder(dev), tmp_path / "outside"
    (outside / STAGING / "dead").mkdir(parents=True)
    (lake / "out").symlink_to(outside)
    repair({"run_id": "dead", "staged": ["out/x", "../outside/x", f"{outside}/x", "", "nowhere/x", "gone:x"]}, Roots(lake), lambda *_: None)
    assert (outside / STAGING / "dead").is_dir()


# --- in roots on other machines ---------------------------------------------------------------------------------------------


@pytest.fixture
def writes_elsewhere(ada: Any, dev: Any, job: Any) -> Any:
    """A version that writes to a root on S3, and to the folder."""
    make_root(ada, make_s3(ada, dev), "archive", may_write=True)
    document = json.loads(json.dumps(DOCUMENT))
    load = document["stages"][-1]
    document["stages"].append(load | {"name": "there", "outputURI": "archive:curated/by_origin"})
    return make_version(job, document=document)


@pytest.mark.parametrize(("state", "number", "is_published"), [("failed", 1, False), ("succeeded", 2, True), ("queued", 1, False)])
def test_what_an_attempt_left_elsewhere_is_ended_once(
    state: str, number: int, is_published: bool, writes_elsewhere: Any, dev: Any, asked: list[dict[str, Any]]
) -> None:
    run = make_run(writes_elsewhere, dev, state, fence=number)
    for one in range(1, number + 1):
        run.attempts.create(number=one, worker="x", started_at=timezone.now(), finished_at=timezone.now(), may_have_left=True)
    run.attempts.create(number=9, worker="x", started_at=timezone.now(), may_have_left=True)  # it works still
    assert half_published.end_elsewhere() == number
    told = [message["values"] for message in asked]
    where = ["archive:curated/by_origin"]
    names = [str(run.pk), f"{run.pk}-2"][:number]
    assert told == [{"run_id": name, "staged": where, "published": is_published and name == names[-1]} for name in names]
    assert half_published.end_elsewhere() == 0


def test_it_is_tried_again_until_it_is_done(writes_elsewhere: Any, dev: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def down(message: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        yield preview_client.DOWN

    monkeypatch.setattr(preview_client, "request", down)
    run = make_run(writes_elsewhere, dev, "failed", fence=1)
    run.attempts.create(number=1, worker="x", started_at=timezone.now(), finished_at=timezone.now(), may_have_left=True)
    assert [half_published.end_elsewhere() for _ in range(2)] == [1, 1]
