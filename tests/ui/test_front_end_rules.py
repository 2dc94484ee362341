"""What holds for every template, script and style sheet: nothing inline, every icon there, nothing from elsewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
SCRIPTS = sorted((ROOT / "static" / "js").rglob("*.js"))
STYLES = sorted((ROOT / "static").rglob("*.css"))
INLINE_STYLE = re.compile(r"""\sstyle\s*=\s*["']|<style""", re.I)
INLINE_HANDLER = re.compile(r"""<[^>]*\son[a-z]+\s*=\s*["']|\shx-on|hx-trigger="[^"]*\[|hx-vals="js:|javascript:""", re.I)
INLINE_SCRIPT = re.compile(r"<script(?![^>]*\bsrc=)(?![^>]*type=\"application/json\")", re.I)
ICON = re.compile(
    r"""\bti ti-([a-z0-9-]+)|\{% icon "([a-z0-9-]+)|\{% empty "([a-z0-9-]+)|\bicon\("([a-z0-9-]+)"|icon: ClassVar\[str\] = "([a-z0-9-]+)"""
)


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("template", TEMPLATES, ids=_name)
@pytest.mark.parametrize("rule", [INLINE_STYLE, INLINE_HANDLER, INLINE_SCRIPT], ids=["style", "handler", "script"])
def test_no_template_holds_anything_inline(template: Path, rule: re.Pattern[str]) -> None:
    assert not rule.findall(template.read_text())


@pytest.mark.parametrize("script", SCRIPTS, ids=_name)
def test_scripts_put_text_in_as_text(script: Path) -> None:
    found = re.findall(r"\binnerHTML\b|\bouterHTML\b|insertAdjacentHTML|document\.write|\beval\(|new Function", script.read_text())
    assert not found, "Use textContent, append or replaceChildren."


@pytest.mark.parametrize("style", STYLES, ids=_name)
def test_style_sheets_load_only_our_own_files(style: Path) -> None:
    foreign = [url for url in re.findall(r"url\(['\"]?([^'\")]+)", style.read_text()) if not url.startswith("./")]
    assert not foreign


@pytest.mark.parametrize("style", STYLES, ids=_name)
def test_files_that_style_sheets_name_are_there(style: Path) -> None:
    missing = [url for url in re.findall(r"url\(['\"]?(\./[^'\")]+)", style.read_text()) if not (style.parent / url).is_file()]
    assert not missing


def _icons_used() -> dict[str, str]:
    python = [*(ROOT / "portal").rglob("*.py"), *(ROOT / "executor").rglob("*.py")]
    used = {}
    for path in [*TEMPLATES, *SCRIPTS, *python]:
        for match in ICON.finditer(path.read_text()):
            used[next(name for name in match.groups() if name)] = _name(path)
    from portal.ui.states import LOOKS
    from portal.ui.templatetags.sluice import SECTIONS

    used |= {look.icon: "portal/ui/states.py" for look in LOOKS.values()}
    return used | {symbol: "portal/ui/templatetags/sluice.py" for _, _, symbol, _ in SECTIONS}


def test_every_icon_in_use_is_in_the_built_font() -> None:
    built = set(re.findall(r"\.ti-([a-z0-9-]+)::before", (ROOT / "static/vendor/icons.css").read_text()))
    missing = {name: where for name, where in _icons_used().items() if name not in built}
    assert not missing, "Add the names to frontend/icons.txt and run: npm ci && npm run build"


def test_the_font_holds_no_icon_that_nothing_names() -> None:
    """Each is some 120 bytes that every page waits for. A name in quotes counts, whatever it stands for there."""
    python = [*(ROOT / "portal").rglob("*.py"), *(ROOT / "executor").rglob("*.py")]
    text = "\n".join(path.read_text() for path in [*TEMPLATES, *SCRIPTS, *python])
    named = set(re.findall(r"""["'`]([a-z0-9-]+)["'` ]""", text)) | set(re.findall(r"\bti-([a-z0-9-]+)", text))
    built = set((ROOT / "frontend/icons.txt").read_text().split())
    assert not built - named, "Take the names out of frontend/icons.txt and run: npm ci && npm run build"


def test_every_class_of_tabler_in_use_is_kept() -> None:
    """Those of its parts that we use at all: fields, icons in fields, words for screen readers only."""
    kept = set(re.findall(r'"([a-z-]+)"', (ROOT / "frontend/tabler_parts.mjs").read_text()))
    own = "\n".join(path.read_text() for path in STYLES if path.parent.name == "css")
    parts = re.compile(r"\b(?:form-(?:check|control|select|switch|label|range|text)|input-(?:icon|group)|visually-hidden)(?:-[a-z]+)*\b")
    used = {name for path in [*TEMPLATES, *SCRIPTS, *(ROOT / "portal").rglob("*.py")] for name in parts.findall(path.read_text())}
    assert not {name for name in used - kept if f".{name}" not in own}, "Add the names to frontend/tabler_parts.mjs and run: npm run build"


def test_text_never_moves_because_its_font_came_late() -> None:
    faces = re.findall(r"@font-face\{[^}]*\}", (ROOT / "static" / "vendor" / "fonts.css").read_text())
    assert faces and all("font-display:optional" in face for face in faces)


def test_axe_is_never_sent_to_a_page() -> None:
    """It is for tests: neither among the files that are served nor named by a template or script."""
    assert not [path for path in (ROOT / "static").rglob("*") if "axe" in path.name]
    assert not [path for path in [*TEMPLATES, *SCRIPTS] if re.search(r"\baxe\b", path.read_text())]
