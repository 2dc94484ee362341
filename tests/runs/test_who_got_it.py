"""Who looks at a connection reads to whom its secret was given: in words, whatever program it was."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from portal.runs.preview_client import ANSWERS
from portal.runs.preview_reach import used_by


def test_every_program_over_files_is_told_in_words() -> None:
    ana: Any = SimpleNamespace(shown_name="Ana")
    for what in ANSWERS:
        assert not used_by(what, ana).startswith(f"{what} ")
    assert used_by("table", ana) == "a look at a table's versions, for Ana"
    assert used_by("walk", None) == "the list of data, by Sluice itself"
