"""A secret of an environment reaches the executor of a job that declares it, and nobody and nothing else."""

from __future__ import annotations

import base64
import json
import logging
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.core import mail
from django.db import connection
from rest_framework.test import APIClient

from portal.accounts.models import User
from portal.audit.models import AuditEvent
from portal.environments import actions as environment_actions
from portal.environments import resealing, secrets
from portal.environments.keys import file
from portal.environments.models import Environment
from portal.errors import PortalError
from portal.runs import actions
from portal.runs.models import Run, RunState
from portal.runs.redaction import MASK, Redactor
from tests import factories
from tests.runs.fake_executor import forms_of
from tests.runs.stack import until

pytestmark = pytest.mark.django_db(transaction=True)
CANARY = 'c4nary+/key "ümlaut" of 32 signs%'
PEM = "-----BEGIN THING-----\nMIIc4naryLine0123456789\nAbCdEfGhIjKlMnOpQrStUv\n-----END THING-----"
SIGNS_IN = {"method": "AmazonAccessKey", "accessKeyID": "${id}", "secretAccessKey": "${key}"}
PARAMETERS = {"id": {"type": "secret"}, "key": {"type": "secret", "label": "The key"}, "behaviour": {"default": "succeed"}}


def document(**parameters: Any) -> dict[str, Any]:
    extract, *others = json.loads(json.dumps(factories.DOCUMENT))["stages"]
    return {
        "parameters": PARAMETERS | parameters,
        "stages": [extract | {"authentication": SIGNS_IN, "description": "${behaviour}"}, *others],
    }


@pytest.fixture
def sealed(ada: User, dev: Environment) -> Environment:
    """dev, with both secrets."""
    secrets.set_secret(actor=ada, environment=dev, name="id", value=PEM)
    secrets.set_secret(actor=ada, environment=dev, name="key", value=CANARY)
    return dev


@pytest.fixture
def run_of(job: Any, ana: User, sealed: Environment) -> Callable[..., Run]:
    version = factories.make_version(job, document=document())

    def make(behaviour: str) -> Run:
        return actions.start_run(actor=ana, job=job, environment=sealed, version=version, parameters={"behaviour": behaviour})

    return make


def pieces() -> list[str]:
    return [
        "c4nary",
        "ümlaut",
        "MIIc4nary",
        "AbCdEfGhIj",
        base64.b64encode(CANARY.encode()).decode()[4:24],
        "IrL2tleS",
        CANARY.encode().hex()[4:30],
    ]


def everything_stored() -> Iterator[str]:
    """Every text of every row of the database."""
    with connection.cursor() as cursor:
        for model in apps.get_models(include_auto_created=True):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(model._meta.db_table)}")  # noqa: S608
            yield from (f"{model._meta.label}: {row!r}" for row in cursor.fetchall())


def holds(text: str) -> str | None:
    return next((piece for piece in pieces() if piece in text), None)


def test_a_canary_is_nowhere_but_in_its_sealed_row(
    run_of: Callable[..., Run],
    work: Any,
    fake_executor: Path,
    ada: User,
    vic: User,
    program_of: Callable[..., APIClient],
    caplog: Any,
    browser_of: Any,
) -> None:
    caplog.set_level(logging.DEBUG)
    run = run_of("leak")
    assert not any(holds(row) for row in everything_stored())
    run = work(run)

    assert run.state == RunState.FAILED and MASK in run.problem["message"]
    assert [row for row in everything_stored() if holds(row)] == []
    assert holds(caplog.text) is None
    assert not any(holds(file.read_text(errors="replace")) for file in fake_executor.parents[2].rglob("*") if file.is_file())
    assert not any(holds(str(message.message()) + message.body) for message in mail.outbox)
    for person in (vic, run.requested_by):
        for address in ("", "/log", "/stages", "/attempts"):
            answer = program_of(person).get(f"/api/v1/projects/flights/runs/{run.pk}{address}")
            assert holds(b"".join(answer).decode() if answer.streaming else answer.content.decode()) is None
        page = browser_of(person).get(f"/p/flights/runs/{run.pk}/")
        assert page.status_code == 200 and holds(page.content.decode()) is None
    for kind in ("csv", "jsonl"):
        export = b"".join(browser_of(ada).get(f"/audit/export.{kind}")).decode()
        assert "set_secret" in export and holds(export) is None


def test_processes_show_nothing_of_it(run_of: Callable[..., Run], work: Any, fake_executor: Path) -> None:
    run = run_of("leak:2")
    seen: list[str] = []

    def look() -> None:
        until(lambda: (fake_executor / "started").exists(), "the executor has begun")
        for process in Path("/proc").glob("[0-9]*"):
            for name in ("cmdline", "environ"):
                try:
                    seen.append((process / name).read_bytes().decode(errors="replace"))
                except OSError:
                    continue

    looker = threading.Thread(target=look)
    looker.start()
    work(run)
    looker.join()
    assert len(seen) > 5 and not any(holds(text) for text in seen)


def test_the_executor_is_told_them(run_of: Callable[..., Run], work: Any, monkeypatch: Any) -> None:
    from portal.runs import launcher

    told: list[dict[str, Any]] = []
    say = launcher.Executor.say
    monkeypatch.setattr(launcher.Executor, "say", lambda self, message: (told.append(message), say(self, message))[1])
    run = work(run_of("succeed"))
    assert run.state == RunState.SUCCEEDED
    assert told[0]["secrets"] == {"id": PEM, "key": CANARY} and set(told[0]["parameters"]) == {"behaviour"}


def test_only_declared_secrets_are_handed_over(job: Any, ana: User, sealed: Environment, work: Any, monkeypatch: Any) -> None:
    from portal.runs import launcher

    told: list[dict[str, Any]] = []
    say = launcher.Executor.say
    monkeypatch.setattr(launcher.Executor, "say", lambda self, message: (told.append(message), say(self, message))[1])
    version = factories.make_version(job)
    work(actions.start_run(actor=ana, job=job, environment=sealed, version=version))
    assert told[0]["secrets"] == {}


@pytest.mark.parametrize("door", ["start", "draft", "rerun", "api", "page"])
def test_no_door_takes_its_value_with_a_run(
    door: str, run_of: Callable[..., Run], ana: User, program_of: Any, browser_of: Any, job: Any, sealed: Environment
) -> None:
    run = run_of("succeed")
    given = {"key": "other-value-of-mine"}
    count = Run.objects.count()
    if door == "api":
        answer = program_of(ana).post(
            "/api/v1/projects/flights/runs/", {"job": job.name, "environment": "dev", "version": 1, "parameters": given}, "json"
        )
        assert answer.status_code == 422
        said = answer.content.decode()
    elif door == "page":
        form = {"environment": "dev", "version": 1, "parameter_key": "other-value-of-mine"}
        html = browser_of(ana).get(f"/p/flights/jobs/{job.name}/run?environment=dev&version=1").content.decode()
        assert 'name="parameter_key"' not in html and 'name="parameter_behaviour"' in html
        browser_of(ana).post(f"/p/flights/jobs/{job.name}/run", form)  # a field that is not there says nothing
        assert Run.objects.count() == count + 1 and "key" not in Run.objects.latest("created_at").parameters
        return
    else:
        with pytest.raises(PortalError) as refused:
            if door == "start":
                actions.start_run(actor=ana, job=job, environment=sealed, version=run.version, parameters=given)
            elif door == "draft":
                actions.run_draft(actor=ana, job=job, document=document(x={"default": 1}), parameters=given)
            else:
                actions.rerun(actor=ana, run=run, parameters=given)
        said = json.dumps(refused.value.problems)
    assert "secret-given" in said and "other-value" not in said and Run.objects.count() == count


def test_one_that_is_not_set_stops_the_run_before_it_is_queued(job: Any, ana: User, dev: Environment) -> None:
    version = factories.make_version(job, document=document())
    with pytest.raises(PortalError) as refused:
        actions.start_run(actor=ana, job=job, environment=dev, version=version)
    assert [problem["code"] for problem in refused.value.problems] == ["secret-missing", "secret-missing"]


def test_one_that_was_removed_meanwhile_fails_the_run_in_words(
    run_of: Callable[..., Run], work: Any, ada: User, sealed: Environment
) -> None:
    run = run_of("succeed")
    secrets.remove_secret(actor=ada, environment=sealed, name="key")
    run = work(run)
    assert (run.state, run.problem["code"]) == (RunState.FAILED, "secret-missing")


def test_one_that_cannot_be_opened_fails_the_run_in_words(run_of: Callable[..., Run], work: Any, settings: Any) -> None:
    run = run_of("succeed")
    settings.VAULT_KEY = "another key"
    run = work(run)
    assert (run.state, run.problem["code"]) == (RunState.FAILED, "cannot-unseal")


def test_runs_go_on_while_another_key_seals_everything(
    run_of: Callable[..., Run], work: Any, settings: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    settings.VAULT_OLD_KEYS = settings.VAULT_KEYS_FILE.read_text().split()
    settings.VAULT_KEYS_FILE = tmp_path / "keys"
    settings.VAULT_KEYS_FILE.write_text(file.new_key())
    monkeypatch.setattr(resealing, "BATCH", 1)
    states = [work(run_of("succeed")).state]
    states += [work(run_of("succeed")).state for done in resealing.reseal() if done.resealed]
    settings.VAULT_OLD_KEYS = []
    states += [work(run_of("succeed")).state]
    assert states == [RunState.SUCCEEDED] * 4 and resealing.left() == 0


def test_a_rerun_and_a_run_of_a_pipeline_have_the_present_value(
    run_of: Callable[..., Run], work: Any, ada: User, ana: User, sealed: Environment
) -> None:
    from portal.runs import checks

    run = work(run_of("succeed"))
    secrets.set_secret(actor=ada, environment=sealed, name="key", value="a new value of it")
    again = actions.rerun(actor=ana, run=run)
    assert checks.secrets_for(again)["key"] == "a new value of it"
    of_system = actions.start_run(actor=None, job=run.job, environment=sealed, version=run.version, requested_by=ana)
    assert checks.secrets_for(of_system) == {"id": PEM, "key": "a new value of it"}


@pytest.mark.parametrize("name", ["password", "db_password", "sasToken"])
def test_a_password_is_no_plain_value_of_an_environment_or_a_run(name: str, ada: User, ana: User, dev: Environment, job: Any) -> None:
    with pytest.raises(PortalError) as refused:
        environment_actions.edit_environment(
            actor=ada, environment=dev, parameters={name: "hunter2hunter2"}, compute=dev.compute, approvals_needed=1
        )
    assert refused.value.code == "literal-credential" and "hunter2" not in json.dumps(refused.value.problems)
    version = factories.make_version(job, document=document() | {"parameters": PARAMETERS | {name: {"type": "string", "default": "x"}}})
    with pytest.raises(PortalError) as refused:
        actions.start_run(actor=ana, job=job, environment=dev, version=version, parameters={name: "hunter2hunter2"})
    assert refused.value.code == "literal-credential" and "hunter2" not in json.dumps(refused.value.problems)


# --- setting and removing ---------------------------------------------------------------------------------------------------


def test_who_administers_the_environment_sets_replaces_and_removes_it(ada: User, dev: Environment, program_of: Any, vic: User) -> None:
    place = "/api/v1/projects/flights/environments/dev/secrets"
    answer = program_of(ada).put(f"{place}/key", {"value": CANARY}, "json")
    assert answer.status_code == 200 and set(answer.json()) == {"name", "reference", "set_by", "set_at"}
    program_of(ada).put(f"{place}/key", {"value": CANARY + "2"}, "json")
    for person in (ada, vic):
        listed = program_of(person).get(place)
        assert [one["name"] for one in listed.json()] == ["key"] and holds(listed.content.decode()) is None
        assert holds(program_of(person).get("/api/v1/projects/flights/environments/dev").content.decode()) is None
    assert secrets.values_of(dev, ["key"]) == {"key": CANARY + "2"}
    assert program_of(ada).delete(f"{place}/key").status_code == 204
    assert program_of(ada).delete(f"{place}/key").status_code == 404
    told = [(event.action, event.details) for event in AuditEvent.objects.filter(result="done", action__contains="secret").order_by("seq")]
    assert told == [
        ("set_secret", {"name": "key", "replaced": False}),
        ("set_secret", {"name": "key", "replaced": True}),
        ("remove_secret", {"name": "key"}),
    ]
    assert not any(holds(row) for row in everything_stored())


@pytest.mark.parametrize("who", ["ana", "vic", "olu", "pat", "outsider"])
def test_nobody_else_does(who: str, request: pytest.FixtureRequest, sealed: Environment, program_of: Any, browser_of: Any) -> None:
    person = request.getfixturevalue(who)
    place = "/api/v1/projects/flights/environments/dev/secrets/key"
    assert program_of(person).put(place, {"value": CANARY}, "json").status_code in (403, 404)
    assert program_of(person).delete(place).status_code in (403, 404)
    page = "/p/flights/settings/environments/dev/secrets"
    assert browser_of(person).post(page, {"name": "key", "value": CANARY}).status_code == 404
    assert browser_of(person).post(f"{page}/key/remove").status_code == 404
    assert sealed.secrets.count() == 2


def test_an_admin_of_another_environment_does_not(flights: Any, prod: Environment, dev: Environment) -> None:
    other = factories.make_person("oda", flights, "environment_admin@dev")
    with pytest.raises(PortalError):
        secrets.set_secret(actor=other, environment=prod, name="key", value=CANARY)
    secrets.set_secret(actor=other, environment=dev, name="key", value=CANARY)


def test_the_page_shows_who_and_when_and_never_what(ada: User, sealed: Environment, browser_of: Any) -> None:
    browser = browser_of(ada)
    place = "/p/flights/settings/environments/dev"
    html = browser.get(place).content.decode()
    assert "set by Ada" in html and holds(html) is None
    assert holds(browser.get("/p/flights/settings/environments").content.decode()) is None
    refused = browser.post(f"{place}/secrets", {"name": "new", "value": "c4nary"})  # too short
    assert refused.status_code == 422 and "c4nary" not in refused.content.decode() and "8 to" in refused.content.decode()
    assert browser.post(f"{place}/secrets", {"name": "key", "value": "c4nary, replaced"}).status_code == 302
    assert browser.post(f"{place}/secrets/id/remove").status_code == 302
    assert secrets.values_of(sealed, ["id", "key"]) == {"key": "c4nary, replaced"}


def test_one_name_is_a_secret_or_a_parameter(ada: User, sealed: Environment) -> None:
    with pytest.raises(PortalError) as refused:
        environment_actions.edit_environment(
            actor=ada, environment=sealed, parameters={"key": "plain"}, compute=sealed.compute, approvals_needed=1
        )
    assert refused.value.code == "bad-parameters"
    Environment.objects.filter(pk=sealed.pk).update(parameters={"year": 2013})
    with pytest.raises(PortalError) as refused:
        secrets.set_secret(actor=ada, environment=sealed, name="year", value=CANARY)
    assert refused.value.code == "name-taken"


@pytest.mark.parametrize("name", ["", "1st", "a b", "run_id", "environment", "x" * 101])
def test_names_are_those_of_parameters(name: str, ada: User, dev: Environment) -> None:
    with pytest.raises(PortalError):
        secrets.set_secret(actor=ada, environment=dev, name=name, value=CANARY)


# --- redaction ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("secret", [CANARY, PEM, "12345678", "aaaaaaaaaaaa", "word of\ttwo & more <tags>"])
def test_a_redactor_knows_the_forms_in_which_it_travels(secret: str) -> None:
    redact = Redactor([secret])
    for text in forms_of(secret):
        left = redact(f"before {text} after")
        assert left.startswith("before ") and MASK in left
        assert max((len(part) for part in left[7:].replace("after", "").split(MASK)), default=0) < max(20, len(text) // 2)


def test_numbers_and_structure_of_an_event_survive_any_secret() -> None:
    redact = Redactor(["succeeded", "12345678", "stage_rows", '"rows":12'])
    facts = {"event": "stage_rows", "rows": 12345678, "outcome": "succeeded", "message": "it succeeded with 12345678"}
    assert redact.json(facts) == facts | {"message": f"it {MASK} with {MASK}"}


def test_ordinary_text_stays() -> None:
    redact = Redactor([CANARY])
    text = "SELECT a FROM b -- 7,623 rows in 3 files"
    assert redact(text) == text and redact.json({"a": [text, 1, None, True]}) == {"a": [text, 1, None, True]}


# --- previews ----------------------------------------------------------------------------------------------------------------


def test_a_preview_has_the_secrets_of_its_own_environment_only(sealed: Environment, prod: Environment) -> None:
    from portal.runs.preview_lease import Key
    from portal.runs.preview_reach import PreviewReach

    def told(environment: Environment, content: Any) -> Any:
        given = PreviewReach().given(Key(1, 1, environment.pk), {"document": content}, "Ana")
        assert given.hidden == set(given.values["secrets"].values())
        return given.values

    assert told(sealed, document()) == {"secrets": {"id": PEM, "key": CANARY}}
    for environment, content in (
        (prod, document()),
        (sealed, {"parameters": {"key": {"type": "string"}}, "stages": []}),
        (sealed, {"parameters": {"key": 5}}),
        (sealed, None),
    ):
        assert told(environment, content) == {"secrets": {}}


def test_the_web_process_sends_no_secret_to_the_preview_service(sealed: Environment, ana: User, job: Any) -> None:
    from portal.runs.preview_views import message_for

    message = message_for(ana, job, "ask", {"document": document(), "to": 0, "values": {"secrets": {"key": "x"}}}, {"request": "preview"})
    assert message["message"]["values"] == {"parameters": {}}


# --- gates and advice --------------------------------------------------------------------------------------------------------


def test_a_promotion_is_told_which_secret_the_target_lacks(job: Any, ana: User, ada: User, dev: Environment, prod: Environment) -> None:
    from portal.jobs import advice
    from portal.promotions import gates

    version = factories.make_version(job, document=document())
    test = job.project.environments.get(name="test")
    candidate: Any = SimpleNamespace(version=version, target=test)  # all that this gate asks
    gate = gates.parameters_exist(candidate)
    assert gate.verdict == "stop" and "secret “id”" in gate.sentence
    for name in ("id", "key"):
        secrets.set_secret(actor=ada, environment=test, name=name, value=CANARY)
    assert gates.parameters_exist(candidate).verdict == "ok"
    assert [one["code"] for one in advice.advice_on(version.document, job.project)] == ["secret-missing", "secret-missing"]
    for name in ("id", "key"):
        secrets.set_secret(actor=ada, environment=dev, name=name, value=CANARY)
    assert advice.advice_on(version.document, job.project) == []
