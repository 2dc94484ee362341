"""A headless Chromium that writes down everything a reader would stumble over: console errors, refusals of the content security policy,
accessibility faults that axe calls serious or critical, and pages wider than the screen.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, sync_playwright

from tests import machine

SIZES = {1440: 900, 390: 844}
"""Width → height of the two screens every page is looked at on, in CSS pixels."""
AXE = Path(__file__).parent / "vendor" / "axe.min.js"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
TOO_WIDE = """() => {
  const root = document.documentElement;
  if (root.scrollWidth <= root.clientWidth) return [];
  const scrolls = (element) => { for (let up = element.parentElement; up && up !== document.body; up = up.parentElement) {
    if (getComputedStyle(up).overflowX !== "visible") return true; } return false; };
  const sticksOut = (one) => one.getBoundingClientRect().right > innerWidth + 1 && !scrolls(one);
  const wide = [...document.body.querySelectorAll("*")].filter(sticksOut);
  return wide.slice(0, 5).map((one) => `${one.tagName.toLowerCase()}.${one.className}`).concat(wide.length ? [] : ["the page"]);
}"""


def chromium_path() -> str:
    """Where Chromium is; Debian's is the one the tests are written for, without windows and menus where it can be had."""
    found = machine.find("chromium")
    if found is None:
        raise RuntimeError(f"Chromium is missing: apt-get install {machine.PACKAGES['chromium']}")
    return found


@contextlib.contextmanager
def chromium(playwright: Playwright) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=chromium_path(), headless=True, args=FLAGS)
    try:
        yield browser
    finally:
        browser.close()


@contextlib.contextmanager
def started() -> Iterator[Browser]:
    with sync_playwright() as playwright, chromium(playwright) as browser:
        yield browser


@dataclass
class Screen:
    """One page in one size and theme, and what went wrong on it so far."""

    page: Page
    width: int
    theme: str
    said: list[str] = field(default_factory=list)
    """Console errors and warnings, script errors, failed requests to our own files."""

    @classmethod
    def open(cls, browser: Browser, *, width: int = 1440, theme: str = "light", **options: Any) -> Screen:
        # Nobody waits for what only moves, and axe meets no colour that is on its way to another.
        looks = {"color_scheme": theme, "reduced_motion": "reduce"}
        context: BrowserContext = browser.new_context(viewport={"width": width, "height": SIZES[width]}, **looks, **options)  # type: ignore[arg-type]
        context.set_default_timeout(15_000)
        context.set_default_navigation_timeout(60_000)  # the first page of a server that has just started
        screen = cls(context.new_page(), width, theme)
        screen.page.on("console", screen._heard)
        screen.page.on("pageerror", lambda error: screen.said.append(f"script: {error}"))
        return screen

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.said.append(f"console: {message.text}")

    def take_said(self) -> list[str]:
        said, self.said = self.said, []
        return said

    def axe(self) -> list[str]:
        """Serious and critical findings, one line each: rule, place, reason."""
        self.page.evaluate(AXE.read_text())
        answer = self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        return [
            f"{found['id']}: {' '.join(map(str, node['target']))}: {node.get('failureSummary', '')}".replace("\n", " ")
            for found in answer["violations"]
            if found["impact"] in ("serious", "critical")
            for node in found["nodes"]
        ]

    def too_wide(self) -> list[str]:
        """What makes the page scroll sideways; empty when it does not."""
        found: list[str] = self.page.evaluate(TOO_WIDE)
        return found

    def faults(self, *, with_axe: bool = True) -> list[str]:
        return [
            *self.take_said(),
            *(f"axe: {one}" for one in (self.axe() if with_axe else [])),
            *(f"too wide: {one}" for one in self.too_wide()),
        ]

    def picture(self, path: Path) -> None:
        """The whole page as a PNG, with moving things standing still."""
        self.page.screenshot(path=str(path), full_page=True, animations="disabled")

    def close(self) -> None:
        self.page.context.close()
