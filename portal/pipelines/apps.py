from django.apps import AppConfig


class PipelinesConfig(AppConfig):
    name = "portal.pipelines"
    label = "pipelines"
