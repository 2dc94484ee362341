"""The JSON that requests bring, read in one way for pages and API: what no database could keep is refused here, in words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import IO, Any, NoReturn

from django.http import HttpRequest, RawPostDataException
from rest_framework.parsers import JSONParser

from executor.language import json_text
from portal.errors import PortalError


class NotJson(PortalError):
    """The body is no JSON, or holds what cannot be kept."""

    code = "parse-error"


def read(raw: bytes) -> Any:
    """The value; an empty body is an empty object. Raises NotJson for what is no JSON in UTF-8, is nested too deeply, or holds a NUL
    or half of a surrogate pair (written as \\u0000 or \\ud800), which are no text."""
    try:
        value = json_text.loads(raw.decode() or "{}", parse_constant=_refuse_constant)
        if b"\\u" in raw:
            _refuse_what_is_no_text(value)
    except json_text.TooDeep:
        raise NotJson("What was sent is nested too deeply.", fix="Nest it less.") from None
    except ValueError as wrong:
        raise NotJson(f"What was sent is not JSON in UTF-8: {wrong}.") from None
    return value


def read_object(request: HttpRequest) -> dict[str, Any]:
    """The request's body, which must be an object. Raises NotJson."""
    try:
        content = read(request.body)
    except RawPostDataException:  # a form, which was read as such already
        raise NotJson("What was sent is a form, and no JSON.") from None
    if not isinstance(content, dict):
        raise NotJson("The request is not a JSON object.")
    return content


class Parser(JSONParser):
    """The same for Django REST framework."""

    def parse(self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        """`stream` is the request itself, whose `body` is refused when it is too large."""
        return read(stream.body if isinstance(stream, HttpRequest) else stream.read())


def _refuse_constant(name: str) -> NoReturn:
    raise NotJson(f"{name} is not JSON.", fix="Send a number, or text.")


def _refuse_what_is_no_text(value: Any) -> None:
    try:
        text = json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise NotJson("What was sent holds half of a surrogate pair, which is no character.", fix="Delete it.") from None
    if rb"\u0000" in text.replace(rb"\\", b""):
        raise NotJson("What was sent holds a NUL character, which cannot be kept.", fix="Delete it.")
