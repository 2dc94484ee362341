from django.apps import AppConfig
from django.core.exceptions import ImproperlyConfigured


class EnvironmentsConfig(AppConfig):
    name = "portal.environments"
    label = "environments"

    def ready(self) -> None:
        """A setting that cannot be stops the start, and not the first run that needs it."""
        from portal.environments import backends

        try:
            backends.backends()
        except backends.WrongSetting as why:
            raise ImproperlyConfigured(f"SLUICE_SECRET_BACKENDS: {why}.") from None
