"""Somebody at a browser whose time is counted: what Sluice makes them wait for is measured, what their hands do is reckoned.

A person types 40 words a minute (a word has five letters) and needs a second for each click or key that chooses something. The machine does
both at once; everything else that passes by the clock is waiting.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic

from playwright.sync_api import Locator, Page

SECONDS_A_LETTER = 60 / (40 * 5)
SECONDS_A_CHOICE = 1.0


@dataclass
class Part:
    """One step of a journey. `waited` in seconds, by the clock."""

    name: str
    choices: int = 0
    letters: int = 0
    waited: float = 0.0

    @property
    def seconds(self) -> float:
        """The person's time."""
        return self.waited + self.choices * SECONDS_A_CHOICE + self.letters * SECONDS_A_LETTER

    def as_dict(self) -> dict[str, str | int | float]:
        return {
            "step": self.name,
            "seconds": round(self.seconds, 1),
            "waited": round(self.waited, 1),
            "choices": self.choices,
            "letters": self.letters,
        }


class TimedPerson:
    """Whoever does a journey: every click, key and letter goes through here, and is counted in the step that is under way."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.parts: list[Part] = []

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """What is done inside belongs to this step, and has happened when it ends."""
        self.parts.append(Part(name))
        begun = monotonic()
        try:
            yield
        finally:
            self.parts[-1].waited += monotonic() - begun

    def click(self, what: Locator) -> None:
        what.click()
        self.parts[-1].choices += 1

    def press(self, key: str) -> None:
        self.page.keyboard.press(key)
        self.parts[-1].choices += 1

    def types(self, text: str) -> None:
        """Where the cursor is, with what the page itself adds while it is typed. A line's end is a key like each letter."""
        self.page.keyboard.type(text)
        self.parts[-1].letters += len(text)

    def drops(self, name: str, content: bytes) -> None:
        """A file taken from another window and let go over the page: two choices."""
        self.page.evaluate(DROP, [name, list(content)])
        self.parts[-1].choices += 2

    @property
    def seconds(self) -> float:
        return sum(part.seconds for part in self.parts)


DROP = """([name, bytes]) => {
  const data = new DataTransfer();
  data.items.add(new File([Uint8Array.from(bytes)], name));
  for (const kind of ["dragenter", "drop"])
    document.dispatchEvent(new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }));
}"""
