"""The people, the project and the settings every test uses.

Django's settings are read in `pytest_configure`, after the home folder below has been set, so that no test ever touches a real one.
`SLUICE_DATABASE_URL` is honoured: the same tests run on PostgreSQL. Tests that ask for no database fixture need no database.
"""

from __future__ import annotations

import asyncio
import atexit
import importlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

HOME = Path(tempfile.mkdtemp(prefix="sluice-tests-"))
atexit.register(shutil.rmtree, HOME, ignore_errors=True)
os.environ["SLUICE_HOME"] = str(HOME)
os.environ["SLUICE_DEMO"] = "0"
os.environ["DJANGO_SETTINGS_MODULE"] = "portal.settings"

from tests import tally as tallies  # noqa: E402 – after the home folder is set
from tests.all import files_marked  # noqa: E402

if TYPE_CHECKING:
    from django.test import Client
    from pytest_django import DjangoDbBlocker
    from rest_framework.test import APIClient

    from portal.accounts.models import Project, User
    from portal.environments.models import ComputeProfile, Environment
    from tests.services.s3 import S3Server


def pytest_configure(config: pytest.Config) -> None:
    from django.conf import settings

    settings.configured or settings._setup()  # type: ignore[attr-defined]
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # quick; no test is about Argon2 itself
    settings.DATABASES["default"].setdefault("TEST", {})["MIGRATE"] = bool(settings.DATABASE_URL)
    settings.WHITENOISE_AUTOREFRESH = True  # files are looked for when they are asked for, not all of them for each test's client


ONE_STACK = (
    "tests/browser/test_main_journey.py",  # the first: it looks at every page, and those after it add some
    "tests/browser/test_own_files.py",
    "tests/browser/test_data.py",
    "tests/browser/test_look_page.py",
)
"""Files that share a running Sluice: one process has them all (`sluice` in tests/browser/conftest.py)."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Which tests stay in one process, where files are spread over several. xdist's own groups (`--dist loadgroup`) are none under
    pytest 9.2, which keeps a test's id elsewhere: each process started everything for itself."""
    from xdist.scheduler import LoadFileScheduling

    class TogetherScheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            return ONE_STACK[0] if file in ONE_STACK else file

    return TogetherScheduling(config, log) if config.option.dist == "loadfile" else None


LONGEST = (
    *ONE_STACK,
    "tests/demo/test_demo.py",
    "tests/browser/test_editor.py",
    "tests/runs/test_killed.py",
    "tests/executor/test_runner.py",
    "tests/executor/test_hazards.py",
    "tests/executor/test_joins.py",
    "tests/executor/test_serve.py",
    "tests/executor/test_left_out.py",
    "tests/executor/test_warm_run.py",
    "tests/executor/look/test_look_runs.py",
    "tests/executor/test_deadlines.py",
    "tests/runs/test_live_log.py",
    "tests/executor/test_fail_closed.py",
    "tests/executor/test_value_warnings.py",
    "tests/executor/test_keys.py",
    "tests/executor/test_noted_columns.py",
    "tests/executor/stages/test_dialect.py",
    "tests/executor/test_silent_mistakes.py",
    "tests/executor/stages/test_append.py",
    "tests/scheduler/test_two_schedulers.py",
    "tests/runs/test_wall.py",
)
"""Files that take long, the longest first: where files run at once, nobody waits for one of them at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    _refuse_marks_out_of_sight(items)
    items.sort(key=lambda item: LONGEST.index(file) if (file := item.nodeid.split("::")[0]) in LONGEST else len(LONGEST))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """A browser that stays open for the tests of a process keeps its event loop "running" in their thread, where others run their own.
    Around the whole test, its fixtures too: with a loop Django has another connection, and one of the two would wait for the other."""
    loop = asyncio.events._get_running_loop()
    if loop is None or item.get_closest_marker("browser"):
        return (yield)
    asyncio.events._set_running_loop(None)
    try:
        return (yield)
    finally:
        asyncio.events._set_running_loop(loop)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes that are no text have no part in a test's name: those of a gzip file hold the time, and every process must collect the same."""
    return argname if isinstance(val, bytes) and not (val.isascii() and val.decode("ascii").replace("\n", "").isprintable()) else None


def _refuse_marks_out_of_sight(items: list[pytest.Item]) -> None:
    """`make test` looks for the slow tests in the files that name their mark."""
    for mark in ("spark", "services", "browser"):
        named = set(files_marked(mark))
        if lost := {file for item in items if item.get_closest_marker(mark) and (file := item.nodeid.split("::")[0]) not in named}:
            raise pytest.UsageError(
                f"Write pytest.mark.{mark} into the file itself, or `make test` passes it by: {', '.join(sorted(lost))}"
            )


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings: None, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A browser asks for several things at once. The database is a file then, as when Sluice is used: the one in memory knows no waiting
    for whoever else writes (“table is locked”)."""
    from django.conf import settings

    if not settings.DATABASE_URL and any(item.get_closest_marker("browser") for item in request.session.items):
        settings.DATABASES["default"]["TEST"]["NAME"] = tmp_path_factory.mktemp("database") / "test.sqlite3"


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """The database of each process. On SQLite its tables come from the models as they are now: all migrations take 3 s, a dozen times.
    The tests on PostgreSQL, and every test that starts a stack, migrate."""
    from django.db import connection

    from portal.audit import guards

    if connection.settings_dict["TEST"]["MIGRATE"]:
        return
    with django_db_blocker.unblock(), connection.schema_editor() as editor:
        guards.install(None, editor)
        importlib.import_module("portal.runs.migrations.0002_guards").put_up(None, editor)


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    """A real S3 server; `new_bucket()` gives an empty bucket. A test that asks for it is marked `services`."""
    from tests.services import s3

    with s3.serving() as server:
        yield server


@pytest.fixture
def database_server(db: None) -> None:
    """For tests of several connections at once."""
    from django.db import connection

    if connection.vendor == "sqlite":
        pytest.skip("SQLite is a file, and takes one writer at a time")


def pytest_sessionstart(session: pytest.Session) -> None:
    _let_tests_empty_the_audit()


LIFT_GUARDS = {
    "sqlite": ["DROP TRIGGER audit_no_update", "DROP TRIGGER audit_no_delete"],
    "postgresql": ["DROP FUNCTION audit_append_only CASCADE"],
}


def _let_tests_empty_the_audit() -> None:
    """Tests that commit are cleaned up by emptying every table, which the audit's triggers refuse: lift them just for that."""
    from django.core.management import call_command
    from django.db import connection
    from django.test import TransactionTestCase

    from portal.audit import guards

    def run(statements: list[str]) -> None:
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def lifted(self: TransactionTestCase) -> None:
        run(LIFT_GUARDS[connection.vendor])
        # Django's own makes its content types anew each time, at which nobody here looks.
        call_command("flush", verbosity=0, interactive=False, reset_sequences=False, inhibit_post_migrate=True)
        run(guards.STATEMENTS[connection.vendor])

    TransactionTestCase._fixture_teardown = lifted  # type: ignore[method-assign]


@pytest.fixture(autouse=True)
def _each_test_begins_as_nobody() -> Iterator[None]:
    """A request's token and origin end with the request, but the tests' requests all run in one thread."""
    yield
    if scopes := sys.modules.get("portal.accounts.token_scopes"):
        scopes.limit_to(None)
    if audit := sys.modules.get("portal.audit.actions"):
        audit.origin.set(audit.Origin())


@pytest.fixture
def streams_leave_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test client gives every request an event loop, and so threads, of its own; a server has a few that stay."""
    from asgiref.sync import sync_to_async
    from django.db import connections

    from portal.runs import stream_views

    async def in_thread(function: Callable[..., object], *arguments: object, **named: object) -> object:
        def call() -> object:
            try:
                return function(*arguments, **named)
            finally:
                connections.close_all()

        return await sync_to_async(call, thread_sensitive=False)()

    monkeypatch.setattr(stream_views, "_in_thread", in_thread)


@pytest.fixture(scope="session")
def tally(pytestconfig: pytest.Config) -> tallies.Tally:
    """`tally("what")` is a row of the table at the end."""
    rows = tallies.rows_of(pytestconfig)
    return lambda what: rows.setdefault(what, tallies.Row(what))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if rows := tallies.rows_of(config):
        terminalreporter.section("what was tried")
        terminalreporter.write("\n".join(tallies.lines([*rows.values()])) + "\n")


# --- the project -----------------------------------------------------------------------------------------------------


@pytest.fixture
def compute(db: None) -> ComputeProfile:
    """The compute profile of every environment."""
    from tests import factories

    return factories.make_compute()


@pytest.fixture
def flights(compute: ComputeProfile) -> Project:
    """The project everybody works in; it has dev (drafts allowed), test and prod."""
    from tests import factories

    return factories.make_project("flights", "Flights", compute=compute)


@pytest.fixture
def harbour(compute: ComputeProfile) -> Project:
    """Another project, which only `outsider` has a role in."""
    from tests import factories

    return factories.make_project("harbour", "Harbour", compute=compute)


@pytest.fixture
def dev(flights: Project) -> Environment:
    return flights.environments.get(name="dev")


@pytest.fixture
def test_env(flights: Project) -> Environment:
    """The environment named test."""
    return flights.environments.get(name="test")


@pytest.fixture
def prod(flights: Project) -> Environment:
    return flights.environments.get(name="prod")


# --- the people ------------------------------------------------------------------------------------------------------


@pytest.fixture
def ana(flights: Project) -> User:
    """Author in dev: writes jobs, previews, runs drafts, saves versions, asks for promotion. Sees data in test; elsewhere only looks."""
    from tests import factories

    return factories.make_person("ana", flights, "author@dev", "data_viewer@test", "viewer")


@pytest.fixture
def ben(flights: Project) -> User:
    """A second author in dev, for what happens when two people work on one job."""
    from tests import factories

    return factories.make_person("ben", flights, "author@dev", "viewer")


@pytest.fixture
def pat(flights: Project) -> User:
    """Approver in test and prod."""
    from tests import factories

    return factories.make_person("pat", flights, "approver@test", "approver@prod", "viewer")


@pytest.fixture
def olu(flights: Project) -> User:
    """Operator everywhere."""
    from tests import factories

    return factories.make_person("olu", flights, "operator")


@pytest.fixture
def vic(flights: Project) -> User:
    """Viewer everywhere: sees definitions and states, no data."""
    from tests import factories

    return factories.make_person("vic", flights, "viewer")


@pytest.fixture
def ada(flights: Project) -> User:
    """Admin: platform admin, environment admin and auditor of the project. May neither write, run nor approve."""
    from tests import factories

    return factories.make_person("ada", flights, "environment_admin", "auditor", platform_admin=True)


@pytest.fixture
def outsider(harbour: Project) -> User:
    """Author, operator and approver of another project; must see nothing of flights."""
    from tests import factories

    return factories.make_person("outsider", harbour, "author", "operator", "approver")


# --- their browsers and programs -------------------------------------------------------------------------------------


@pytest.fixture
def browser_of(db: None) -> Callable[[User], Client]:
    """`browser_of(ana)` is a test client that is signed in as Ana (no CSRF checks)."""
    from django.test import Client

    def signed_in(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return signed_in


@pytest.fixture
def program_of(db: None) -> Callable[..., APIClient]:
    """`program_of(ana, "read", "write")` is an API client with a token of Ana's of these scopes (default: all)."""
    from rest_framework.test import APIClient

    from tests import factories

    def with_token(user: User, *scopes: str) -> APIClient:
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {factories.make_token(user, *scopes)}")
        return client

    return with_token
