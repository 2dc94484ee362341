from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from executor.language.quoting import name_in_sql
from executor.problems import Problem, ProblemError
from executor.stages.base import Count, StageContext
from executor.stages.file_kinds import FileLoad
from executor.stages.kinds import stage_field

if TYPE_CHECKING:
    from pathlib import Path

    from pyspark.sql import DataFrame, SparkSession

OPTIONS = {"timestampFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX", "timestampNTZFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSS"}
"""Six decimals of a second are what Spark keeps; its own pattern would write three."""


class JSONLoad(FileLoad):
    """Writes a view as text files with one JSON object per line. A value that is null is left out of its object, unless the stage says
    otherwise."""

    icon: ClassVar[str] = "file-code"
    format: ClassVar[str] = "json"
    tells_kinds: ClassVar[bool] = True
    example: ClassVar[dict[str, Any]] = {
        "type": "JSONLoad",
        "name": "save_json",
        "inputView": "daily_delays",
        "outputURI": "export/daily_delays_json",
    }

    type: Literal["JSONLoad"] = "JSONLoad"
    nulls: Literal["leave-out", "write"] = stage_field(
        "nulls",
        "Values that are null",
        "leave-out: the key is not written. write: the key is written with null, so that every object has every key.",
        "choice",
        default="leave-out",
        advanced=True,
    )

    def reader(self) -> dict[str, Any]:
        return {"type": "JSONExtract", "multiLine": False}

    def execute(self, spark: SparkSession, context: StageContext) -> None:
        from executor.stages.writing import write_files

        options = OPTIONS | {"ignoreNullFields": str(self.nulls == "leave-out").lower()}
        write_files(
            self,
            context,
            lambda _, writer, path: writer.options(**options).json(path),
            prepared=lambda frame: self._counted(frame, context),
        )

    def as_what_is_there(self, context: StageContext, frame: DataFrame, files: list[Path]) -> DataFrame:
        from executor.stages.appending import as_json

        return as_json(self, context, frame, files)

    def _counted(self, frame: DataFrame, context: StageContext) -> DataFrame:
        """JSON has no NaN and no infinity: they become texts, which the run says. Raises ProblemError for keys that JSON cannot have."""
        from executor.stages.appending import note_kinds

        for field in frame.schema.fields:
            if keys := _odd_keys(field.dataType):
                raise ProblemError(_no_keys(self.name, field.name, keys))
        note_kinds(self, context, frame)
        found = [(field.name, _is_not_finite(field.dataType, name_in_sql(field.name))) for field in frame.schema.fields]
        counts = [Count(name, "not-in-json", condition, is_named=False) for name, condition in found if condition]
        affected = " OR ".join(count.condition for count in counts)
        return context.watched(frame, self.input_view, counts, affected=affected) if counts else frame


def _odd_keys(kind: Any) -> str | None:
    """The type of keys in maps, at any depth, that Spark would write as what it keeps them as: a date as a number of days."""
    from pyspark.sql.types import ArrayType, BooleanType, MapType, NumericType, StringType, StructType

    if isinstance(kind, MapType):
        is_plain = isinstance(kind.keyType, StringType | NumericType | BooleanType)
        return _odd_keys(kind.valueType) if is_plain else str(kind.keyType.simpleString())
    if isinstance(kind, ArrayType):
        return _odd_keys(kind.elementType)
    if isinstance(kind, StructType):
        return next((found for field in kind.fields if (found := _odd_keys(field.dataType))), None)
    return None


def _no_keys(stage_name: str, column: str, kind: str) -> Problem:
    return Problem(
        code="json-keys",
        field="inputView",
        message=f"“{stage_name}”: the column “{column}” holds a map whose keys JSON does not have.",
        found=kind,
        data_column=column,
        expected="text, whole numbers, decimals, true or false",
        fix="Turn the keys into text in an SQLTransform before: transform_keys(…, (k, v) -> string(k)).",
    )


def _is_not_finite(kind: Any, value: str, depth: int = 0) -> str | None:
    """Whether `value` (SQL) is, or holds at any depth, a number that is not finite; None where it cannot."""
    from pyspark.sql.types import ArrayType, DoubleType, FloatType, MapType, StructType

    if isinstance(kind, DoubleType | FloatType):
        return f"coalesce(isnan({value}) OR abs({value}) = double('Infinity'), false)"
    if isinstance(kind, ArrayType | MapType):
        one, items = f"x{depth}", value if isinstance(kind, ArrayType) else f"map_values({value})"
        inside = _is_not_finite(kind.elementType if isinstance(kind, ArrayType) else kind.valueType, one, depth + 1)
        return f"coalesce(exists({items}, {one} -> {inside}), false)" if inside else None
    if not isinstance(kind, StructType):
        return None
    found = [inside for one in kind.fields if (inside := _is_not_finite(one.dataType, f"{value}.{name_in_sql(one.name)}", depth))]
    return f"({' OR '.join(found)})" if found else None
