"""`manage.py previews`: holds the warm preview sessions."""

from __future__ import annotations

import asyncio
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from portal.runs.preview_pool import Pool
from portal.runs.preview_service import Service, launch_for, may_have


class Command(BaseCommand):
    help = "Holds the warm sessions that previews use; stops them all when it ends."
    requires_system_checks: list[str] = []  # they would load every page, which this program never shows

    def handle(self, *args: Any, **options: Any) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        await Service(Pool(launch_for, may_have)).serve(settings.PREVIEW_SOCKET)
