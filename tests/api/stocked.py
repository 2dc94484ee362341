"""A project with one of everything in its environment test, and every address of the site filled with what is there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from portal.accounts.models import Membership, Project, User
from portal.accounts.tokens import issue
from portal.alerts import raising
from portal.alerts.actions import create_channel, create_rule
from portal.alerts.models import Alert
from portal.audit.actions import record
from portal.data.models import FileVersion, Upload
from portal.environments.connections import add_connection, add_root
from portal.environments.models import Secret
from portal.jobs.models import Draft, Place
from portal.pipelines.actions import create_pipeline
from portal.pipelines.models import PipelineRun, Schedule
from portal.promotions.models import Promotion
from portal.queries.actions import save_query
from portal.queries.asking import Query
from portal.runs import launcher
from portal.runs.models import DatabaseTable, LogSegment, StageRun
from tests import factories

WHERE = "test"
"""The environment of everything that belongs to one."""
CANARY = "CNRYq77"
"""A value of the data: in the file, and in what a run has said of it."""

SECRET_CANARY = "CNRYsecret88"
"""What a connection signs in with: nobody is ever shown it."""


def routes(patterns: Any = None, before: str = "") -> Iterator[str]:
    """Every route as it is written in the URL conf."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, before + str(pattern.pattern))
        elif isinstance(pattern, URLPattern):
            yield before + str(pattern.pattern)


def stock(project: Project, owner: User) -> dict[str, str]:
    """Makes one of everything, all of it by or for `owner`; gives what the names in routes stand for."""
    test, dev = project.environments.get(name=WHERE), project.environments.get(name="dev")
    test.upload_roles = ["operator"]
    test.save()
    job = factories.make_job(project, owner)
    version = factories.make_version(job, live_in=("dev",))
    older, _ = factories.make_version(job, live_in=(WHERE,)), factories.make_version(job, live_in=(WHERE,))
    Draft.objects.create(job=job, user=owner, document=version.document)
    run = factories.make_run(
        older, test, "failed", fence=1, outputs=[{"stage": "write", "uri": "curated/x", "format": "parquet", "rows": 2}]
    )
    StageRun.objects.create(run=run, attempt_number=1, index=0, name="flights", type="DelimitedExtract", state="warning", details={
        "values": {"rows": 2, "affected": 1, "is_whole": True, "can_show": True, "counts": [], "names": [CANARY]}})  # fmt: skip
    line = {"seq": 1, "event": "log", "level": "info", "message": CANARY, "source": "job"}
    LogSegment.objects.create(run=run, attempt_number=1, first_seq=1, last_seq=1, lines=json.dumps(line) + "\n")
    raising.run_ended(run.pk)
    pipeline = create_pipeline(actor=owner, project=project, name="night", after={job.name: []})
    schedule = Schedule.objects.create(pipeline=pipeline, environment=test, cron="0 * * * *", set_by=owner)
    going = PipelineRun.objects.create(pipeline=pipeline, environment=test, schedule=schedule, requested_by=owner, due_at=timezone.now())
    promotion = Promotion.objects.create(
        job=job, version=version, sha256=version.sha256, from_environment=dev, to_environment=test,
        requested_by=owner, expires_at=timezone.now() + timedelta(days=1),
    )  # fmt: skip
    admin = factories.make_person("admin", project, "environment_admin")
    channel, _ = create_channel(actor=admin, project=project, name="Team", kind="email", target="t@sluice.test", environment=test)
    rule = create_rule(actor=admin, project=project, event="failed", environment=test, channels=[channel])
    Secret.objects.create(environment=test, name="db_password", sealed="x", set_by=admin, set_at=timezone.now())
    keys = {"access_key": SECRET_CANARY, "secret_key": SECRET_CANARY}
    connection = add_connection(actor=admin, environment=test, name="lake_s3", kind="s3", settings={}, secrets=keys)
    root = add_root(actor=admin, environment=test, name="archive", connection=connection.name, address="s3a://acme-lake/archive/")
    query = save_query(actor=owner, project=project, name="mine", query=Query(f"SELECT '{CANARY}'"))
    table = DatabaseTable.objects.create(environment=test, connection="shop", name="orders", job=job, published_at=timezone.now())
    place = Place.objects.create(environment=test, uri="curated/x", key="curated/x", owner=job)
    put_file(project)
    kept = FileVersion.objects.create(environment=test, uri="raw/a.csv", number=1, original_name="a.csv", brought_by=owner, state="kept")
    upload = Upload.objects.create(environment=test, person=owner, name="b.csv", uri="raw/b.csv", size=9)
    record(action="look", actor=owner, subject=job)
    member = Membership.objects.create(user=admin, project=project, role="auditor", environment=WHERE)
    return {
        "project": project.slug, "environment": WHERE, "job": job.name, "number": "1", "run": str(run.pk), "stage": "0", "output": "0",
        "pipeline": "night", "pipeline_run": str(going.pk), "promotion": str(promotion.pk), "alert": str(Alert.objects.first().pk),
        "channel": str(channel.pk), "rule": str(rule.pk), "name": "db_password", "version": str(kept.pk), "upload": str(upload.pk),
        "membership": str(member.pk), "member": str(member.pk), "token": str(issue(user=owner, name="t", scopes=["read"])[0].pk),
        "place": str(place.pk), "table": str(table.pk), "seq": "1", "kind": "csv", "word": "data",
        "connection": connection.name, "root": root.name, "query": str(query.pk),
    }  # fmt: skip


def put_file(project: Project) -> None:
    """What lies in the lake, whatever an earlier request has done to it."""
    folder = launcher.lake_folder(project.environments.get(name=WHERE)) / "raw"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "a.csv").write_text(f"a\n{CANARY}\n")
    (folder / "c.csv").unlink(missing_ok=True)


def filled(route: str, ids: dict[str, str]) -> str:
    """The address that a route stands for."""
    if "pipelines/" in route:
        ids = ids | {"run": ids["pipeline_run"]}
    route = re.sub(r"\(\?P<(\w+)>[^)]*\)", lambda found: ids[found[1]], route).replace("^", "").replace("$", "").replace("\\", "")
    return "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda found: ids[found[1]], route)
