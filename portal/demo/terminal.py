"""What the supervisor shows: one readable line per event, with the time and the program's name in colour."""

from __future__ import annotations

import re
import time
from pathlib import Path

from rich.console import Console
from rich.text import Text

COLOURS = {"web": "cyan", "worker": "green", "scheduler": "magenta", "previews": "blue", "redis": "red", "mail": "yellow", "sluice": "bold"}
LEVEL_STYLES = {"WARNING": "yellow", "ERROR": "red", "CRITICAL": "bold red"}
LINE_FORMS = (
    # Our logging, Celery's and Redis's; what they share is said once, in our own form.
    re.compile(r"^\d{4}-\d\d-\d\d [\d:,.]+ (?P<level>[A-Z]+) (?P<logger>\S+) (?P<text>.*)$"),
    re.compile(r"^\[\d{4}-\d\d-\d\d [\d:,.]+: (?P<level>[A-Z]+)/(?P<logger>[^\]]+)\] (?P<text>.*)$"),
    re.compile(r"^\d+:[A-Z] \d\d \w{3} \d{4} [\d:.]+ [.\-*#] (?P<text>.*)$"),
)
QUIET = {"redis"}
"""Programs whose lines only go to their file; that they die is said by the supervisor."""
NOISE = re.compile(r"^(Task \S+ (received|succeeded in)|(Started|Finished) server process|Shutting down|Connected to redis)")
"""Lines that say nothing a person waits for; they are in the program's file."""
UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]|\x1b\[[0-9;?]*[ -/]*[@-~]")


class Terminal:
    """Writes to standard output, and each program's full output to `<folder>/<program>.log` (the file before: `.log.1`).

    What cannot be kept (the disk is full) is left out, and said once for each program until it can be kept again: the supervisor that
    ended over a line of a log would end all programs with it.
    """

    def __init__(self, folder: Path) -> None:
        self.console = Console(highlight=False, soft_wrap=True)
        self._folder = folder
        self._begun: set[str] = set()
        self._in_traceback: set[str] = set()
        self._not_kept: set[str] = set()
        folder.mkdir(parents=True, exist_ok=True)

    def say(self, text: str, style: str = "") -> None:
        """The supervisor's own words."""
        self._show("sluice", Text(text, style=style))

    def line(self, program: str, raw: str) -> None:
        """One line of a program's output."""
        text = UNSAFE.sub("", raw)
        self._keep_if_possible(program, text)
        if program in QUIET or self._folded(program, text):
            return
        shown = readable(text)
        if shown is not None:
            self._show(program, shown)

    def _folded(self, program: str, text: str) -> bool:
        """Of a Python traceback only the last line, which says what went wrong, is shown; all of it is in the file."""
        if text.startswith("Traceback (most recent call last)"):
            self._in_traceback.add(program)
            return True
        if program in self._in_traceback and not text.startswith((" ", "\t")) and text.strip():
            self._in_traceback.discard(program)
            self._show(program, Text(f"{text}  (all of it in {self._folder / program}.log)", style="red"))
            return True
        return program in self._in_traceback

    def plain(self, raw: str) -> None:
        """A line that is shown as it came (from our own demo script)."""
        self._print(Text.from_ansi(raw))

    def _show(self, program: str, text: Text) -> None:
        head = Text(f"{time.strftime('%H:%M:%S')}  ", style="dim")
        head.append(f"{program:<10}", style=COLOURS.get(program, ""))
        self._print(head + text)

    def _print(self, text: Text) -> None:
        try:
            self.console.print(text)
        except OSError:  # the terminal is gone; the programs must still be stopped in order
            self.console = Console(file=open("/dev/null", "w", encoding="utf-8"))  # noqa: SIM115

    def _keep_if_possible(self, program: str, text: str) -> None:
        try:
            self._keep(program, text)
        except OSError as error:
            if program not in self._not_kept:
                self._not_kept.add(program)
                self.say(f"{self._folder / program}.log cannot be written: {error.strerror}. Lines are left out there.", "red")
        else:
            self._not_kept.discard(program)

    def _keep(self, program: str, text: str) -> None:
        path = self._folder / f"{program}.log"
        if program not in self._begun:
            self._begun.add(program)
            if path.exists():
                path.replace(path.with_suffix(".log.1"))
        with path.open("a", encoding="utf-8") as stream:
            stream.write(f"{time.strftime('%Y-%m-%dT%H:%M:%S')} {text}\n")


def readable(text: str) -> Text | None:
    """The line without its own time and logger, coloured by level; None when there is nothing to show."""
    for form in LINE_FORMS:
        if match := form.match(text):
            level = match.groupdict().get("level") or "INFO"
            silent = level == "DEBUG" or NOISE.match(match["text"])
            return None if silent else Text(match["text"], style=LEVEL_STYLES.get(level, ""))
    return Text(text, style="dim") if text.strip() and not NOISE.match(text) else None
