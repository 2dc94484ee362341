from django.apps import AppConfig


class DataConfig(AppConfig):
    name = "portal.data"
    label = "data"

    def ready(self) -> None:
        from portal.data.sending import under_way_in
        from portal.environments import at_work, connections

        connections.busy += [under_way_in, at_work.under_way_in]
