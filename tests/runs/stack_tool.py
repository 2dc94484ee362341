"""Runs inside a home folder of its own, beside real web and worker processes: one JSON request a line in, one JSON answer a line out."""

from __future__ import annotations

import json
import os
import sys
from io import StringIO
from pathlib import Path
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY  # noqa: E402
from django.contrib.sessions.backends.db import SessionStore  # noqa: E402
from django.contrib.sessions.models import Session  # noqa: E402
from django.core.management import call_command  # noqa: E402

from portal.accounts.models import Membership, Project, User  # noqa: E402
from portal.environments import connections  # noqa: E402
from portal.jobs.models import Job  # noqa: E402
from portal.runs import actions, doorbell, leases, outbox, sweeper  # noqa: E402
from portal.runs.models import LogSegment, Run  # noqa: E402
from tests import factories  # noqa: E402

SQL = "SELECT origin, count(*) AS flights, '${run_id}' AS made_by FROM flights GROUP BY origin"
DOCUMENT = {
    "stages": [
        factories.DOCUMENT["stages"][0],
        factories.DOCUMENT["stages"][1] | {"sql": SQL},
        factories.DOCUMENT["stages"][2] | {"saveMode": "Overwrite"},
    ]
}
"""Its output says which run made it."""


def prepare() -> dict[str, Any]:
    """Database, people, a job with a live version and a little data; gives a session of Ana's."""
    call_command("migrate", verbosity=0)
    project = factories.make_project("flights", compute=factories.make_compute(cores=1, memory_mb=512))
    ana = factories.make_person("ana", project, "author", "operator")
    vic = factories.make_person("vic", project, "viewer")
    factories.make_version(factories.make_job(project, ana), document=DOCUMENT, live_in=("dev",))
    raw = Path(settings.LAKE_DIR) / "flights" / "dev" / "raw"
    raw.mkdir(parents=True)
    (raw / "flights.csv").write_text("origin,delay\nJFK,1\nEWR,2\nJFK,3\n")
    others = {name: _session(factories.make_person(name, project, "operator")) for name in ("off", "out", "new", "less")}
    return {"ana": _session(ana), "vic": _session(vic), **others}


def _session(user: User) -> str:
    session = SessionStore()
    session[SESSION_KEY], session[BACKEND_SESSION_KEY] = str(user.pk), settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return str(session.session_key)


def administrator() -> str:
    """A session of Ada's, who looks after the environments and reads the audit."""
    project = Project.objects.get(slug="flights")
    return _session(factories.make_person("ada", project, "environment_admin", "auditor", "author", "operator", platform_admin=True))


def dump() -> str:
    """Every row of the database."""
    said = StringIO()
    call_command("dumpdata", stdout=said)
    return said.getvalue()


def connect(address: str, bucket: str, secrets: dict[str, str], folder: str = "") -> None:
    """dev gets the roots `archive` and `shop_out` in a bucket, and a job that reads the one and writes to the other and the folder; where
    another `folder` is named, also to the root `second` there."""
    project = Project.objects.get(slug="flights")
    ada = factories.make_person("ada", project, "environment_admin", platform_admin=True)
    dev = project.environments.get(name="dev")
    settings = {"service": "other", "endpoint": address, "tls": "off", "bucket_style": "path", "private_networks": ["127.0.0.0/8"]}
    connections.add_connection(actor=ada, environment=dev, name="store", kind="s3", settings=settings, secrets=secrets)
    for name, may_write in (("archive", False), ("shop_out", True)):
        place = f"s3a://{bucket}/{name}/"
        connections.add_root(actor=ada, environment=dev, name=name, connection="store", address=place, may_write=may_write)
    extract, count, load = DOCUMENT["stages"]
    here, there = load | {"outputURI": "curated/of_s3"}, load | {"name": "out", "outputURI": "shop_out:by_origin"}
    stages = [extract | {"inputURI": "archive:2013/flights.csv"}, count, here, there]
    if folder:
        connections.add_root(actor=ada, environment=dev, name="second", connection="", address=folder, may_write=True)
        stages.append(load | {"name": "second", "outputURI": "second:of_s3"})
    job = factories.make_job(project, User.objects.get(username="ana"), "on_s3")
    factories.make_version(job, document={"stages": stages}, live_in=("dev",))


def start(name: str = "daily_delays") -> str:
    job = Job.objects.get(name=name)
    run = actions.start_run(actor=User.objects.get(username="ana"), job=job, environment=job.project.environments.get(name="dev"))
    return str(run.pk)


def made_run(**fields: Any) -> str:
    """A run as it would be in the middle of its work, whose lines the test writes itself."""
    job = Job.objects.get(name="daily_delays")
    version = job.versions.get()
    return str(factories.make_run(version, job.project.environments.get(name="dev"), **fields).pk)


def add_lines(run: str, first: int, texts: list[str]) -> None:
    lines = [
        json.dumps({"seq": first + i, "event": "log", "level": "info", "source": "job", "message": text}) for i, text in enumerate(texts)
    ]
    LogSegment.objects.create(
        run_id=run, attempt_number=1, first_seq=first, last_seq=first + len(texts) - 1, lines="".join(f"{line}\n" for line in lines)
    )
    Run.objects.filter(pk=run).update(log_lines=first + len(texts) - 1)
    doorbell.Hints().publish(run, first + len(texts) - 1)


def take_away(run: str) -> None:
    """From four people who read a log: the role, the session, the password that the session was opened with, and the right to data."""
    Membership.objects.filter(user__username="off").delete()
    user = User.objects.get(username="out")
    [session.delete() for session in Session.objects.all() if session.get_decoded().get(SESSION_KEY) == str(user.pk)]
    user = User.objects.get(username="new")
    user.set_password("a new and long password 77")
    user.save()
    Membership.objects.filter(user__username="less").update(role="viewer")


def finish(run: str) -> None:
    Run.objects.get(pk=run).move_to("succeeded")
    doorbell.Hints().publish(run, 0)


def look(run: str) -> dict[str, Any]:
    found = Run.objects.get(pk=run)
    attempts = [
        {"outcome": a.outcome, "pid": a.process_id, "sandbox": a.sandbox, "reached": a.reached, "may_have_left": a.may_have_left}
        for a in found.attempts.all()
    ]
    facts = {"state": found.state, "problem": found.problem, "outputs": found.outputs, "attempts": attempts}
    return facts | {"lines": found.log_lines, "log": _log(found)}


def _log(run: Run) -> list[dict[str, Any]]:
    return [json.loads(line) for segment in run.log_segments.all() for line in segment.lines.splitlines()]


def sweep() -> dict[str, int]:
    return {"relayed": outbox.relay()} | sweeper.sweep()


def ring(run: str, times: int) -> None:
    for _ in range(times):
        doorbell.ring(leases.EXECUTE, run)


COMMANDS = {
    f.__name__: f for f in (prepare, administrator, dump, connect, start, made_run, add_lines, take_away, finish, look, sweep, ring)
}

if __name__ == "__main__":
    for request in sys.stdin:
        asked = json.loads(request)
        answer = COMMANDS[asked.pop("do")](**asked)  # type: ignore[operator]
        print(json.dumps(answer), flush=True)
