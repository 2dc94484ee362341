import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("alerts", "0003_fill_subjects")]

    operations = [
        migrations.RemoveField(model_name='alert', name='run'),
        migrations.AlterField(
            model_name='alert',
            name='environment',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='alerts', to='environments.environment'),
        ),
        migrations.AlterField(model_name='alert', name='page', field=models.CharField(max_length=300)),
        migrations.AlterField(model_name='alert', name='subject_id', field=models.CharField(max_length=36)),
        migrations.AlterField(model_name='alert', name='subject_type', field=models.CharField(max_length=16)),
        migrations.AddConstraint(
            model_name='alert',
            constraint=models.UniqueConstraint(
                fields=('subject_type', 'subject_id', 'event', 'occasion'), name='one_alert_per_subject_event_occasion'
            ),
        ),
    ]
