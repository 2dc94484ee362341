"""Tests of connections from the button to the server: behind the real wall, through the real ways out, to servers of this machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import connections as databases

from portal.audit.models import AuditEvent
from portal.connecting import actions
from portal.environments import connections
from portal.environments.models import Connection, Environment
from portal.errors import NotAllowed, PortalError
from portal.outgoing import addresses
from portal.runs import connection_tests, preview_client, preview_reach
from portal.runs.connection_tests import ConnectionTests
from tests.at_once import at_once
from tests.environments.connected import KEYS, make_s3
from tests.services import odd_servers as odd
from tests.services.ports import free_port

pytestmark = pytest.mark.django_db(transaction=True)
SECRET = "canary77-of-the-test"
HERE = ["127.0.0.0/8"]
API = "/api/v1/projects/flights/environments/dev"
PAGES = "/p/flights/settings/environments/dev"


@pytest.fixture(autouse=True)
def service(monkeypatch: pytest.MonkeyPatch, settings: Any) -> ConnectionTests:
    """As the preview service has tests done, without a process of its own."""
    import ipaddress

    made = ConnectionTests()

    async def request(message: dict[str, Any]) -> Any:
        async for event in made.answer(json.loads(json.dumps(message))):
            yield event

    monkeypatch.setattr(preview_client, "request", request)
    monkeypatch.setattr(preview_reach, "close_old_connections", databases.close_all)
    settings.CONNECTION_NETWORKS = [ipaddress.ip_network(text) for text in HERE]
    return made


@pytest.fixture
def server() -> Iterator[int]:
    """A service that takes every token."""
    with odd.answering(odd.http(200)) as port:
        yield port


def http(port: int, host: str = "127.0.0.1", **more: Any) -> dict[str, Any]:
    return {"address": f"http://{host}:{port}/v1/", "tls": "off", "private_networks": HERE, **more}


def make_http(ada: Any, environment: Environment, port: int) -> Connection:
    return connections.add_connection(
        actor=ada, environment=environment, name="api", kind="http", settings=http(port), secrets={"secret": SECRET}
    )


def tried(ada: Any, environment: Environment, settings: dict[str, Any], kind: str = "http", **more: Any) -> dict[str, dict[str, Any]]:
    given = {"secrets": {"secret": SECRET}} | more
    outcome = actions.test_connection(actor=ada, environment=environment, kind=kind, settings=settings, **given)
    assert SECRET not in json.dumps(outcome.steps)
    return {step["name"]: step for step in outcome.steps}


def states(steps: dict[str, dict[str, Any]]) -> dict[str, str]:
    return {name: step["state"] for name, step in steps.items()}


# --- what is kept --------------------------------------------------------------------------------------------------------


def test_a_saved_connection_is_tested_and_the_test_stands_with_it_until_something_changes(ada, dev, server, browser_of):
    made, browser = make_http(ada, dev, server), browser_of(ada)
    piece = browser.post(f"{PAGES}/connections/api/test", form_of(server)).content.decode()
    assert "takes what it signs in with" in piece and "just now" in piece and "not saved" not in piece and SECRET not in piece
    last = Connection.objects.get().test
    assert (last.works, last.by, last.is_stale) == (True, ada, False) and [step["state"] for step in last.steps] == [
        "good",
        "good",
        "note",
        "good",
    ]
    assert made.versions.get().used_by == "a test by Ada"
    assert AuditEvent.objects.get(action="test_connection").details == {"name": "api", "kind": "http", "saved": True, "works": True}
    assert "works" in browser.get(f"{PAGES}/connections").content.decode()
    connections.rotate_secret(actor=ada, connection=made, secrets={"secret": SECRET + "2"})
    assert Connection.objects.get().test.is_stale
    assert "changed since its test" in browser.get(f"{PAGES}/connections/api").content.decode()


def form_of(port: int, **more: str) -> dict[str, str]:
    return {"address": f"http://127.0.0.1:{port}/v1/", "tls": "off", "sign_in": "bearer", "private_networks": HERE[0], **more}


def test_what_is_not_saved_is_tested_and_not_kept(ada, dev, server, browser_of):
    made = make_http(ada, dev, server)
    piece = browser_of(ada).post(f"{PAGES}/connections/api/test", form_of(server, secret="another-canary77")).content.decode()
    assert "what is not saved yet" in piece and "canary77" not in piece
    piece = browser_of(ada).post(f"{PAGES}/new-connection/test?kind=http", form_of(server))
    assert piece.status_code == 422 and "“Token, password or value” is missing" in piece.content.decode()
    piece = browser_of(ada).post(f"{PAGES}/connections/api/test", form_of(server, reference_backend="files"))
    assert piece.status_code == 422 and "Save it first" in piece.content.decode()
    assert not hasattr(Connection.objects.get(), "test") and made.versions.get().used_at is None


def test_a_program_tests_a_connection(ada, dev, server, program_of):
    make_http(ada, dev, server)
    api = program_of(ada)
    answer = api.post(f"{API}/connections/api/test", {}, format="json")
    assert answer.status_code == 200 and (answer.json()["works"], answer.json()["is_kept"]) == (True, True)
    assert api.get(f"{API}/connections/api").json()["test"]["works"]
    given = {"kind": "http", "settings": http(server), "secrets": {"secret": SECRET}}
    answer = api.post(f"{API}/connection-tests", given, format="json")
    assert answer.status_code == 200 and not answer.json()["is_kept"]
    assert api.post(f"{API}/connection-tests", given | {"secrets": {}}, format="json").status_code == 422
    assert api.post(f"{API}/connection-tests", given | {"settings": http(server) | {"x": 1}}, format="json").status_code == 400


# --- whose secret, and where it goes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "other", [{"address": "http://127.0.0.2:1/v1/"}, {"address": "http://127.0.0.1:1/v1/"}, {"sign_in": "basic", "user": "u"}]
)
def test_what_is_stored_goes_nowhere_else(ada, dev, server, other):
    made = make_http(ada, dev, server)
    with pytest.raises(PortalError, match="entered again"):
        tried(ada, dev, http(server) | other, secrets={}, connection=made)
    assert made.versions.get().used_at is None


def test_the_service_itself_looks_whose_secret_it_is(ada, dev, prod, server, service):
    """Whoever asks it may be wrong."""
    made = make_http(ada, dev, server)
    asked = {"do": "test-connection", "user": ada.pk, "used_by": "x", "kind": "http", "roots": [], "secrets": {}, "stored": made.pk}
    for environment, settings in ((prod, http(server)), (dev, http(server, "127.0.0.2")), (dev, http(free_port()))):
        (event,) = _answers(service, asked | {"environment": environment.pk, "settings": settings})
        assert event["event"] == "problem" and made.versions.get().used_at is None, event


def _answers(service: ConnectionTests, request: dict[str, Any]) -> list[dict[str, Any]]:
    async def collect() -> list[dict[str, Any]]:
        return [event async for event in service.answer(request)]

    return async_to_sync(collect)()


@pytest.mark.parametrize("who", ["ana", "olu", "pat", "vic", "outsider"])
def test_only_who_manages_the_environment_tests(who, ada, dev, server, request, browser_of):
    person, made = request.getfixturevalue(who), make_http(ada, dev, server)
    with pytest.raises(NotAllowed):
        tried(person, dev, http(server), connection=made)
    assert browser_of(person).post(f"{PAGES}/connections/api/test", form_of(server)).status_code == 404
    assert browser_of(person).post(f"{PAGES}/new-connection/test?kind=http", form_of(server)).status_code == 404


# --- where it may go --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "169.254.169.254", "10.0.0.1", "192.168.0.1", "172.17.0.1", "0.0.0.0", "100.100.100.200", "224.0.0.1"],
)
def test_nothing_private_is_reached_without_leave(ada, dev, server, host):
    settings = http(server, host) | {"private_networks": []}
    try:
        steps = tried(ada, dev, settings)
    except PortalError as refused:
        assert "place" in refused.code
        return
    assert states(steps) == {f"Name {host}": "bad"} and "no public address" in steps[f"Name {host}"]["words"]


@pytest.mark.parametrize(
    "address", ["169.254.169.254", "127.0.0.1", "::1", "::ffff:127.0.0.1", "fd00::1", "64:ff9b::7f00:1", "2002:7f00:1::"]
)
def test_a_name_that_leads_inside_is_not_followed(ada, dev, server, monkeypatch, address):
    monkeypatch.setattr(addresses.socket, "getaddrinfo", lambda *_, **__: [(2, 1, 6, "", (address, server))])
    steps = tried(ada, dev, http(server, "metadata.example.org") | {"private_networks": []})
    assert states(steps) == {"Name metadata.example.org": "bad"} and address not in json.dumps(steps)


@pytest.fixture
def no_names(monkeypatch):
    """Nobody is asked for a name."""

    def unknown(*_, **__):
        raise OSError

    monkeypatch.setattr(addresses.socket, "getaddrinfo", unknown)


@pytest.mark.parametrize("host", ["[::1]", "2130706433", "0x7f.1", "127.1", "[::ffff:127.0.0.1]"])
def test_an_address_in_disguise_is_refused(ada, dev, server, host):
    with pytest.raises(PortalError) as refused:
        tried(ada, dev, http(server, host))
    assert refused.value.code == "bad-connection"


def test_no_network_is_named_that_no_operator_allows(ada, dev, server):
    with pytest.raises(PortalError, match="No operator has allowed"):
        tried(ada, dev, http(server) | {"private_networks": ["10.0.0.0/8"]})


def test_names_and_ports_that_are_not_there_are_told(ada, dev, no_names):
    port = free_port()
    steps = tried(ada, dev, http(port))
    assert states(steps) == {"Name 127.0.0.1": "good", f"Port {port}": "bad"} and "Nobody listens" in steps[f"Port {port}"]["words"]
    steps = tried(ada, dev, http(80, "no-such-host.invalid"))
    assert states(steps) == {"Name no-such-host.invalid": "bad"} and "not known" in steps["Name no-such-host.invalid"]["words"]


def test_a_redirect_is_not_followed(ada, dev, server):
    seen: list[bool] = []
    with (
        odd.answering(lambda stream: seen.append(True)) as hidden,
        odd.answering(odd.http(302, Location=f"http://127.0.0.1:{hidden}/")) as port,
    ):
        steps = tried(ada, dev, http(port))
    assert "sends on" in steps["Sign-in"]["words"] and not seen


def test_nobody_scans_with_it(ada, dev, server, service, monkeypatch, no_names):
    monkeypatch.setattr(connection_tests, "MOST_A_MINUTE", 2)
    for _ in range(2):
        tried(ada, dev, http(server, "no-such-host.invalid"))
    with pytest.raises(PortalError, match="very often") as refused:
        tried(ada, dev, http(server))
    assert refused.value.status == 429
    service._people[ada.pk] = 1
    with pytest.raises(PortalError, match="already"):
        tried(ada, dev, http(server))


# --- a server that is rude ---------------------------------------------------------------------------------------------------


def test_a_server_that_never_answers_ends_with_the_step_that_waited(ada, dev, monkeypatch):
    monkeypatch.setattr(connection_tests, "SECONDS", 1.2)
    with odd.answering(odd.silent) as port:
        steps = tried(ada, dev, http(port))
    *before, last = steps.values()
    assert (last["state"], last["words"]) == ("bad", connection_tests.BROKEN)
    assert "bad" not in [step["state"] for step in before]


@pytest.mark.services
def test_s3_is_tried_through_the_wall(ada, dev, s3_server):
    bucket = s3_server.new_bucket()
    s3_server.client.put_object(Bucket=bucket, Key="raw/a.csv", Body=b"a\n1\n")
    made = make_s3(
        ada, dev, service="other", endpoint=s3_server.address, tls="off", bucket_style="path", region="us-east-1", private_networks=HERE
    )
    for name, place in (("raw", f"s3a://{bucket}/raw/"), ("gone", "s3a://no-such-bucket/x/")):
        connections.add_root(actor=ada, environment=dev, name=name, connection=made.name, address=place)
    steps: dict[str, dict[str, Any]] = {}
    # In a thread of its own: a browser that another test has used keeps a loop running in this one.
    at_once(lambda number: steps.update(tried(ada, dev, made.settings, "s3", secrets={}, connection=made)), 1)
    assert f"List {bucket}/raw/" in steps, steps
    assert "1 file seen" in steps[f"List {bucket}/raw/"]["words"] and steps[f"Read {bucket}/raw/"]["state"] == "good"
    assert states(steps)["List no-such-bucket/x/"] == "bad"
    assert not [value for value in KEYS.values() if value in json.dumps(steps)]
