from django.apps import AppConfig


class DataConfig(AppConfig):
    name = "portal.data"
    label = "data"
