"""How far stages have read what grows: as the run that last published has noted it, and as it will be when this one has."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

MOST = 400
"""Marks that a run notes; an event takes a few more."""


class ReadMarks:
    """By the names of stages. A stage that asks another question keeps the mark of the one before under a name that no stage has: values
    come with a run, and versions are gone back to."""

    def __init__(self) -> None:
        self.before: Mapping[str, Any] = {}
        self.now: dict[str, Any] = {}

    def begin(self, before: Mapping[str, Any]) -> None:
        self.before, self.now = before, dict(before)

    def found(self, stage: str, about: Collection[str], is_free: Callable[[str], bool]) -> Mapping[str, Any] | None:
        """The mark of one of the questions `about`. `is_free`: whether no stage of that name asks the same any more, so that it was this
        one's under another name: read anew, its rows would be there twice."""
        known = {name: one for name, one in self.before.items() if isinstance(one, dict) and "value" in one and one.get("about") in about}
        name = stage if stage in known else next(filter(is_free, known), None)
        return known[name] if name is not None else None

    def asked_before(self, stage: str) -> Mapping[str, Any]:
        """The mark that a stage of this name had, whatever it was about; empty where it had none."""
        found = self.before.get(stage)
        return found if isinstance(found, dict) else {}

    def note(self, stage: str, mark: Mapping[str, Any], about: Collection[str], here: Collection[str]) -> None:
        """`about`: as of `found`; `here`: the names of all stages."""
        for name in [name for name in self.now if name not in here and _about(self.now[name]) in about]:
            del self.now[name]
        last = self.now.pop(stage, None)
        if isinstance(last, dict) and _about(last) not in about and _about(last) not in map(_about, self.now.values()):
            self.now[f"{stage} {str(_about(last))[:12]}"] = last
        self.now[stage] = dict(mark)
        for name in [name for name in self.now if name not in here][: max(0, len(self.now) - MOST)]:
            del self.now[name]


def _about(mark: Any) -> Any:
    return mark.get("about") if isinstance(mark, dict) else None
