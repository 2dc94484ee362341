"""Attacks on “a secret goes in and never comes out”: errors, logs, caches, the schema, sessions, requests that are sent twice."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from ipaddress import ip_network
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client

from portal.accounts.models import User
from portal.environments import secrets
from portal.environments.models import Environment
from portal.outgoing import client as outgoing
from tests.environments.connected import make_database
from tests.runs.test_canaries import found_in
from tests.services import aws
from tests.services.ports import free_port
from tests.services.s3 import CREDENTIALS

pytestmark = pytest.mark.django_db
CANARY = 'c4nary-one/of+the "environment" & more'
PAGES = "/p/flights/settings/environments/prod"
API = "/api/v1/projects/flights/environments/prod"
DATABASE = {"name": "shop", "host": "db.example.org", "port": "5432", "database": "shop", "user": "sluice", "tls": "verify-full"}


@pytest.fixture
def browser(ada: User, browser_of: Callable[[User], Client]) -> Client:
    browser = browser_of(ada)
    browser.raise_request_exception = False
    return browser


def test_no_page_with_a_field_for_a_secret_is_kept_by_a_browser(browser: Client, ada: User, prod: Environment) -> None:
    """Else the button “back” would show the page as it was left, with what was typed."""
    make_database(ada, prod)
    wrong = DATABASE | {"password": CANARY, "port": "x"}
    answers = [
        browser.get(f"{PAGES}/connections/shop"),
        browser.get(f"{PAGES}/new-connection?kind=postgresql"),
        browser.get(PAGES),
        browser.post(f"{PAGES}/new-connection?kind=postgresql", wrong),
        browser.post(f"{PAGES}/connections/shop", wrong),
        browser.post(f"{PAGES}/connections/shop/rotate", {"password": CANARY, "old_for_minutes": "x"}),
        browser.post(f"{PAGES}/secrets", {"name": "not a name", "value": CANARY}),
    ]
    for answer in answers:
        page = answer.content.decode()
        assert "no-store" in answer.headers["Cache-Control"] and not found_in(answer.content), answer.request["PATH_INFO"]
        fields = [part.partition(">")[0] for part in page.split("<input")[1:] if 'type="password"' in part.partition(">")[0]]
        assert fields and all('autocomplete="new-password"' in field and "value=" not in field for field in fields)


def test_no_refusal_says_what_was_sent(browser: Client, prod: Environment) -> None:
    bodies: list[tuple[str, str, Any]] = [
        ("put", f"{API}/secrets/one", f'{{"value": {json.dumps(CANARY)}'),
        ("put", f"{API}/secrets/one", {"value": CANARY * 1_000}),
        ("put", f"{API}/secrets/one", {"value": [CANARY]}),
        ("put", f"{API}/secrets/one", {"value": {"value": CANARY}}),
        ("put", f"{API}/secrets/not%20a%20name", {"value": CANARY}),
        ("put", f"{API}/secrets/one", {"value": CANARY + "\x00"}),
        ("post", f"{API}/connections", {"name": "a", "kind": "postgresql", "settings": {}, "secrets": {"password": {"is": CANARY}}}),
        ("post", f"{API}/connections", {"name": "a", "kind": "postgresql", "settings": {"password": CANARY}}),
        ("post", f"{API}/connections", {"name": "a", "kind": "postgresql", "settings": {"database": f"password={CANARY}"}}),
        ("post", f"{API}/connections", {"name": "a", "kind": "postgresql", "settings": DATABASE, "secrets": CANARY}),
        ("post", f"{API}/connections", {"name": "a", "kind": "s3", "settings": {"endpoint": f"https://a:{CANARY}@h"}, "secrets": {}}),
        ("post", f"{API}/connections", {"name": "a", "kind": "s3", "settings": {}, "reference": {"backend": CANARY, "path": CANARY}}),
    ]
    for method, path, body in bodies:
        text = body if isinstance(body, str) else json.dumps(body)
        answer = getattr(browser, method)(path, text, content_type="application/json", headers={"Idempotency-Key": "k"})
        assert 400 <= answer.status_code < 500 and not found_in(answer.content), (body, answer.content)


def test_a_mistake_of_ours_shows_no_secret(browser: Client, prod: Environment, monkeypatch: Any, caplog: Any) -> None:
    caplog.set_level(logging.DEBUG)

    def breaks(**_: Any) -> None:
        raise RuntimeError("a mistake")

    monkeypatch.setattr(secrets, "record", breaks)
    for answer in (
        browser.post(f"{PAGES}/secrets", {"name": "one", "value": CANARY}),
        browser.put(f"{API}/secrets/one", json.dumps({"value": CANARY}), content_type="application/json"),
    ):
        assert answer.status_code == 500 and not found_in(answer.content)
    assert "a mistake" in caplog.text and not found_in(caplog.text.encode()) and not prod.secrets.exists()


def test_a_key_that_is_away_shows_no_secret(browser: Client, prod: Environment, settings: Any, monkeypatch: Any, caplog: Any) -> None:
    caplog.set_level(logging.DEBUG)
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    settings.VAULT_KEY = "kms:arn:aws:kms:eu-central-1:123456789012:key/0-1"
    settings.KMS_ENDPOINT = f"http://127.0.0.1:{free_port()}"
    answer = browser.post(f"{PAGES}/secrets", {"name": "one", "value": CANARY})
    assert answer.status_code in (422, 503) and b"KMS does not answer" in answer.content and not found_in(answer.content)
    assert not found_in(caplog.text.encode()) and not prod.secrets.exists()


def test_no_log_has_the_path_of_a_webhook(caplog: Any) -> None:
    """It is often a password."""
    caplog.set_level(logging.DEBUG)

    def ask() -> bool:
        """Whether it was told."""
        with aws.refusing("Odd") as address:
            assert outgoing.ask("POST", f"{address}/services/T0/c4nary-hook", allowed=[ip_network("127.0.0.0/8")], body=b"{}").status == 400
        return "c4nary-hook" in caplog.text

    assert not ask()
    with caplog.at_level(logging.INFO, logger="httpx"):
        assert ask()  # so it is held back by the level of that logger


def test_the_schema_gives_no_secret_back(browser: Client) -> None:
    """What is write-only is in no answer, and no example stands there that looks like one."""
    schema = json.loads(browser.get("/api/schema/?format=json").content)
    named = schema["components"]["schemas"]
    answers = {name: body for name, body in named.items() if not name.endswith(("In", "InRequest", "Edit", "Request"))}
    for name in ("SecretOut", "ConnectionOut", "SecretVersionOut"):
        assert not {"secrets", "sealed", "value", "password", "secret"} & set(answers[name]["properties"]), name
    for name, body in named.items():
        for field, about in body.get("properties", {}).items():
            if about.get("writeOnly"):
                assert "example" not in about and "default" not in about or about.get("default") == {}, (name, field)


def test_no_session_and_no_remembered_answer_holds_a_secret(browser: Client, prod: Environment) -> None:
    for key in ("one", "one", "two"):
        shop = {"name": f"shop_{key}", "kind": "postgresql", "secrets": {"password": CANARY}}
        shop["settings"] = {name: DATABASE[name] for name in ("host", "database", "user")}
        answer = browser.post(f"{API}/connections", json.dumps(shop), content_type="application/json", headers={"Idempotency-Key": key})
        assert answer.status_code == 201 and not found_in(answer.content)
    assert browser.post(f"{PAGES}/secrets", {"name": "one", "value": CANARY}).status_code == 302
    assert not found_in(browser.get(PAGES).content)  # with the message of the answer before
    told = [json.dumps(session.get_decoded(), default=str) for session in Session.objects.all()]
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM accounts_idempotentanswer")
        told += [repr(row) for row in cursor.fetchall()]
    assert len(told) >= 3 and not any(found_in(text.encode()) for text in told)
