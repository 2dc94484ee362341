"""The gallery of components in a real browser: nothing inline is needed, nothing is inaccessible, nothing is wider than the screen."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Route, expect
from pytest_django.live_server_helper import LiveServer

from portal.ui import words
from tests.browser.chromium import SIZES, Screen

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
Open = Callable[..., Screen]


@pytest.fixture
def gallery(live_server: LiveServer, ana: Any, settings: Any, browser_of: Any) -> Callable[[Screen], Screen]:
    """Signs in as Ana by her session cookie and opens the gallery."""
    settings.DEBUG = True

    def go(screen: Screen) -> Screen:
        cookie = browser_of(ana).cookies[settings.SESSION_COOKIE_NAME]
        screen.page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie.value, "url": live_server.url}])
        answer = screen.page.goto(f"{live_server.url}/ui/gallery")
        assert answer is not None
        assert "default-src 'self'" in answer.headers["content-security-policy"]
        assert "unsafe" not in answer.headers["content-security-policy"]
        screen.page.wait_for_function("window.galleryEditor")
        return screen

    return go


GROWN = """() => { const box = document.body.appendChild(document.createElement("div"));
  const high = (pixels) => { box.style.height = pixels; return box.offsetHeight; };
  const seen = [high("20px"), high("800px")]; box.remove(); return seen; }"""
"""Heights of a box right after it was given them, as the log's scrolling reads them."""
ASKED_OFTEN = "() => performance.getEntriesByType('resource').filter((one) => one.name.endsWith('/piece')).length > 4"


@pytest.mark.parametrize("width", SIZES)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_component_is_accessible_and_fits(screen: Open, gallery: Callable[[Screen], Screen], width: int, theme: str) -> None:
    shown = gallery(screen(width=width, theme=theme))
    assert shown.faults() == []
    assert shown.page.evaluate(GROWN) == [20, 800], "who asks for little motion: sizes are those of before"


def test_the_sql_editor_completes_and_explains_under_the_policy(screen: Open, gallery: Callable[[Screen], Screen]) -> None:
    shown = gallery(screen())
    page = shown.page
    page.evaluate("galleryEditor.dispatch({selection: {anchor: galleryEditor.state.doc.length}}); galleryEditor.focus()")
    page.keyboard.type(" HAVING avg(w.wi")
    expect(page.get_by_role("option", name="wind_speed")).to_be_visible()
    page.keyboard.press("Escape")
    page.locator("#g-code .cm-lintRange-error").hover()
    expect(page.get_by_text("Did you mean wind_speed?").last).to_be_visible()
    assert page.evaluate("document.querySelectorAll('style').length") == 0
    assert "JetBrains Mono" in page.evaluate("getComputedStyle(document.querySelector('#g-code .cm-content')).fontFamily")
    assert shown.take_said() == []


def test_the_policy_really_refuses_inline_style(screen: Open, gallery: Callable[[Screen], Screen]) -> None:
    shown = gallery(screen())
    shown.page.evaluate("document.head.append(Object.assign(document.createElement('style'), {textContent: 'body{color:red}'}))")
    shown.page.wait_for_timeout(100)
    assert any("Content Security Policy" in line for line in shown.take_said())


@pytest.mark.parametrize("kind", ["checkbox", "radio"])
def test_a_chosen_box_shows_its_mark(screen: Open, gallery: Callable[[Screen], Screen], kind: str) -> None:
    page = gallery(screen()).page
    mark = page.locator(f"label.form-check:not(.form-switch) input[type={kind}]:checked").first.evaluate(
        "box => getComputedStyle(box, '::before').maskImage"
    )
    picture = re.fullmatch(r'url\("(.+\.svg)"\)', mark)
    assert picture and page.request.get(picture[1]).ok


def test_the_theme_choice_stays_over_pages(screen: Open, gallery: Callable[[Screen], Screen]) -> None:
    shown = gallery(screen(theme="light"))
    page = shown.page
    page.get_by_text("Ana", exact=True).first.click()
    page.get_by_role("button", name="Dark").click()
    assert page.evaluate("document.documentElement.dataset.bsTheme") == "dark"
    page.reload()
    assert page.evaluate("document.documentElement.dataset.bsTheme") == "dark"


def test_a_button_that_is_off_says_why_also_to_the_keyboard(screen: Open, gallery: Callable[[Screen], Screen]) -> None:
    page = gallery(screen()).page
    page.get_by_role("button", name="Approve").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#toasts")).to_contain_text("somebody else has to approve it")


def test_a_piece_that_cannot_refresh_itself_says_so_once_until_it_can(screen: Open, gallery: Callable[[Screen], Screen]) -> None:
    page = gallery(screen()).page
    asked = {"times": 0, "status": 401}

    def answer(route: Route) -> None:
        asked["times"] += 1
        route.fulfill(status=asked["status"], body="fresh", headers={"location": "/sign-in"} if asked["status"] == 302 else {})

    page.route("**/piece", answer)
    page.evaluate("""() => {
      const piece = Object.assign(document.createElement("p"), { id: "piece" });
      piece.setAttribute("hx-get", "/piece");
      piece.setAttribute("hx-trigger", "every 50ms");
      document.querySelector("main").append(piece);
      htmx.process(piece);
    }""")
    words = page.locator("#toasts .toast.bad", has_text="You are no longer signed in")
    expect(words).to_have_count(1)
    page.wait_for_function(ASKED_OFTEN)
    assert words.count() == 1
    asked["status"] = 200
    expect(words).to_have_count(0)
    expect(page.locator("#piece")).to_have_text("fresh")
    page.context.clear_cookies()
    asked["status"] = 302  # what a session that has ended is answered
    expect(words).to_have_count(1)
    page.evaluate("() => performance.clearResourceTimings()")
    page.wait_for_function(ASKED_OFTEN)
    assert words.count() == 1 and page.locator("#piece").inner_text() == "fresh"
    asked["status"] = 404  # a right that is gone: each refusal is in the audit
    expect(page.locator("#toasts .toast.bad", has_text="There is nothing here")).to_have_count(1)
    asked["times"] = 0
    page.wait_for_timeout(300)
    assert asked["times"] == 0


def test_keys_open_the_palette_and_the_list_of_keys(screen: Open, gallery: Callable[[Screen], Screen]) -> None:
    page = gallery(screen()).page
    page.get_by_role("heading", name="Buttons").click()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    expect(page.get_by_role("combobox", name="Find")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("combobox", name="Find")).to_be_hidden()


def test_on_a_phone_the_navigation_is_a_bar_and_a_drawer(screen: Open, gallery: Callable[[Screen], Screen]) -> None:
    page = gallery(screen(width=390)).page
    expect(page.get_by_role("navigation", name="Places", exact=True)).to_be_hidden()
    page.get_by_role("button", name="More", exact=True).last.click()
    expect(page.get_by_role("navigation", name="Places", exact=True)).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("navigation", name="Places", exact=True)).to_be_hidden()


def test_a_ticking_duration_reads_like_the_one_that_follows_it(screen: Open, gallery: Callable[[Screen], Screen]) -> None:
    page = gallery(screen()).page
    seconds = [0, 0.42, 9.94, 9.97, 39, 59.6, 125, 3_599.7, 3_800, 86_399.9, 187_200]
    said = page.evaluate("seconds => import('/static/js/times.js').then(times => seconds.map(times.duration))", seconds)
    assert said == [words.duration(one) for one in seconds]
