"""Asking for a promotion."""

from __future__ import annotations

from typing import Any

import pytest

from portal.accounts.models import Membership, User
from portal.audit.models import AuditEvent
from portal.environments.models import Environment
from portal.errors import Conflict, NotAllowed, PortalError
from portal.jobs.models import JobVersion, LiveVersion
from portal.promotions import actions as promotions
from portal.promotions.actions import request_promotion
from portal.promotions.models import Promotion
from portal.runs.models import Run
from tests.factories import DOCUMENT, make_live, make_run, make_version
from tests.promotions.conftest import changed


def test_author_asks_for_the_next_environment(asked: Promotion, version: JobVersion) -> None:
    assert (asked.from_environment.name, asked.to_environment.name, asked.state) == ("dev", "test", "waiting")
    assert asked.sha256 == version.sha256 and asked.previous_version is None
    assert (asked.expires_at - asked.created_at).total_seconds() == pytest.approx(72 * 3600, abs=5)
    assert AuditEvent.objects.filter(action="request_promotion", environment="test").exists()
    assert not LiveVersion.objects.filter(environment__name="test").exists()


def test_no_environment_is_skipped(version: JobVersion, ana: User, test_env: Environment) -> None:
    make_live(version, test_env)
    make_run(version, test_env, "succeeded")
    assert request_promotion(actor=ana, version=version).to_environment.name == "prod"


def test_a_version_that_is_live_everywhere_has_nowhere_to_go(
    version: JobVersion, ana: User, test_env: Environment, prod: Environment
) -> None:
    make_live(version, test_env)
    make_live(version, prod)
    with pytest.raises(PortalError, match="live in prod already"):
        request_promotion(actor=ana, version=version)


def test_only_the_live_version_of_the_environment_before_may_go_on(version: JobVersion, ana: User) -> None:
    make_version(version.job, ana, changed("SELECT origin FROM flights"), live_in=("dev",))
    with pytest.raises(PortalError) as refusal:
        request_promotion(actor=ana, version=version)
    assert refusal.value.code == "not-live-before" and "Restore v1" in (refusal.value.fix or "")


def test_it_must_have_run_well_in_the_environment_before(version: JobVersion, ana: User, dev: Environment) -> None:
    Run.objects.all().delete()
    make_run(version, dev, "failed")
    with pytest.raises(PortalError, match="Good run of v1 in dev: run it in dev first"):
        request_promotion(actor=ana, version=version)


def test_a_good_run_of_a_draft_with_the_same_bytes_does_not_count(version: JobVersion, ana: User, dev: Environment) -> None:
    Run.objects.update(version=None)
    with pytest.raises(PortalError, match="Good run of v1 in dev"):
        request_promotion(actor=ana, version=version)


def test_a_run_of_other_bytes_does_not_count(version: JobVersion, ana: User, dev: Environment) -> None:
    newer = make_version(version.job, ana, changed("SELECT origin FROM flights"), live_in=("dev",))
    with pytest.raises(PortalError, match="Good run of v2 in dev"):
        request_promotion(actor=ana, version=newer)


def test_a_parameter_without_value_in_the_target_is_named(version: JobVersion, ana: User, dev: Environment, test_env: Environment) -> None:
    document = {**changed("SELECT origin FROM flights WHERE year = ${year}"), "parameters": {"year": {"type": "integer"}}}
    newer = make_version(version.job, ana, document, live_in=("dev",))
    make_run(newer, dev, "succeeded")
    with pytest.raises(PortalError) as refusal:
        request_promotion(actor=ana, version=newer)
    assert "Parameters have values in test" in refusal.value.message and "year" in refusal.value.message
    test_env.parameters = {"year": "not a year"}
    test_env.save()
    with pytest.raises(PortalError, match="Parameters have values in test"):
        request_promotion(actor=ana, version=newer)
    test_env.parameters = {"year": 2013, "other_job": 1}
    test_env.save()
    assert request_promotion(actor=ana, version=newer).is_waiting


def test_a_document_that_is_not_right_any_more_is_refused(version: JobVersion, ana: User, dev: Environment) -> None:
    broken = make_version(version.job, ana, {**DOCUMENT, "stages": [{"type": "NoSuchStage"}]}, live_in=("dev",))
    make_run(broken, dev, "succeeded")
    with pytest.raises(PortalError) as refusal:
        request_promotion(actor=ana, version=broken)
    assert refusal.value.code == "gate-closed" and refusal.value.problems


def test_asking_twice_is_told(asked: Promotion, version: JobVersion, ana: User) -> None:
    with pytest.raises(Conflict, match="waiting for approval"):
        request_promotion(actor=ana, version=version)


@pytest.mark.parametrize("who", ["vic", "olu", "pat", "outsider"])
def test_only_authors_ask(version: JobVersion, who: str, request: pytest.FixtureRequest) -> None:
    with pytest.raises(NotAllowed):
        request_promotion(actor=request.getfixturevalue(who), version=version)


def test_a_right_that_goes_while_the_target_is_looked_at_counts(version: JobVersion, ana: User, monkeypatch: pytest.MonkeyPatch) -> None:
    look = promotions.target_look

    def meanwhile(*asked: Any, **more: Any) -> Any:
        Membership.objects.filter(user=ana).exclude(role="viewer").delete()
        return look(*asked, **more)

    monkeypatch.setattr(promotions, "target_look", meanwhile)
    with pytest.raises(NotAllowed):
        request_promotion(actor=ana, version=version)
    assert not Promotion.objects.exists()


def test_a_root_that_is_missing_or_read_only_in_the_target_is_named(
    version: JobVersion, ana: User, ada: User, test_env: Environment
) -> None:
    from portal.environments import connections
    from portal.promotions.candidate import Candidate
    from portal.promotions.gates import document_and_sql
    from portal.promotions.target import TargetLook
    from tests.environments.connected import make_root, make_s3

    newer = make_version(version.job, document=version.document.replace("curated/by_origin", "out:by_origin"), live_in=("dev",))

    def said() -> str:
        asked = Candidate.to_ask_for(newer, newer.job.project.environments.get(name="dev"), test_env, TargetLook())
        return document_and_sql(asked).sentence

    assert said() == "“out:by_origin”: there is no root “out” in test."
    root = make_root(ada, make_s3(ada, test_env), "out", "s3a://acme-out/")
    assert said() == "“out:by_origin”: the root “out” is read only in test."
    connections.edit_root(actor=ada, root=root, connection="lake_s3", address=root.address, may_write=True)
    assert said() == "no problems"
