"""A version keeps the SQL and schema files it names; what is approved and run is what was saved."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from portal.errors import PortalError
from portal.jobs.documents import DocumentNotRight

if TYPE_CHECKING:
    from portal.accounts.models import User
    from portal.environments.models import Environment
    from portal.jobs.models import Job

DOCUMENT = {"stages": [{"type": "SQLTransform", "name": "q", "inputURI": "sql/q.sql", "outputView": "v"}]}


@pytest.fixture
def query(settings: Any, tmp_path: Path) -> Path:
    """A query in the lake of dev."""
    settings.LAKE_DIR = tmp_path / "lake"
    file = tmp_path / "lake/flights/dev/sql/q.sql"
    file.parent.mkdir(parents=True)
    file.write_text("SELECT 1 AS a")
    return file


def save(job: Job, actor: User, document: Any = DOCUMENT) -> Any:
    from portal.jobs import actions

    job.refresh_from_db()
    base = job.latest_version.number if job.latest_version else None
    return actions.save_version(actor=actor, job=job, document=json.dumps(document), message="", base_version=base)


def test_a_version_keeps_the_text_and_its_sha256_covers_it(job: Job, ana: User, query: Path) -> None:
    first = save(job, ana)
    assert json.loads(first.document)["files"] == {"sql/q.sql": "SELECT 1 AS a"}
    query.write_text("SELECT 'never reviewed' AS a")
    second = save(job, ana)
    assert second.number == first.number + 1 and second.sha256 != first.sha256
    query.unlink()
    assert save(job, ana, json.loads(first.document)).sha256 == first.sha256


def test_the_difference_of_two_versions_shows_the_file(job: Job, ana: User, query: Path, browser_of: Callable[..., Any]) -> None:
    first = save(job, ana)
    query.write_text("SELECT 2 AS a")
    second = save(job, ana)
    page = browser_of(ana).get(f"/p/flights/jobs/{job.name}/diff?from={first.number}&to={second.number}").content.decode()
    assert "file sql/q.sql" in page and "files changed" in page


def test_a_file_that_is_not_there_is_told_at_save(job: Job, ana: User, query: Path) -> None:
    query.unlink()
    with pytest.raises(DocumentNotRight) as refused:
        save(job, ana)
    assert refused.value.problems[0]["stage"] == "q"
    query.symlink_to("/etc/passwd")
    with pytest.raises(DocumentNotRight):
        save(job, ana)


def test_what_was_saved_before_is_neither_promoted_nor_run_above(
    job: Job, ana: User, dev: Environment, prod: Environment, query: Path
) -> None:
    from portal.promotions.candidate import Candidate
    from portal.promotions.gates import all_of_it_kept
    from portal.promotions.target import TargetLook
    from portal.runs.checks import values_for
    from tests import factories

    old = factories.make_version(job, ana, DOCUMENT)
    candidate = Candidate.to_ask_for(old, dev, prod, TargetLook())
    assert all_of_it_kept(candidate).verdict == "stop"
    with pytest.raises(PortalError, match="does not keep"):
        values_for(old.document, prod, None)
    assert values_for(old.document, dev, None) == {}
    new = save(job, ana)
    assert all_of_it_kept(Candidate.to_ask_for(new, dev, prod, TargetLook())).verdict == "ok"
    assert values_for(new.document, prod, None) == {}


def test_restoring_an_old_version_keeps_its_files_too(job: Job, ana: User, query: Path) -> None:
    from portal.jobs import actions
    from tests import factories

    old = factories.make_version(job, ana, DOCUMENT)
    factories.make_version(job, ana)
    restored = actions.restore_version(actor=ana, job=job, version=old)
    assert "files" in json.loads(restored.document)
    query.write_text("SELECT 3 AS a")
    factories.make_version(job, ana)
    assert actions.restore_version(actor=ana, job=job, version=restored).sha256 == restored.sha256


def test_what_a_promotion_would_publish_on_is_a_gate(job: Job, ana: User, ben: User, dev: Environment, prod: Environment) -> None:
    from portal.jobs import places
    from portal.promotions.candidate import Candidate
    from portal.promotions.gates import places_its_own
    from portal.promotions.target import TargetLook
    from tests import factories

    version = job.latest_version
    assert version
    candidate = Candidate.to_ask_for(version, dev, prod, TargetLook())
    assert places_its_own(candidate).verdict == "ok"
    places.claim(factories.make_job(job.project, ben, "other"), prod, ["curated/by_origin"])
    gate = places_its_own(candidate)
    assert gate.verdict == "stop" and "other" in gate.sentence
