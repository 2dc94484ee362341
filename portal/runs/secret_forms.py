"""The forms in which a secret travels through programs, so that it is found in what they say."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import quote, quote_plus

LEFT_BY_BROWSERS = ("!'()*", ";,/?:@&=+$!*'()#", "/", "")
"""What percent-encoders leave as it is: encodeURIComponent, encodeURI, Python, the strictest."""
IN_SCRIPTS = tuple({ord(sign): f"\\u{ord(sign):04x}" for sign in signs} for signs in ("<>&", "<>&='"))
"""What writers of JSON for web pages escape, too: Go's and Django's, and Gson."""


def forms_of(secret: str) -> set[str]:
    """The secret as it is, quoted, percent-encoded, in hex, HTML and base64, whole and by its lines: a key of several lines is printed
    line by line."""
    return {form for part in _parts(secret) for form in _forms(part)}


def _parts(secret: str) -> set[str]:
    if "\n" not in secret:
        return {secret, secret.strip()}
    lines = [line.strip() for line in secret.splitlines()]
    return {secret, secret.strip(), "\r\n".join(lines), "".join(lines), *lines}


def _forms(text: str) -> Iterator[str]:
    yield text
    yield from _quoted(text)
    yield from _in_html(text)
    yield text.replace("'", "''")  # in SQL
    for raw in _encoded(text):
        yield from (raw.hex(), raw.hex().upper(), repr(raw)[2:-1])
        yield from _percent(raw)
        yield from _base64(raw)


def _encoded(text: str) -> set[bytes]:
    found = {text.encode()}
    with suppress(UnicodeEncodeError):
        found.add(text.encode("latin-1"))
    return found


def _quoted(text: str) -> Iterator[str]:
    """In JSON as its writers differ, in JSON within JSON, and as Python shows it."""
    for one in (json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]):
        for escaped in (one, one.replace("/", "\\/"), *map(one.translate, IN_SCRIPTS)):
            upper = re.sub(r"\\u[0-9a-f]{4}", lambda sign: "\\u" + sign.group()[2:].upper(), escaped)
            yield from (escaped, upper, json.dumps(escaped)[1:-1], json.dumps(upper)[1:-1])
    yield repr(text)[1:-1]


def _in_html(text: str) -> Iterator[str]:
    escaped = html.escape(text)
    yield from (escaped, html.escape(text, quote=False))
    yield escaped.replace("&quot;", "&#34;").replace("&#x27;", "&#39;")
    yield escaped.replace("&#x27;", "&apos;")
    yield escaped.replace("&#x27;", "&#39;")
    yield "".join(f"&#{ord(sign)};" if ord(sign) > 126 or sign in "<>&\"'" else sign for sign in text)


def _percent(raw: bytes) -> Iterator[str]:
    escaped = {quote(raw, safe=safe) for safe in LEFT_BY_BROWSERS}
    escaped |= {quote_plus(raw), quote_plus(raw, safe="*").replace("~", "%7E")}  # the last one is Java's
    for one in escaped:
        yield one
        yield re.sub("%[0-9A-F]{2}", lambda sign: sign.group().lower(), one)


def _base64(raw: bytes) -> Iterator[str]:
    """Alone, with and without its padding, and inside of other text, where it begins at any byte of a group of three."""
    alone = base64.b64encode(raw).decode()
    for one in (alone, alone.rstrip("="), *(_inside(raw, start) for start in range(3))):
        yield one
        yield one.replace("+", "-").replace("/", "_")


def _inside(raw: bytes, start: int) -> str:
    """The part of a base64 text that tells of `raw` alone, when it begins at byte `start` of a group of three."""
    encoded = base64.b64encode(b"\0" * start + raw).decode().rstrip("=")
    begin = (0, 2, 3)[start]
    return encoded[begin : len(encoded) - (1 if (start + len(raw)) % 3 else 0)]
