from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from executor.problems import Problem
from executor.stages.base import StageContext
from executor.stages.file_kinds import TableLoad, label_field, only_for_conditions_field
from executor.stages.kinds import NeedsAll, stage_field

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class Scd2Load(TableLoad):
    """Keeps the history of things in a Delta table: where a thing has changed, its row is closed and a new one begins (slowly changing
    dimension, type 2)."""

    icon: ClassVar[str] = "history"
    sentence: ClassVar[str] = "Keeps the history of {inputView} in {outputURI}."
    example: ClassVar[dict[str, Any]] = {
        "type": "Scd2Load",
        "name": "keep_airlines",
        "inputView": "airlines",
        "outputURI": "curated/airlines_history",
        "keys": ["carrier"],
    }

    type: Literal["Scd2Load"] = "Scd2Load"
    keys: list[str] = stage_field(
        "keys",
        "Key columns",
        "What tells one thing from another, such as a customer's number. In the view, each key may come once.",
        "list",
        min_length=1,
    )
    tracked_columns: list[str] = stage_field(
        "trackedColumns",
        "Watched columns",
        "Where one of them is another than before, the row is closed and a new one begins. Empty: all columns but the keys.",
        "list",
        default=[],
    )
    other_columns: Literal["keep", "update"] = stage_field(
        "otherColumns",
        "Columns that are not watched",
        "keep: they stay as they were when the row began. update: the open row gets their new values, without a new row.",
        "choice",
        default="keep",
        advanced=True,
    )
    effective_column: str | None = stage_field(
        "effectiveColumn",
        "Valid from when",
        "A column of the view (date or time) that says from when its row holds, and so until when the one before it did. Not given: the "
        "time of the run.",
        "text",
        default=None,
    )
    valid_from: str = stage_field("validFrom", "Column “valid from”", "Its name in the table.", "text", default="valid_from", min_length=1)
    valid_to: str = stage_field(
        "validTo", "Column “valid to”", "Its name in the table; empty in rows that are open.", "text", default="valid_to", min_length=1
    )
    current_flag: str = stage_field(
        "currentFlag",
        "Column “is current”",
        "Its name in the table: true in the open row of each key. In a table that has it as a number, 1 and 0.",
        "text",
        default="is_current",
        min_length=1,
    )
    missing: Literal["keep", "close"] = stage_field(
        "missing",
        "Things that are not in the view",
        "keep: their rows stay open, as the view holds changes only. close: they are closed, as the view holds everything there is; "
        "they end at the time of the run, also with “Valid from when”, since no row of the view says when they went.",
        "choice",
        default="keep",
    )
    deleted_where: str | None = stage_field(
        "deletedWhere",
        "Deleted where",
        "A condition on the view's columns by which it says that a thing is gone, such as source.op = 'D': its row is closed.",
        "text",
        default=None,
        advanced=True,
    )
    late: Literal["stop", "skip"] = stage_field(
        "late",
        "Rows that come too late",
        "Changes from before the open row began, which the history cannot take in behind it. stop: the run stops and says how many there "
        "are. skip: they are left out with a warning.",
        "choice",
        default="stop",
        advanced=True,
    )
    only_for_conditions: list[str] = only_for_conditions_field()
    label: str | None = label_field()

    @property
    def own_columns(self) -> tuple[str, str, str]:
        """The columns that the stage itself fills."""
        return self.valid_from, self.valid_to, self.current_flag

    def problems(self) -> list[Problem]:
        names = [name.lower() for name in (*self.own_columns, *self.keys, *self.tracked_columns)]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is None:
            return super().problems()
        message = f"The column “{twice}” is named for two things."
        fix = "Name each column once."
        return [*super().problems(), Problem(code="column-twice", field="keys", message=message, found=twice, expected=fix, fix=fix)]

    def needs_all_rows(self) -> NeedsAll | None:
        return NeedsAll("missing", "close", "closes what is not in its view", "Choose keep.") if self.missing == "close" else None

    def execute(self, spark: SparkSession, context: StageContext) -> None:
        from executor.stages.delta_history_rows import keep_history

        keep_history(self, spark, context)
