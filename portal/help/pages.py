"""The pages of docs/ for people who use Sluice, as HTML. The texts are ours alone, and still nothing in them can act: HTML is shown as it
is written, and a link leads to another page of the help, to a heading, or to an address that can do nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token

FILES = {"data": "data.md", "stages": "stages.md"}
"""Word in the address → file in docs/, in the order in which they are listed."""
_NO_SIGN = re.compile(r"[^\w\- ]")
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")
# Wide tables scroll for themselves, also by the keyboard.
_MARKDOWN.add_render_rule("table_open", lambda *_: '<div class="scrolls" role="group" aria-label="Table" tabindex="0"><table>\n')
_MARKDOWN.add_render_rule("table_close", lambda *_: "</table></div>\n")


@dataclass(frozen=True)
class Section:
    """A heading that can be linked to."""

    name: str
    title: str
    level: int


@dataclass(frozen=True)
class HelpPage:
    word: str
    title: str
    html: SafeString
    sections: tuple[Section, ...]


def every_page() -> list[HelpPage]:
    """Those that are there: an installation may have come without its docs."""
    return [found for word in FILES if (found := page(word))]


@cache
def page(word: str) -> HelpPage | None:
    """The page of this word."""
    try:
        text = (settings.BASE_DIR / "docs" / FILES[word]).read_text(encoding="utf-8")
    except (KeyError, OSError):
        return None
    tokens = _MARKDOWN.parse(text)
    sections = tuple(_with_names(tokens))
    title, rest = _without_title(tokens)
    for token in rest:
        _lead_links(token.children or [])
    html = _MARKDOWN.renderer.render(rest, _MARKDOWN.options, {})
    return HelpPage(word, title, mark_safe(html), sections)  # noqa: S308 - of our own files, and no HTML of theirs comes through


def address(word: str, section: str = "") -> str:
    """Of a page, or of a section in it."""
    return reverse("help:page", args=[word]) + (f"#{section}" if section else "")


def _with_names(tokens: Sequence[Token]) -> Iterator[Section]:
    """Gives every heading below the title a name to be linked to, the one that GitHub gives it."""
    for token, inside in zip(tokens, tokens[1:], strict=False):
        if token.type == "heading_open" and token.tag != "h1":
            title = "".join(child.content for child in inside.children or [])
            name = _NO_SIGN.sub("", title.lower()).replace(" ", "-")
            token.attrSet("id", name)
            yield Section(name, title, int(token.tag[1]))


def _without_title(tokens: list[Token]) -> tuple[str, list[Token]]:
    """The title (the page's head has it), and what comes behind."""
    if tokens and tokens[0].tag == "h1":
        return tokens[1].content, tokens[3:]
    return "", tokens


def _lead_links(tokens: list[Token]) -> None:
    for token in tokens:
        if token.type == "link_open":
            token.attrSet("href", _led(str(token.attrGet("href") or "")))


def _led(href: Any) -> str:
    """Where a link of a file in docs/ leads to in the portal."""
    file, _, section = href.partition("#")
    word = next((word for word, name in FILES.items() if name == file), None)
    return address(word, section) if word else href
