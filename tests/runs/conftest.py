"""A job with a live version, and a worker in this process whose executor is the fake one."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.runs.behind_the_wall import home, serve, wall  # noqa: F401 - fixtures

if TYPE_CHECKING:
    from portal.accounts.models import User
    from portal.environments.models import Environment
    from portal.jobs.models import Job, JobVersion
    from portal.runs.models import Run

FAKE = Path(__file__).with_name("fake_executor.py")


@pytest.fixture(autouse=True)
def _nobody_comes_with_a_token() -> Iterator[None]:
    """A request with an API token limits what follows it in the same context: here, the next test."""
    from portal.accounts import token_scopes

    token_scopes.limit_to(None)
    yield
    token_scopes.limit_to(None)


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Whoever asks the preview service asks programs of this process; gives what they said."""
    from django.db import connections as databases

    from portal.runs import preview_client, preview_reach
    from portal.runs.file_programs import FilePrograms

    heard: list[dict[str, Any]] = []

    async def request(message: dict[str, Any]) -> Any:
        async with aclosing(FilePrograms().answer(message)) as events:
            async for event in events:
                heard.append(event)
                yield event

    monkeypatch.setattr(preview_reach, "close_old_connections", databases.close_all)
    monkeypatch.setattr(preview_client, "request", request)
    return heard


@pytest.fixture
def job(ana: User) -> Job:
    from tests import factories

    return factories.make_job(ana.memberships.first().project, ana)  # type: ignore[union-attr]


@pytest.fixture
def version(job: Job) -> JobVersion:
    """Version 1, live everywhere."""
    from tests import factories

    return factories.make_version(job, live_in=("dev", "test", "prod"))


@pytest.fixture
def queued(version: JobVersion, dev: Environment) -> Callable[..., Run]:
    """`queued("fail")` is a waiting run whose executor will behave like that."""
    from tests import factories

    def make(behaviour: str = "succeed", **fields: Any) -> Run:
        return factories.make_run(version, dev, parameters={"behaviour": behaviour}, **fields)

    return make


@pytest.fixture
def fake_executor(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, settings: Any) -> Path:
    """The worker starts the fake executor, without a sandbox; gives the lake of flights in dev."""
    from portal.runs import launcher, sandbox

    settings.LAKE_DIR, settings.RUN_DIR, settings.WARM_EXECUTORS = tmp_path / "lake", tmp_path / "run", 0
    monkeypatch.setattr(launcher, "command", lambda arguments: [sys.executable, str(FAKE)])
    monkeypatch.setattr(sandbox, "status", lambda: sandbox.Status("degraded", "a test"))
    return tmp_path / "lake" / "flights" / "dev"


@pytest.fixture
def work(fake_executor: Path) -> Callable[[Run], Run]:
    """Brings a run to its end in this thread, as a worker does, and gives it as the database has it then."""
    from portal.runs import worker

    def bring_to_end(run: Run) -> Run:
        worker.work(str(run.pk))
        run.refresh_from_db()
        return run

    return bring_to_end
