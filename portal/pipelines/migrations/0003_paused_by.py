from typing import Any

from django.db import migrations
from django.db.models import F


def fill(apps: Any, schema_editor: Any) -> None:
    """Who paused a schedule was kept as a word only; it was a person, which is all that matters."""
    apps.get_model("pipelines", "Schedule").objects.filter(paused_because__startswith="by ").update(paused_by=F("set_by"))


class Migration(migrations.Migration):
    dependencies = [("pipelines", "0002_told")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
