"""Entry of the web server (ASGI, because logs are streamed)."""

import os

from django.core.asgi import get_asgi_application

from portal.config import private_files

private_files()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
django_application = get_asgi_application()

from portal.data.bodies import StreamedBodies  # noqa: E402 - needs the settings, which are read above

application = StreamedBodies(django_application)
