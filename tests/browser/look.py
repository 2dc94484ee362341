"""Looks at every page of a running portal as each demo person.

    python -m tests.browser.look http://127.0.0.1:8000 OUT_DIR [--people ana pat]

Follows the links from the home page, one page of each kind, and saves a picture of it at 1440 and 390 px, light and dark. Prints what is
wrong with each: console errors, refusals of the content security policy, serious axe findings, pages wider than the screen. Exit 1 when
anything was found.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin, urlparse

from playwright.sync_api import Browser, Error

from tests.browser.chromium import SIZES, Screen, started

PEOPLE = ["ana", "pat", "olu", "vic", "ada"]
NOT_PAGES = re.compile(r"^/(api|static)/|\.(json|ndjson|csv|txt)$|/(download|export|events|stream)\b")
VARIABLE = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|(?<=/)v?\d+(?=/|$)")
NAMED = {"jobs", "pipelines", "runs", "promotions"}
OWN_PAGES = {"new-job", "import-job", "new-pipeline"}
SETTLED_MS = 700
MOST_PAGES = 60


def sign_in(screen: Screen, base: str, person: str) -> None:
    page = screen.page
    page.goto(f"{base}/")
    page.locator(f"form:has(input[name=username][value={person}]) button").click()
    page.wait_for_url(lambda url: "sign-in" not in url)
    screen.take_said()


def kind_of(path: str) -> str:
    """The address with what differs from row to row taken out, so that one page of each kind is looked at."""
    parts = VARIABLE.sub("*", path).strip("/").split("/")
    if len(parts) > 3 and parts[2] in NAMED and parts[3] not in OWN_PAGES:  # /p/<project>/<places>/<name>/…
        parts[3] = "*"
    return "/".join(parts) or "home"


def links(screen: Screen, base: str) -> Iterator[str]:
    found: list[str] = screen.page.eval_on_selector_all("a[href]:not([download])", "all => all.map(one => one.getAttribute('href'))")
    for href in found:
        url = urlparse(urljoin(screen.page.url, href))
        if f"{url.scheme}://{url.netloc}" == base and not NOT_PAGES.search(url.path):
            yield url.path


def pages(screen: Screen, base: str, start: str, settled_ms: int = SETTLED_MS) -> Iterator[str]:
    """One address of each kind, in the order the links lead to them; the caller looks at it `settled_ms` after it came."""
    waiting, seen = [start], {kind_of(start)}
    while waiting and len(seen) <= MOST_PAGES:
        path = waiting.pop(0)
        try:
            answer = screen.page.goto(base + path, wait_until="load")
            screen.page.wait_for_timeout(settled_ms)
            if answer and answer.status >= 400:
                screen.said.append(f"open: status {answer.status}")
        except Error as error:
            screen.said.append(f"open: {error.message.splitlines()[0]}")
        yield path
        for found in links(screen, base):
            if kind_of(found) not in seen:
                seen.add(kind_of(found))
                waiting.append(found)


def look(browser: Browser, base: str, person: str, width: int, theme: str, start: str, out: Path) -> int:
    """Looks at every page as one person on one screen; the number of faults."""
    screen = Screen.open(browser, width=width, theme=theme)
    sign_in(screen, base, person)
    faults = 0
    for path in pages(screen, base, start):
        name = kind_of(path).replace("/", "-").replace("*", "x")
        screen.picture(out / f"{person}.{name}.{width}.{theme}.png")
        for fault, times in Counter(screen.faults()).items():
            faults += times
            print(f"{person} {width} {theme} {path}: {fault[:400]}{f' ({times} times)' if times > 1 else ''}", flush=True)
    screen.close()
    return faults


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("base", type=lambda text: text.rstrip("/"))
    parser.add_argument("out", type=Path)
    parser.add_argument("--people", nargs="+", default=PEOPLE)
    parser.add_argument("--start", default="/", help="the page to begin at")
    parser.add_argument("--widths", nargs="+", type=int, choices=list(SIZES), default=list(SIZES))
    parser.add_argument("--themes", nargs="+", choices=["light", "dark"], default=["light", "dark"])
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    with started() as browser:
        screens = [(person, width, theme) for person in asked.people for width in asked.widths for theme in asked.themes]
        faults = sum(look(browser, asked.base, *screen, asked.start, asked.out) for screen in screens)
    print(f"{len(list(asked.out.glob('*.png')))} pictures in {asked.out}, {faults} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
