"""The stage that reads a table of the lake, for showing its rows and for taking them home. A document of ours: one extract, one place."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from typing import Any

from portal.data import kinds
from portal.data.lake import Lake
from portal.data.listing import Table
from portal.environments.models import Environment
from portal.errors import PortalError
from portal.runs.models import Run
from portal.runs.output_rows import reader_of

ROWS = 100
_SEPARATORS = {",": "Comma", "\t": "Custom", ";": "Custom", "|": "Custom"}


def stage_for(environment: Environment, table: Table) -> dict[str, Any]:
    """The extract stage of `table`; columns that Spark cannot read at all are left out, and told. Raises PortalError for a table that has
    no reader."""
    given = {"name": "table", "inputURI": table.uri, "outputView": "table", "contiguousIndex": False}
    if published := as_published(environment, table):
        return published
    if table.ending == kinds.DELTA:
        return {"type": "DeltaLakeExtract", "name": "table", "inputURI": table.uri, "outputView": "table"}
    if table.ending == "parquet":
        return given | {"type": "ParquetExtract", "unreadableColumns": "leave-out"}
    if table.is_elsewhere:
        raise PortalError(
            f"How {table.name} is to be read is not known ({table.kind}).", code="no-reader", status=422, fix="Open it: a look at it tells."
        )
    head = _head(Lake(environment), table)
    if table.ending in kinds.JSON:
        return given | {"type": "JSONExtract", "multiLine": _is_one_document(head)}
    if table.ending in kinds.TEXT or (table.ending not in kinds.WORDS and head and b"\x00" not in head[:1000]):
        return given | {"type": "DelimitedExtract", "header": True} | _separator(head)
    raise PortalError(
        f"The rows of {table.name} cannot be shown as they are ({table.kind}).",
        code="no-reader",
        status=422,
        fix="Unpack it first: open it and choose its sheets or files.",
    )


def as_published(environment: Environment, table: Table) -> dict[str, Any] | None:
    """The stage that reads it as the load says that wrote it; None when no load did, or that is not known any more."""
    if not table.run:
        return None
    run = Run.objects.filter(pk=table.run, environment=environment).select_related("environment").first()
    for number, output in enumerate(run.outputs if run else []):
        if run and str(output.get("uri", "")).strip("/") == table.uri:
            try:
                return reader_of(run, number) | {"inputURI": table.uri}
            except PortalError:
                return None
    return None


def _head(lake: Lake, table: Table) -> bytes:
    """First bytes of the file, or of the folder's first file, unpacked."""
    uri = table.uri
    if table.is_folder:
        files = lake.files_in(uri)
        if not files:
            raise PortalError(f"{table.name} is empty.", code="table-empty", status=422, fix="Bring a file, or run the job that writes it.")
        uri = f"{uri}/{files[0].path}"
    head = lake.head(uri)
    if head[:2] == b"\x1f\x8b":
        try:
            head = zlib.decompressobj(wbits=31).decompress(head, 65_536)
        except zlib.error:
            return b""
    return head


def _is_one_document(head: bytes) -> bool:
    """A list or an object over several lines, and not one object on each line."""
    text = head.decode("utf-8", "ignore").lstrip("\ufeff \t\r\n")
    if text.startswith("["):
        return True
    first = text.partition("\n")[0]
    try:
        json.loads(first)
    except (ValueError, RecursionError):
        return True
    return False


def _separator(head: bytes) -> dict[str, Any]:
    """The sign that stands most often in the first line."""
    encoding = "utf-16" if head[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    line = head.decode(encoding, "ignore").lstrip("\ufeff\r\n").partition("\n")[0]
    sign = max(_SEPARATORS, key=line.count)
    return {"delimiter": "Comma"} if sign == "," else {"delimiter": "Custom", "customDelimiter": sign}


def preview_of(
    environment: Environment, stages: list[dict[str, Any]], rows: int = ROWS, *, is_whole: bool = False, names: Sequence[str] = ()
) -> dict[str, Any]:
    """The request to an executor that shows the first rows of the last stage's view, of the whole input or of its beginning. `names`: what
    its columns are called, in their order; none: as the reader calls them."""
    return {
        "request": "preview",
        "document": {"stages": stages},
        "to": len(stages) - 1,
        "rows": rows,
        "input": "full" if is_whole else "sample",
        "environment": environment.name,
        "values": {"parameters": {}},
    } | ({"names": list(names)} if names else {})
