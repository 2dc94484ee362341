"""Who may do what: the table itself, and that one object and a whole list are judged alike."""

from __future__ import annotations

import html
from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import Http404
from django.utils import timezone

from portal.accounts import policy, token_scopes
from portal.accounts.models import Membership, Project, Role, User
from portal.environments.models import Environment
from portal.errors import NotAllowed
from portal.jobs.actions import may_answer_for
from portal.jobs.models import Draft, Job, JobVersion, LiveVersion
from portal.promotions.models import Promotion
from portal.runs.models import Run
from tests import factories

pytestmark = pytest.mark.django_db

WRITES = {"create_job", "save_version", "preview", "run_draft"}
ADMINISTERS = {"manage_environment", "manage_members", "manage_channels", "view_audit", "roll_back"}
# What each of the named people may do in flights, by environment. Read it as the promise the product makes.
MAY = {
    "ana": {
        "dev": {
            "view",
            "view_data",
            "create_job",
            "save_version",
            "preview",
            "run_draft",
            "start_run",
            "cancel_run",
            "run_pipeline",
            "request_promotion",
        },
        "test": {"view", "view_data"},
        "prod": {"view"},
    },
    "pat": {
        "dev": {"view"},
        "test": {"view", "view_data", "approve_promotion", "roll_back"},
        "prod": {"view", "view_data", "approve_promotion", "roll_back"},
    },
    "olu": {name: {"view", "view_data", "start_run", "cancel_run", "run_pipeline", "manage_channels"} for name in ("dev", "test", "prod")},
    "vic": {name: {"view"} for name in ("dev", "test", "prod")},
    "ada": {
        name: {"view", "manage_environment", "manage_members", "manage_channels", "view_audit", "roll_back"}
        for name in ("dev", "test", "prod")
    },
    "outsider": {"dev": set(), "test": set(), "prod": set()},
}
ONE_OF_EACH = sorted({frozenset(roles): action for action, roles in policy.ROLES_FOR.items()}.values())
"""One action for each set of roles that the table has."""
ASKED = sorted(set().union(*(actions for places in MAY.values() for actions in places.values())))


@pytest.mark.parametrize("person", sorted(MAY))
def test_the_named_people_may_do_what_the_story_says(person, request, flights):
    user = request.getfixturevalue(person)
    for environment in flights.environments.all():
        found = {action for action in ASKED if policy.can(user, action, environment)}
        assert found == MAY[person][environment.name], environment.name


def test_every_role_allows_exactly_what_the_table_says(flights, dev):
    for role in Role:
        if role == Role.PLATFORM_ADMIN:
            continue
        user = factories.make_person(f"only-{role}", flights, role)
        assert {action for action in policy.ROLES_FOR if policy.can(user, action, dev)} == {
            action for action, roles in policy.ROLES_FOR.items() if role in roles
        }


def test_a_platform_admin_has_no_right_to_data_running_or_approval(flights, prod):
    admin = factories.make_person("root", platform_admin=True)
    found = {action for action in policy.ROLES_FOR if policy.can(admin, action, prod)}
    assert found == {"manage_members", "view_audit", "manage_platform"}


def test_superuser_flags_of_django_give_nothing(flights, dev):
    user = User.objects.create_superuser("su", "su@sluice.test", "a long password here")
    assert not any(policy.can(user, action, dev) for action in policy.ROLES_FOR)


def test_a_role_in_one_environment_reaches_no_other(flights, dev, test_env):
    user = factories.make_person("dee", flights, "operator@dev")
    assert policy.can(user, "start_run", dev)
    assert not policy.can(user, "start_run", test_env)
    assert policy.can(user, "start_run", flights)  # somewhere in the project
    assert policy.can(user, "start_run", flights, environment="dev")
    assert not policy.can(user, "start_run", flights, environment="")  # everywhere


def test_people_who_left_or_are_not_signed_in_may_nothing(ana, dev):
    ana.is_active = False
    assert not policy.can(ana, "view", dev)
    assert not policy.can(AnonymousUser(), "view", dev)
    assert not policy.allowed(AnonymousUser(), "view", Environment.objects.all()).exists()


def test_taking_a_role_away_works_at_once(olu, dev):
    assert policy.can(olu, "start_run", dev)
    Membership.objects.filter(user=olu).delete()
    assert not policy.can(olu, "start_run", dev)


def _rows_of_everything(project: Project, owner: User) -> None:
    job = factories.make_job(project, owner)
    version = factories.make_version(job, live_in=("dev", "test", "prod"))
    Draft.objects.create(job=job, user=owner, document="{}")
    for environment in project.environments.all():
        factories.make_run(version, environment, "succeeded")
    dev, test = project.environments.filter(name__in=["dev", "test"])
    Promotion.objects.create(
        job=job, version=version, sha256=version.sha256, from_environment=dev, to_environment=test, requested_by=owner,
        expires_at=timezone.now() + timedelta(days=1),
    )  # fmt: skip


@pytest.mark.parametrize("model", [Project, Environment, Job, JobVersion, Draft, LiveVersion, Run, Promotion, Membership])
def test_one_object_and_the_whole_list_are_judged_alike(model, flights, harbour, ana, pat, olu, vic, ada, outsider):
    """`allowed` is exactly the rows for which `can` is true, for every person, action and row."""
    _rows_of_everything(flights, ana)
    _rows_of_everything(harbour, outsider)
    people = [ana, pat, olu, vic, ada, outsider, factories.make_person("root", platform_admin=True)]
    roles = [role for role in Role if role != Role.PLATFORM_ADMIN]
    people += [factories.make_person(f"{role}-everywhere", flights, role) for role in roles]
    people += [factories.make_person(f"{role}-in-test", flights, f"{role}@test") for role in roles]
    rows = list(model.objects.all() if model is not Membership else model.objects.filter(project__isnull=False))
    rows = rows[:: max(1, len(rows) // 4)]
    assert rows
    for user in people:
        for action in ONE_OF_EACH:
            one_by_one = {row.pk for row in rows if policy.can(user, action, row)}
            at_once = set(policy.allowed(user, action, model.objects.filter(pk__in=[row.pk for row in rows])).values_list("pk", flat=True))
            assert one_by_one == at_once, (user.username, action)


@pytest.mark.parametrize("role", list(Role))
def test_the_page_of_roles_lists_every_right_and_no_other(browser_of, flights, dev, test_env, ada, role):
    """As somebody with this role alone may do it above the lowest environment, and in the lowest."""
    person = factories.make_person(
        "one", flights, *([] if role == Role.PLATFORM_ADMIN else [role]), platform_admin=role == Role.PLATFORM_ADMIN
    )
    said = dict(policy.role_table())[role.label]
    above = {policy.in_words(action) for action in policy.ROLES_FOR if may_answer_for(person, action, test_env)}
    lowest = {policy.in_words(action) for action in policy.ROLES_FOR if may_answer_for(person, action, dev)}
    assert sorted(said) == sorted([*above, *(f"{words} (in the lowest environment)" for words in lowest - above)])
    assert html.escape("; ".join(said)) in browser_of(ada).get("/p/flights/settings/people").content.decode()


def test_unknown_and_forbidden_are_told_apart_only_inside(outsider, flights, ana):
    job = factories.make_job(flights, ana)
    with pytest.raises(NotAllowed):
        policy.find(outsider, "view", Job.objects.all(), pk=job.pk)
    with pytest.raises(Http404):
        policy.find(outsider, "view", Job.objects.all(), pk=job.pk + 1)
    with pytest.raises(Http404):
        policy.find(outsider, "view", Run.objects.all(), pk="not-an-id")


@pytest.mark.parametrize("scopes", [["read"], ["write"], ["run"], ["read", "write", "run"]])
def test_a_token_never_approves_and_never_does_more_than_its_scopes(scopes, pat, ana, ada, prod, dev):
    token_scopes.limit_to(scopes)
    try:
        assert not policy.can(pat, "approve_promotion", prod)
        assert not policy.can(pat, "roll_back", prod)
        assert not policy.can(ada, "manage_members", prod)
        assert policy.can(ana, "view", dev) == ("read" in scopes)
        assert policy.can(ana, "save_version", dev) == ("write" in scopes)
        assert policy.can(ana, "start_run", dev) == ("run" in scopes)
        assert policy.allowed(ana, "view", Environment.objects.all()).exists() == ("read" in scopes)
    finally:
        token_scopes.limit_to(None)
