"""The help: its pages, what leads to them, and that nothing in a text can act."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from portal.help import pages

TEMPLATES = Path(settings.BASE_DIR) / "templates"
LINKS = re.compile(r"{% help_on \"(\w+)\" \"([\w-]*)\" %}")


@pytest.fixture
def text(tmp_path: Path, settings: Any) -> Any:
    """`text("# …")` is the page `data` with this text."""

    def written(markdown: str) -> pages.HelpPage:
        (tmp_path / "docs").mkdir(exist_ok=True)
        (tmp_path / "docs/data.md").write_text(markdown)
        settings.BASE_DIR = tmp_path
        pages.page.cache_clear()
        found = pages.page("data")
        assert found is not None
        return found

    yield written
    pages.page.cache_clear()


class Seen(HTMLParser):
    """What a browser makes of it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: dict[str, str | None] = {}
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= dict(attrs)


def test_every_link_to_the_help_leads_to_a_section() -> None:
    names = {found.word: {section.name for section in found.sections} for found in pages.every_page()}
    asked = {link for file in TEMPLATES.rglob("*.html") for link in LINKS.findall(file.read_text())}
    assert set(names) == {"data", "stages"} and len(asked) >= 5
    assert [(word, section) for word, section in sorted(asked) if section not in names[word]] == []


def test_every_link_in_the_help_leads_somewhere() -> None:
    for found in pages.every_page():
        for href in re.findall(r'href="([^"]*)"', found.html):
            word, _, section = href.removeprefix("/help/").partition("#")
            there = pages.page(word or found.word)
            assert there and (not section or section in {one.name for one in there.sections}), f"{found.word}: {href}"


def test_names_of_sections_are_there_once() -> None:
    for found in pages.every_page():
        names = [section.name for section in found.sections]
        assert len(names) == len(set(names)) and all(f'id="{name}"' in found.html for name in names), found.word


@pytest.mark.parametrize(
    "evil",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](data:text/html,<script>alert(1)</script>)",
        "[x](JaVaScRiPt&#58;alert(1))",
        '[x](y "title\\" onmouseover=alert(1)")',
        "# <b onclick=alert(1)>title</b>\n\n## <i onclick=alert(1)>x</i>",
        "| <script>1</script> |\n|---|\n| <svg onload=alert(1)> |",
        "```html\n</code></pre><script>alert(1)</script>\n```",
    ],
)
def test_nothing_in_a_text_can_act(text: Any, evil: str) -> None:
    seen = Seen(text(f"# Title\n\n{evil}\n").html)
    assert seen.tags <= {"p", "a", "h1", "h2", "table", "thead", "tbody", "tr", "th", "td", "pre", "code", "div"}, seen.tags
    assert set(seen.attributes) <= {"href", "id", "title", "class", "role", "aria-label", "tabindex"}, seen.attributes
    assert seen.attributes.get("href", "y") == "y"


def test_a_page_is_shown_to_who_is_signed_in_only(ana: Any, browser_of: Any, client: Any) -> None:
    browser = browser_of(ana)
    assert browser.get("/help")["Location"] == "/help/data"
    html = browser.get("/help/data").content.decode()
    assert '<h2 id="secrets">Secrets</h2>' in html and 'href="#secrets"' in html and "s3a://bucket" in html
    assert browser.get("/help/stages").status_code == 200 and browser.get("/help/architecture").status_code == 404
    assert "sign-in" in client.get("/help/data")["Location"]


def test_an_installation_without_docs_has_no_help_and_no_links(ana: Any, browser_of: Any, tmp_path: Path, settings: Any) -> None:
    settings.BASE_DIR = tmp_path
    pages.page.cache_clear()
    try:
        assert browser_of(ana).get("/help").status_code == 404
        html = browser_of(ana).get("/p/flights/data/dev/").content.decode()
        assert "help-link" not in html and 'href="/help' not in html
    finally:
        pages.page.cache_clear()
