from typing import Any

from django.db import migrations


def fill(apps: Any, schema_editor: Any) -> None:
    """Every alert so far is about a run. Its owner finds what is still open in their list, as read."""
    alerts, notices = apps.get_model("alerts", "Alert"), apps.get_model("alerts", "Notice")
    for alert in alerts.objects.select_related("run__job", "run__project").iterator():
        run = alert.run
        alert.subject_type, alert.subject_id = "run", str(run.pk)
        alert.environment_id, alert.job_id = run.environment_id, run.job_id
        alert.page = f"/p/{run.project.slug}/runs/{run.pk}/"
        alert.save(update_fields=["subject_type", "subject_id", "environment", "job", "page"])
        if alert.state == "open":
            because = f"you own {run.job.name}"
            notices.objects.get_or_create(alert=alert, user_id=run.job.owner_id, defaults={"because": because, "read_at": alert.created_at})


class Migration(migrations.Migration):
    dependencies = [("alerts", "0002_subjects")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
