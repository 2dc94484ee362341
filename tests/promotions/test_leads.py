"""Who asks for a version and who says yes mean the same places: names that lead elsewhere in between are told, and stop it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from portal.environments import connections
from portal.errors import PortalError
from portal.jobs.models import LiveVersion
from portal.promotions import actions
from portal.promotions.actions import approve_promotion, request_promotion
from portal.promotions.models import Promotion
from portal.promotions.review import review_of
from portal.promotions.target import TargetLook
from tests.environments.connected import PASSWORD, make_database, make_root, make_s3
from tests.factories import make_job, make_run, make_version

if TYPE_CHECKING:
    from collections.abc import Callable

    from portal.accounts.models import Project, User
    from portal.environments.models import Environment

DOCUMENT = {
    "parameters": {"into": {"type": "string", "default": "payments_copy"}},
    "stages": [
        {"type": "JDBCExtract", "name": "payments", "connection": "shop", "tableName": "payments", "outputView": "payments"},
        {"type": "ParquetLoad", "name": "files", "inputView": "payments", "outputURI": "out:payments"},
        {"type": "JDBCLoad", "name": "copy", "connection": "shop", "inputView": "payments", "tableName": "${into}", "saveMode": "Append"},
    ],
}


@pytest.fixture(autouse=True)
def seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The files of the target are as they should be: looked for is what changes beside them."""
    from portal.promotions import target

    out = {"stage": "files", "stage_index": 1, "uri": "out:payments", "save_mode": "Overwrite", "holds": False}
    monkeypatch.setattr(target, "_look_at", lambda *_, **__: TargetLook(outputs=(out,)))


@pytest.fixture
def asked(flights: Project, ana: User, ada: User, dev: Environment, test_env: Environment) -> Promotion:
    for environment in (dev, test_env):
        make_database(ada, environment)
        make_root(ada, make_s3(ada, environment), "out", f"s3a://acme-{environment.name}/", may_write=True)
    version = make_version(make_job(flights, ana, "shop_copy"), ana, DOCUMENT, live_in=("dev",))
    make_run(version, dev, "succeeded")
    return request_promotion(actor=ana, version=version)


def move_the_root(ada: User, test: Environment) -> None:
    root = test.roots.get(name="out")
    connections.edit_root(actor=ada, root=root, connection="lake_s3", address="s3a://acme-elsewhere/", may_write=True)


def lead_the_root_to_the_folder_of_another(ada: User, test: Environment) -> None:
    """The connection is another service, with a bucket of the same name."""
    made = test.connections.get(name="lake_s3")
    settings = made.settings | {"service": "other", "endpoint": "https://minio.example.org"}
    keys = {"access_key": "AKIAIOSFODNN7CANARY2", "secret_key": "another secret key"}
    connections.edit_connection(actor=ada, connection=made, settings=settings, secrets=keys)


def lead_the_database_away(ada: User, test: Environment) -> None:
    made = test.connections.get(name="shop")
    connections.edit_connection(actor=ada, connection=made, settings=made.settings | {"database": "payroll"}, secrets=PASSWORD)


def name_another_table(ada: User, test: Environment) -> None:
    test.parameters = {"into": "salaries"}
    test.save()


CHANGES = {
    "root": (move_the_root, "“out”"),
    "connection of the root": (lead_the_root_to_the_folder_of_another, "“out”"),
    "database": (lead_the_database_away, "“shop”"),
    "table": (name_another_table, "“shop:payments_copy”"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_leads_elsewhere_meanwhile_stops_the_yes(change: str, asked: Promotion, ada: User, pat: User, test_env: Environment) -> None:
    do, named = CHANGES[change]
    assert review_of(pat, asked).why_not == ""
    do(ada, test_env)
    asked = Promotion.objects.get()
    assert f"{named} leads elsewhere by now" in review_of(pat, asked).why_not, "the page that is opened again says so"
    with pytest.raises(PortalError, match=f"{named} leads elsewhere by now"):
        approve_promotion(actor=pat, promotion=asked)
    assert not LiveVersion.objects.filter(environment=test_env).exists()


@pytest.mark.parametrize("change", ["root", "database"])
def test_what_leads_elsewhere_while_it_is_looked_at_stops_the_yes(
    change: str, asked: Promotion, ada: User, pat: User, test_env: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    look: Callable[..., Any] = actions.target_look

    def meanwhile(*given: Any, **more: Any) -> TargetLook:
        found = look(*given, **more)
        CHANGES[change][0](ada, test_env)
        return found  # type: ignore[no-any-return]

    monkeypatch.setattr(actions, "target_look", meanwhile)
    with pytest.raises(PortalError, match="leads elsewhere by now"):
        approve_promotion(actor=pat, promotion=asked)


def test_what_signs_in_and_what_no_stage_uses_may_change(asked: Promotion, ada: User, pat: User, test_env: Environment) -> None:
    connections.rotate_secret(actor=ada, connection=test_env.connections.get(name="shop"), secrets={"password": "a new one 123"})
    make_root(ada, test_env.connections.get(name="lake_s3"), "beside", "s3a://acme-beside/")
    assert approve_promotion(actor=pat, promotion=asked).state == "live"


def test_a_promotion_that_was_asked_for_before_this_was_noted_is_judged_as_then(asked: Promotion, pat: User) -> None:
    asked.target.pop("leads")
    asked.save()
    assert approve_promotion(actor=pat, promotion=asked).state == "live"


def test_who_decides_reads_which_table_it_is_there(asked: Promotion, pat: User, test_env: Environment) -> None:
    """And not the parameter that says it."""
    test_env.parameters = {"into": "salaries"}
    test_env.save()
    through = review_of(pat, Promotion.objects.get()).effects.through
    assert [one.used.what for one in through] == ["payments", "salaries"]
