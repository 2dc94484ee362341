"""From Spark's error classes to sentences for an analyst.

The table is in `executor.spark.sentence_table`. The longest class name in it wins (`UNRESOLVED_COLUMN` serves
`UNRESOLVED_COLUMN.WITH_SUGGESTION`). A few errors need more than a sentence: the functions below. What has no entry is told by its
class and SQLSTATE: Spark's own words are data and stand in `detail`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from string import Formatter
from typing import Any

from executor.plain import did_you_mean
from executor.problems import Foreign
from executor.spark.facts import Facts, bare

Words = dict[str, Any]
NAMES = frozenset(
    {"name", "functionName", "relationName", "columnName", "base", "routineName", "levelLimit", "rowLimit", "targetType", "fieldName"}
)
"""Parameters that are names or limits, never values: only these may stand in a sentence, names in “quotes”."""


@dataclass(frozen=True)
class Sentence:
    """What a problem says. Each text may hold `{parameter}`s of Spark's error, in `message` and `fix` only NAMES. Texts that come out empty
    are left out; `found` is then the piece of SQL that Spark points to. `where`: the functions that raise such an error, as a regular
    expression; it finds the place where Spark names none."""

    code: str
    message: str
    fix: str = ""
    found: str = ""
    expected: str = ""
    value: str = ""
    field: str = ""
    where: str = ""

    def __post_init__(self) -> None:
        for text in (self.message, self.fix):
            foreign = {name for _, name, _, _ in Formatter().parse(text) if name} - NAMES
            if foreign:
                raise ValueError(f"{self.code}: {foreign} may hold data and cannot stand in a sentence")

    def fill(self, facts: Facts, columns: list[str]) -> Words:
        """The problem's words for these facts."""
        names = _Lenient({name: facts.name(name) for name in NAMES})
        data = _Lenient({name: _unlisted(text) for name, text in facts.data().items()})
        words: Words = {"code": self.code, "message": self.message.format_map(names), "fix": self.fix.format_map(names)}
        for name in ("found", "expected", "value"):
            words[name] = Foreign(getattr(self, name).format_map(data).strip())
        words["found"] = words["found"] or Foreign(facts.context.fragment)
        return {name: text for name, text in (words | {"field": self.field, "where": self.where}).items() if text}


def _unlisted(text: str) -> str:
    """Spark's `[2, 3]` as `2 or 3`."""
    inside = re.fullmatch(r"\[([^\[\]]+)\]", text)
    return " or ".join(inside.group(1).split(", ")) if inside else text


class _Lenient(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return ""


Speaker = Callable[[Facts, list[str]], Words]


def words_for(facts: Facts, columns: list[str]) -> Words:
    """The words for an error. `columns`: names that may have been meant."""
    from executor.spark.sentence_table import BY_CLASS, BY_TEXT

    name = facts.condition
    while name:
        if name in BY_CLASS:
            return BY_CLASS[name](facts, columns)
        name = name.rpartition(".")[0]
    for pattern, sentence in BY_TEXT:
        if facts.says(pattern):
            return sentence.fill(facts, columns)
    return untold(facts)


BY_STATE = {
    "21": ("The query gives another number of rows or columns than its place allows.", "Look at the part that the detail names."),
    "22": (
        "A value cannot be used as the query uses it.",
        "Look at the detail for the function; many have a form that gives null instead: try_cast, try_to_date, try_divide …",
    ),
    "23": ("A rule of the data is broken.", "Correct the data, or change the rule."),
    "42": ("Spark does not understand this query.", "Look at the detail: it names the part that Spark stumbled over."),
    "0A": ("Spark cannot do this.", "Write it in another way; the detail names the part."),
    "54": ("A limit of Spark is exceeded.", "Split the work into smaller parts."),
    "53": ("A resource that Spark needs has run out.", "Let the query make fewer or smaller rows, or use a larger compute profile."),
    "58": ("Reading or writing failed.", "Run it again; if it fails again, look at the place that the detail names."),
}


def untold(facts: Facts) -> Words:
    """The words for an error that has none of its own: its class and SQLSTATE, what kind that is, and where Spark's words are."""
    message, fix = BY_STATE.get(
        facts.sql_state[:2], ("Spark could not do this.", "The detail has Spark's own words; if they do not help, ask whoever runs Sluice.")
    )
    code = facts.condition + (f", SQLSTATE {facts.sql_state}" if facts.sql_state else "") if facts.condition else ""
    return {"code": "spark-error", "message": message + (f" (Spark: {code})" if code else ""), "fix": fix, "found": facts.first_line}


# --- errors that need more than a sentence ----------------------------------------------------------------------------------


def _listed(names: list[str]) -> str | None:
    unique = list(dict.fromkeys(names))
    return ", ".join(unique[:20]) + (" …" if len(unique) > 20 else "") if unique else None


NOT_DETERMINISTIC = Sentence(
    "sql-not-deterministic",
    "A function that gives another value each time (rand, uuid) cannot stand here.",
    "Make it a column in a stage before, and use that.",
    found="{sqlExprs}{sqlExpr}",
)
QUERY_IN_CONDITION = Sentence(
    "query-in-condition",
    "IN (SELECT …) and EXISTS cannot stand in ON, in a sum or count, or in GROUP BY, where they ask a view whose rows were numbered as "
    "they were read (_index).",
    "Ask it in WHERE, or make it a column in a stage before (SELECT *, x IN (SELECT …) AS is_listed FROM …), and use that column here.",
)


def not_deterministic(facts: Facts, columns: list[str]) -> Words:
    """Spark takes a query over numbered rows for a function that gives another value each time."""
    given = facts.data()
    is_query = re.search(r"\b(listquery|exists|scalarsubquery)\(", given.get("sqlExprs", "") + given.get("sqlExpr", ""))
    return (QUERY_IN_CONDITION if is_query else NOT_DETERMINISTIC).fill(facts, columns)


def unknown_field(facts: Facts, columns: list[str]) -> Words:
    name, fields = facts.name("fieldName"), facts.names("fields")
    return {
        "code": "column-unknown",
        "message": f"There is no field “{name}” in this structure.",
        "found": name,
        "expected": _listed(fields),
        "fix": did_you_mean(name, fields) or "Check the name.",
    }


def not_grouped(facts: Facts, columns: list[str]) -> Words:
    name = facts.name("expression")
    return {
        "code": "missing-group-by",
        "message": f"“{name}” is neither grouped nor aggregated." if name else "A column stands beside an aggregate but is not grouped.",
        "found": name or None,
        "fix": "Add it to GROUP BY (or write GROUP BY ALL), or use an aggregate such as max(…).",
    }


def types_differ(facts: Facts, columns: list[str]) -> Words:
    words = facts.data()
    sides = " and ".join(words[side].lower() for side in ("left", "right") if side in words)
    what = words.get("sqlExpr", "")
    return {
        "code": "type-mismatch",
        "message": "The types do not fit" + (f" in “{what}”." if what else "."),
        "found": (words.get("inputType") or sides).replace('"', "") or None,
        "expected": words.get("requiredType", "").replace('"', "") or None,
        "fix": (
            "This is a list: make a row of each of its items first, with LATERAL explode(list) AS item(item) in FROM."
            if words.get("inputType", "").strip('"').startswith("array<")
            else "Convert one side, for instance with CAST(… AS …) or try_cast(… AS …)."
        ),
    }


def not_castable(facts: Facts, columns: list[str]) -> Words:
    kind, column = facts.name("targetType").lower(), column_in(facts.context.fragment)
    value = Foreign(facts.data().get("expression", "").strip("'"))
    return {
        "code": "value-not-typed",
        "message": "A value"
        + (f" in “{column}”" if column else "")
        + (f" is not a valid {kind}." if re.fullmatch(r"[a-z]+(\(\d+(, ?\d+)?\))?", kind) else " does not fit."),
        "value": value,
        "data_column": column,
        "found": value,
        "expected": kind,
        "fix": (
            "A text beside a whole number is read as one. If it is a number with decimals, say so: CAST(… AS DECIMAL(18, 2))."
            if _is_read_as_whole(kind, facts.context.fragment)
            else "Use try_cast to get null instead, or leave such rows out."
        ),
    }


TYPE_NAMES = {"tinyint": "tinyint|byte", "smallint": "smallint|short", "int": "int|integer", "bigint": "bigint|long"}


def cast_too_large(facts: Facts, columns: list[str]) -> Words:
    """A number that the whole number it is converted to has no room for. Spark does not say where, so the type's names are looked for."""
    kind = facts.name("targetType").lower()
    names = TYPE_NAMES.get(kind, "")
    return {
        "code": "number-too-large",
        "message": f"A number is too large for the type {kind}." if names else "A number is too large for its type.",
        "found": Foreign(facts.data().get("value", "")),
        "fix": "Convert to a wider type, such as BIGINT or DECIMAL(38, 2). try_cast gives null instead.",
        **({"where": names, "spelled": rf"(?:\bAS|::)\s*(?:{names})\b"} if names else {}),
    }


def _is_read_as_whole(kind: str, fragment: str) -> bool:
    """Whether nobody wrote that a text is a whole number: Spark takes it for one in `quantity * price`."""
    return kind in ("int", "bigint") and bool(fragment) and not re.search(r"(?i)\bcast\s*\(|::|\bint\s*\(", fragment)


def column_in(fragment: str) -> str | None:
    """The column inside `CAST(col AS type)` or `col::type`."""
    found = re.match(r"(?is)\s*(?:try_)?cast\s*\(\s*([\w.`]+)\s+as\b", fragment) or re.match(r"([\w.`]+)\s*::", fragment)
    return bare(found.group(1)) if found else None


def broken_file(facts: Facts, columns: list[str]) -> Words:
    """A file that could not be read, for a reason that Spark gives no class of its own."""
    from executor.spark.sentence_table import BY_TEXT

    name = file_in(facts)
    for pattern, sentence in BY_TEXT:
        if facts.says(pattern):
            return sentence.fill(facts, columns) | _file(name)
    return {
        "code": "input-broken",
        "field": "inputURI",
        "message": "A file cannot be read: it is broken, or of another format.",
        "fix": "Check how it was made, and that the stage reads this format.",
    } | _file(name)


def unreadable_record(facts: Facts, columns: list[str]) -> Words:
    """A row of a file, or a text that a function like from_json was given."""
    record = facts.parameters.get("badRecord", Foreign("")).text[:200]
    found = {"found": Foreign(record)} if record not in ("", "[null]") else {}
    if facts.path:
        return (
            {
                "code": "input-record",
                "field": "inputURI",
                "message": "A row of a file is not of the form that the stage reads.",
                "expected": "rows of one width, in the format of the stage",
                "fix": "Correct the row, or the stage's separator, quote and header settings.",
            }
            | found
            | _file(file_in(facts))
        )
    return {
        "code": "value-not-typed",
        "message": "A text is not of the form that it is read as.",
        "fix": "Correct the schema, or leave out the mode FAILFAST to get null instead.",
    } | found


def wrong_width(facts: Facts, columns: list[str]) -> Words:
    """A row of delimited text with more or fewer values than the header. Where it stands is looked up by whoever knows what was read."""
    return {
        "code": "input-record",
        "field": "inputURI",
        "message": "A row of a file has another number of values than its header or its first row.",
        "expected": "rows of one width",
        "found": Foreign(facts.parameters.get("badRecord", Foreign("")).text[:200]),
        "fix": "Correct the row: a value that holds the separator or a line break must stand in quotes. "
        "Or tell the stage what to do with rows of another width.",
    } | _file(file_in(facts) if facts.path else Foreign(""))


def file_in(facts: Facts) -> Foreign:
    """The name (not the folder: where the lake lies on the machine is nobody's business) of the file that Spark speaks of."""
    text = facts.path.text or facts.parameters.get("path", Foreign("")).text or facts.message.text
    found = re.search(r"(?:file:)?(/[^\s'\",;]+)", text)
    return Foreign(found.group(1).rstrip("/.").rsplit("/", 1)[-1].strip("`'\"") if found else "")


def _file(name: Foreign) -> Words:
    return {"file": name} if name else {}


def missing_file(facts: Facts, columns: list[str]) -> Words:
    return {
        "code": "input-missing",
        "field": "inputURI",
        "message": "A file that should be read is not there.",
        "fix": "Check the path; the file may have been removed while the run was reading.",
    } | _file(file_in(facts))
