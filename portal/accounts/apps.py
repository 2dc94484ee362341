from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "portal.accounts"
    label = "accounts"

    def ready(self) -> None:
        import portal.api_schema  # noqa: F401 - tells the API's description how tokens are sent
