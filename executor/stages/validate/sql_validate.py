from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from executor.problems import Problem, ProblemError
from executor.stages.base import StageContext
from executor.stages.kinds import Validate, WithSQL, tell_unused

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class SQLValidate(WithSQL, Validate):
    """Stops the run when a query says that the data is not right. The query answers with one row: true or false, and a message."""

    icon: ClassVar[str] = "shield-check"
    sentence: ClassVar[str] = "Stops the run unless a check passes."
    example: ClassVar[dict[str, Any]] = {
        "type": "SQLValidate",
        "name": "no_negative_counts",
        "sql": (
            "SELECT count(*) = 0 AS outcome,\n       concat(count(*), ' days with a negative count') AS message\n"
            "FROM daily_delays\nWHERE flights < 0"
        ),
    }

    type: Literal["SQLValidate"] = "SQLValidate"

    def verdict(self, types: list[str], rows: list[list[Any]]) -> tuple[bool, str]:
        if types != ["boolean", "string"] or len(rows) != 1 or rows[0][0] is None:
            return False, "the query must answer with one row: true or false, and a message"
        return bool(rows[0][0]), str(rows[0][1] or "")

    def execute(self, spark: SparkSession, context: StageContext) -> None:
        from executor.stages.one_row import only_row, parsed_message

        tell_unused(self, context)
        query = self.query(context)
        outcome, message = only_row(self.type, query, {"outcome": "boolean", "message": "string"})
        context.detail(outcome=outcome, message=parsed_message(message))
        if not outcome:
            raise ProblemError(
                Problem(
                    code="check-failed",
                    field="sql",
                    message=f"The check “{self.name}” stopped the run.",
                    found=message,
                    expected="the query to answer true",
                    fix="Look at the data that the query counts, or change the rule.",
                )
            )
        context.log(f"Check passed: {message}" if message else "Check passed.")
        if empty := context.nothing_in(query):
            context.warn(_checked_nothing(self.name, empty))


def _checked_nothing(name: str, empty: list[str]) -> Problem:
    listed = ", ".join(f"“{view}”" for view in empty)
    return Problem(
        code="check-of-nothing",
        field="sql",
        message=f"The check “{name}” passed without a row to look at: {listed} {'has' if len(empty) == 1 else 'have'} no rows.",
        found=listed,
        fix="Look at the file that was read. If a file without rows is wrong, let a check ask for them: SELECT count(*) > 0 AS outcome, …",
    )
