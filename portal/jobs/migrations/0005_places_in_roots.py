"""Places lie in roots: their address has the root's name before it, and it is noted where that lay."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("jobs", "0004_ended_drafts")]

    operations = [
        migrations.AlterField("place", "uri", models.CharField(max_length=600)),
        migrations.AlterField("place", "key", models.CharField(max_length=600)),
        migrations.AddField("place", "lies_at", models.CharField(blank=True, default="", max_length=1000), preserve_default=False),
    ]
