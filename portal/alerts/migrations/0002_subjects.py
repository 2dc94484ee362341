import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('alerts', '0001_initial'),
        ('environments', '0001_initial'),
        ('jobs', '0001_initial'),
        ('pipelines', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='MailChoice',
            fields=[
                ('user', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='+', serialize=False, to=settings.AUTH_USER_MODEL)),
                ('own', models.BooleanField(default=True)),
                ('duty', models.BooleanField(default=True)),
            ],
        ),
        migrations.CreateModel(
            name='Notice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('because', models.CharField(max_length=100)),
                ('read_at', models.DateTimeField(null=True)),
                ('alert', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='notices', to='alerts.alert')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.AddIndex(
            model_name='notice',
            index=models.Index(fields=['user', 'read_at'], name='alerts_noti_user_id_f11c72_idx'),
        ),
        migrations.AddConstraint(
            model_name='notice',
            constraint=models.UniqueConstraint(fields=('alert', 'user'), name='one_notice_per_person'),
        ),
        migrations.RemoveConstraint(model_name='alert', name='one_alert_per_run_and_event'),
        migrations.AddField(
            model_name='alert',
            name='environment',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='alerts', to='environments.environment'),
        ),
        migrations.AddField(
            model_name='alert',
            name='job',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='alerts', to='jobs.job'),
        ),
        migrations.AddField(
            model_name='alert',
            name='pipeline',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='alerts', to='pipelines.pipeline'),
        ),
        migrations.AddField(model_name='alert', name='occasion', field=models.CharField(blank=True, max_length=40)),
        migrations.AddField(model_name='alert', name='page', field=models.CharField(max_length=300, null=True)),
        migrations.AddField(model_name='alert', name='subject_type', field=models.CharField(max_length=16, null=True)),
        migrations.AddField(model_name='alert', name='subject_id', field=models.CharField(max_length=36, null=True)),
        migrations.AddField(model_name='alert', name='times', field=models.PositiveIntegerField(default=1)),
        migrations.AddField(model_name='alert', name='resolution', field=models.CharField(blank=True, max_length=200)),
        migrations.AddField(model_name='alert', name='resolution_page', field=models.CharField(blank=True, max_length=300)),
        migrations.AddField(model_name='alert', name='rules', field=models.ManyToManyField(blank=True, related_name='+', to='alerts.rule')),
        migrations.AddField(
            model_name='channel',
            name='environment',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='environments.environment'),
        ),
        migrations.AlterField(model_name='alert', name='event', field=models.CharField(max_length=16)),
        migrations.AlterField(
            model_name='alert',
            name='state',
            field=models.CharField(choices=[('open', 'open'), ('acknowledged', 'acknowledged'), ('resolved', 'resolved'), ('note', 'for information')], default='open', max_length=12),
        ),
        migrations.AlterField(
            model_name='rule',
            name='event',
            field=models.CharField(choices=[('failed', 'fails or does not start'), ('late', 'is later than')], max_length=8),
        ),
        migrations.AddIndex(
            model_name='alert',
            index=models.Index(fields=['project', '-created_at'], name='alerts_aler_project_afa5b2_idx'),
        ),
        migrations.AddIndex(
            model_name='alert',
            index=models.Index(fields=['job', 'environment', 'state'], name='alerts_aler_job_id_0262bb_idx'),
        ),
        migrations.AddIndex(
            model_name='alert',
            index=models.Index(fields=['pipeline', 'environment', 'state'], name='alerts_aler_pipelin_f4d0e9_idx'),
        ),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(fields=['kind', 'target', 'delivered_at'], name='alerts_deli_kind_8f5ac0_idx'),
        ),
    ]
