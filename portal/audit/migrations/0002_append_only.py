"""The database refuses to change or delete audit events."""

from django.db import migrations

from portal.audit.guards import install


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]

    operations = [migrations.RunPython(install, migrations.RunPython.noop)]
