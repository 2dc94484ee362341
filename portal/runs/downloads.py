"""Rows taken home as a file: made by a warm executor, spooled to a file of ours, and sent only when all of it is there.

So a file is never half, what went wrong is said in words and not by a broken download, and no row lies in this process's memory.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
import tempfile
from collections.abc import AsyncIterator, Callable
from typing import IO, Any
from urllib.parse import quote
from uuid import UUID

from asgiref.sync import sync_to_async
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.views.decorators.http import require_POST

from portal import json_body
from portal.accounts import policy
from portal.accounts.models import User
from portal.audit import actions as audit
from portal.environments.models import Environment
from portal.errors import PortalError
from portal.jobs.models import Job
from portal.runs import output_rows, preview_client
from portal.runs.doors import find_run
from portal.runs.models import Run
from portal.runs.preview_views import lowest_for, message_for
from portal.runs.start_views import find_job
from portal.wire import LIVE_HEADERS, while_allowed

FORMS: dict[str, tuple[str, bool, str, str]] = {
    "csv": ("csv", False, "csv", "text/csv; charset=utf-8"),
    "csv-excel": ("csv", True, "csv", "text/csv; charset=utf-8"),
    "xlsx": ("xlsx", False, "xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "parquet": ("parquet", False, "parquet", "application/vnd.apache.parquet"),
}
"""What people choose → (form the executor writes, byte order mark, ending, type)."""
MOST_BYTES = 512 * 1024**2
PIECE = 256 * 1024
EXPORTED, TAKEN = "exported", "taken"
TOO_LARGE = {EXPORTED: "Choose fewer columns or rows.", TAKEN: "Fetch it from where it lies, or download its rows."}
COUNTED_AS = {"rows-rejected": "another-width"}
"""Code of what a stage says → the kind of count that says the same with numbers. The pages have the same (`static/js/remarks.js`)."""
MOST_TOLD, MOST_NOTES = 3, 5
"""Sentences of stages and file that come along, 200 characters each: they stand in a header, whose size programs in between bound."""
Noted = Callable[[dict[str, Any]], Any]


class Broken(PortalError):
    """The rows could not be fetched; the words are the executor's own."""

    code = "download-failed"
    status = 422


def most_rows() -> int:
    """The most rows of one download."""
    return int(settings.DOWNLOAD_ROWS)


def form_of(text: Any) -> str:
    """The form, as it came. Raises PortalError when there is no such form."""
    if not isinstance(text, str) or text not in FORMS:
        raise PortalError("There is no such form.", code="form-unknown", status=422, fix=f"One of: {', '.join(FORMS)}.")
    return text


def file_name(place: str, form: str) -> str:
    """`curated/daily_delays` as Excel → `daily_delays.xlsx`."""
    last = place.rstrip("/").rsplit("/", 1)[-1]
    stem = re.sub(r"\.(csv|tsv|txt|json|jsonl|ndjson|parquet|xlsx|zip)?(\.(gz|bz2))?$", "", last, flags=re.IGNORECASE) or "rows"
    return f"{stem}.{FORMS[form][2]}"


def cut_name(name: str, rows: int) -> str:
    """`delays.csv` with its first rows alone → `delays_first_100000_rows.csv`: it says by itself, wherever it goes, that there are more."""
    stem, dot, ending = name.rpartition(".")
    return f"{stem}_first_{rows}_rows{dot}{ending}"


async def download(message: dict[str, Any], form: str, name: str, note: Noted) -> StreamingHttpResponse:
    """The answer to a request to the preview service (see `preview_views.message_for`) as a file. `note` is called with the executor's last
    event before anything is sent: no note, no rows. Raises Broken."""
    kind, mark, _, content_type = FORMS[form]
    asked = message["message"] | {"request": "export", "form": kind, "mark": mark, "rows": most_rows(), "input": "full"}
    file, done = await _fetched(message | {"message": asked})
    await sync_to_async(note)(done)
    name = name if done["complete"] else cut_name(name, done["rows"])
    answer = _answer(file, message, content_type, name, done["bytes"])
    answer["X-Sluice-Rows"] = str(done["rows"])
    answer["X-Sluice-Complete"] = "yes" if done["complete"] else "no"
    answer["X-Sluice-Notes"] = quote(" ".join(done["notes"]))
    return answer


async def file_elsewhere(user: User, environment: Environment, uri: str, name: str) -> StreamingHttpResponse:
    """A file of a root that is not the environment's own folder, as it lies there. Raises Broken, and then nothing of it was sent."""
    message = {"do": "files", "what": "take", "user": user.pk, "asker": user, "environment": environment.pk, "values": {"uri": uri}}
    file, done = await _fetched(message, TAKEN)
    return _answer(file, message, "application/octet-stream", name, done["bytes"])


def _answer(file: IO[bytes], message: dict[str, Any], content_type: str, name: str, size: int) -> StreamingHttpResponse:
    """Sends what was fetched with `message`, as long as whoever asked may have it."""
    headers = LIVE_HEADERS | {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}", "Content-Length": str(size)}
    whole = while_allowed(_parts(file), lambda: preview_client.require_right(message))
    answer = StreamingHttpResponse(whole, content_type=content_type, headers=headers)
    closers: list[Callable[[], Any]] = vars(answer)["_resource_closers"]
    closers.append(file.close)  # also when nobody reads it to its end
    return answer


async def _fetched(message: dict[str, Any], last: str = EXPORTED) -> tuple[IO[bytes], dict[str, Any]]:
    """The whole file, at its beginning, and the facts of the event `last` that ended it."""
    settings.RUN_DIR.mkdir(parents=True, exist_ok=True)
    file: IO[bytes] = tempfile.TemporaryFile(dir=settings.RUN_DIR)  # noqa: SIM115 - closed when it is sent, or below
    problem: dict[str, Any] | None = None
    told = Told()
    size = 0
    events: Any = preview_client.request(message)
    try:
        async for event in events:
            kind = event.get("event")
            if kind == "piece":
                data = _bytes(event)
                size += len(data)
                if size > MOST_BYTES:
                    raise Broken("The file would be too large for a download.", fix=TOO_LARGE[last])
                await asyncio.to_thread(file.write, data)
            elif kind in ("problem", "stage_failed"):
                problem = event.get("problem")
            elif kind == last:
                if last == TAKEN and event.get("bytes") != size:
                    raise Broken("The file did not come whole.", fix="Try again.")
                await asyncio.to_thread(file.seek, 0)
                return file, _facts(event, size, told.words())
            else:
                told.take(event)
        said = problem or {}
        raise Broken(
            str(said.get("message") or "The rows could not be fetched."),
            fix=said.get("fix") or "Try again.",
            problems=[said] if said else [],
        )
    except BaseException:
        file.close()
        raise
    finally:
        await events.aclose()  # what is given up ends the program at once


def _bytes(event: dict[str, Any]) -> bytes:
    try:
        return base64.b64decode(str(event.get("data", "")), validate=True)
    except binascii.Error:
        raise Broken("The file arrived damaged.", fix="Try again.") from None


class Told:
    """What the stages told of the rows while these were read. The columns that stages add are in no download, so it must say it itself."""

    def __init__(self) -> None:
        self._counted: list[str] = []
        self._kinds: set[tuple[str, str]] = set()
        """(stage, kind) of what was counted."""
        self._said: dict[str, list[tuple[str, str]]] = {}
        """Stage → (code, sentence)."""

    def take(self, event: dict[str, Any]) -> None:
        index, details = str(event.get("stage_index")), event.get("details")
        if event.get("event") == "value_warnings":
            self._counted.append(str(event.get("words", "")))
            self._kinds |= {(index, str(one.get("kind"))) for one in event.get("counts", ()) if isinstance(one, dict)}
        elif event.get("event") == "stage_finished" and isinstance(details, dict) and isinstance(details.get("warnings"), list):
            said = [one for one in details["warnings"] if isinstance(one, dict)]
            self._said[index] = [(str(one.get("code", "")), str(one.get("message", ""))) for one in said]

    def words(self) -> list[str]:
        """A sentence for what each stage counted, and those that it said, but for what the same stage counted."""
        found = list(self._counted)
        found += [
            words for index, said in self._said.items() for code, words in said if (index, COUNTED_AS.get(code, "")) not in self._kinds
        ]
        is_kept_aside = any("_errors" in words for words in found)
        return [words for words in found if words] + (["This file is without the column _errors."] if is_kept_aside else [])


def _facts(event: dict[str, Any], size: int, told: list[str]) -> dict[str, Any]:
    """What the executor says of the file, which is believed no further than it must be."""
    rows, notes = event.get("rows"), event.get("notes")
    notes = [*told[:MOST_TOLD], *(notes[:MOST_NOTES] if isinstance(notes, list) else [])]
    return {
        "rows": rows if isinstance(rows, int) else 0,
        "complete": event.get("complete") is True,
        "bytes": size,
        "notes": [str(note)[:200] for note in notes],
    }


async def _parts(file: IO[bytes]) -> AsyncIterator[bytes]:
    try:
        while part := await asyncio.to_thread(file.read, PIECE):
            yield part
    finally:
        file.close()


def noted(user: User, subject: Any, environment: str, form: str, **details: Any) -> Noted:
    """Writes into the audit who takes which rows home."""

    def note(done: dict[str, Any]) -> None:
        audit.record(action="download_data", actor=user, subject=subject, environment=environment, form=form, rows=done["rows"], **details)

    return note


Asked = tuple[dict[str, Any], str, str, Noted]
"""What `download` is given."""


def of_output(user: User, run: Run, output: int, form: Any) -> Asked:
    """The rows of what a run published. `output` counts from 0; `form`: as it came. Raises as `output_rows.message_for` and `form_of`."""
    message, form = output_rows.message_for(user, run, output), form_of(form)
    place = str(run.outputs[output].get("uri", "rows"))
    return message, form, file_name(place, form), noted(user, run, run.environment.name, form, uri=place)


def of_preview(user: User, job: Job, content: dict[str, Any]) -> Asked:
    """The rows, of the full input, of the stage `to` of `content["document"]`. Raises as `preview_views.message_for` and `form_of`."""
    message, form = message_for(user, job, "ask", content, {"request": "preview"}), form_of(content.get("form"))
    environment = str(message["message"]["environment"])
    note = noted(user, job, environment, form, stage=str(content.get("to")))
    return message, form, file_name(str(content.get("name") or job.name), form), note


# --- doors --------------------------------------------------------------------------------------------------------------


@require_POST
async def output_file(request: HttpRequest, project: str, run: UUID, output: int) -> HttpResponseBase:
    """`output` counts from 0; JSON {form} → the file."""
    user = await request.auser()
    assert isinstance(user, User)  # noqa: S101 - the middleware lets nobody else in

    def asked() -> Asked:
        found = find_run(user, project, run)
        policy.require(user, "view_data", found)
        return of_output(user, found, output, json_body.read_object(request).get("form"))

    return await download(*await sync_to_async(asked)())


@require_POST
async def preview_file(request: HttpRequest, project: str, job: str) -> HttpResponseBase:
    """JSON {document, to, parameters, form} → the rows of that stage's view, of the full input, as a file."""
    user = await request.auser()
    assert isinstance(user, User)  # noqa: S101 - the middleware lets nobody else in

    def asked() -> Asked:
        found = find_job(request, project, job)
        lowest_for(user, found)
        return of_preview(user, found, json_body.read_object(request))

    return await download(*await sync_to_async(asked)())
