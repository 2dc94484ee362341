from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("environments", "0004_connections_and_roots")]

    operations = [
        migrations.AddField(model_name="connectionsecret", name="reference", field=models.JSONField(null=True)),
    ]
