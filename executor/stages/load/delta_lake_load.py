from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from executor.problems import Problem
from executor.stages.base import StageContext
from executor.stages.file_kinds import FileLoad, label_field, unknown_options
from executor.stages.kinds import FlatMap, NeedsAll, stage_field

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

OPTIONS = ("mergeSchema", "overwriteSchema", "replaceWhere", "checkpointLocation")
ON_OFF = ("true", "false")


class DeltaLakeLoad(FileLoad):
    """Writes a view as a Delta table: every write is one more version, so it can be looked back at, compared and undone."""

    icon: ClassVar[str] = "table-plus"
    format: ClassVar[str] = "delta"
    is_table: ClassVar[bool] = True
    connectors: ClassVar[tuple[str, ...]] = ("delta",)
    example: ClassVar[dict[str, Any]] = {
        "type": "DeltaLakeLoad",
        "name": "save_daily_delays",
        "inputView": "daily_delays",
        "outputURI": "curated/daily_delays_table",
    }

    type: Literal["DeltaLakeLoad"] = "DeltaLakeLoad"
    schema_changes: Literal["refuse", "add-columns", "overwrite"] = stage_field(
        "schemaChanges",
        "If the columns are others",
        "refuse: the run stops and says which are gone, new, or of another type. add-columns: new ones are added to the table, and have no "
        "value in the rows that are there. overwrite: the table gets the view's columns (with Overwrite only).",
        "choice",
        default="refuse",
    )
    constraints: FlatMap = stage_field(
        "constraints",
        "Rules",
        "What must be true of every row of the table, now and whoever writes it later: a name and a condition, for instance positive: "
        "amount > 0. A row for which it is not true, or cannot be told (null), stops the run.",
        "map",
        default={},
    )
    replace_where: str | None = stage_field(
        "replaceWhere",
        "Replace only where",
        "With Overwrite: a condition on the table's columns, such as day = DATE'2013-01-01'. Only rows for which it is true are replaced, "
        "and all of the view's rows must be such.",
        "text",
        default=None,
        advanced=True,
    )
    label: str | None = label_field(", such as 2026-01 final")
    generate_symlink_manifest: bool = stage_field(
        "generateSymlinkManifest",
        "List of files",
        "A list of the table's files beside it (_symlink_format_manifest), by which Athena, Presto and Trino read it. It is written on S3 "
        "alone, right after the version; a folder of this machine has no address that they know.",
        "switch",
        default=True,
        advanced=True,
    )
    merge_schema: Literal["true", "false"] | None = stage_field(
        "mergeSchema", "Merge schema", "true: the same as add-columns, as other systems' documents write it.", "text", default=None,
        advanced=True,
    )  # fmt: skip
    overwrite_schema: Literal["true", "false"] | None = stage_field(
        "overwriteSchema", "Overwrite schema", "true: the same as overwrite, as other systems' documents write it.", "text", default=None,
        advanced=True,
    )  # fmt: skip
    output_mode: Literal["Append", "Complete", "Update"] = stage_field(
        "outputMode",
        "Output mode",
        "For endless input: Append, Complete or Update.",
        "choice",
        default="Append",
        advanced=True,
        marks={"unused": "the mode is for endless (streaming) input; this job writes the rows once"},
    )
    checkpoint_location: str | None = stage_field(
        "checkpointLocation",
        "Checkpoints",
        "For endless input: where it is noted how far it has come.",
        "text",
        default=None,
        advanced=True,
        marks={"unused": "checkpoints are for endless (streaming) input; this job writes the rows once"},
    )
    options: FlatMap = stage_field(
        "options",
        "Options",
        "As other systems' documents write them: mergeSchema, overwriteSchema, replaceWhere.",
        "map",
        default={},
        advanced=True,
    )

    @property
    def columns_may(self) -> str:
        """What the table's columns may do: refuse, add-columns or overwrite."""
        if self.schema_changes != "refuse":
            return self.schema_changes
        if "true" in (self.overwrite_schema, self.options.get("overwriteSchema", "").lower()):
            return "overwrite"
        return "add-columns" if "true" in (self.merge_schema, self.options.get("mergeSchema", "").lower()) else "refuse"

    @property
    def replaces(self) -> str | None:
        """The condition on the rows that are replaced; None: all."""
        return self.replace_where or self.options.get("replaceWhere")

    def needs_all_rows(self) -> NeedsAll | None:
        found = super().needs_all_rows()
        return found._replace(words="replaces the rows that “Replace only where” is true of") if found and self.replaces else found

    def lists_files(self) -> bool | None:
        return self.generate_symlink_manifest if "generate_symlink_manifest" in self.model_fields_set else None

    def reader(self) -> dict[str, Any]:
        return {"type": "DeltaLakeExtract"}

    def problems(self) -> list[Problem]:
        found = [*super().problems(), *unknown_options(self.options, OPTIONS)]
        for name in ("mergeSchema", "overwriteSchema"):
            if self.options.get(name, "true").lower() not in ON_OFF:
                found.append(_wrong(name, self.options[name], "true or false"))
        if self.schema_changes == "overwrite" and (self.save_mode == "Append" or self.replaces):
            found.append(
                Problem(
                    code="schema-changes",
                    field="schemaChanges",
                    message="The columns of a table are replaced only where all of its rows are.",
                    found=f"saveMode {self.save_mode}" + (" with replaceWhere" if self.replaces else ""),
                    expected="saveMode Overwrite, without replaceWhere",
                    fix="Choose Overwrite, or add-columns.",
                )
            )
        if self.replaces and self.save_mode != "Overwrite":
            found.append(_wrong("replaceWhere", self.save_mode, "saveMode Overwrite"))
        return found

    def execute(self, spark: SparkSession, context: StageContext) -> None:
        from executor.stages.delta_writing import write_rows

        write_rows(self, spark, context)


def _wrong(name: str, found: str, expected: str) -> Problem:
    message = f"“{name}” cannot be used so."
    return Problem(code="option-value", field="options", message=message, found=found, expected=expected, fix="Correct it or take it out.")
