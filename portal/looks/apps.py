from django.apps import AppConfig


class LooksConfig(AppConfig):
    name = "portal.looks"
    label = "looks"
