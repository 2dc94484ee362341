"""What connections sign in with is in no table, page, answer, audit, export or log, in none of the forms in which it could travel."""

from __future__ import annotations

import base64
import html
import json
from io import StringIO
from urllib.parse import quote, quote_plus

import pytest
from django.core.management import call_command

from portal.environments.models import ConnectionSecret
from portal.environments.reach import reach_of
from tests.environments.connected import DATABASE, KEYS, PASSWORD, S3

pytestmark = pytest.mark.django_db
API = "/api/v1/projects/flights/environments/prod"
PAGES = "/p/flights/settings/environments/prod"
NEW = {name: f"new {value}" for name, value in PASSWORD.items()}


def forms(value: str) -> set[str]:
    """As it is, in base64 at its three offsets, in an address, in JSON and in HTML."""
    raw = value.encode()
    inside = {base64.b64encode(b"x" * offset + raw).decode()[4:-4] for offset in range(3)}
    quoted = {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], html.escape(value)}
    return {value, value[:-3], quote(value), quote(value, safe=""), quote_plus(value), raw.hex(), *inside, *quoted}


FORMS = {form for secrets in (KEYS, PASSWORD, NEW) for value in secrets.values() for form in forms(value)}


def found_in(text: str) -> list[str]:
    return [form for form in FORMS if form in text]


def test_the_look_finds_what_it_looks_for():
    for value in KEYS.values():
        assert found_in(f'{{"a": {json.dumps(value)}}}') and found_in(base64.b64encode(f"user:{value}".encode()).decode())


def test_a_secret_is_nowhere_but_sealed(ada, prod, browser_of, caplog):
    caplog.set_level("DEBUG")
    browser, said = browser_of(ada), []

    def ask(method: str, address: str, body: object = None, **headers: str):
        data = {} if method == "get" else {"data": json.dumps(body), "content_type": "application/json"}
        answer = getattr(browser, method)(address, **data, headers=headers)
        said.append(f"{answer.content.decode()} {answer.headers}")
        return answer.status_code

    s3 = {"name": "lake_s3", "kind": "s3", "settings": S3, "secrets": KEYS}
    shop = {"name": "shop", "kind": "postgresql", "settings": DATABASE, "secrets": PASSWORD}
    assert ask("post", f"{API}/connections", s3, idempotency_key="1") == 201
    assert ask("post", f"{API}/connections", s3, idempotency_key="1") == 201
    assert ask("post", f"{API}/connections", s3) == 409
    assert ask("post", f"{API}/connections", shop) == 201
    assert ask("post", f"{API}/connections", shop | {"settings": DATABASE | PASSWORD}) == 400
    assert ask("post", f"{API}/connections", shop | {"name": "b", "secrets": {"word": PASSWORD["password"]}}) == 400
    assert ask("post", f"{API}/connections", shop | {"name": "b", "settings": DATABASE | {"host": PASSWORD["password"]}}) == 422
    assert ask("post", f"{API}/connections", shop | {"name": "b", "settings": DATABASE | {"tls": PASSWORD["password"]}}) == 422
    assert ask("post", f"{API}/connections", shop | {"name": "b", "secrets": {"password": [PASSWORD["password"]]}}) == 422
    assert ask("post", f"{API}/connections/shop/rotate", {"secrets": NEW, "old_for_minutes": 5}, idempotency_key="2") == 200
    assert ask("patch", f"{API}/connections/shop", {"settings": {"host": "db2.example.org"}, "secrets": PASSWORD}) == 200
    fields = {name: str(value) for name, value in DATABASE.items()} | {"port": "5432", "tls": "verify-full"}
    for address, form, status in (
        ("new-connection?kind=postgresql", fields | PASSWORD | {"name": "Not A Name"}, 422),
        ("connections/shop", fields | PASSWORD | {"edition": "of long ago"}, 409),
        ("connections/shop/rotate", PASSWORD | {"old_for_minutes": "none"}, 422),
        ("connections/shop/rotate", NEW | {"old_for_minutes": "15"}, 302),
        ("connections/shop/rotate", PASSWORD | {"old_for_minutes": "15"}, 302),
    ):
        answer = browser.post(f"{PAGES}/{address}", form)
        assert answer.status_code == status, answer.content.decode()
        shown = (
            answer.content.decode().replace(f'value="{html.escape(PASSWORD["password"])}"', "", 1)
            if "host" in form
            else answer.content.decode()
        )
        said.append(f"{shown} {answer.headers}")
    got = reach_of(prod, used_by="run 8f3c")
    assert got.connections["shop"]["secrets"] == PASSWORD
    said += [f"{got!r} {got.endpoints} {got.versions}"]
    for address in (
        f"{API}/connections",
        f"{API}/connections/shop",
        f"{API}/roots",
        f"{PAGES}/connections",
        f"{PAGES}/connections/shop",
        "/audit/export.csv",
        "/audit/export.jsonl",
        "/audit/",
    ):
        assert ask("get", address) == 200
    dump = StringIO()
    call_command("dumpdata", stdout=dump)
    assert "lake_s3" in dump.getvalue() and ConnectionSecret.objects.exclude(sealed="").count() == 5
    for place in (*said, dump.getvalue(), caplog.text):
        assert found_in(place) == []
