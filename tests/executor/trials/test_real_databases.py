"""Tests of connections against a real PostgreSQL and a real MariaDB, with TLS and without."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pymysql
import pytest

from executor.trials import try_connection
from tests.services import mariadb, postgresql
from tests.services import odd_servers as odd
from tests.services.certificates import Authority

pytestmark = pytest.mark.services


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def postgres(authority: Authority) -> Iterator[dict[str, Any]]:
    """Settings and password of a server; `plain` is its port without TLS."""
    with postgresql.running() as address, psycopg.connect(address, autocommit=True) as admin:
        admin.execute("CREATE TABLE orders (id int)")
        admin.execute("CREATE ROLE poor LOGIN PASSWORD 'a-long-password'")
        admin.execute("CREATE ROLE late LOGIN PASSWORD 'a-long-password' VALID UNTIL '2020-01-01'")
        admin.execute("CREATE ROLE barred NOLOGIN PASSWORD 'a-long-password'")
        given = _settings(address)
        with odd.answering(odd.with_postgres_tls(given["port"], authority.certificate("postgresql"))) as port:
            yield given | {"port": port, "plain": given["port"]}


def _settings(address: str) -> dict[str, Any]:
    parts = urlsplit(address)
    return {"host": "localhost", "port": parts.port, "database": "sluice", "user": parts.username, "password": parts.password}


def tried(
    kind: str, given: dict[str, Any], machine: Authority | None, monkeypatch: pytest.MonkeyPatch, **more: Any
) -> list[tuple[str, ...]]:
    """(name, state, words) of each step. `machine`: whom it trusts."""
    if machine:
        monkeypatch.setenv("SSL_CERT_FILE", str(machine.file))
    settings = {**given, **more}
    plain = settings.pop("plain", None)
    if settings.get("tls") == "disable" and plain:
        settings["port"] = plain
    told: list[dict[str, Any]] = []
    try_connection({"kind": kind, "settings": settings, "secrets": {"password": settings.pop("password")}}, Path("."), told.append)
    assert given["password"] not in str(told)
    return [(one["name"], one["state"], one["words"]) for one in told if one["event"] == "step"]


def test_a_postgresql_that_is_right(postgres: dict[str, Any], authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = tried("postgresql", postgres, authority, monkeypatch)
    assert [step[:2] for step in steps] == [("TLS", "good"), ("Sign-in", "good"), ("List", "good")]
    assert "sees 1 table in sluice" in steps[2][2] and "PostgreSQL" in steps[1][2]
    for tls, state in (("verify-ca", "note"), ("require", "note"), ("disable", "note")):
        steps = tried("postgresql", postgres, authority, monkeypatch, tls=tls)
        assert [step[:2] for step in steps] == [("TLS", state), ("Sign-in", "good"), ("List", "good")], steps


@pytest.mark.parametrize(
    ("more", "step", "words"),
    [
        ({"password": "not-the-password"}, "Sign-in", "does not take this user and password"),
        ({"user": "nobody_knows"}, "Sign-in", "does not take this user and password"),
        ({"user": "late", "password": "a-long-password"}, "Sign-in", "does not take this user and password"),
        ({"user": "barred", "password": "a-long-password"}, "Sign-in", "may not sign in"),
        ({"database": "shop"}, "Sign-in", "no such database"),
        ({"host": "127.0.0.1"}, "TLS", "another name"),
        ({"user": "poor", "password": "a-long-password"}, "List", "sees no table"),
    ],
)
def test_a_postgresql_with_something_wrong(
    postgres: dict[str, Any], authority: Authority, monkeypatch: pytest.MonkeyPatch, more: dict[str, str], step: str, words: str
) -> None:
    last = tried("postgresql", postgres, authority, monkeypatch, **more)[-1]
    assert last[0] == step and words in last[2], last


def test_a_postgresql_whose_authority_nobody_knows(postgres: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for tls in ("verify-full", "verify-ca"):
        (step,) = tried("postgresql", postgres, Authority(tmp_path, "Others"), monkeypatch, tls=tls)
        assert step[:2] == ("TLS", "bad") and "authority that is not known here" in step[2]


def test_an_authority_that_the_connection_names_is_the_only_one(
    postgres: dict[str, Any], authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = Authority(tmp_path, "Others")
    steps = tried("postgresql", postgres, others, monkeypatch, authority=authority.file.read_text())
    assert [step[:2] for step in steps] == [("TLS", "good"), ("Sign-in", "good"), ("List", "good")]
    (step,) = tried("postgresql", postgres, authority, monkeypatch, authority=others.file.read_text())
    assert step[:2] == ("TLS", "bad") and "authority that is not known here" in step[2]


@pytest.mark.lake
def test_a_mariadb_right_and_wrong(authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with mariadb.running(authority.certificate("mariadb")) as address:
        given = _settings(address) | {"tls": "disable"}
        with pymysql.connect(
            host="localhost", port=given["port"], user=given["user"], password=given["password"], database="sluice"
        ) as admin:
            cursor = admin.cursor()
            cursor.execute("CREATE TABLE orders (id int)")
            cursor.execute("CREATE USER poor IDENTIFIED BY 'a-long-password'")
            cursor.execute("CREATE USER late IDENTIFIED BY 'a-long-password' PASSWORD EXPIRE")
            cursor.execute("CREATE USER barred IDENTIFIED BY 'a-long-password' ACCOUNT LOCK")
            cursor.execute("GRANT SELECT ON sluice.* TO late, barred")
        for tls, state in (("verify-full", "good"), ("verify-ca", "note"), ("trust", "note")):
            steps = tried("mariadb", given, authority, monkeypatch, tls=tls)
            assert [step[:2] for step in steps] == [("TLS", state), ("Sign-in", "good"), ("List", "good")], steps
        (step,) = tried("mariadb", given, Authority(tmp_path, "Others"), monkeypatch, tls="verify-full")
        assert "authority that is not known here" in step[2]
        steps = tried("mariadb", given, None, monkeypatch)
        assert [step[:2] for step in steps] == [("TLS", "note"), ("Sign-in", "good"), ("List", "good")] and "1 table" in steps[2][2]
        for more, name, words in (
            ({"password": "not-the-password"}, "Sign-in", "does not take this user and password"),
            ({"database": "shop"}, "Sign-in", "no such database"),
            ({"user": "poor", "password": "a-long-password"}, "Sign-in", "may not use this database"),
            ({"user": "late", "password": "a-long-password"}, "List", "has expired"),
            ({"user": "barred", "password": "a-long-password"}, "Sign-in", "is locked"),
            ({"tls": "verify-full", "host": "127.0.0.1"}, "TLS", "another name"),
        ):
            last = tried("mariadb", given, authority, monkeypatch, **more)[-1]
            assert last[0] == name and words in last[2], last
