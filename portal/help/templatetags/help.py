"""The links from pages to the help."""

from __future__ import annotations

from typing import Any

from django import template

from portal.help import pages

register = template.Library()


@register.inclusion_tag("help/_link.html")
def help_on(word: str, section: str) -> dict[str, Any]:
    """{% help_on "data" "secrets" %}: a “?” beside a heading, which leads to that section; nothing where there is no such page."""
    found = pages.page(word)
    title = next((one.title for one in found.sections if one.name == section), found.title) if found else ""
    return {"url": pages.address(word, section), "title": title} if found else {}


@register.simple_tag
def help_pages() -> list[pages.HelpPage]:
    """All pages of the help."""
    return pages.every_page()
