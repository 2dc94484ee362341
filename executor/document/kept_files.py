"""Files that a document names and that decide what it does (SQL, schemas): their texts are kept in the document, so that what is approved
is all of it. `files` at the top level: address → text. A document that has it reads no other such files."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from executor.document.job_problems import placed
from executor.document.places import uses_as_written
from executor.language import json_text
from executor.language.filling import PLACEHOLDER
from executor.language.places import place_of
from executor.problems import Problem
from executor.stages.base import DECIDES

FILES = "files"
Read = Callable[[str], str | None]
"""The text of the file at an address; None when there is none that can be read."""


def files_in(content: Mapping[str, Any]) -> dict[str, str] | None:
    """The kept texts, by place; None when the document keeps none."""
    given = content.get(FILES)
    if not isinstance(given, dict):
        return None
    return {place_of(uri): text for uri, text in given.items() if isinstance(text, str)}


def kept_text(files: Mapping[str, str], uri: str, field: str, problems: list[Problem]) -> str | None:
    """The kept text of the file; a problem when the document does not have it."""
    text = files.get(place_of(uri))
    if text is None and "${" not in uri:
        problems.append(
            Problem(
                code="file-not-kept",
                field=field,
                message=f"“{uri}” is not among the files that this version keeps.",
                found=uri,
                expected="one of " + ", ".join(files) if files else "no files at all",
                fix="Save a new version; it keeps the files as they are then.",
            )
        )
    return text


def files_named(content: Mapping[str, Any], environments: Collection[str]) -> tuple[dict[str, tuple[int, str]], list[Problem]]:
    """address → (index of the stage, field) of every such file that the document can name in one of the environments, with the parameters'
    defaults; and a problem for each address that only a run's values would tell."""
    declared = content.get("parameters")
    declared = declared if isinstance(declared, dict) else {}
    found: dict[str, tuple[int, str]] = {}
    problems: list[Problem] = []
    stages = content.get("stages")
    for index, words in enumerate(stages if isinstance(stages, list) else []):
        for field, uri in _file_fields(words):
            unknown = [name for sign in PLACEHOLDER.finditer(uri) if not _is_fixed(name := sign.group(1).strip(), declared)]
            if unknown:
                problems.append(placed(_depends(field, unknown[0]), index, words))
                continue
            for environment in environments or [""]:
                for choice in _choices(uri, environment, declared):
                    found.setdefault(place_of(choice), (index, field))
    return found, problems


def with_files(content: Mapping[str, Any], environments: Collection[str], read: Read) -> tuple[dict[str, Any], list[Problem]]:
    """The document with the present texts of the files it names; what cannot be read keeps the text the document had, else is a problem."""
    named, problems = files_named(content, environments)
    before, kept = files_in(content) or {}, {}
    stages = content.get("stages")
    for uri, (index, field) in sorted(named.items()):
        text = read(uri)
        text = before.get(uri) if text is None else text
        if text is None:
            problems.append(placed(_missing(uri, field), index, stages[index] if isinstance(stages, list) else {}))
        else:
            kept[uri] = text
    rest = {key: value for key, value in content.items() if key != FILES}
    return rest | ({FILES: kept} if named else {}), problems


def keeps_its_files(document: str) -> bool:
    """False for a document that names such files and does not keep their texts: what it does is not in it."""
    try:
        content = json_text.loads(document)
    except ValueError:
        return True
    stages = content.get("stages") if isinstance(content, dict) else None
    names_files = any(_file_fields(words) for words in stages) if isinstance(stages, list) else False
    return not names_files or files_in(content) is not None


def _file_fields(words: Any) -> list[tuple[str, str]]:
    """(field, address) of the files that decide what a stage does."""
    if not isinstance(words, dict):
        return []
    return [(field, uri) for field, uri, does in uses_as_written(words) if does == DECIDES]


def _is_fixed(name: str, declared: Mapping[str, Any]) -> bool:
    about = declared.get(name)
    return name == "environment" or (isinstance(about, dict) and (about.get("default") is not None or bool(about.get("choices"))))


def _choices(uri: str, environment: str, declared: Mapping[str, Any]) -> list[str]:
    """The addresses that `uri` can be: with the default, and with each of the choices, of its parameters."""
    sign = PLACEHOLDER.search(uri)
    if sign is None:
        return [uri]
    name = sign.group(1).strip()
    about = declared.get(name)
    values = [environment] if not isinstance(about, dict) else [about.get("default"), *(about.get("choices") or [])]
    filled = [f"{uri[: sign.start()]}{value}{uri[sign.end() :]}" for value in values if value is not None]
    return [done for one in filled for done in _choices(one, environment, declared)]


def _depends(field: str, name: str) -> Problem:
    return Problem(
        code="file-depends-on-run",
        field=field,
        message=f"Which file this is depends on the parameter “{name}”, which has no default.",
        expected="a file that the saved version can keep",
        fix=f"Give “{name}” a default or choices, or write the path without it.",
    )


def _missing(uri: str, field: str) -> Problem:
    return Problem(
        code="input-missing",
        field=field,
        message=f"There is no text file “{uri}” to keep with the version.",
        found=uri,
        expected="a UTF-8 text file of at most 1 MB in the lowest environment's lake",
        fix="Bring the file there, or write its text into the job.",
    )
