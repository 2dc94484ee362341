"""How answers travel: packed, kept or not kept on the way, and static files under names that change with their content."""

from __future__ import annotations

import hashlib
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeVar

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.management import call_command
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from whitenoise.storage import CompressedManifestStaticFilesStorage

LIVE_HEADERS = {"Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no"}
"""Of answers that come bit by bit: nobody on the way may keep, pack or hold them back."""

RIGHTS_SECONDS = 5.0
"""How long an answer that is being sent may outlast the right to it."""
T = TypeVar("T")

NOT_SERVED = ["rest_framework*", "*.md"]


class Packed(GZipMiddleware):
    """Pages, API answers and logs are packed, with Django's random padding against guesses from lengths (BREACH). What comes bit by bit is
    not: a packer holds back what it has not enough of."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if "no-transform" in response.headers.get("Cache-Control", "") or response.headers.get("Content-Type") == "text/event-stream":
            return response
        return super().process_response(request, response)


async def while_allowed(parts: AsyncIterator[T], require: Callable[[], None]) -> AsyncIterator[T]:
    """`parts`, as long as `require` raises nothing. What it raises breaks the connection off: a file that was cut must not look whole."""
    asked = time.monotonic()
    async for part in parts:
        if time.monotonic() - asked >= RIGHTS_SECONDS:
            await sync_to_async(require)()
            asked = time.monotonic()
        yield part


class HashedFiles(CompressedManifestStaticFilesStorage):
    """Static files with their content's sum in the name, packed once, kept by browsers for a year. Modules import each other by it."""

    support_js_module_import_aggregation = True

    def stored_name(self, name: str) -> str:
        """Where nothing was collected (tests, debugging) files have their plain names, as they lie in static/."""
        return str(self.hashed_files.get(self.hash_key(self.clean_name(name)), name))


def collect_static_files() -> None:
    """Makes STATIC_ROOT anew when a file of static/ is another than the last time."""
    stamp, now = settings.STATIC_ROOT / "collected", _sum_of(settings.STATICFILES_DIRS)
    if not (stamp.is_file() and stamp.read_text() == now):
        stamp.unlink(missing_ok=True)
        call_command("collectstatic", interactive=False, verbosity=0, clear=True, ignore_patterns=NOT_SERVED)
        stamp.write_text(now)


def _sum_of(folders: list[Path]) -> str:
    """Of names, sizes and times: reading half a megabyte of content at each start is not needed."""
    files = sorted(path for folder in folders for path in folder.rglob("*") if path.is_file())
    facts = "".join(f"{path}|{path.stat().st_size}|{path.stat().st_mtime_ns}\n" for path in files)
    return hashlib.sha256(facts.encode()).hexdigest()
