from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from executor.language.schema import AnyColumn, NumberColumn
from executor.problems import Problem
from executor.stages.base import HAS_ERRORS, Count, StageContext
from executor.stages.file_kinds import WithSchema, one_of
from executor.stages.kinds import Transform, ViewName

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


class TypingTransform(WithSchema, Transform):
    """Turns columns of text into typed columns (numbers, dates, true or false), by position. What does not fit is told in _errors."""

    icon: ClassVar[str] = "abc"
    sentence: ClassVar[str] = "Gives the columns of {inputView} their types and makes {outputView}."
    example: ClassVar[dict[str, Any]] = {
        "type": "TypingTransform",
        "name": "airlines_typed",
        "inputView": "airlines",
        "outputView": "airlines_typed",
        "schema": [
            {"name": "carrier", "type": "string", "nullable": False, "trim": True},
            {"name": "founded", "type": "integer", "nullable": True, "nullableValues": ["NA", ""]},
        ],
    }

    type: Literal["TypingTransform"] = "TypingTransform"
    input_view: ViewName = Field(
        alias="inputView", title="Input view", description="The view whose columns are text.", json_schema_extra={"widget": "view"}
    )
    columns: list[AnyColumn] | None = Field(
        default=None,
        alias="schema",
        title="Columns",
        description="The columns in the order of the data: name, type, and which texts mean no value.",
        json_schema_extra={"widget": "columns"},
    )
    fail_mode: Literal["permissive", "failfast"] = Field(
        default="permissive",
        alias="failMode",
        title="When a value does not fit",
        description="permissive keeps the row without the value and tells it in _errors; failfast stops the run at the first such row.",
        json_schema_extra={"widget": "choice"},
    )

    def reads(self) -> list[str]:
        return [self.input_view, *([self.schema_view] if self.schema_view else [])]

    def made_numbers(self) -> set[str]:
        return {column.name for column in self.columns or () if isinstance(column, NumberColumn)}

    def problems(self) -> list[Problem]:
        sources = {"schema": self.columns is not None, "schemaURI": self.schema_uri, "schemaView": self.schema_view}
        given = [name for name, value in sources.items() if value]
        if len(given) > 1:
            return [*super().problems(), one_of(given)]
        if not given:
            words = "It is not said which columns there are."
            return [
                *super().problems(),
                Problem(code="one-of", field="schema", message=words, expected="the list of columns", fix="Describe the columns."),
            ]
        return [*super().problems(), *([_no_columns()] if self.columns == [] else [])]

    def execute(self, spark: SparkSession, context: StageContext) -> None:
        from executor.problems import ProblemError
        from executor.stages.reading import stage_schema
        from executor.stages.typed_frame import in_order_of, moved_names, typed_frame

        columns = self.columns or stage_schema(self, context)
        if not columns:
            raise ProblemError(_no_columns())
        source = context.view(self.input_view)
        if (named := in_order_of(source, columns)) is not None:
            source = named
            context.warn(_other_order(self.input_view))
        elif moved := moved_names(source, columns):
            context.warn(_names_of_others(self.input_view, moved))

        def watched(frame: DataFrame, counts: list[Count], affected: str) -> DataFrame:
            return context.watched(frame, self.output_view, counts, affected=affected, look=HAS_ERRORS, source=self.input_view)

        below = context.keep_below if context.stops_by_column else None
        fail_fast = self.fail_mode == "failfast"
        self.make_view(typed_frame(source, columns, stage=self.name, fail_fast=fail_fast, watched=watched, kept_below=below), context)


def _other_order(view: str) -> Problem:
    words = f"The columns of “{view}” come in another order than the list of columns here; each is typed as its name says."
    fix = "Put the list into the order of the data, or name the columns in that order in the stage that reads them (names)."
    return Problem(code="columns-in-other-order", field="schema", message=words, fix=fix)


def _names_of_others(view: str, moved: list[tuple[str, str]]) -> Problem:
    told = ", ".join(f"“{name}” becomes “{given}”" for name, given in moved[:5]) + (
        f" and {len(moved) - 5:,} more" if len(moved) > 5 else ""
    )
    words = f"Columns go by their places, and some of “{view}” get the name of another one: {told}."
    fix = "Put the list into the order of the data. Where a column is to be called otherwise, do it in an SQLTransform (AS)."
    return Problem(code="columns-by-place", field="schema", message=words, found=told, fix=fix)


def _no_columns() -> Problem:
    words = "TypingTransform requires an input schema to define how to transform data but the provided schema has 0 columns."
    return Problem(code="no-columns", field="schema", message=words, expected="at least one column", fix="Describe the columns.")
