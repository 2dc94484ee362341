"""From what a document says of a database or bucket to the connection that it should name; never with a secret."""

from __future__ import annotations

import json
from typing import Any

import pytest

from executor.document.suggested_connections import Place, Suggested, suggested_connections

CANARY = "c4naryS3cret"


def found(**stage: Any) -> Suggested | None:
    content = {"stages": [{"type": "ConsoleLoad"}, {"type": "JDBCExtract", "name": "x", **stage}]}
    told = suggested_connections(content)
    assert CANARY not in json.dumps([one.as_dict() for one in told])
    for one in told:
        for place in one.secrets.values():
            text: Any = content
            for key in place.path:
                text = text[key]
            assert text[place.start : place.end] == CANARY
    return told[0] if told else None


@pytest.mark.parametrize(
    ("url", "kind", "settings"),
    [
        (f"jdbc:postgresql://sluice:{CANARY}@db.example.org:6432/a%20b?sslmode=require", "postgresql",
         {"host": "db.example.org", "port": 6432, "database": "a b", "user": "sluice", "tls": "require"}),
        (f"jdbc:postgresql://db.example.org/shop?user=sluice&password={CANARY}", "postgresql",
         {"host": "db.example.org", "database": "shop", "user": "sluice"}),
        (f"jdbc:mysql://db.example.org:3307/shop?user=sluice&password={CANARY}&allowLocalInfile=true", "mariadb",
         {"host": "db.example.org", "port": 3307, "database": "shop", "user": "sluice"}),
        (f"jdbc:mariadb://db.example.org/shop?password={CANARY}&sslMode=trust", "mariadb",
         {"host": "db.example.org", "database": "shop", "tls": "trust"}),
        (f"jdbc:sqlserver://db.example.org:1434;databaseName=shop;user=sluice;password={{{CANARY}}};encrypt=false", "sqlserver",
         {"host": "db.example.org", "port": 1434, "database": "shop", "user": "sluice", "tls": "disable"}),
    ],
)  # fmt: skip
def test_an_address_with_a_password_becomes_fields(url: str, kind: str, settings: dict[str, Any]) -> None:
    made = found(jdbcURL=url, driver="x")
    assert made and (made.kind, made.settings, made.stage_index, list(made.secrets)) == (kind, settings, 1, ["password"])
    assert made.name == settings["database"].replace(" ", "_") and made.takes_out == ["jdbcURL", "driver"] and not made.root


def test_user_and_password_are_found_beside_the_address() -> None:
    url = "jdbc:postgresql://db.example.org/shop"
    made = found(jdbcURL=url, params={"user": "sluice", "password": CANARY, "fetchsize": "10"})
    assert made and made.settings["user"] == "sluice" and made.takes_out == ["jdbcURL", "params.user", "params.password"]
    assert made.secrets == {"password": Place(("stages", 1, "params", "password"), 0, len(CANARY))}
    made = found(jdbcURL=url, user="sluice", password=CANARY)
    assert made and made.takes_out == ["jdbcURL", "user", "password"] and made.secrets["password"].path == ("stages", 1, "password")


@pytest.mark.parametrize("password", ["${db_password}", "•••••", ""])
def test_what_is_no_secret_any_more_is_asked_for(password: str) -> None:
    made = found(jdbcURL="jdbc:postgresql://db.example.org/shop", params={"password": password})
    assert made and made.secrets == {}


def test_keys_of_a_bucket_become_a_connection_and_a_root() -> None:
    keys = {"method": "AmazonAccessKey", "accessKeyID": CANARY, "secretAccessKey": CANARY}
    made = found(inputURI="s3a://acme-lake/raw/2013/*.csv", authentication=keys)
    assert made and (made.kind, made.name, made.root, made.may_write) == ("s3", "acme_lake", "s3a://acme-lake/raw/2013/", False)
    assert (
        made.settings == {"sign_in": "keys"} and set(made.secrets) == {"access_key", "secret_key"} and made.takes_out == ["authentication"]
    )
    made = found(
        outputURI="s3a://acme-lake/out/${day}/x", authentication=keys | {"endpoint": "minio.example.org:9000", "sslEnabled": "false"}
    )
    assert made and (made.root, made.may_write, made.settings["endpoint"]) == (
        "s3a://acme-lake/out/",
        True,
        "http://minio.example.org:9000",
    )
    made = found(inputURI="s3a://acme-lake/x.csv", authentication=keys | {"endpoint": "s3.eu-west-1.amazonaws.com"})
    assert made and made.settings["region"] == "eu-west-1"


@pytest.mark.parametrize(
    "stage",
    [
        {}, {"jdbcURL": "jdbc:oracle:thin:@db:1521:x"}, {"jdbcURL": 7}, {"jdbcURL": "jdbc:mysql:loadbalance://a,b/x"},
        {"jdbcURL": "${url}"},
        {"jdbcURL": "jdbc:sqlite:/etc/passwd"}, {"authentication": {"method": "AzureSharedKey"}, "inputURI": "abfs://x"},
        {"authentication": "x"}, {"authentication": {"method": "AmazonAccessKey"}, "inputURI": "raw/x.csv"},
    ],
)  # fmt: skip
def test_what_nobody_can_make_a_connection_of_gets_none(stage: dict[str, Any]) -> None:
    assert found(**stage) is None


def test_no_document_breaks_it() -> None:
    for content in (None, [], "x", {"stages": 7}, {"stages": [None, [], 7]}):
        assert suggested_connections(content) == []


def test_fields_that_a_connection_does_not_take_are_asked_for() -> None:
    made = found(jdbcURL="jdbc:mysql://2130706433:99999/a/b")
    assert made is None
    made = found(jdbcURL="jdbc:mysql://2130706433:99999/shop?user=x")
    assert made and made.settings == {"database": "shop", "user": "x"}
