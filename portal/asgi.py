"""Entry of the web server (ASGI, because logs are streamed)."""

import os

from django.core.asgi import get_asgi_application

from portal.config import private_files

private_files()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django_application = get_asgi_application()

from django.db import connections  # noqa: E402 - needs the settings, which are read above

from portal.data.bodies import StreamedBodies  # noqa: E402 - the same

# Each request is worked on in a thread of its own here: what that keeps open, no other one can use, and the database has only so many.
for database in connections.settings.values():
    database["CONN_MAX_AGE"] = 0

application = StreamedBodies(django_application)
