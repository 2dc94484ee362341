"""Spark's errors in the words of an analyst: a table from error class to sentence, and where in the SQL it happened.

Spark names every error by a class (`UNRESOLVED_COLUMN.WITH_SUGGESTION`) with parameters; the longest name that is in the table wins.
What is in no table is passed on in Spark's own first line, which is never empty.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from executor import sql_text
from executor.plain import did_you_mean
from executor.problems import Problem, ProblemError
from executor.stages import Stage

DETAIL_LENGTH = 1_500
OUT_OF_MEMORY = Problem(
    code="out-of-memory",
    message="Spark ran out of memory and ended.",
    fix="Let the query make fewer or smaller rows (filter earlier, check joins), or use a larger compute profile.",
)
SPARK_GONE = Problem(code="spark-gone", message="Spark ended in the middle of the work.", fix="Run it again; if it happens again, tell whoever runs Sluice.")

Parameters = dict[str, str]
Words = dict[str, str | None]


@contextmanager
def translated(*, sql: str | None = None, field: str = "sql", columns: Callable[[], list[str]] | None = None, gone: Callable[[], Problem] | None = None) -> Iterator[None]:
    """Turns whatever Spark raises inside into a ProblemError.

    `sql`: the text being run, to find the place in it. `columns`: names that may have been meant. `gone`: why the JVM is no longer there.
    """
    try:
        yield
    except ProblemError:
        raise
    except Exception as error:
        if _lost_connection(error):
            raise ProblemError(gone() if gone else SPARK_GONE) from error
        raise ProblemError(problem_of(error, sql=sql, field=field, columns=columns() if columns else [])) from error


def problem_of(error: BaseException, *, sql: str | None = None, field: str = "sql", columns: list[str] | None = None) -> Problem:
    """`error` (of pyspark, py4j or Python) as a problem."""
    facts = facts_of(error)
    words = _words(facts, columns or [])
    words |= _comma_before_from(facts, sql)
    line, column = _place(facts, sql)
    place: dict[str, Any] = {"field": field, "line": line, "column": column} if sql is not None and line is not None else {}
    if words.get("field"):
        place["field"] = words["field"]
    return Problem(**{**words, **place, "detail": facts.detail})  # type: ignore[arg-type]


def _comma_before_from(facts: Facts, sql: str | None) -> Words:
    """`SELECT a, FROM v` is a query to Spark (a column called FROM), and the mistake shows only as unknown columns."""
    if sql is None or not facts.condition.startswith("UNRESOLVED_COLUMN") or not re.search(r",\s*FROM\b", sql, re.IGNORECASE):
        return {}
    return {"code": "sql-syntax", "message": "There is a comma before FROM.", "found": ", FROM", "expected": None, "fix": "Take out the comma before FROM."}


def placed(problem: Problem, index: int, stage: Stage) -> Problem:
    """The problem with its stage named."""
    return replace(problem, stage_index=index, stage=stage.name, stage_type=stage.type)


# --- what Spark says --------------------------------------------------------------------------------------------------------


class Facts:
    """An error as Spark describes it: its class, parameters, first line, and the piece of SQL it points to."""

    def __init__(self, condition: str, parameters: Parameters, message: str, fragment: str = "", start: int | None = None) -> None:
        self.condition, self.parameters = condition, parameters
        self.message = message
        self.fragment, self.start = fragment, start
        self.detail = re.split(r";\n'|\n\tat |\nDriver stacktrace", message)[0][:DETAIL_LENGTH] or None

    @property
    def first_line(self) -> str:
        text = re.sub(r"^(\[[A-Z_.]+\]\s*|[\w.]+(Exception|Error):\s*)+", "", self.message.strip())
        return text.splitlines()[0][:300] if text else "Spark stopped without saying why."


def facts_of(error: BaseException) -> Facts:
    """The facts of the deepest cause that Spark has a class for, or of the error itself."""
    java = getattr(error, "java_exception", None) or getattr(error, "_origin", None)
    if java is not None:
        return _java_facts(java)
    condition = getattr(error, "getCondition", lambda: None)()
    return Facts(condition or "", dict(getattr(error, "getMessageParameters", dict)() or {}), str(error))


def _java_facts(java: Any) -> Facts:
    chain = [java]
    while len(chain) < 20 and chain[-1].getCause() is not None:
        chain.append(chain[-1].getCause())
    named = [(one, _condition(one)) for one in chain]
    usual = [(one, condition) for one, condition in named if condition and not condition.startswith(WRAPPERS)]
    deepest, condition = usual[-1] if usual else (chain[-1], _condition(chain[-1]) or "")
    context = _query_context(deepest)
    parameters = _string_map(deepest.getMessageParameters()) if condition else {}
    return Facts(condition, parameters, str(deepest.toString()), *context)


WRAPPERS = ("FAILED_READ_FILE", "TASK_WRITE_FAILED", "FAILED_EXECUTE_UDF", "_LEGACY_ERROR")
"""Classes that only say where; the cause below them says what. Used when nothing below has a class."""


def _condition(java: Any) -> str | None:
    return java.getCondition() if hasattr(java, "getCondition") and _has(java, "getCondition") else None


def _has(java: Any, method: str) -> bool:
    return any(one.getName() == method for one in java.getClass().getMethods())


def _string_map(java_map: Any) -> Parameters:
    return {str(key): str(java_map[key]) for key in java_map} if java_map is not None else {}


def _query_context(java: Any) -> tuple[str, int | None]:
    if not _has(java, "getQueryContext"):
        return "", None
    contexts = list(java.getQueryContext() or [])
    if not contexts or str(contexts[0].contextType()) != "SQL":
        return "", None
    return str(contexts[0].fragment()), int(contexts[0].startIndex())


def _place(facts: Facts, sql: str | None) -> tuple[int | None, int | None]:
    """Line and column in `sql`, only when what Spark points to is really there."""
    if sql is None or facts.start is None or sql[facts.start : facts.start + len(facts.fragment)] != facts.fragment:
        return None, None
    return sql_text.place(sql, facts.start)


def _lost_connection(error: BaseException) -> bool:
    return type(error).__name__ in ("Py4JNetworkError", "ConnectionRefusedError", "ConnectionResetError", "BrokenPipeError")


# --- the table --------------------------------------------------------------------------------------------------------------


def _words(facts: Facts, columns: list[str]) -> dict[str, Any]:
    name = facts.condition
    while name:
        if name in _BY_CLASS:
            return _BY_CLASS[name](facts, columns)
        name = name.rpartition(".")[0]
    for pattern, make in _BY_TEXT:
        if re.search(pattern, facts.message):
            return make(facts, columns)
    return {"code": "spark-error", "message": facts.first_line}


def _bare(name: str) -> str:
    """`a`.`b` as a.b"""
    return name.replace("`", "").strip()


def _listed(names: list[str]) -> str | None:
    unique = list(dict.fromkeys(names))
    return ", ".join(unique[:20]) + (" …" if len(unique) > 20 else "") if unique else None


def _unresolved_column(facts: Facts, columns: list[str]) -> dict[str, Any]:
    name = _bare(facts.parameters.get("objectName", ""))
    offered = [_bare(one) for one in facts.parameters.get("proposal", "").split(",") if one.strip()]
    near = did_you_mean(name, [*(one.rsplit(".", 1)[-1] for one in offered), *offered, *columns])
    if near is None and offered:
        near = f"Did you mean “{offered[0]}”?"
    return {"code": "column-unknown", "message": f"There is no column “{name}” here.", "found": name, "expected": _listed(offered or columns), "fix": near or "Check the name against the columns of the view."}  # fmt: skip


def _unknown_field(facts: Facts, columns: list[str]) -> dict[str, Any]:
    name = _bare(facts.parameters.get("fieldName", ""))
    fields = [_bare(one) for one in facts.parameters.get("fields", "").split(",") if one.strip()]
    return {"code": "column-unknown", "message": f"There is no field “{name}” in this structure.", "found": name, "expected": _listed(fields), "fix": did_you_mean(name, fields) or "Check the name."}  # fmt: skip


def _unknown_view(facts: Facts, columns: list[str]) -> dict[str, Any]:
    name = _bare(facts.parameters.get("relationName", ""))
    return {"code": "unknown-view", "message": f"There is no view “{name}” at this point of the job.", "found": name, "fix": "Check the name against the views of earlier stages."}  # fmt: skip


def _unknown_function(facts: Facts, columns: list[str]) -> dict[str, Any]:
    from executor.gate_functions import function_list

    name = _bare(facts.parameters.get("routineName", "")).rsplit(".", 1)[-1]
    return {"code": "sql-unknown-function", "message": f"There is no function “{name}”.", "found": name, "fix": did_you_mean(name, function_list().allowed) or "Look the name up in the list of functions."}  # fmt: skip


def _ambiguous(facts: Facts, columns: list[str]) -> dict[str, Any]:
    name = _bare(facts.parameters.get("name", ""))
    options = _bare(facts.parameters.get("referenceNames", "")).strip("[]")
    return {"code": "column-ambiguous", "message": f"“{name}” could mean more than one column.", "found": name, "expected": options or None, "fix": "Write the view's name before it, for instance f." + name.rsplit(".", 1)[-1] + "."}  # fmt: skip


def _missing_group_by(facts: Facts, columns: list[str]) -> dict[str, Any]:
    name = _bare(facts.parameters.get("expression", "") or facts.parameters.get("expressionAnyValue", ""))
    what = f"“{name}” is neither grouped nor aggregated." if name else "A column stands beside an aggregate but is not grouped."
    return {"code": "missing-group-by", "message": what, "found": name or None, "fix": "Add it to GROUP BY (or write GROUP BY ALL), or use an aggregate such as max(…)."}  # fmt: skip


def _where_aggregate(facts: Facts, columns: list[str]) -> dict[str, Any]:
    return {"code": "aggregate-in-where", "message": "WHERE cannot hold an aggregate or a window function.", "found": _bare(facts.parameters.get("condition", "") or facts.parameters.get("expressionList", "")) or None, "fix": "Use HAVING, or put the aggregate into a step before."}  # fmt: skip


def _type_mismatch(facts: Facts, columns: list[str]) -> dict[str, Any]:
    parameters = facts.parameters
    found = _bare(parameters.get("inputType", "") or " and ".join(parameters[side] for side in ("left", "right") if side in parameters)).replace('"', "")
    wanted = _bare(parameters.get("requiredType", "")).replace('"', "")
    what = _bare(parameters.get("sqlExpr", "")).replace('"', "")
    return {"code": "type-mismatch", "message": f"The types do not fit in {what}." if what else "The types do not fit.", "found": found.lower() or None, "expected": wanted.lower() or None, "fix": "Convert one side, for instance with CAST(… AS …) or try_cast."}  # fmt: skip


def _cast(facts: Facts, columns: list[str]) -> dict[str, Any]:
    value = facts.parameters.get("expression", "").strip("'")
    kind = facts.parameters.get("targetType", "").strip('"').lower()
    column = _column_in(facts.fragment)
    where = f" in “{column}”" if column else ""
    return {"code": "value-not-typed", "message": f"The value “{value}”{where} is not a valid {kind}.", "value": value, "data_column": column, "found": value, "expected": kind, "fix": "Use try_cast to get null instead, or leave such rows out."}  # fmt: skip


def _column_in(fragment: str) -> str | None:
    """The column inside `CAST(col AS type)` or `col::type`."""
    found = re.match(r"(?is)\s*(?:try_)?cast\s*\(\s*([\w.`]+)\s+as\b", fragment) or re.match(r"([\w.`]+)\s*::", fragment)
    return _bare(found.group(1)) if found else None


def _overflow(facts: Facts, columns: list[str]) -> dict[str, Any]:
    return {"code": "number-too-large", "message": "A number became too large for its type.", "found": facts.parameters.get("value") or facts.fragment or None, "fix": "Convert to a wider type first, for instance CAST(… AS DECIMAL(38, 2))."}  # fmt: skip


def _divide_by_zero(facts: Facts, columns: list[str]) -> dict[str, Any]:
    return {"code": "divide-by-zero", "message": "A division by zero happened.", "found": facts.fragment or None, "fix": "Use try_divide(a, b) to get null instead, or leave such rows out with WHERE."}  # fmt: skip


def _bad_date(facts: Facts, columns: list[str]) -> dict[str, Any]:
    return {"code": "value-not-typed", "message": "A value is not a valid date or time of this form.", "found": facts.parameters.get("input") or None, "expected": facts.parameters.get("pattern") or None, "value": facts.parameters.get("input"), "fix": "Use try_to_timestamp or try_to_date to get null instead, or correct the pattern."}  # fmt: skip


def _index(facts: Facts, columns: list[str]) -> dict[str, Any]:
    return {"code": "no-such-element", "message": "An element was asked for that the list or map does not have.", "found": facts.parameters.get("indexValue") or facts.fragment or None, "fix": "Use get(…) or try_element_at(…) to get null instead."}  # fmt: skip


def _raised(facts: Facts, columns: list[str]) -> dict[str, Any]:
    text = facts.parameters.get("errorParms") or facts.parameters.get("errorMessage") or facts.first_line
    return {"code": "raised-by-query", "message": f"The query itself stopped the run: {text}"[:300], "value": text}


def _arguments(facts: Facts, columns: list[str]) -> dict[str, Any]:
    parameters = facts.parameters
    name = _bare(parameters.get("functionName", "")).lower()
    return {"code": "wrong-arguments", "message": f"“{name}” is given the wrong number of arguments.", "found": parameters.get("actualNum"), "expected": parameters.get("expectedNum"), "fix": "Check how the function is called."}  # fmt: skip


def _columns_of_union(facts: Facts, columns: list[str]) -> dict[str, Any]:
    parameters = facts.parameters
    return {"code": "columns-do-not-fit", "message": "The parts of the UNION do not have the same number of columns.", "found": parameters.get("invalidNumColumns") or parameters.get("invalidOrdinalNum"), "expected": parameters.get("firstNumColumns"), "fix": "Select the same columns in each part, in the same order."}  # fmt: skip


def _scalar(facts: Facts, columns: list[str]) -> dict[str, Any]:
    return {"code": "subquery-many-rows", "message": "A query used as one value gave more than one row.", "fix": "Let it give one row: aggregate it, or use IN or a join."}  # fmt: skip


def _duplicate_column(facts: Facts, columns: list[str]) -> dict[str, Any]:
    name = _bare(facts.parameters.get("columnName", ""))
    return {"code": "column-twice", "message": f"Two columns have the name “{name}”.", "found": name, "fix": "Rename one with AS, or do not select it twice."}


def _missing_input(facts: Facts, columns: list[str]) -> dict[str, Any]:
    return {"code": "input-missing", "field": "inputURI", "message": "A file that should be read is not there.", "found": _last_of_path(facts.parameters.get("path", "")), "fix": "Check the path; it may have been removed while the run was reading."}  # fmt: skip


def _unreadable_input(facts: Facts, columns: list[str]) -> dict[str, Any]:
    name = _last_of_path(facts.parameters.get("path", "") or _path_in(facts.message))
    what = f"“{name}” cannot be read." if name else "A file cannot be read."
    return {"code": "input-broken", "field": "inputURI", "message": f"{what} It is broken or of another format.", "found": name or None, "fix": "Check how it was made, and that the stage reads this format."}  # fmt: skip


def _not_gzip(facts: Facts, columns: list[str]) -> dict[str, Any]:
    return {"code": "input-broken", "field": "inputURI", "message": "A compressed file is broken: it cannot be unpacked to its end.", "fix": "Fetch or pack the file again."}  # fmt: skip


def _not_parquet(facts: Facts, columns: list[str]) -> dict[str, Any]:
    return {"code": "input-broken", "field": "inputURI", "message": "A file is not Parquet, or is not complete.", "found": _last_of_path(_path_in(facts.message)) or None, "expected": "Parquet", "fix": "Read it with the stage for its format."}  # fmt: skip


def _no_schema(facts: Facts, columns: list[str]) -> dict[str, Any]:
    return {"code": "input-empty", "field": "inputURI", "message": "Nothing is known of the columns: there is no data to read.", "fix": "Check the path, or give a schema."}  # fmt: skip


def _disk_full(facts: Facts, columns: list[str]) -> dict[str, Any]:
    return {"code": "disk-full", "message": "There is no space left on the disk.", "fix": "Free some space, or ask whoever runs the storage."}


def _forbidden(facts: Facts, columns: list[str]) -> dict[str, Any]:
    return {"code": "not-permitted", "message": "A file or folder may not be read or written.", "found": _last_of_path(_path_in(facts.message)) or None, "fix": "Ask for the right, or choose another place."}  # fmt: skip


def _memory(facts: Facts, columns: list[str]) -> dict[str, Any]:
    return {"code": OUT_OF_MEMORY.code, "message": "Spark ran out of memory.", "fix": OUT_OF_MEMORY.fix}


def _cancelled(facts: Facts, columns: list[str]) -> dict[str, Any]:
    return {"code": "stopped", "message": "The work was stopped."}


def _bad_column_name(facts: Facts, columns: list[str]) -> dict[str, Any]:
    name = _bare(facts.parameters.get("columnName", "") or facts.parameters.get("columnNames", ""))
    return {"code": "column-name", "message": f"The column name “{name}” cannot be written in this format.", "found": name, "fix": "Rename it with AS: letters, digits and _."}  # fmt: skip


def _cannot_write_type(facts: Facts, columns: list[str]) -> dict[str, Any]:
    name = _bare(facts.parameters.get("columnName", ""))
    return {"code": "type-not-writable", "message": f"The column “{name}” cannot be written in this format.", "found": facts.parameters.get("columnType", "").strip('"').lower() or None, "fix": "Turn it into text, for instance with to_json."}  # fmt: skip


def _path_in(message: str) -> str:
    found = re.search(r"(?:file:)?(/[^\s'\",;]+)", message)
    return found.group(1) if found else ""


def _last_of_path(path: str) -> str:
    """Only the name: where the lake lies on the machine is nobody's business."""
    return path.rstrip("/").rsplit("/", 1)[-1].strip("`'\"")


_BY_CLASS: dict[str, Callable[[Facts, list[str]], dict[str, Any]]] = {
    "UNRESOLVED_COLUMN": _unresolved_column,
    "UNRESOLVED_MAP_KEY": _unresolved_column,
    "UNRESOLVED_USING_COLUMN_FOR_JOIN": lambda facts, columns: _unresolved_column(Facts("", {"objectName": facts.parameters.get("colName", ""), "proposal": facts.parameters.get("suggestion", "")}, ""), columns),  # fmt: skip
    "FIELD_NOT_FOUND": _unknown_field,
    "TABLE_OR_VIEW_NOT_FOUND": _unknown_view,
    "UNRESOLVED_ROUTINE": _unknown_function,
    "UNRESOLVABLE_TABLE_VALUED_FUNCTION": _unknown_function,
    "AMBIGUOUS_REFERENCE": _ambiguous,
    "AMBIGUOUS_COLUMN_OR_FIELD": _ambiguous,
    "AMBIGUOUS_LATERAL_COLUMN_ALIAS": _ambiguous,
    "MISSING_AGGREGATION": _missing_group_by,
    "MISSING_GROUP_BY": _missing_group_by,
    "UNRESOLVED_ALL_IN_GROUP_BY": _missing_group_by,
    "INVALID_WHERE_CONDITION": _where_aggregate,
    "UNSUPPORTED_EXPR_FOR_WINDOW": _where_aggregate,
    "DATATYPE_MISMATCH": _type_mismatch,
    "INCOMPATIBLE_COLUMN_TYPE": _type_mismatch,
    "CAST_INVALID_INPUT": _cast,
    "CAST_OVERFLOW": _overflow,
    "ARITHMETIC_OVERFLOW": _overflow,
    "BINARY_ARITHMETIC_OVERFLOW": _overflow,
    "NUMERIC_VALUE_OUT_OF_RANGE": _overflow,
    "NUMERIC_OUT_OF_SUPPORTED_RANGE": _overflow,
    "DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION": _overflow,
    "DIVIDE_BY_ZERO": _divide_by_zero,
    "REMAINDER_BY_ZERO": _divide_by_zero,
    "INTERVAL_DIVIDED_BY_ZERO": _divide_by_zero,
    "CANNOT_PARSE_TIMESTAMP": _bad_date,
    "CANNOT_PARSE_TIME": _bad_date,
    "DATETIME_FIELD_OUT_OF_BOUNDS": _bad_date,
    "INVALID_DATETIME_PATTERN": _bad_date,
    "INVALID_ARRAY_INDEX": _index,
    "INVALID_ARRAY_INDEX_IN_ELEMENT_AT": _index,
    "MAP_KEY_DOES_NOT_EXIST": _index,
    "USER_RAISED_EXCEPTION": _raised,
    "WRONG_NUM_ARGS": _arguments,
    "NUM_COLUMNS_MISMATCH": _columns_of_union,
    "SCALAR_SUBQUERY_TOO_MANY_ROWS": _scalar,
    "COLUMN_ALREADY_EXISTS": _duplicate_column,
    "PATH_NOT_FOUND": _missing_input,
    "FAILED_READ_FILE.FILE_NOT_EXIST": _missing_input,
    "FAILED_READ_FILE": _unreadable_input,
    "CANNOT_READ_FILE_FOOTER": _not_parquet,
    "UNABLE_TO_INFER_SCHEMA": _no_schema,
    "MALFORMED_RECORD_IN_PARSING": _unreadable_input,
    "INVALID_COLUMN_NAME_AS_PATH": _bad_column_name,
    "UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE": _cannot_write_type,
    "JOB_CANCELLED": _cancelled,
}

_BY_TEXT: list[tuple[str, Callable[[Facts, list[str]], dict[str, Any]]]] = [
    (r"No space left on device|Disk quota exceeded", _disk_full),
    (r"OutOfMemoryError|Java heap space|UNABLE_TO_ACQUIRE_MEMORY", _memory),
    (r"Permission denied|AccessControlException|AccessDeniedException", _forbidden),
    (r"is not a Parquet file|expected magic number at tail", _not_parquet),
    (r"incorrect header check|invalid (block type|stored block|code lengths|distance)|not a gzip file|Unexpected end of ZLIB|unexpected end of (stream|file)|Corrupt GZIP", _not_gzip),
    (r"FileNotFoundException|No such file or directory", _missing_input),
    (r"[Jj]ob .*cancelled|cancelled (because|as part of)", _cancelled),
]


# --- syntax -----------------------------------------------------------------------------------------------------------------


def syntax_problem(condition: str, parameters: Parameters, sql: str, field: str, line: int | None, column: int | None) -> Problem:
    """What Spark's parser could not read, at its place."""
    words = _syntax_words(condition, parameters, sql)
    return Problem(**{"code": "sql-syntax", "field": field, "line": line, "column": column, **words})  # type: ignore[arg-type]


def _syntax_words(condition: str, parameters: Parameters, sql: str) -> dict[str, Any]:
    near = parameters.get("error", "").strip("'")
    if condition.startswith("PARSE_SYNTAX_ERROR"):
        if near in ("end of input", ""):
            return {"message": "The query ends too early.", "found": "the end of the text", "fix": "Complete it: a column, a view or a closing parenthesis is missing."}  # fmt: skip
        return {"message": f"The query cannot be understood at “{near}”.", "found": near, "fix": _syntax_hint(near, sql)}
    if condition.startswith("PARSE_EMPTY_STATEMENT"):
        return {"code": "sql-empty", "message": "There is no SQL here.", "expected": "one query"}
    if condition.startswith("INVALID_IDENTIFIER"):
        name = parameters.get("ident", "")
        return {"message": f"The name “{name}” must stand in back-ticks.", "found": name, "fix": f"Write `{name}`."}
    if condition.startswith(("UNSUPPORTED_FEATURE", "INVALID_SQL_SYNTAX", "OPERATION_NOT_ALLOWED", "_LEGACY_ERROR")):
        return {"code": "sql-not-allowed", "message": "This form of SQL is not available here.", "fix": "Write one plain query."}
    return {"message": "The query cannot be understood.", "found": near or None, "detail": f"{condition} {parameters}"[:500]}


def _syntax_hint(near: str, sql: str) -> str:
    if near.upper() == "FROM" and re.search(r",\s*FROM\b", sql, re.IGNORECASE):
        return "Take out the comma before FROM."
    if near.upper() in ("WHERE", "GROUP", "ORDER", "HAVING", "LIMIT"):
        return f"Something is missing before {near.upper()}, or the clauses are in another order than FROM, WHERE, GROUP BY, HAVING, ORDER BY, LIMIT."
    return "Check the words before it: a comma, an operator or a closing quote is often missing."
