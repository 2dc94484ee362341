from django.apps import AppConfig


class LooksConfig(AppConfig):
    name = "portal.looks"
    label = "looks"

    def ready(self) -> None:
        from portal.data import table_rows
        from portal.looks.asking import reader_of_file

        table_rows.proposers.append(reader_of_file)
