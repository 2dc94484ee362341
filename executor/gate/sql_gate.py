"""Which SQL may run: one query over the job's views, made of known parts of the language and of reviewed functions.

Three looks, each refusing what it does not know: the text (`executor.language.sql_text`), Spark's own parse of it, and Spark's analysed
plan right before it runs. The last two are Java classes in `executor/gate/`, since walking a plan from Python takes a hundred times longer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from executor.gate.functions import function_list
from executor.language.dialects.advice import mended
from executor.language.sql_text import COMMAND_WORDS, position, sql_problems, statement_start
from executor.plain import did_you_mean
from executor.problems import Problem, ProblemError
from executor.spark import deadline
from executor.spark import errors as spark_errors
from executor.spark.missing_columns import cut_column

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

UNIT, RECORD = "\x1f", "\x1e"
FACTS = ("view", "function")
HINTS = (
    "BROADCAST",
    "BROADCASTJOIN",
    "MAPJOIN",
    "MERGE",
    "SHUFFLE_MERGE",
    "MERGEJOIN",
    "SHUFFLE_HASH",
    "SHUFFLE_REPLICATE_NL",
    "COALESCE",
    "REPARTITION",
    "REPARTITION_BY_RANGE",
    "REBALANCE",
)

OPTIONS = (
    "allowBackslashEscapingAnyCharacter",
    "allowComments",
    "allowNonNumericNumbers",
    "allowNumericLeadingZeros",
    "allowSingleQuotes",
    "allowUnquotedControlChars",
    "allowUnquotedFieldNames",
    "arrayElementName",
    "attributePrefix",
    "charToEscapeQuoteEscaping",
    "columnNameOfCorruptRecord",
    "comment",
    "dateFormat",
    "declaration",
    "delimiter",
    "dropFieldIfAllNull",
    "emptyValue",
    "escape",
    "escapeQuotes",
    "excludeAttribute",
    "ignoreLeadingWhiteSpace",
    "ignoreNamespace",
    "ignoreNullFields",
    "ignoreSurroundingSpaces",
    "ignoreTrailingWhiteSpace",
    "inferSchema",
    "lineSep",
    "locale",
    "mode",
    "multiLine",
    "nanValue",
    "negativeInf",
    "nullValue",
    "positiveInf",
    "preferDate",
    "prefersDecimal",
    "pretty",
    "primitivesAsString",
    "quote",
    "quoteAll",
    "rootTag",
    "rowTag",
    "sep",
    "singleVariantColumn",
    "timestampFormat",
    "timestampNTZFormat",
    "timeZone",
    "unescapedQuoteHandling",
    "valueTag",
    "wildcardColName",
    "writeNonAsciiCharacterAsCodePoint",
)
"""What from_json and its like may be told. Not among them: what names a file (rowValidationXSDPath) or the size of a buffer."""


@dataclass(frozen=True)
class Finding:
    """One record of the Java gate: what was met and where (line and column from 1, None when unknown)."""

    kind: str
    name: str
    line: int | None
    column: int | None


@dataclass(frozen=True)
class Verdict:
    """What the gate says of one text. `views` and `functions`: what it uses, each once, in order."""

    problems: list[Problem]
    views: list[str]
    functions: list[str]


class Gate:
    """The gate of one Spark session."""

    def __init__(self, spark: SparkSession) -> None:
        self._spark = spark
        session: Any = spark
        self._jvm = session._jvm
        known = function_list()
        self._java = self._jvm.sluice.ParseGate(
            *("\n".join(names) for names in (_nodes(), known.allowed, known.table_functions, HINTS, map(str.lower, OPTIONS)))
        )
        self._parser = spark._jsparkSession.sessionState().sqlParser()

    def check(self, sql: str, views: Iterable[str], field: str = "sql") -> Verdict:
        """The verdict on `sql`, which may read `views`. Nothing is run and no file is touched."""
        problems = sql_problems(sql, field)
        if problems:
            return Verdict(problems, [], [])
        names = list(views)
        with deadline.within(deadline.PARSE_SECONDS, deadline.reading_too_long(field)):
            findings = self._findings(sql, names)
        refused = [found for found in findings if found.kind not in FACTS]
        return Verdict(
            [mended(_problem(found, sql, names, field), sql) for found in refused],
            _names(findings, "view"),
            _names(findings, "function"),
        )

    def query(self, sql: str, views: Sequence[str], field: str = "sql") -> DataFrame:
        """The data frame of `sql`, once all three looks have passed it. Raises ProblemError; Spark's own errors are translated."""
        verdict = self.check(sql, views, field)
        if verdict.problems:
            raise ProblemError([self._as_column(problem, sql, views) for problem in verdict.problems])
        with deadline.within(deadline.ANALYSIS_SECONDS, deadline.planning_too_long(field)):
            frame, found = self._analysed(sql, views, field)
        if found:
            raise ProblemError(
                Problem(
                    code="sql-plan-refused", field=field, message="This query reaches for something outside the job's views.", found=found
                )
            )
        return frame

    def require_expression(self, text: str, over: Mapping[str, DataFrame], field: str, *, is_condition: bool = True) -> None:
        """That `text` is one expression over columns of these frames, by the names they go by in it, and passes all three looks; a
        condition: that it is true or false. It reads no other view, and is nothing over many rows. Raises ProblemError."""
        problems = sql_problems(text, field)
        if problems:
            raise ProblemError(problems)
        self._require_one(text, field, is_condition=is_condition)
        views = {name: f"sluice_{name}_columns" for name in over}
        for name, frame in over.items():
            frame.limit(0).createOrReplaceTempView(views[name])
        try:
            from_all = " CROSS JOIN ".join(f"{view} AS {name}" for name, view in views.items())
            end = "" if is_condition else " IS NOT NULL"
            self.query(f"SELECT 1 AS one FROM {from_all} WHERE (\n{text}\n){end}", [*views.values()], field)  # noqa: S608 – all of it is looked at
        except ProblemError as error:
            raise ProblemError([_one_line_up(problem) for problem in error.problems]) from None
        finally:
            for view in views.values():
                self._spark.catalog.dropTempView(view)

    def _require_one(self, text: str, field: str, *, is_condition: bool) -> None:
        """One expression, whole: nothing in it ends the brackets that are put around it."""
        from py4j.protocol import Py4JJavaError
        from pyspark.errors import PySparkException

        try:
            self._parser.parseExpression(text)
        except (Py4JJavaError, PySparkException):
            what = "condition" if is_condition else "expression"
            message, fix = f"This is no {what} as SQL has it.", "Write one alone, without WHERE, SELECT or a comma."
            raise ProblemError(
                Problem(code="sql-expression", field=field, message=message, found=text[:200], expected=f"one {what}", fix=fix)
            ) from None

    def _as_column(self, problem: Problem, sql: str, views: Sequence[str]) -> Problem:
        """`total (EUR)` without back-ticks looks like the call of a function: told as the column that is meant."""
        if problem.code != "sql-unknown-function" or problem.line is None or problem.column is None:
            return problem
        start = position(sql, problem.line, problem.column)
        words = cut_column(sql[start:], str(problem.found), self._columns(sql, views))
        return replace(problem, **words) if words else problem

    def _columns(self, sql: str, views: Sequence[str]) -> list[str]:
        """Names of the columns of the views that the text names."""
        words = set(re.findall(r"\w+", sql.casefold()))
        return [column for view in views if view.casefold() in words for column in self._spark.table(view).columns]

    def crossed(self, frame: DataFrame) -> list[tuple[str, str]]:
        """(its name, the name it comes under) of each column that UNION, EXCEPT or INTERSECT of a frame's own query put under the name of
        another one, each once."""
        query: Any = frame
        records = self._jvm.sluice.SetLook.crossed(query._jdf.queryExecution().analyzed()).split(RECORD)[:-1]
        return list(dict.fromkeys((name, under) for name, _, under in (record.partition(UNIT) for record in records)))

    def numbered(self, frame: DataFrame) -> list[str]:
        """DISTINCT, UNION, EXCEPT, INTERSECT of a frame's own query that look for equal rows where each has its own number, each once."""
        query: Any = frame
        return list(dict.fromkeys(self._jvm.sluice.SetLook.numbered(query._jdf.queryExecution().analyzed()).split(RECORD)[:-1]))

    def unlinked(self, frame: DataFrame) -> list[tuple[str, str]]:
        """Two views each that stand side by side in a frame's own query with no condition between them."""
        query: Any = frame
        records = self._jvm.sluice.CrossLook.unlinked(query._jdf.queryExecution().analyzed()).split(RECORD)[:-1]
        return list(dict.fromkeys((one, other) for one, _, other in (record.partition(UNIT) for record in records)))

    def undone(self, frame: DataFrame) -> list[tuple[str, str, str]]:
        """Outer joins of a frame's own query whose rows without a match a condition behind them takes out: (LEFT, RIGHT or FULL, the view,
        the column in the condition)."""
        query: Any = frame
        records = self._jvm.sluice.OuterLook.undone(query._jdf.queryExecution().analyzed()).split(RECORD)[:-1]
        return list(dict.fromkeys((kind.upper(), view, column) for kind, view, column in (record.split(UNIT) for record in records)))

    def as_doubles(self, frame: DataFrame) -> list[tuple[str, str, bool]]:
        """Exact numbers that a frame's own query compares as doubles: (the column, "" for what is worked out; its type; whether with a
        text)."""
        query: Any = frame
        records = self._jvm.sluice.DoubleLook.compared(query._jdf.queryExecution().analyzed()).split(RECORD)[:-1]
        return list(dict.fromkeys((name, kind, text == "true") for name, kind, text in (record.split(UNIT) for record in records)))

    def of_outer(self, frame: DataFrame) -> list[str]:
        """Names in the lists of IN (SELECT name …) of a frame's own query that are columns of the query around it."""
        query: Any = frame
        return list(dict.fromkeys(self._jvm.sluice.ScopeLook.ofOuter(query._jdf.queryExecution().analyzed()).split(RECORD)[:-1]))

    def shadowed(self, frame: DataFrame) -> list[str]:
        """Columns by which a frame's own query groups, though its SELECT calls something made of them by their name."""
        query: Any = frame
        return list(dict.fromkeys(self._jvm.sluice.ScopeLook.shadowed(query._jdf.queryExecution().analyzed()).split(RECORD)[:-1]))

    def drivers(self, frame: DataFrame, views: Sequence[str]) -> list[str]:
        """Those of `views` without whose rows the query of a frame has nothing to look at, in small letters."""
        query: Any = frame
        names = self._jvm.sluice.DriverLook.views(query._jdf.queryExecution().analyzed(), _lower(views))
        return list(dict.fromkeys(names.split("\n")[:-1]))

    def _analysed(self, sql: str, views: Sequence[str], field: str) -> tuple[DataFrame, str]:
        """The frame, and what its analysed plan reaches for and must not. It is planned here, where there is a deadline, although it is
        planned again when it runs: planning takes milliseconds, or does not end. What planning finds wrong with a constant (it works them
        out) is told when the query runs, as any other value."""
        from pyspark.errors import PySparkException

        with spark_errors.translated(sql=sql, field=field, columns=lambda: self._columns(sql, views)):
            frame = self._spark.sql(sql)
            query = frame._jdf.queryExecution()
            found = self._jvm.sluice.PlanGate.check(query.analyzed(), _lower(views))
            if not found:
                with suppress(PySparkException):
                    query.executedPlan()
        return frame, found

    def _findings(self, sql: str, views: Sequence[str]) -> list[Finding]:
        answer = self._java.check(self._parser, sql, _lower(views))
        found = []
        for record in answer.split(RECORD)[:-1]:
            kind, line, column, name = record.split(UNIT, 3)
            found.append(Finding(kind, name, int(line) or None, int(column) or None))
        return list(dict.fromkeys(found))


def _lower(views: Iterable[str]) -> str:
    return "\n".join(view.lower() for view in views)


def _names(findings: list[Finding], kind: str) -> list[str]:
    return list(dict.fromkeys(found.name for found in findings if found.kind == kind))


@cache
def _nodes() -> list[str]:
    text = (Path(__file__).parent / "nodes.txt").read_text(encoding="utf-8")
    return [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]


# --- findings as problems ---------------------------------------------------------------------------------------------------


def _problem(found: Finding, sql: str, views: list[str], field: str) -> Problem:
    if found.kind == "syntax":
        condition, _, parameters = found.name.partition(UNIT)
        return spark_errors.syntax_problem(condition, _pairs(parameters), sql, field, found.line, found.column)
    make = _SENTENCES.get(found.kind, _unknown_node)
    words = make(found.name, views)
    if words.get("code") == "sql-command":
        words["found"] = statement_start(sql)
    return Problem(**{"code": f"sql-{found.kind}", "field": field, "line": found.line, "column": found.column, **words})


def _pairs(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


Words = dict[str, Any]


def _unknown_view(name: str, views: list[str]) -> Words:
    listed = ", ".join(sorted(views)[:20]) if views else "none yet: add an extract before this stage"
    return {
        "code": "unknown-view",
        "message": f"There is no view “{name}” at this point of the job.",
        "found": name,
        "expected": f"one of: {listed}",
        "fix": did_you_mean(name, views),
    }


def _path(name: str, views: list[str]) -> Words:
    return {
        "message": f"“{name}” cannot be read from SQL.",
        "found": name,
        "expected": "the name of one view of this job",
        "fix": "To read a file, add an extract stage and use its view here.",
    }


def _unknown_function(name: str, views: list[str]) -> Words:
    known = function_list()
    reason = known.refused.get(name) or known.refused_table_functions.get(name)
    if reason:
        return {
            "code": "sql-function-refused",
            "message": f"The function “{name}” is not available here: {reason}.",
            "found": name,
            "fix": "Write the query without it.",
        }
    if name in known.allowed:
        return {"message": f"“{name}” cannot stand in FROM.", "found": name, "fix": "Use it in SELECT, or write LATERAL VIEW."}
    close = did_you_mean(name, known.allowed | known.table_functions)
    return {"message": f"There is no function “{name}”.", "found": name, "fix": close or "Look the name up in the list of functions."}


def _function_path(name: str, views: list[str]) -> Words:
    return {
        "message": "A function is called by its plain name here.",
        "found": name,
        "expected": "one name, without a schema before it",
        "fix": f"Write {name.rsplit('.', 1)[-1]}(…).",
    }


def _hint(name: str, views: list[str]) -> Words:
    return {"message": f"The hint “{name}” is not available here.", "found": name, "expected": ", ".join(HINTS)}


def _option(name: str, views: list[str]) -> Words:
    function, _, option = name.partition(UNIT)
    if not option:
        return {
            "message": f"The options of {function} must be written out as text.",
            "found": function,
            "fix": "Write each name in quotes, as in map('dateFormat', 'dd/MM/yyyy').",
        }
    return {
        "message": f"The option “{option}” of {function} is not available here.",
        "found": option,
        "fix": did_you_mean(option, OPTIONS) or "Leave it out.",
    }


def _too_large(name: str, views: list[str]) -> Words:
    return {"message": f"“{name}” would make more than 10,000,000 values.", "found": name, "fix": "Use a smaller number."}


def _too_many_levels(name: str, views: list[str]) -> Words:
    return {
        "message": "The recursion may go too deep.",
        "found": f"MAX RECURSION LEVEL {name}",
        "expected": "at most 1000",
        "fix": "Use a smaller level.",
    }


def _too_deep(name: str, views: list[str]) -> Words:
    return {"message": "The SQL is nested too deeply.", "fix": "Move inner parts into stages of their own."}


def _relation_options(name: str, views: list[str]) -> Words:
    return {
        "message": f"“{name}” is read with options or as a stream, which is not available here.",
        "found": name,
        "fix": "Use the plain name of the view.",
    }


def _unreadable(name: str, views: list[str]) -> Words:
    return {"code": "sql-syntax", "message": "This SQL cannot be read.", "detail": name[:500]}


NODE_WORDS = {
    "ScriptTransformation": ("TRANSFORM … USING runs a program outside Spark, which is not allowed.", "Use SQL functions instead."),
    "PlanWithUnresolvedIdentifier": (
        "IDENTIFIER(…) hides which view is read.",
        "Write the view's name, or use a parameter of type identifier.",
    ),
    "ExpressionWithUnresolvedIdentifier": (
        "IDENTIFIER(…) hides what is meant.",
        "Write the name itself, or use a parameter of type identifier.",
    ),
    "CompoundBody": ("SQL scripts (BEGIN … END) are not allowed.", "Write one query a stage."),
    "UnresolvedExecuteImmediate": ("EXECUTE IMMEDIATE runs text that cannot be checked.", "Write the query itself."),
    "NamedParameter": ("Parameters are not written with a colon here.", "Write ${name}."),
    "PosParameter": ("Question marks are not parameters here.", "Write ${name}."),
    "CurrentUser": ("The name of the system's user is not available here.", "Use a parameter."),
    "RelationTimeTravel": ("Versions of a view cannot be chosen in SQL.", "Use the plain name of the view."),
    "NamedStreamingRelation": ("Streams cannot be read from SQL.", "Use the plain name of the view."),
}


def _unknown_node(name: str, views: list[str]) -> Words:
    short = name.rsplit(".", 1)[-1].split("$")[0]
    if short in NODE_WORDS:
        message, fix = NODE_WORDS[short]
        return {"code": "sql-not-allowed", "message": message, "found": short, "fix": fix}
    if ".plans.logical." in name or ".execution." in name:
        return {**COMMAND_WORDS}
    return {
        "code": "sql-not-allowed",
        "message": "This part of SQL is not available here.",
        "found": short,
        "fix": "Write the query without it.",
    }


_SENTENCES: dict[str, Callable[[str, list[str]], Words]] = {
    "unknown-view": _unknown_view,
    "path": _path,
    "relation-options": _relation_options,
    "unknown-function": _unknown_function,
    "function-path": _function_path,
    "hint": _hint,
    "option": _option,
    "too-large": _too_large,
    "too-many-levels": _too_many_levels,
    "too-deep": _too_deep,
    "unreadable": _unreadable,
    "node": _unknown_node,
}


def _one_line_up(problem: Problem) -> Problem:
    return replace(problem, line=max(problem.line - 1, 1), edit=None) if problem.line is not None else problem
