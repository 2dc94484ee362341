"""Outputs that were published before places were noted: the job whose good run came last owns what lies there."""

from __future__ import annotations

from typing import Any

from django.db import migrations

from executor.language.places import key_of, place_of

GOOD_STATES = ("succeeded", "succeeded_with_warnings")


def note_places(apps: Any, schema_editor: Any) -> None:
    run_model, place_model = apps.get_model("runs", "Run"), apps.get_model("jobs", "Place")
    for job_id, environment_id in run_model.objects.order_by().values_list("job_id", "environment_id").distinct():
        good = run_model.objects.filter(job=job_id, environment=environment_id, state__in=GOOD_STATES)
        last = good.order_by("-created_at").values("id", "outputs", "finished_at").first()
        for output in (last or {}).get("outputs") or []:
            uri = output.get("uri") if isinstance(output, dict) else None
            if isinstance(uri, str) and len(uri) <= 500:
                _note(place_model, environment_id, job_id, uri, last)


def _note(place_model: Any, environment_id: int, job_id: int, uri: str, last: dict[str, Any]) -> None:
    facts = {"owner_id": job_id, "last_run_id": last["id"], "published_at": last["finished_at"]}
    place, is_new = place_model.objects.get_or_create(
        environment_id=environment_id, key=key_of(uri), defaults={"uri": place_of(uri), **facts}
    )
    if not is_new and (place.published_at is None or place.published_at < last["finished_at"]):
        place_model.objects.filter(pk=place.pk).update(**facts)


class Migration(migrations.Migration):
    dependencies = [("runs", "0004_finished_at"), ("jobs", "0003_runs_at_once")]

    operations = [migrations.RunPython(note_places, migrations.RunPython.noop)]
