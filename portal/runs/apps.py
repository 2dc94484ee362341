from django.apps import AppConfig


class RunsConfig(AppConfig):
    name = "portal.runs"
    label = "runs"

    def ready(self) -> None:
        from portal.environments import connections
        from portal.jobs import documents
        from portal.runs.published import under_way_in
        from portal.runs.published_tables import under_way_through
        from portal.runs.texts import texts_elsewhere

        documents.texts_elsewhere.append(texts_elsewhere)
        connections.busy.append(under_way_in)
        connections.busy_ways.append(under_way_through)
