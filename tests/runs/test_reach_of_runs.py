"""A run gets the roots and connections that its document uses, of its own environment and as they are then, and nothing else."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from executor.connections import Endpoint
from portal.accounts.models import User
from portal.environments import connections
from portal.environments.models import Connection, ConnectionSecret, Environment
from portal.environments.reach import Needs
from portal.errors import PortalError
from portal.runs import launcher, leases, needs, reached
from portal.runs.egress import Reached, Traffic
from portal.runs.launches import Equipment, Launch
from portal.runs.models import Run, RunState
from portal.runs.preview_lease import Key
from portal.runs.preview_reach import PreviewReach
from portal.runs.run_page import network_of
from portal.runs.supervisor import Supervisor
from tests import factories
from tests.environments.connected import KEYS, PASSWORD, make_database, make_root, make_s3
from tests.runs.fake_executor import forms_of
from tests.runs.stack import until
from tests.runs.test_secrets import everything_stored

pytestmark = pytest.mark.django_db(transaction=True)
BUCKET = "acme-landing.s3.eu-central-1.amazonaws.com:443"


def reading(uri: str, **last: Any) -> dict[str, Any]:
    """The small job, reading another place."""
    extract, middle, load = json.loads(json.dumps(factories.DOCUMENT))["stages"]
    return {"parameters": {"behaviour": {"default": "succeed"}}, "stages": [extract | {"inputURI": uri}, middle, load | last]}


@pytest.fixture
def connected(ada: User, dev: Environment) -> Environment:
    """dev, with a root on S3 and a database."""
    make_root(ada, make_s3(ada, dev))
    make_database(ada, dev)
    return dev


@pytest.fixture
def run_of(job: Any, connected: Environment) -> Callable[..., Run]:
    def make(uri: str = "raw:flights.csv", behaviour: str = "succeed", **last: Any) -> Run:
        version = factories.make_version(job, document=reading(uri, **last))
        return factories.make_run(version, connected, parameters={"behaviour": behaviour})

    return make


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The places with which executors were started. They start without them: there is no wall in these tests."""
    seen: list[list[str]] = []
    original = launcher.for_run

    def without(environment: Environment, name: str, *, warm: bool = False, endpoints: Any = (), folders: Any = ()) -> Launch:
        seen.append([str(one) for one in endpoints])
        return original(environment, name, warm=warm)

    monkeypatch.setattr(launcher, "for_run", without)
    return seen


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What executors were told on standard input."""
    said: list[dict[str, Any]] = []
    say = launcher.Executor.say
    monkeypatch.setattr(launcher.Executor, "say", lambda self, message: (said.append(message), say(self, message))[1])
    return said


def test_a_job_on_the_folder_alone_gets_nothing_and_has_no_network(
    run_of: Callable[..., Run], work: Any, told: list[Any], launched: list[Any]
) -> None:
    run = work(run_of("raw/flights.csv"))
    assert (run.state, launched, run.secret_versions) == (RunState.SUCCEEDED, [[]], {})
    assert not {"roots", "connections"} & told[0].keys()
    assert run.attempts.get().reached == {"could": [], "did": {}, "through": {}}
    assert set(ConnectionSecret.objects.values_list("used_by", flat=True)) == {""}


def test_a_job_gets_what_it_names_and_no_other_connection(
    run_of: Callable[..., Run], work: Any, told: list[Any], launched: list[Any]
) -> None:
    run = work(run_of())
    assert (run.state, launched, run.secret_versions) == (RunState.SUCCEEDED, [[BUCKET]], {"lake_s3": 1})
    assert list(told[0]["connections"]) == ["lake_s3"] and told[0]["connections"]["lake_s3"]["secrets"] == KEYS
    assert told[0]["roots"]["raw"]["address"] == "s3a://acme-landing/flights/" and told[0]["roots"]["lake"]["is_default"]
    used = dict(ConnectionSecret.objects.values_list("connection__name", "used_by"))
    assert used == {"lake_s3": f"run {run.short_id} of {run.job.name}", "shop": ""}


@pytest.mark.parametrize(
    ("uri", "roots"),
    [
        ("raw:flights.csv", {"raw"}),
        ("raw:*/x_*.csv", {"raw"}),
        ("${where}", {"raw"}),
        ("raw:${run_id}/x.csv", {"raw"}),
        ("s3a://acme-landing/flights/2013/x.csv", {"raw"}),
        ("s3://acme-landing/flights/x.csv", {"raw"}),
        ("raw/flights.csv", set()),
        ("lake:raw/flights.csv", set()),
        ("s3a://acme-landing/flights2/x.csv", set()),
        ("s3a://acme-landing/flights/../x.csv", set()),
        ("other:flights.csv", set()),
        ("raw:../x.csv", set()),
        ("RAW:flights.csv", set()),
        ("https://acme-landing/flights/x.csv", set()),
    ],
)
def test_which_roots_a_document_uses(uri: str, roots: set[str], connected: Environment) -> None:
    assert needs.needs_of(reading(uri), connected, {"where": "raw:x.csv"}) == Needs(roots=frozenset(roots))


def test_a_stage_of_another_environment_asks_for_nothing(connected: Environment) -> None:
    document = reading("raw:x.csv")
    document["stages"][0]["environments"] = ["prod"]
    assert needs.needs_of(document, connected, {}) == Needs()


def test_who_only_looks_needs_nothing_of_what_is_written(connected: Environment) -> None:
    document = reading("raw/x.csv", outputURI="raw:out")
    assert needs.needs_of(document, connected, {}).roots == {"raw"}
    assert needs.needs_of(document, connected, {}, only_looks=True) == Needs()
    assert needs.part_until(document, 0)["stages"] == document["stages"][:1]


def test_a_run_in_dev_gets_nothing_of_prod(
    ada: User, dev: Environment, prod: Environment, job: Any, work: Any, told: list[Any], launched: list[Any]
) -> None:
    make_root(ada, make_s3(ada, prod), "vault")
    for uri in ("vault:x.csv", "s3a://acme-landing/flights/x.csv"):
        run = work(factories.make_run(factories.make_version(job, document=reading(uri)), dev, parameters={"behaviour": "succeed"}))
        assert (run.state, run.problem["code"] in needs.GONE) == (RunState.FAILED, True)
    assert (told, launched) == ([], []) and set(ConnectionSecret.objects.values_list("used_by", flat=True)) == {""}


def test_a_root_that_is_gone_fails_the_run_and_is_named(ada: User, run_of: Callable[..., Run], work: Any, connected: Environment) -> None:
    run, other = run_of(), run_of("raw/flights.csv")
    connections.remove_root(actor=ada, root=connected.roots.get(name="raw"))
    run = work(run)
    other.refresh_from_db()
    assert (run.state, run.problem["code"]) == (RunState.FAILED, "root-unknown") and "“raw”" in run.problem["message"]
    assert run.problem["message"].startswith("The stage “")
    assert other.state == RunState.SUCCEEDED


def test_a_secret_that_has_ended_fails_the_run_and_is_named(ada: User, run_of: Callable[..., Run], work: Any) -> None:
    run = run_of()
    connections.rotate_secret(actor=ada, connection=Connection.objects.get(name="lake_s3"), secrets=KEYS, old_for_minutes=0)
    Run.objects.filter(pk=run.pk).update(secret_versions={"lake_s3": 1})
    run = work(run)
    assert (run.state, run.problem["code"]) == (RunState.FAILED, "secret-ended") and "lake_s3" in run.problem["message"]


def test_a_machine_that_cannot_hold_it_to_its_places_fails_the_run_and_no_other(run_of: Callable[..., Run], work: Any) -> None:
    refused, other = run_of(), run_of("raw/flights.csv")
    run = work(refused)
    other.refresh_from_db()
    assert (run.state, run.problem["code"], other.state) == (RunState.FAILED, "sandbox-missing", RunState.SUCCEEDED)
    assert "needs other machines" in run.problem["message"]


def test_a_fault_while_secrets_are_open_tells_none_of_them(
    run_of: Callable[..., Run], work: Any, launched: list[Any], monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    monkeypatch.setattr(launcher.Executor, "say", lambda self, message: 1 / 0)
    run = work(run_of())
    assert "ZeroDivisionError" in caplog.text and run.state in (RunState.QUEUED, RunState.FAILED)
    assert not [secret for secret in KEYS.values() if secret in caplog.text or repr(secret)[1:-1] in caplog.text]


def test_one_that_does_not_open_fails_the_run(run_of: Callable[..., Run], work: Any, settings: Any) -> None:
    run = run_of()
    settings.VAULT_KEY = "another key"
    assert work(run).problem["code"] == "cannot-unseal"


def test_a_further_attempt_signs_in_with_what_the_first_began_with(
    ada: User, run_of: Callable[..., Run], work: Any, told: list[Any], launched: list[Any]
) -> None:
    run = run_of(behaviour="killed_once")
    assert leases.claim(run, "a worker that dies")
    _, reach = needs.reach_for(run)
    Run.objects.filter(pk=run.pk).update(secret_versions=dict(reach.versions))
    leases.hand_on(run)
    new = KEYS | {"secret_key": "another key, set meanwhile"}
    connections.rotate_secret(actor=ada, connection=Connection.objects.get(name="lake_s3"), secrets=new)
    Run.objects.filter(pk=run.pk).update(parameters={"behaviour": "succeed"})
    run = work(run)
    assert (run.state, run.fence, run.secret_versions) == (RunState.SUCCEEDED, 2, {"lake_s3": 1})
    assert told[0]["connections"]["lake_s3"]["secrets"] == KEYS
    work(run_of())
    assert told[-2]["connections"]["lake_s3"]["secrets"] == new


@pytest.mark.parametrize("change", ["moved", "removed", "connection"])
def test_a_run_whose_root_leads_elsewhere_meanwhile_publishes_nothing(
    change: str,
    ada: User,
    run_of: Callable[..., Run],
    work: Any,
    fake_executor: Path,
    launched: list[Any],
    connected: Environment,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    root, made, answer = connected.roots.get(name="raw"), Connection.objects.get(name="lake_s3"), Supervisor._answer_publish

    def meanwhile(supervisor: Supervisor) -> None:
        if change == "moved":
            connections.edit_root(actor=ada, root=root, connection="lake_s3", address="s3a://acme-landing/new/", may_write=False)
        elif change == "removed":
            connections.remove_root(actor=ada, root=root)
        else:
            connections.edit_connection(actor=ada, connection=made, settings=made.settings | {"region": "eu-west-1"}, secrets=KEYS)
        answer(supervisor)

    monkeypatch.setattr(Supervisor, "_answer_publish", meanwhile)
    run = work(run_of())
    assert (run.state, run.problem["code"]) == (RunState.FAILED, "place-moved")
    assert ("lake_s3" if change == "connection" else "“raw”") in run.problem["message"]
    assert not (fake_executor / "published").exists()


def test_a_run_in_the_folder_publishes_nothing_once_the_root_of_that_name_leads_elsewhere(
    run_of: Callable[..., Run], work: Any, fake_executor: Path, launched: list[Any], connected: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The root is edited in the very moment in which the run starts: each of the two has not seen the other."""
    answer, made = Supervisor._answer_publish, Connection.objects.get(name="lake_s3")

    def meanwhile(supervisor: Supervisor) -> None:
        connected.roots.filter(name="lake").update(connection=made, address="s3a://acme-lake/dev/", may_write=True)
        answer(supervisor)

    monkeypatch.setattr(Supervisor, "_answer_publish", meanwhile)
    run = work(run_of("raw/flights.csv"))
    assert (run.state, run.problem["code"]) == (RunState.FAILED, "place-moved") and "“lake”" in run.problem["message"]
    assert not (fake_executor / "published").exists()


def test_what_it_signs_in_with_is_nowhere_but_sealed(
    run_of: Callable[..., Run],
    work: Any,
    launched: list[Any],
    fake_executor: Path,
    program_of: Any,
    browser_of: Any,
    vic: User,
    ada: User,
    caplog: Any,
) -> None:
    caplog.set_level(logging.DEBUG)
    seen: list[str] = []

    def look() -> None:
        until((fake_executor / "started").exists, "the executor has begun")
        for process in Path("/proc").glob("[0-9]*"):
            for name in ("cmdline", "environ"):
                try:
                    seen.append((process / name).read_bytes().decode(errors="replace"))
                except OSError:
                    continue

    looker = threading.Thread(target=look)
    looker.start()
    run = work(run_of(behaviour="leak:0.5"))
    looker.join()
    pieces = {form for secret in KEYS.values() for form in forms_of(secret)}

    def holds(text: str) -> list[str]:
        return [piece for piece in pieces if piece in text]

    assert run.state == RunState.FAILED and "•••••" in run.problem["message"]
    assert [row for row in everything_stored() if holds(row)] == []
    assert holds(caplog.text) == [] and len(seen) > 5 and not any(holds(text) for text in seen)
    assert not any(holds(file.read_text(errors="replace")) for file in fake_executor.parents[3].rglob("*") if file.is_file())
    for person in (vic, ada):
        for address in ("", "/log", "/stages", "/network"):
            answer = program_of(person).get(f"/api/v1/projects/flights/runs/{run.pk}{address}")
            assert answer.status_code == 200 and holds(answer.content.decode()) == []
        page = browser_of(person).get(f"/p/flights/runs/{run.pk}/")
        assert page.status_code == 200 and holds(page.content.decode()) == []


def of_a_database(**load: Any) -> dict[str, Any]:
    """The small job, reading from a database; with `load`, writing to one as well."""
    document = reading("raw/x.csv")
    extract, middle, last = document["stages"]
    read = {"type": "JDBCExtract", "name": "flights", "connection": "shop", "tableName": "flights", "outputView": "flights"}
    write = {"type": "JDBCLoad", "name": "write", "inputView": "by_origin", "tableName": "by_origin", **load}
    return document | {"stages": [read, middle, write if load else last]}


def test_a_connection_that_a_stage_names_is_given_and_missed(
    ada: User, job: Any, connected: Environment, work: Any, told: list[Any], launched: list[Any]
) -> None:
    version = factories.make_version(job, document=of_a_database())
    assert work(factories.make_run(version, connected, parameters={"behaviour": "succeed"})).state == RunState.SUCCEEDED
    assert launched[0] == ["db.example.org:5432"] and told[0]["connections"]["shop"]["secrets"] == PASSWORD
    gone = factories.make_run(version, connected, parameters={"behaviour": "succeed"})
    connections.remove_connection(actor=ada, connection=Connection.objects.get(name="shop"))
    gone = work(gone)
    assert (gone.state, gone.problem["code"]) == (RunState.FAILED, "connection-unknown") and "“shop”" in gone.problem["message"]


def test_a_preview_opens_no_database_that_is_only_written(connected: Environment) -> None:
    reach, key = PreviewReach(), Key(1, 1, connected.pk)
    make_database(User.objects.get(username="ada"), connected, "warehouse")
    for content, names in ((of_a_database(), ["shop"]), (of_a_database(connection="warehouse"), ["shop"])):
        assert list(reach.given(key, asked(content), "Ana").values["connections"]) == names
    assert reach.wanted(key, asked(of_a_database())).least.connectors


def test_a_root_stays_while_a_run_publishes_there_or_has_left_something(
    ada: User, run_of: Callable[..., Run], work: Any, launched: list[Any], connected: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, answer, refused = connected.roots.get(name="raw"), Supervisor._answer_publish, []
    place = {"connection": "lake_s3", "address": "s3a://acme-landing/flights/"}
    root = connections.edit_root(actor=ada, root=root, may_write=True, **place)

    def changes() -> list[str]:
        codes = []
        for change in (
            lambda: connections.edit_root(actor=ada, root=root, may_write=False, **place),
            lambda: connections.remove_root(actor=ada, root=root),
        ):
            with pytest.raises(PortalError) as error:
                change()
            codes.append(error.value.code)
        return codes

    def meanwhile(supervisor: Supervisor) -> None:
        refused.extend(changes())
        answer(supervisor)

    monkeypatch.setattr(Supervisor, "_answer_publish", meanwhile)
    run = work(run_of("raw/x.csv", outputURI="raw:out"))
    assert run.state == RunState.SUCCEEDED and refused == ["root-in-use"] * 2
    run = work(run_of("raw/x.csv", "vanish", outputURI="raw:out"))
    assert run.attempts.get().may_have_left and changes() == ["root-in-use"] * 2
    run.attempts.update(may_have_left=False)
    connections.remove_root(actor=ada, root=root)


@pytest.mark.parametrize(("behaviour", "left"), [("succeed", False), ("vanish", True)])
def test_it_is_known_which_attempt_may_have_left_something_elsewhere(
    behaviour: str, left: bool, ada: User, run_of: Callable[..., Run], work: Any, launched: list[Any], connected: Environment
) -> None:
    connections.edit_root(
        actor=ada, root=connected.roots.get(name="raw"), connection="lake_s3", address="s3a://acme-landing/flights/", may_write=True
    )
    assert work(run_of("raw/x.csv", behaviour, outputURI="raw:out")).attempts.get().may_have_left is left
    assert behaviour == "succeed" or work(run_of("raw:x.csv", behaviour)).attempts.get().may_have_left is False


# --- previews ---------------------------------------------------------------------------------------------------------------


def asked(content: Any, to: int = 2, **parameters: Any) -> dict[str, Any]:
    return {"request": "preview", "document": content, "to": to, "values": {"parameters": parameters}}


def test_a_preview_gets_what_its_stages_read_and_no_more(connected: Environment) -> None:
    reach, key = PreviewReach(), Key(1, 1, connected.pk)

    def gets(message: Any) -> tuple[list[str], list[str], list[str]]:
        given, wanted = reach.given(key, message, "Ana"), reach.wanted(key, message)
        assert given.hidden == {value for one in given.values.get("connections", {}).values() for value in one["secrets"].values()}
        assert wanted.most.covers(wanted.least)
        told = given.values
        return [str(one) for one in wanted.least.endpoints], list(told.get("connections", {})), sorted(told.get("roots", {}))

    assert gets(asked(reading("raw/x.csv"))) == ([], [], [])
    assert gets(asked(reading("raw:x.csv"))) == ([BUCKET], ["lake_s3"], ["lake", "raw"])
    assert gets(asked(reading("${place}"), place="raw:x.csv")) == ([BUCKET], ["lake_s3"], ["lake", "raw"])
    assert gets(asked(reading("raw/x.csv", outputURI="raw:out"))) == ([], [], ["lake", "raw"])  # it is named, but only written
    assert gets(asked(reading("raw/x.csv", outputURI="raw:out"), to=1)) == ([], [], ["lake", "raw"])  # the whole is judged
    for strange in (None, {}, {"document": 5}, {"document": {"stages": 7}}, {"document": {}}, asked(reading("no_root:x.csv"))):
        assert gets(strange) == ([], [], [])
    assert dict(ConnectionSecret.objects.values_list("connection__name", "used_by")) == {"lake_s3": "a preview of Ana", "shop": ""}


def test_a_preview_in_dev_gets_nothing_of_prod(ada: User, dev: Environment, prod: Environment) -> None:
    make_root(ada, make_s3(ada, prod), "vault")
    message, reach = asked(reading("s3a://acme-landing/flights/x.csv")), PreviewReach()
    assert reach.given(Key(1, 1, dev.pk), message, "Ana").values == {"secrets": {}}
    assert reach.wanted(Key(1, 1, dev.pk), message).least == Equipment()
    assert reach.given(Key(1, 1, prod.pk), message, "Ana").values["connections"]


def test_a_session_that_is_started_ahead_is_one_for_what_was_saved_last(connected: Environment, job: Any, ana: User) -> None:
    key = Key(ana.pk, job.pk, connected.pk)
    assert PreviewReach().wanted(key, None).least == Equipment()
    factories.make_version(job, document=reading("raw:x.csv"))
    assert [str(one) for one in PreviewReach().wanted(key, None).least.endpoints] == [BUCKET]
    job.drafts.create(user=ana, document=json.dumps(reading("raw/x.csv")))
    assert PreviewReach().wanted(key, None).least == Equipment()


def test_who_may_only_look_at_jobs_previews_nothing(connected: Environment, job: Any, vic: User, browser_of: Any) -> None:
    answer = browser_of(vic).post(f"/p/flights/jobs/{job.name}/preview", json.dumps(asked(reading("raw:x.csv"))), "application/json")
    assert answer.status_code in (403, 404)
    assert set(ConnectionSecret.objects.values_list("used_by", flat=True)) == {""}


def test_a_broken_connection_of_a_later_stage_stops_no_preview(connected: Environment) -> None:
    Connection.objects.filter(name="lake_s3").update(settings={"region": "nowhere"})
    late = reading("raw/x.csv")
    late["stages"].append(late["stages"][0] | {"name": "late", "inputURI": "raw:x.csv", "outputView": "late"})
    assert PreviewReach().wanted(Key(1, 1, connected.pk), asked(late, to=1)).least == Equipment()
    with pytest.raises(PortalError, match="no region"):
        PreviewReach().wanted(Key(1, 1, connected.pk), asked(late, to=3))


def test_a_program_over_files_gets_what_its_address_or_document_needs(connected: Environment, ana: User) -> None:
    def gets(what: str, **values: Any) -> tuple[list[str], list[str]]:
        equipment, given = PreviewReach().of_files(what, ana.pk, connected.pk, values)
        assert given.hidden == {value for one in given.values.get("connections", {}).values() for value in one["secrets"].values()}
        return [str(one) for one in equipment.endpoints], list(given.values.get("connections", {}))

    survey = json.dumps(reading("raw:x.csv"))
    assert gets("put-back", uri="raw:out", kept="x") == gets("survey", document=survey) == ([BUCKET], ["lake_s3"])
    of_database = json.dumps({"stages": [{"type": "JDBCExtract", "connection": "shop", "sql": "SELECT 1", "outputView": "x"}]})
    assert gets("survey", document=of_database) == ([], [])  # it looks at files only
    for values in ({"uri": "raw/x.csv"}, {"uri": "no_root:x"}, {"document": "{"}, {"run_id": "dead"}, {"uri": 5}):
        assert gets("look", **values) == ([], [])
    assert ConnectionSecret.objects.get(connection__name="lake_s3").used_by == "a look at what a promotion would meet, for Ana"


def test_the_systems_page_says_why_connections_cannot_be_used(ada: User, browser_of: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from portal.runs import sandbox

    monkeypatch.setattr(sandbox, "status", lambda: sandbox.Status("full"))
    for why in ("", "No network of its own can be made."):
        monkeypatch.setattr(sandbox, "why_no_own_network", lambda why=why: why)
        page = browser_of(ada).get("/settings/system").content.decode()
        assert "Network of runs" in page and ("Jobs that use connections do not start here" in page) is bool(why) and why in page


# --- what it reached --------------------------------------------------------------------------------------------------------

FOUND = Reached(
    (BUCKET, "db.example.org:5432"),
    {
        BUCKET: Traffic(connections=3, sent=2_000_000, received=10_000_000),
        "db.example.org:5432": Traffic(refused=1, failed=2, why="db.example.org is not public."),
    },
)


@pytest.fixture
def run_that_reached(run_of: Callable[..., Run], monkeypatch: pytest.MonkeyPatch, launched: list[Any], work: Any) -> Run:
    monkeypatch.setattr(Launch, "reached", FOUND)
    return work(run_of())


def test_who_looks_after_the_environment_sees_the_hosts(run_that_reached: Run, ada: User, browser_of: Any, program_of: Any) -> None:
    answer = browser_of(ada).get(f"/p/flights/runs/{run_that_reached.pk}/")
    page = " ".join(answer.content.decode().split())
    assert f"<td>{BUCKET} (lake_s3), 3 connections, 12 MB</td>" in page
    assert "<td>db.example.org:5432, 1 try: db.example.org is not public.</td>" in page and "2 tries" in page
    assert "no network" not in page
    rows = program_of(ada).get(f"/api/v1/projects/flights/runs/{run_that_reached.pk}/network").json()
    assert [(row["attempt"], row["place"], row["through"], row["connections"]) for row in rows] == [
        (1, BUCKET, ["lake_s3"], 3),
        (1, "db.example.org:5432", [], 0),
    ]


def test_everybody_else_sees_the_connections(run_that_reached: Run, vic: User, browser_of: Any, program_of: Any) -> None:
    page = " ".join(browser_of(vic).get(f"/p/flights/runs/{run_that_reached.pk}/").content.decode().split())
    assert "the connection lake_s3, 3 connections, 12 MB" in page
    answer = program_of(vic).get(f"/api/v1/projects/flights/runs/{run_that_reached.pk}/network")
    for text in (page, answer.content.decode()):
        assert "amazonaws" not in text and "example.org" not in text


@pytest.mark.parametrize(("outcome", "said"), [("", "Reached so far"), ("lost", "Reached, as last noted"), ("succeeded", "Reached")])
def test_what_is_noted_of_a_run_that_may_have_reached_more_is_not_told_as_all(
    run_that_reached: Run, ada: User, outcome: str, said: str
) -> None:
    attempt = run_that_reached.attempts.get()
    attempt.outcome, attempt.finished_at = outcome, attempt.finished_at if outcome else None
    assert [what for what, _ in network_of(ada, run_that_reached, attempt)] == ["Could reach", said, "Refused", "Failed"]


def test_without_a_network_nothing_is_told() -> None:
    for kept in (None, reached.facts(Reached(), {})):
        assert reached.in_words(reached.places_of(kept, with_hosts=True)) == []


def test_an_executor_that_waits_fits_the_very_same_places_only(dev: Environment) -> None:
    from portal.runs.warm_pool import key_of

    one, other = Endpoint("db.example.org", 5432), Endpoint("db.example.org", 5432, ("10.0.0.0/8",))
    keys = [key_of(dev, equipment) for equipment in (Equipment(), Equipment((one,)), Equipment((other,)), Equipment((), ("delta",)))]
    assert len(set(keys)) == 4 and key_of(dev, Equipment((one,))) == keys[1]


def test_a_secret_that_lies_elsewhere_is_read_at_the_start_or_nothing_starts(
    run_of: Callable[..., Run], work: Any, told: list[Any], launched: list[Any], ada: User, dev: Environment, settings: Any, tmp_path: Path
) -> None:
    settings.SECRET_BACKENDS = json.dumps({"mounted": {"kind": "files", "folder": str(tmp_path / "mounted")}})
    reference = {"backend": "mounted", "path": "flights/dev/lake"}
    connections.rotate_secret(actor=ada, connection=dev.connections.get(name="lake_s3"), secrets={}, reference=reference)
    run = work(run_of())
    assert (run.state, run.problem["code"], launched, told) == (RunState.FAILED, "secret-not-read", [], [])
    assert "What lake_s3 signs in with cannot be read" in run.problem["message"] and "flights/dev" not in run.problem["message"]
    folder = tmp_path / "mounted" / "flights" / "dev" / "lake"
    folder.mkdir(parents=True)
    for name, value in KEYS.items():
        (folder / name).write_text(value)
        (folder / name).chmod(0o400)
    run = work(run_of(behaviour="leak"))
    assert told[0]["connections"]["lake_s3"]["secrets"] == KEYS
    assert not [row for row in everything_stored() if any(form in row for value in KEYS.values() for form in forms_of(value))]
