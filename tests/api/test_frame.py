"""What every answer of the API has in common: the shape of errors, request ids, tokens, Idempotency-Key, cursor pages."""

from __future__ import annotations

import threading
import uuid

import pytest
from django.db import connection
from django.test import Client
from django.urls import resolve
from rest_framework.response import Response
from rest_framework.test import APIClient

from portal.accounts.models import ApiToken, IdempotentAnswer, Membership, Project
from portal.audit.models import AuditEvent
from tests import factories

pytestmark = pytest.mark.django_db

MEMBERS = "/api/v1/projects/flights/members/"
MEMBERS_OF = {"type", "title", "status", "detail", "code", "fix", "problems", "request_id"}


def signed_in(user) -> APIClient:
    client = APIClient()
    client.force_login(user)
    return client


def is_problem(answer, status, code=None) -> bool:
    body = answer.json()
    assert answer.status_code == body["status"] == status, body
    assert answer["Content-Type"].startswith("application/problem+json")
    assert set(body) >= MEMBERS_OF
    assert body["request_id"] == answer["X-Request-Id"]
    assert code in (None, body["code"]), body
    return True


# --- errors ----------------------------------------------------------------------------------------------------------


def test_errors_of_every_kind_have_one_shape(ana, ada, program_of):
    ana_s, ada_s = program_of(ana), signed_in(ada)
    assert is_problem(APIClient().get("/api/v1/me"), 401, "not-signed-in")
    assert is_problem(ana_s.get("/api/v1/projects/nowhere"), 404, "not-found")
    assert is_problem(ana_s.get("/api/v1/no/such/address"), 404, "not-found")
    assert is_problem(ana_s.delete("/api/v1/me"), 405, "method-not-allowed")
    assert is_problem(ada_s.post(MEMBERS, "{not json", content_type="application/json"), 400, "parse-error")
    assert is_problem(ada_s.post(MEMBERS, "a=1", content_type="text/plain"), 415, "unsupported-media-type")
    wrong = ada_s.post(MEMBERS, {"username": "nobody", "role": "king"}, format="json")
    assert is_problem(wrong, 422, "invalid-fields")
    assert {problem["field"] for problem in wrong.json()["problems"]} == {"username", "role"}


@pytest.mark.parametrize(
    ("address", "body", "unknown"),
    [
        ("projects/flights/jobs/", {"name": "new", "tagz": []}, "tagz"),
        ("projects/flights/runs/", {"job": "a", "environment": "dev", "params": {"year": 2014}}, "params"),
        ("projects/flights/environments/dev/files/download", {"uri": "raw/a.csv", "format": "parquet"}, "format"),
        ("projects/flights/environments/dev/uploads/", {"name": "a.csv", "size": 3, "x" * 100: 1}, "x" * 60),
    ],
)
def test_a_field_that_nobody_knows_is_not_left_out_without_a_word(address, body, unknown, ana, flights, program_of):
    answer = program_of(ana, "read", "write", "run").post(f"/api/v1/{address}", body, format="json")
    assert is_problem(answer, 400, "unknown-field")
    assert [problem["field"] for problem in answer.json()["problems"]] == [unknown]
    assert not flights.jobs.exists()


def test_a_fault_of_ours_is_said_without_its_inside(ana, program_of, monkeypatch):
    def fail(*_):
        raise RuntimeError("secret inside")

    monkeypatch.setattr("portal.accounts.api.MeOut", fail)
    answer = program_of(ana).get("/api/v1/me")
    assert is_problem(answer, 500, "server-error")
    assert "secret" not in answer.content.decode()


def test_unknown_and_forbidden_look_alike_and_the_forbidden_is_audited(outsider, flights):
    client = signed_in(outsider)
    unknown, forbidden = client.get("/api/v1/projects/nowhere").json(), client.get("/api/v1/projects/flights").json()
    assert unknown | {"request_id": ""} == forbidden | {"request_id": ""}
    event = AuditEvent.objects.get(result="refused")
    assert (event.actor, event.action, event.project) == (outsider, "view", "flights")
    assert event.request_id == forbidden["request_id"]


def test_nobody_chooses_their_own_request_id(ana, program_of):
    answer = program_of(ana).get("/api/v1/me", headers={"X-Request-Id": "mine"})
    assert uuid.UUID(answer["X-Request-Id"])


# --- tokens ----------------------------------------------------------------------------------------------------------


def test_a_token_acts_as_its_owner_and_is_named_in_the_audit(ada, ana, flights, program_of):
    program = program_of(ada, "write")
    answer = program.patch("/api/v1/projects/flights/environments/dev", {"approvals_needed": 1}, format="json")
    assert answer.status_code == 200 or is_problem(answer, 404)
    program = program_of(ada, "read", "write")
    assert program.patch("/api/v1/projects/flights/environments/dev", {"parameters": {"year": 2013}}, format="json").status_code == 200
    event = AuditEvent.objects.filter(action="edit_environment").latest("seq")
    assert event.actor == ada
    assert event.token_prefix == ApiToken.objects.latest("pk").prefix


def test_the_text_of_a_token_is_kept_nowhere(ana):
    text = factories.make_token(ana)
    row = ApiToken.objects.get()
    assert text not in str(vars(row))
    assert row.hash != text


@pytest.mark.parametrize(("scope", "method", "status"), [("read", "get", 200), ("write", "get", 403), ("run", "get", 403)])
def test_a_token_does_only_what_its_scopes_say(ana, flights, program_of, scope, method, status):
    assert getattr(program_of(ana, scope), method)("/api/v1/projects/flights").status_code == status


def test_a_reading_token_changes_nothing(ada, flights, program_of):
    answer = program_of(ada, "read").patch("/api/v1/projects/flights/environments/dev", {"approvals_needed": 2}, format="json")
    assert is_problem(answer, 403, "token-scope")
    assert "write" in answer.json()["detail"]


def test_tokens_neither_make_tokens_nor_give_roles(ada, vic, flights, program_of):
    program = program_of(ada)
    assert is_problem(program.post("/api/v1/tokens/", {"name": "x", "scopes": ["read"]}, format="json"), 403, "not-with-a-token")
    assert is_problem(program.post(MEMBERS, {"username": "vic", "role": "author"}, format="json"), 403, "not-with-a-token")


def test_expired_revoked_and_made_up_tokens_open_nothing(ana):
    from datetime import timedelta

    from django.utils import timezone

    expired, revoked = factories.make_token(ana), factories.make_token(ana)
    first, second = ApiToken.objects.order_by("pk")
    ApiToken.objects.filter(pk=first.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    second.revoke()
    for text in (expired, revoked, "slc_made-up", "", "é"):
        answer = APIClient().get("/api/v1/me", headers={"Authorization": f"Bearer {text}".encode().decode("latin-1")})
        assert is_problem(answer, 401, "bad-token"), text


def test_a_token_of_somebody_who_left_opens_nothing(ana, program_of):
    program = program_of(ana)
    ana.is_active = False
    ana.save()
    assert program.get("/api/v1/me").status_code == 401


def test_a_token_is_not_taken_for_a_page(ana):
    text = factories.make_token(ana)
    assert Client().get("/", headers={"Authorization": f"Bearer {text}"}).status_code == 302


def test_a_session_that_changes_something_needs_the_csrf_token(ada, vic, flights):
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(ada)
    assert client.post(MEMBERS, {"username": "vic", "role": "author"}, format="json").status_code == 403
    assert Membership.objects.filter(user=vic).count() == 1


# --- Idempotency-Key -------------------------------------------------------------------------------------------------


def give_role(client, key, role="author", username="vic"):
    return client.post(MEMBERS, {"username": username, "role": role}, format="json", headers={"Idempotency-Key": key})


def test_the_same_request_sent_twice_is_done_once_and_answered_the_same(ada, vic, flights):
    client = signed_in(ada)
    first, second = give_role(client, "k1"), give_role(client, "k1")
    assert first.status_code == second.status_code == 201
    assert first.json() == second.json()
    assert second["Idempotency-Replayed"] == "true"
    assert Membership.objects.filter(user=vic, role="author").count() == 1
    assert AuditEvent.objects.filter(action="add_member").count() == 1


def test_without_a_key_the_second_request_is_a_conflict(ada, vic, flights):
    client = signed_in(ada)
    body = {"username": "vic", "role": "author"}
    assert client.post(MEMBERS, body, format="json").status_code == 201
    assert is_problem(client.post(MEMBERS, body, format="json"), 409, "role-given-already")


def test_a_key_used_for_another_request_is_refused(ada, vic, flights):
    client = signed_in(ada)
    give_role(client, "k1")
    assert is_problem(give_role(client, "k1", role="operator"), 422, "idempotency-key-reused")
    assert not Membership.objects.filter(user=vic, role="operator").exists()


def test_a_request_still_being_worked_on_is_not_started_again(ada, vic, flights):
    client = signed_in(ada)
    give_role(client, "k1")
    IdempotentAnswer.objects.update(status=None, body=None)
    assert is_problem(give_role(client, "k1"), 409, "in-progress")


def test_a_refused_request_may_be_sent_again_with_the_same_key(ada, vic, flights):
    client = signed_in(ada)
    assert give_role(client, "k1", username="ada").status_code == 403  # one's own role
    assert not IdempotentAnswer.objects.exists()


def test_keys_belong_to_one_person(ada, vic, flights):
    other = factories.make_person("eve", flights, "environment_admin")
    assert give_role(signed_in(ada), "k1").status_code == 201
    assert give_role(signed_in(other), "k1").status_code == 409  # done anew, and found to be there


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("door", "waits"),
    [
        ("format", True),
        ("environments/dev/look", True),
        ("jobs/a/analyse", True),
        ("jobs/a/versions/", True),
        ("jobs/a/versions/1/restore", True),
        ("runs/many", False),
    ],
)
def test_nobody_waits_for_a_request_that_waits_for_other_programs(ana, flights, monkeypatch, door, waits):
    """On SQLite every transaction of a request is the only one that writes: for a minute of a look nothing else could."""
    held = []

    def post(*_, **__):
        held.append(connection.in_atomic_block)
        return Response({"a": "CANARY"})

    view = resolve(f"/api/v1/projects/flights/{door}").func.cls
    monkeypatch.setattr(view, "post", post)
    client = signed_in(ana)
    answers = [client.post(f"/api/v1/projects/flights/{door}", {}, format="json", headers={"Idempotency-Key": "k"}) for _ in range(2)]
    assert [answer.json() for answer in answers] == [{"a": "CANARY"}] * 2 and any(held) != waits
    assert door.endswith(("look", "analyse")) == (not IdempotentAnswer.objects.exists())  # what quotes data is kept nowhere


def test_answers_with_a_secret_are_not_kept(ana):
    client = signed_in(ana)
    answer = client.post("/api/v1/tokens/", {"name": "x", "scopes": ["read"]}, format="json", headers={"Idempotency-Key": "k"})
    assert answer.json()["token"].startswith("slc_")
    assert not IdempotentAnswer.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_many_at_once_with_one_key_are_one(ada, vic, flights):
    if connection.vendor == "sqlite":
        pytest.skip("the tests' in-memory SQLite is one connection's; run with SLUICE_DATABASE_URL")
    statuses, gate = [], threading.Barrier(4)

    def ask():
        client = signed_in(ada)
        gate.wait()
        try:
            statuses.append(give_role(client, "k1").status_code)
        finally:
            connection.close()

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Membership.objects.filter(user=vic, role="author").count() == 1
    assert AuditEvent.objects.filter(action="add_member").count() == 1
    assert set(statuses) <= {201, 409}
    assert give_role(signed_in(ada), "k1").status_code == 201
    assert Membership.objects.filter(user=vic, role="author").count() == 1


# --- pages of lists --------------------------------------------------------------------------------------------------


def test_a_list_is_read_to_its_end_by_following_next(ana, flights, program_of):
    for number in range(7):
        Project.objects.create(slug=f"p{number}", name="x")
        Membership.objects.create(user=ana, project=Project.objects.get(slug=f"p{number}"), role="viewer")
    program, seen, address = program_of(ana), [], "/api/v1/projects/?limit=3"
    while address:
        page = program.get(address).json()
        assert len(page["results"]) <= 3
        seen += [row["slug"] for row in page["results"]]
        address = page["next"]
    assert seen == ["flights", *(f"p{number}" for number in range(7))]


def test_rows_that_arrive_meanwhile_neither_repeat_nor_hide_others(ana, flights, program_of):
    for _ in range(6):
        factories.make_token(ana)
    program = program_of(ana)
    first = program.get("/api/v1/tokens/?limit=4").json()
    factories.make_token(ana)
    rest = program.get(first["next"]).json()
    ids = [row["id"] for row in first["results"] + rest["results"]]
    assert len(ids) == len(set(ids)) == 7


# --- the description -------------------------------------------------------------------------------------------------


def test_the_description_is_valid_openapi_3_1_and_says_how_to_sign_in(ana, program_of):
    from openapi_spec_validator import OpenAPIV31SpecValidator

    answer = program_of(ana).get("/api/schema/")
    assert answer.status_code == 200
    schema = answer.json()
    assert schema["openapi"].startswith("3.1")
    OpenAPIV31SpecValidator(schema).validate()
    assert schema["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            assert "default" in operation["responses"], (method, path)
            names = {parameter["name"] for parameter in operation.get("parameters", [])}
            assert method != "post" or "Idempotency-Key" in names, path


def test_the_description_is_made_without_warnings(capsys):
    from drf_spectacular.drainage import GENERATOR_STATS
    from drf_spectacular.generators import SchemaGenerator

    GENERATOR_STATS.reset()
    SchemaGenerator().get_schema(request=None, public=True)
    said = capsys.readouterr().err
    assert "Warning" not in said, said
    assert "Error" not in said, said


@pytest.mark.parametrize("limit", ["null", "0", "-1", "1.5", "", "5&limit=6"])
def test_a_page_of_no_number_of_rows_is_refused_in_words(limit, ana, program_of):
    answer = program_of(ana).get(f"/api/v1/projects/?limit={limit}")
    assert answer.status_code == 422
    assert answer.json()["problems"][0] == {"code": "invalid", "field": "limit", "message": "A whole number from 1 to 200."}
