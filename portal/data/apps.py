from django.apps import AppConfig


class DataConfig(AppConfig):
    name = "portal.data"
    label = "data"

    def ready(self) -> None:
        from portal.data.table_rows import remember_look
        from portal.looks import asking

        asking.told.append(remember_look)
