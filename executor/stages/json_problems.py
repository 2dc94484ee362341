"""What is wrong with JSON, in words: places that Spark would read in silence and lose something of."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from executor.files.headers import in_quotes
from executor.language.schema import AnyColumn, ArrayColumn, StructColumn
from executor.problems import Problem, ProblemError

if TYPE_CHECKING:
    from executor.stages.json_shape import Finding, Look, Shape

APART = "Set “Same keys in one object” (sameKeys) to apart, or have one of the keys renamed where the file is made."


@dataclass(frozen=True)
class Source:
    """Where the documents are. `name`: of the file, folder or view; `field`: which names it; `unit`: what each of them stands in."""

    name: str
    field: Literal["inputURI", "inputView"]
    unit: Literal["line", "record", "text"]

    def where(self, found: Finding) -> str:
        """Record and file of what was found first."""
        return f"{self.unit} {found.record:,} of {found.file}"

    def place(self, found: Finding) -> dict[str, Any]:
        """Fields of a problem that say so; a view has no file that could be opened there."""
        return {"row": found.record, "file": found.file} if self.field == "inputURI" else {}


def refuse_what_would_be_lost(found: Look, source: Source, *, same_keys: str) -> None:
    """Raises ProblemError with file and record of the first such place."""
    behind, twice, by_case, deep = (found.findings.get(kind) for kind in ("behind", "twice", "by-case", "deep"))
    if deep:
        raise ProblemError(_deep(deep, source))
    if behind:
        raise ProblemError(_behind(behind, source))
    if twice and same_keys == "stop":
        message = f"“{source.name}” has the same key twice in one object, and one of the two values would be lost."
        raise ProblemError(_same(twice, message, source))
    if by_case and same_keys == "stop":
        message = f"“{source.name}” has two keys in one object that are the same but for upper and lower case; in SQL they are one name."
        raise ProblemError(_same(by_case, message, source))
    if found.has_more_keys:
        words = f"“{source.name}” has more than 20,000 different keys: they look like values rather than names."
        raise ProblemError(
            Problem(
                code="json-keys",
                field=source.field,
                message=words,
                fix="Read the file as lines of text with a DelimitedExtract and take the values out with from_json and a map type.",
            )
        )


def twice_words(found: Look) -> str | None:
    """What to say of keys that were twice in an object and are taken as the stage says."""
    twice = found.findings.get("twice")
    if twice is None:
        return None
    return f"In {twice.count:,} {'place' if twice.count == 1 else 'places'} an object has a key twice; the last value was taken."


def gone_words(found: Look) -> str | None:
    """What to say of a key that all objects of earlier files have, and those of a later one no more."""
    gone = found.findings.get("gone")
    if gone is None:
        return None
    name = f"{gone.path}.{gone.first}" if gone.path else gone.first
    words = "" if gone.count == 1 else f" So it is in {gone.count:,} places."
    return f"No object of “{gone.file}” has “{name}”, which all of the earlier files have; “{gone.second}” is new there.{words}"


def half_words(found: Look) -> str | None:
    """What to say of texts with a sign of which only one half is there."""
    half = found.findings.get("half")
    if half is None:
        return None
    texts = "1 text holds" if half.count == 1 else f"{half.count:,} texts hold"
    return f"{texts} half of a sign (one surrogate without the other), which no text can have; a question mark stands for it."


def alike(found: Look) -> Problem | None:
    """What to say of keys that look the same, and are columns of their own all the same."""
    groups = list(_alike_in(found.root))
    if not groups:
        return None
    return Problem(
        code="json-keys-alike",
        field="inputURI",
        message="Some keys differ only in blanks or in signs that look the same: they are not one column.",
        found="; ".join(in_quotes(keys) for keys in groups[:5]),
        fix="Put them into one column with coalesce(…) in a query, or have them written in one way.",
    )


def _alike_in(shape: Shape) -> Iterator[list[str]]:
    together: dict[str, dict[str, str]] = {}
    for key in shape.fields:
        together.setdefault(_seen_of(key), {}).setdefault(key.lower(), key)
    yield from (list(keys.values()) for keys in together.values() if len(keys) > 1)
    for inner in (*shape.fields.values(), *([shape.item] if shape.item else [])):
        yield from _alike_in(inner)


def _seen_of(key: str) -> str:
    """What a person sees of a key: one form of each letter, no blanks at its ends, no sign without a shape."""
    shown = "".join(sign for sign in unicodedata.normalize("NFKC", key) if unicodedata.category(sign) not in ("Cf", "Cc"))
    return " ".join(shown.split()).lower()


def unmet(found: Look, columns: Sequence[AnyColumn]) -> Problem | None:
    """What to say of columns of a schema that no record has, while the records have keys that the schema does not name. A key without a
    value may be left out in JSON, so that alone is no reason."""
    places = [(lacking, more) for lacking, more in _unmet_in(columns, found.root) if lacking and more]
    if not places:
        return None
    lacking, more = places[0]
    return Problem(
        code="json-keys-unmet",
        field="schemaURI",
        message=f"No record has {in_quotes(lacking)}, which the schema names: there is no value in it. The records have other keys.",
        found=in_quotes(more),
        expected=in_quotes(lacking),
        fix="Correct the name in the schema, or take the column out of it.",
    )


def _unmet_in(columns: Sequence[AnyColumn], shape: Shape) -> Iterator[tuple[list[str], list[str]]]:
    """(columns that no object has, keys that no column names) of the documents and of each object inside of them."""
    there, wanted = {key.lower(): inner for key, inner in shape.fields.items()}, {column.name.lower() for column in columns}
    yield (
        [column.name for column in columns if column.name.lower() not in there],
        [key for key in shape.fields if key.lower() not in wanted],
    )
    for column in columns:
        kind, inner = column, there.get(column.name.lower())
        while isinstance(kind, ArrayColumn) and inner:
            kind, inner = kind.element_type, inner.item
        if isinstance(kind, StructColumn) and inner and inner.fields:
            yield from _unmet_in(kind.fields_, inner)


def _deep(found: Finding, source: Source) -> Problem:
    return Problem(
        code="json-deep",
        field=source.field,
        message=f"“{source.name}” has values inside of values that are too many levels deep to be columns.",
        found=f"{source.where(found)}, in {found.path}",
        expected="at most 100 levels",
        fix="Read the file as lines of text with a DelimitedExtract and take the values out with get_json_object, "
        "or have it written with fewer levels.",
        **source.place(found),
    )


def where_words(found: Finding, source: Source) -> str:
    """File, record and key of what was found first."""
    return f"{found.path or 'the record'}, {source.where(found)}"


def _same(found: Finding, message: str, source: Source) -> Problem:
    where = f" in {found.path}" if found.path else ""
    keys = f"“{found.first}” twice" if found.first == found.second else f"“{found.first}” and “{found.second}”"
    more = f" ({found.count:,} places in all)" if found.count > 1 else ""
    return Problem(
        code="json-same-keys",
        field=source.field,
        message=message,
        found=f"{keys}{where}, {source.where(found)}{more}",
        expected="each key once in an object",
        fix=APART,
        **source.place(found),
    )


_BEHIND = {
    "line": (
        "has lines with more than one JSON document",
        "Write each on a line of its own; where the file is one list over several lines, turn “One document per file” (multiLine) on.",
    ),
    "record": (
        "holds more than one JSON document",
        "For one document on each line turn “One document per file” (multiLine) off.",
    ),
    "text": ("has texts with more than one JSON document", "Make each a text of its own, for instance with explode(split(…))."),
}


def _behind(found: Finding, source: Source) -> Problem:
    message, fix = _BEHIND[source.unit]
    is_document = source.unit == "record"
    return Problem(
        code="input-many-documents",
        field=source.field,
        message=f"“{source.name}” {message}, and only the first would be read.",
        found=f"behind the first document of {found.file}" if is_document else source.where(found),
        expected="one document: an object or a list",
        fix=fix,
        **source.place(found) | ({"row": None} if is_document else {}),
    )
