from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic.fields import FieldInfo

from executor.problems import Problem
from executor.stages.base import StageContext
from executor.stages.file_kinds import TableLoad, label_field, only_for_conditions_field
from executor.stages.kinds import FlatMap, NeedsAll, stage_field

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

WORDS = "In it, source.… is a column of the view and target.… one of the table."


class MergeLoad(TableLoad):
    """Brings a view's rows into a Delta table by their keys: those that are there are updated, new ones are added."""

    icon: ClassVar[str] = "arrows-join-2"
    sentence: ClassVar[str] = "Brings {inputView} into {outputURI} by its keys."
    example: ClassVar[dict[str, Any]] = {
        "type": "MergeLoad",
        "name": "merge_daily_delays",
        "inputView": "daily_delays",
        "outputURI": "curated/daily_delays_by_key",
        "keys": ["origin", "day"],
    }

    type: Literal["MergeLoad"] = "MergeLoad"
    keys: list[str] = stage_field(
        "keys",
        "Key columns",
        "A row of the view and a row of the table are the same one when these columns are equal. In the view, each key may come once.",
        "list",
        min_length=1,
    )
    match_condition: str | None = stage_field(
        "matchCondition",
        "The same row only where",
        f"A condition that must be true as well before two rows are the same one, such as target.year = 2013. {WORDS}",
        "text",
        default=None,
        advanced=True,
    )
    null_keys: Literal["stop", "match"] = stage_field(
        "nullKeys",
        "Keys without a value",
        "stop: the run stops and says how many rows of the view have one. match: no value is equal to no value.",
        "choice",
        default="stop",
        advanced=True,
    )
    matched: Literal["update", "leave", "delete"] = stage_field(
        "matched",
        "Rows that are in both",
        "update: the row of the table gets the values of the view. leave: it stays. delete: it is taken out.",
        "choice",
        default="update",
    )
    matched_where: str | None = stage_field(
        "matchedWhere",
        "Rows in both: only where",
        f"Only such rows are updated or taken out, for instance source.changed_at > target.changed_at. {WORDS}",
        "text",
        default=None,
        advanced=True,
        marks={"when": {"matched": ["update", "delete"]}},
    )
    matched_columns: list[str] = stage_field(
        "matchedColumns",
        "Rows in both: these columns",
        "The columns that are updated. Empty: all of them.",
        "list",
        default=[],
        advanced=True,
        marks={"when": {"matched": ["update"]}},
    )
    matched_values: FlatMap = stage_field(
        "matchedValues",
        "Rows in both: with these values",
        f"Columns that get something else than the view's value: column and expression, such as times: target.times + 1. {WORDS}",
        "map",
        default={},
        advanced=True,
        marks={"when": {"matched": ["update"]}},
    )
    delete_where: str | None = stage_field(
        "deleteWhere",
        "Rows in both: taken out where",
        f"Rows that are in both and for which this is true are taken out of the table; new ones are not added: source.is_deleted. {WORDS}",
        "text",
        default=None,
        advanced=True,
        marks={"when": {"matched": ["update", "leave", "delete"]}},
    )
    not_matched: Literal["insert", "leave"] = stage_field(
        "notMatched", "Rows that are new", "insert: they are added to the table. leave: they are not.", "choice", default="insert"
    )
    not_matched_where: str | None = stage_field(
        "notMatchedWhere",
        "New rows: only where",
        "Only such rows are added. It can use source.… alone.",
        "text",
        default=None,
        advanced=True,
        marks={"when": {"notMatched": ["insert"]}},
    )
    not_matched_values: FlatMap = stage_field(
        "notMatchedValues",
        "New rows: with these values",
        "Columns that get something else than the view's value: column and expression, such as added_at: current_timestamp().",
        "map",
        default={},
        advanced=True,
        marks={"when": {"notMatched": ["insert"]}},
    )
    not_matched_by_source: Literal["leave", "delete", "update"] = stage_field(
        "notMatchedBySource",
        "Rows that are only in the table",
        "leave: they stay. delete: they are taken out, so that the table is as the view. update: they get the values below.",
        "choice",
        default="leave",
    )
    not_matched_by_source_where: str | None = stage_field(
        "notMatchedBySourceWhere",
        "Rows only in the table: only where",
        "Only such rows, for instance target.year = 2013. It can use target.… alone.",
        "text",
        default=None,
        advanced=True,
        marks={"when": {"notMatchedBySource": ["delete", "update"]}},
    )
    not_matched_by_source_values: FlatMap = stage_field(
        "notMatchedBySourceValues",
        "Rows only in the table: with these values",
        "Column and expression, such as is_active: false. It can use target.… alone.",
        "map",
        default={},
        advanced=True,
        marks={"when": {"notMatchedBySource": ["update"]}},
    )
    only_for_conditions: list[str] = only_for_conditions_field()
    schema_changes: Literal["refuse", "add-columns"] = stage_field(
        "schemaChanges",
        "If the columns are others",
        "refuse: the run stops and says which are new. add-columns: new ones are added to the table.",
        "choice",
        default="refuse",
        advanced=True,
    )
    label: str | None = label_field()

    def problems(self) -> list[Problem]:
        found = super().problems()
        found += [problem for name, info in type(self).model_fields.items() if (problem := self._without_use(name, info))]
        if self.not_matched_by_source == "update" and not self.not_matched_by_source_values:
            found.append(
                Problem(
                    code="field-missing",
                    field="notMatchedBySourceValues",
                    message="It is not said what rows that are only in the table get.",
                    expected="column and expression, such as is_active: false",
                    fix="Say it, or choose leave or delete.",
                )
            )
        return found

    def needs_all_rows(self) -> NeedsAll | None:
        does = {"delete": "takes out the rows that are only in the table", "update": "changes the rows that are only in the table"}
        if self.not_matched_by_source not in does:
            return None
        return NeedsAll("notMatchedBySource", self.not_matched_by_source, does[self.not_matched_by_source], "Choose leave.")

    def _without_use(self, name: str, info: FieldInfo) -> Problem | None:
        """A field that is set, and counts only with another choice than the one that was made."""
        said: Any = info.json_schema_extra or {}
        for of, wanted in said.get("when", {}).items() if getattr(self, name) else ():
            chosen = next(getattr(self, other) for other, its in type(self).model_fields.items() if its.alias == of)
            if chosen not in wanted:
                words = " or ".join(wanted)
                return Problem(
                    code="field-without-use",
                    field=info.alias,
                    message=f"“{info.alias}” is set, but “{of}” is not {words}.",
                    expected=f"{of}: {words}",
                    fix="Correct one of both.",
                )
        return None

    def execute(self, spark: SparkSession, context: StageContext) -> None:
        from executor.stages.delta_merging import merge

        merge(self, spark, context)
