"""What a run gets of its environment's connections, and how a stage asks for one."""

from __future__ import annotations

import json
import traceback
from typing import Any, ClassVar, Literal

import pytest

from executor.connections.base import DATABASE
from executor.connections.given import Connections
from executor.connections.postgresql import PostgreSQL
from executor.connections.s3 import S3
from executor.document.places import connections_as_written
from executor.problems import ProblemError
from executor.running.values import values_from
from executor.stages.base import ACTS, READS, Stage
from executor.stages.kinds import ConnectionName, connection_field

CANARY = "canary-of-secrets-77"
SHOP = {"kind": "postgresql", "settings": PostgreSQL.example, "secrets": {"password": CANARY}}
LAKE = {"kind": "s3", "settings": S3.example, "secrets": S3.example_secrets}


def test_one_is_made_with_its_secrets_when_it_is_asked_for() -> None:
    given = values_from({"connections": {"shop": SHOP, "broken": {"kind": "postgresql"}}}).connections
    shop = given.named("shop", "connection", DATABASE)
    assert isinstance(shop, PostgreSQL) and shop.password is not None and shop.password.get_secret_value() == CANARY
    assert given.named("shop", "connection") is shop and sorted(given) == ["broken", "shop"] and len(given) == 2


@pytest.mark.parametrize(
    ("name", "code", "fix"),
    [
        ("shpo", "connection-unknown", "Did you mean “shop”?"),
        ("lake_of_others", "connection-of-another-kind", "Choose another connection."),
        ("unknown_kind", "connection-wrong", None),
        ("bad_field", "connection-wrong", None),
        ("bad_options", "connection-wrong", None),
        ("no_object", "connection-wrong", None),
        ("odd_settings", "connection-wrong", None),
    ],
)
def test_what_is_not_right_is_told_without_a_secret(name: str, code: str, fix: str | None) -> None:
    given = Connections(
        {
            "shop": SHOP,
            "lake_of_others": LAKE,
            "unknown_kind": {**SHOP, "kind": CANARY},
            "bad_field": {**SHOP, "secrets": {"password": [CANARY], "more": CANARY}},
            "bad_options": {**SHOP, "settings": {**PostgreSQL.example, "options": {"socketFactory": CANARY}}},
            "no_object": CANARY,
            "odd_settings": {**SHOP, "settings": [CANARY]},
        }
    )
    with pytest.raises(ProblemError) as told:
        given.named(name, "connection", DATABASE)
    problem = told.value.problems[0]
    assert problem.code == code and (fix is None or problem.fix == fix)
    said = f"{problem.as_dict()} {given!r} {given} {traceback.format_exception(told.value)}"
    assert CANARY not in said and "socketFactory" not in said


def test_secrets_are_in_nothing_that_is_printed() -> None:
    given = values_from({"connections": {"shop": SHOP}})
    shop = given.connections["shop"]
    assert CANARY not in f"{given!r} {given.connections!r} {shop!r} {shop} {json.dumps(shop.settings())}"


class Reads(Stage):
    """A stage that reads."""

    kind: ClassVar[str] = "extract"
    example: ClassVar[dict[str, Any]] = {"type": "Reads", "name": "a", "connection": "shop"}
    type: Literal["Reads"] = "Reads"
    connection: ConnectionName = connection_field(READS, DATABASE, "Where it is.")


def test_a_stage_says_its_connections() -> None:
    stage = Reads.model_validate(Reads.example)
    assert [(use.field, use.address, use.does) for use in stage.connections()] == [("connection", "shop", READS)]
    assert stage.uses() == []


def test_a_document_that_may_be_wrong_in_every_way_tells_them_too(monkeypatch: pytest.MonkeyPatch) -> None:
    from executor.document import places

    monkeypatch.setattr(places, "STAGE_TYPES", {"Reads": Reads})
    stages = [
        {"type": "Reads", "connection": "${which}", "sql": 3},
        {"type": "Reads", "connection": "pre_${which}_${unknown}"},
        {"type": "Reads", "connection": 7},
        {"type": "Reads", "connection": "elsewhere", "environments": ["prod"]},
        {"type": "Future", "connection": "shop", "name": "f"},
        "no stage",
    ]
    content = {"parameters": {"which": {"type": "string", "default": "a"}}, "stages": stages}
    found = [(one.stage, one.uri, one.does) for one in connections_as_written(content, "dev", {"which": "b"})]
    assert found == [("stage 1", "b", READS), ("stage 2", "pre_b_*", READS), ("f", "shop", ACTS)]
