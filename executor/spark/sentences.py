"""The table: from Spark's error classes to sentences for an analyst.

`{name}` in a sentence is a parameter of Spark's error, `{fragment}` the piece of SQL it points to. The longest class name in the table
wins (`UNRESOLVED_COLUMN` serves `UNRESOLVED_COLUMN.WITH_SUGGESTION`). A few errors need more than a sentence: the functions below.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from executor.plain import did_you_mean
from executor.spark.facts import Facts, bare
from executor.spark.jvm import OUT_OF_MEMORY

Words = dict[str, Any]


@dataclass(frozen=True)
class Sentence:
    """What a problem says; each text may hold `{parameter}`s. Texts that come out empty are left out."""

    code: str
    message: str
    fix: str = ""
    found: str = ""
    expected: str = ""
    value: str = ""
    field: str = ""

    def fill(self, facts: Facts, columns: list[str]) -> Words:
        """The problem's words for these facts."""
        known = _Lenient({name: _unlisted(text) for name, text in facts.words().items()})
        filled = {name: text.format_map(known).strip() for name, text in asdict(self).items()}
        return {name: text for name, text in filled.items() if text}


def _unlisted(text: str) -> str:
    """Spark's `[2, 3]` as `2 or 3`."""
    inside = re.fullmatch(r"\[([^\[\]]+)\]", text)
    return " or ".join(inside.group(1).split(", ")) if inside else text


class _Lenient(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return ""


def words_for(facts: Facts, columns: list[str]) -> Words:
    """The words for an error. `columns`: names that may have been meant."""
    name = facts.condition
    while name:
        if name in BY_CLASS:
            return BY_CLASS[name](facts, columns)
        name = name.rpartition(".")[0]
    for pattern, sentence in BY_TEXT:
        if re.search(pattern, facts.message):
            return sentence.fill(facts, columns)
    return {"code": "spark-error", "message": "Spark could not do this, for a reason that has no sentence here.", "found": facts.first_line}


# --- errors that need more than a sentence ----------------------------------------------------------------------------------


def _names(text: str) -> list[str]:
    return [bare(one) for one in text.split(",") if one.strip()]


def _listed(names: list[str]) -> str | None:
    unique = list(dict.fromkeys(names))
    return ", ".join(unique[:20]) + (" …" if len(unique) > 20 else "") if unique else None


def unknown_column(facts: Facts, columns: list[str]) -> Words:
    name = bare(facts.parameters.get("objectName", "") or facts.parameters.get("colName", ""))
    offered = _names(facts.parameters.get("proposal", "") or facts.parameters.get("suggestion", ""))
    near = did_you_mean(name, [*(one.rsplit(".", 1)[-1] for one in offered), *offered, *columns])
    return {
        "code": "column-unknown",
        "message": f"There is no column “{name}” here.",
        "found": name,
        "expected": _listed(offered or columns),
        "fix": near or "Check the name against the columns of the view.",
    }


def unknown_field(facts: Facts, columns: list[str]) -> Words:
    name, fields = bare(facts.parameters.get("fieldName", "")), _names(facts.parameters.get("fields", ""))
    return {
        "code": "column-unknown",
        "message": f"There is no field “{name}” in this structure.",
        "found": name,
        "expected": _listed(fields),
        "fix": did_you_mean(name, fields) or "Check the name.",
    }


def not_grouped(facts: Facts, columns: list[str]) -> Words:
    name = bare(facts.parameters.get("expression", ""))
    return {
        "code": "missing-group-by",
        "message": f"“{name}” is neither grouped nor aggregated." if name else "A column stands beside an aggregate but is not grouped.",
        "found": name or None,
        "fix": "Add it to GROUP BY (or write GROUP BY ALL), or use an aggregate such as max(…).",
    }


def types_differ(facts: Facts, columns: list[str]) -> Words:
    words = facts.words()
    sides = " and ".join(words[side].lower() for side in ("left", "right") if side in words)
    what = words.get("sqlExpr", "")
    return {
        "code": "type-mismatch",
        "message": f"The types do not fit in {what}." if what else "The types do not fit.",
        "found": (words.get("inputType") or sides).replace('"', "") or None,
        "expected": words.get("requiredType", "").replace('"', "") or None,
        "fix": "Convert one side, for instance with CAST(… AS …) or try_cast(… AS …).",
    }


def not_castable(facts: Facts, columns: list[str]) -> Words:
    value, kind = facts.parameters.get("expression", "").strip("'"), facts.words().get("targetType", "")
    column = column_in(facts.fragment)
    where = f" in “{column}”" if column else ""
    return {
        "code": "value-not-typed",
        "message": f"A value{where} is not a valid {kind}.",
        "value": value,
        "data_column": column,
        "found": value,
        "expected": kind,
        "fix": "Use try_cast to get null instead, or leave such rows out.",
    }


def column_in(fragment: str) -> str | None:
    """The column inside `CAST(col AS type)` or `col::type`."""
    found = re.match(r"(?is)\s*(?:try_)?cast\s*\(\s*([\w.`]+)\s+as\b", fragment) or re.match(r"([\w.`]+)\s*::", fragment)
    return bare(found.group(1)) if found else None


def broken_file(facts: Facts, columns: list[str]) -> Words:
    """A file that could not be read, for a reason that Spark gives no class of its own."""
    for pattern, sentence in BY_TEXT:
        if re.search(pattern, facts.message):
            return sentence.fill(facts, columns)
    name = _file_in(facts.parameters.get("path", "") or facts.message)
    return {
        "code": "input-broken",
        "field": "inputURI",
        "message": f"“{name}” cannot be read: it is broken or of another format." if name else "A file cannot be read: it is broken.",
        "found": name or None,
        "fix": "Check how it was made, and that the stage reads this format.",
    }


def unreadable_record(facts: Facts, columns: list[str]) -> Words:
    """A row of a file, or a text that a function like from_json was given."""
    if _file_in(facts.message):
        return broken_file(facts, columns)
    record = facts.parameters.get("badRecord", "")[:200]
    return {
        "code": "value-not-typed",
        "message": "A text is not of the form that it is read as.",
        "found": record if record not in ("", "[null]") else None,
        "fix": "Correct the schema, or leave out the mode FAILFAST to get null instead.",
    }


def _file_in(text: str) -> str:
    """The name (not the folder: where the lake lies on the machine is nobody's business) of the first path in `text`."""
    found = re.search(r"(?:file:)?(/[^\s'\",;]+)", text)
    return found.group(1).rstrip("/.").rsplit("/", 1)[-1].strip("`'\"") if found else ""


def missing_file(facts: Facts, columns: list[str]) -> Words:
    return {
        "code": "input-missing",
        "field": "inputURI",
        "message": "A file that should be read is not there.",
        "found": _file_in(facts.parameters.get("path", "") or facts.message) or None,
        "fix": "Check the path; the file may have been removed while the run was reading.",
    }


# --- the table --------------------------------------------------------------------------------------------------------------

AGGREGATE_IN_WHERE = Sentence(
    "aggregate-in-where",
    "WHERE cannot hold an aggregate or a window function.",
    "Use HAVING, or put the aggregate into a stage before.",
    found="{expressionList}",
)
AMBIGUOUS = Sentence(
    "column-ambiguous",
    "“{name}” could mean more than one column.",
    "Write the view's name before it, as in f.{name}.",
    found="{name}",
    expected="{referenceNames}",
)
NUMBER_TOO_LARGE = Sentence(
    "number-too-large",
    "A number became too large for its type.",
    "Convert to a wider type first, for instance CAST(… AS DECIMAL(38, 2)).",
    found="{value}{fragment}",
)
ENDLESS = Sentence(
    "recursion-endless",
    "The recursion did not come to its end.",
    "Let a condition end it, such as WHERE n < 10; where it must go deeper, write MAX RECURSION LEVEL 1000 behind its name.",
    found="{levelLimit} levels",
)
DIVIDE_BY_ZERO = Sentence(
    "divide-by-zero",
    "A division by zero happened.",
    "Use try_divide(a, b) to get null instead, or leave such rows out with WHERE.",
    found="{fragment}",
)
NOT_A_DATE = Sentence(
    "value-not-typed",
    "A value is not a valid date or time of this form.",
    "Use try_to_timestamp or try_to_date to get null instead, or correct the pattern.",
    found="{input}",
    expected="{pattern}",
    value="{input}",
)
NO_ELEMENT = Sentence(
    "no-such-element",
    "An element was asked for that the list or map does not have.",
    "Use get(…) or try_element_at(…) to get null instead.",
    found="{indexValue}{keyValue}",
)
NO_FUNCTION = Sentence(
    "sql-unknown-function", "There is no function {routineName}.", "Look the name up in the list of functions.", found="{routineName}"
)
NO_VIEW = Sentence(
    "unknown-view",
    "There is no view “{relationName}” at this point of the job.",
    "Check the name against the views of earlier stages.",
    found="{relationName}",
)
DISK_FULL = Sentence("disk-full", "There is no space left on the disk.", "Free some space, or ask whoever runs the storage.")
MEMORY = Sentence("out-of-memory", OUT_OF_MEMORY.message, OUT_OF_MEMORY.fix or "")
NOT_PERMITTED = Sentence("not-permitted", "A file or folder may not be read or written.", "Ask for the right, or choose another place.")
NOT_PARQUET = Sentence(
    "input-broken",
    "A file is not Parquet, or is not complete.",
    "Read it with the stage for its format, or fetch it again.",
    expected="Parquet",
    field="inputURI",
)
NOT_GZIP = Sentence(
    "input-broken", "A compressed file is broken: it cannot be unpacked to its end.", "Fetch or pack the file again.", field="inputURI"
)
STOPPED = Sentence("stopped", "The work was stopped.")

BY_CLASS: dict[str, Callable[[Facts, list[str]], Words]] = {
    "UNRESOLVED_COLUMN": unknown_column,
    "UNRESOLVED_MAP_KEY": unknown_column,
    "UNRESOLVED_USING_COLUMN_FOR_JOIN": unknown_column,
    "FIELD_NOT_FOUND": unknown_field,
    "INVALID_EXTRACT_BASE_FIELD_TYPE": Sentence(
        "type-mismatch",
        "“{base}” has no parts, so nothing can be taken out of it with a dot.",
        "Use its plain name, or a column that is a structure.",
        found="{other}",
        expected="a structure, a list or a map",
    ).fill,
    "TABLE_OR_VIEW_NOT_FOUND": NO_VIEW.fill,
    "UNRESOLVED_ROUTINE": NO_FUNCTION.fill,
    "UNRESOLVABLE_TABLE_VALUED_FUNCTION": NO_FUNCTION.fill,
    "AMBIGUOUS_REFERENCE": AMBIGUOUS.fill,
    "AMBIGUOUS_COLUMN_OR_FIELD": AMBIGUOUS.fill,
    "AMBIGUOUS_LATERAL_COLUMN_ALIAS": AMBIGUOUS.fill,
    "MISSING_AGGREGATION": not_grouped,
    "MISSING_GROUP_BY": not_grouped,
    "UNRESOLVED_ALL_IN_GROUP_BY": not_grouped,
    "GROUP_BY_AGGREGATE": AGGREGATE_IN_WHERE.fill,
    "INVALID_WHERE_CONDITION": AGGREGATE_IN_WHERE.fill,
    "UNSUPPORTED_EXPR_FOR_WINDOW": AGGREGATE_IN_WHERE.fill,
    "DATATYPE_MISMATCH": types_differ,
    "INCOMPATIBLE_COLUMN_TYPE": types_differ,
    "CAST_INVALID_INPUT": not_castable,
    "CAST_OVERFLOW": NUMBER_TOO_LARGE.fill,
    "ARITHMETIC_OVERFLOW": NUMBER_TOO_LARGE.fill,
    "BINARY_ARITHMETIC_OVERFLOW": NUMBER_TOO_LARGE.fill,
    "NUMERIC_VALUE_OUT_OF_RANGE": NUMBER_TOO_LARGE.fill,
    "NUMERIC_OUT_OF_SUPPORTED_RANGE": NUMBER_TOO_LARGE.fill,
    "DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION": NUMBER_TOO_LARGE.fill,
    "DIVIDE_BY_ZERO": DIVIDE_BY_ZERO.fill,
    "REMAINDER_BY_ZERO": DIVIDE_BY_ZERO.fill,
    "INTERVAL_DIVIDED_BY_ZERO": DIVIDE_BY_ZERO.fill,
    "CANNOT_PARSE_TIMESTAMP": NOT_A_DATE.fill,
    "CANNOT_PARSE_TIME": NOT_A_DATE.fill,
    "DATETIME_FIELD_OUT_OF_BOUNDS": NOT_A_DATE.fill,
    "INVALID_DATETIME_PATTERN": NOT_A_DATE.fill,
    "INVALID_ARRAY_INDEX": NO_ELEMENT.fill,
    "INVALID_ARRAY_INDEX_IN_ELEMENT_AT": NO_ELEMENT.fill,
    "MAP_KEY_DOES_NOT_EXIST": NO_ELEMENT.fill,
    "RECURSION_LEVEL_LIMIT_EXCEEDED": ENDLESS.fill,
    "RECURSION_ROW_LIMIT_EXCEEDED": Sentence(
        "recursion-endless", "The recursion made more than {rowLimit} rows.", "Let a condition end it, such as WHERE n < 10."
    ).fill,
    "USER_RAISED_EXCEPTION": Sentence(
        "raised-by-query", "The query itself stopped the run with raise_error or assert_true.", value="{errorMessage}"
    ).fill,
    "WRONG_NUM_ARGS": Sentence(
        "wrong-arguments",
        "{functionName} is given the wrong number of arguments.",
        "Check how the function is called.",
        found="{actualNum}",
        expected="{expectedNum}",
    ).fill,
    "NUM_COLUMNS_MISMATCH": Sentence(
        "columns-do-not-fit",
        "The parts of the query do not have the same number of columns.",
        "Select the same columns in each part, in the same order.",
        found="{invalidNumColumns}",
        expected="{firstNumColumns}",
    ).fill,
    "TRAILING_COMMA_IN_SELECT": Sentence(
        "sql-syntax", "There is a comma before FROM.", "Take out the comma before FROM.", found=", FROM"
    ).fill,
    "SCALAR_SUBQUERY_TOO_MANY_ROWS": Sentence(
        "subquery-many-rows", "A query used as one value gave more than one row.", "Let it give one row: aggregate it, or use IN or a join."
    ).fill,
    "COLUMN_ALREADY_EXISTS": Sentence(
        "column-twice", "Two columns have the name “{columnName}”.", "Rename one with AS, or do not select it twice.", found="{columnName}"
    ).fill,
    "PATH_NOT_FOUND": missing_file,
    "FAILED_READ_FILE.FILE_NOT_EXIST": missing_file,
    "FAILED_READ_FILE": broken_file,
    "MALFORMED_RECORD_IN_PARSING": unreadable_record,
    "CANNOT_READ_FILE_FOOTER": NOT_PARQUET.fill,
    "UNABLE_TO_INFER_SCHEMA": Sentence(
        "input-empty",
        "There is no data to read, so nothing is known of the columns.",
        "Check the path, or give a schema.",
        field="inputURI",
    ).fill,
    "INVALID_COLUMN_NAME_AS_PATH": Sentence(
        "column-name",
        "The column name “{columnName}” cannot be written in this format.",
        "Rename it with AS: letters, digits and _.",
        found="{columnName}",
    ).fill,
    "UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE": Sentence(
        "type-not-writable",
        "The column “{columnName}” cannot be written in this format.",
        "Turn it into text, for instance with to_json.",
        found="{columnType}",
    ).fill,
    "JOB_CANCELLED": STOPPED.fill,
}

BY_TEXT: list[tuple[str, Sentence]] = [
    (r"No space left on device|Disk quota exceeded", DISK_FULL),
    (r"OutOfMemoryError|Java heap space|UNABLE_TO_ACQUIRE_MEMORY", MEMORY),
    (r"Permission denied|AccessControlException|AccessDeniedException", NOT_PERMITTED),
    (r"is not a Parquet file|expected magic number at tail", NOT_PARQUET),
    (
        r"incorrect header check|invalid (block type|stored block|code lengths|distance)|not a gzip file|Corrupt GZIP"
        r"|[Uu]nexpected end of (ZLIB |input stream|file)",
        NOT_GZIP,
    ),
    (r"[Jj]ob .*cancelled|cancelled (because|as part of)", STOPPED),
]
