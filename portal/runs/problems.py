"""Stored problems (dicts) as the executor's `Problem`s: whole, or for readers who may not see data.

For those a sentence is shown only when it is ours for certain: it was written under the contract that keeps data out of sentences, and
every name it quotes stands in the run's document (or is a word of ours, or the portal itself, which wrote the sentence, says that it is
open). Anything else is replaced by one sentence of ours.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import fields, replace
from functools import cache, lru_cache
from typing import Any

from executor.language import json_text
from executor.problems import CONTRACT, Problem
from executor.stages import STAGE_TYPES
from portal.runs.check_words import said_by_check

_NUMBERS = frozenset({"stage_index", "line", "column", "row"})
_TEXTS = frozenset(field.name for field in fields(Problem)) - _NUMBERS - {"edit"}
_CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")
_QUOTED = re.compile(r"“([^“”]*)”")
_WORD = re.compile(r"\w")


def problem_of(stored: dict[str, Any]) -> Problem:
    """A Problem from what is stored; keys that are unknown (of a newer executor) or of another type are left out."""
    known: dict[str, Any] = {name: value for name, value in stored.items() if name in _TEXTS and isinstance(value, str)}
    known |= {name: stored[name] for name in _NUMBERS if type(stored.get(name)) is int}
    if not _CODE.fullmatch(known.get("code", "")):
        known["code"] = "failed"
    return Problem(**{"message": "The run failed."} | known)


def believed(stored: dict[str, Any]) -> dict[str, Any]:
    """A problem out of an executor, as it is kept: known keys of the right types, a code that is one, and the contract it was written
    under."""
    kept = problem_of(stored).as_dict()
    edit = {"edit": stored["edit"]} if isinstance(stored.get("edit"), dict) else {}
    contract = {"contract": CONTRACT} if stored.get("contract") == CONTRACT else {}
    return {name: value for name, value in kept.items() if name != "contract"} | edit | contract


def hidden(stored: dict[str, Any], document: str) -> Problem:
    """The problem for a reader who may not see data. `document`: the run's, whose names the reader may see."""
    problem = problem_of(stored)
    shown, names = problem.without_data(), f"{names_in(document)}\n{_said_open(stored)}"
    if stored.get("contract") != CONTRACT or not quotes_only_names(shown.message, names):
        place: dict[str, Any] = {"stage_index": problem.stage_index, "stage": _name(problem.stage, names)}
        return Problem(code=problem.code, message=_reason_hidden(problem, names), **place)
    said = said_by_check(problem, document)
    return replace(
        shown,
        message=f"{shown.message} It says: {said}" if said else shown.message,
        fix=shown.fix if quotes_only_names(shown.fix or "", names) else None,
        stage=_name(shown.stage, names),
        stage_type=_name(shown.stage_type, names),
        field=_name(shown.field, names),
    )


def _said_open(stored: dict[str, Any]) -> str:
    """Names open to all although the document has them not; only the portal can say so: `believed` drops it from what an executor says."""
    names = stored.get("names")
    return "\n".join(map(str, names)).casefold() if isinstance(names, list) else ""


def without_data(stored: dict[str, Any], document: str) -> dict[str, Any]:
    return hidden(stored, document).as_dict()


def shown_to(stored: dict[str, Any], document: str, *, with_data: bool) -> Problem:
    """The problem as this reader may see it."""
    return problem_of(stored) if with_data else hidden(stored, document)


def _reason_hidden(problem: Problem, names: str) -> str:
    if problem.severity == "warning":
        return "There is something to look at; it may show data, so people with the role Data viewer see what."
    where = f"The stage “{problem.stage}”" if _name(problem.stage, names) else "The run"
    return f"{where} failed; the reason may show data, so people with the role Data viewer see it."


def _name(text: str | None, names: str) -> str | None:
    return text if text and _is_known(text, names) else None


def quotes_only_names(sentence: str, names: str) -> bool:
    """Whether everything the sentence quotes may be shown: it is one of the `names` (`names_in`), or a word of ours. Quotes that do not
    pair may hide anything."""
    outside = _QUOTED.sub("", sentence)
    return "“" not in outside and "”" not in outside and all(_is_known(quoted, names) for quoted in _QUOTED.findall(sentence))


def _is_known(text: str, names: str) -> bool:
    """Whether the text stands in the document, or among our words, as a whole word."""
    before = r"(?<!\w)" if _WORD.match(text) else ""
    after = r"(?!\w)" if text and _WORD.match(text[-1]) else ""
    pattern = before + re.escape(text.casefold()) + after
    return bool(text) and bool(re.search(pattern, names) or re.search(pattern, _our_words()))


@lru_cache(maxsize=64)
def names_in(document: str) -> str:
    """Every text of a document, each on a line of its own, in small letters."""
    try:
        content = json_text.loads(document)
    except ValueError:
        return ""
    return "\n".join(_texts(content)).casefold()


def _texts(content: Any) -> Iterator[str]:
    waiting = [content]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            waiting += [*one.keys(), *one.values()]
        elif isinstance(one, list):
            waiting += one
        elif isinstance(one, str):
            yield one
        elif one is not None:
            yield json.dumps(one)


@cache
def _our_words() -> str:
    """Names and labels of stage types and their fields: sentences quote them, too."""
    words: list[str] = ["stages", "parameters", "description", "type", "name"]
    for name, cls in STAGE_TYPES.items():
        words.append(name)
        for field in cls.model_fields.values():
            words += [field.alias or "", field.title or ""]
    return "\n".join(words).casefold()
