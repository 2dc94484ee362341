"""Appending compares with what is there before anything is written: a table stays one table. Needs pyspark."""

from __future__ import annotations

import csv
import gzip
import itertools
import json
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import (
    ArrayType,
    BooleanType,
    DataType,
    DecimalType,
    IntegralType,
    MapType,
    NullType,
    NumericType,
    StringType,
    StructType,
)

from executor.files import marks
from executor.files.copies import copies
from executor.files.folder import DataFile
from executor.files.inputs import data_files
from executor.language.quoting import name_in_sql
from executor.problems import Problem, ProblemError
from executor.stages.base import StageContext
from executor.stages.file_kinds import FileLoad
from executor.stages.json_shape import ARRAY, BOOLEAN, NOT_FINITE, NULL, NUMBERS, OBJECT, TEXT, Shape
from executor.stages.json_shape import look_at as look_at_json
from executor.stages.parquet_shape import as_one, may_hold_rows
from executor.stages.parquet_shape import look_at as look_at_parquet
from executor.stages.wider_types import converted, ddl, has_the_fields, wider

LONGEST_HEADER = 1_000_000
OTHER_PLACE = "or write to another place."


def as_what_is_there(stage: FileLoad, context: StageContext, frame: DataFrame) -> DataFrame:
    """`frame` as the rows that lie at the stage's output have it: the same columns, in their order, of their types.

    Raises ProblemError with names and types where that would lose or change something."""
    target, present = context.present_files(stage.output_uri)
    files = [file for file in present if file.stat().st_size]
    if not files or target.is_file():
        return frame
    _require_same_folders(stage, target, files)
    return stage.as_what_is_there(context, frame, files)


def warn_of_same_rows(stage: FileLoad, context: StageContext, spark: SparkSession, written: str) -> None:
    """Warns where a file that was written to `written` holds the same as one that lies there: the run may have been made twice."""
    place, present = context.present_files(stage.output_uri)
    there = [_in_folder(file, place) for file in present] if place.is_dir() else []
    new = [_in_folder(file, Path(written)) for file in data_files(written) if file not in present]
    pairs = [(one, other) for one, other in copies([*there, *new], with_parts=True) if one in new and other in there]
    if any(may_hold_rows(spark, one) for one, _ in pairs):
        context.warn(
            Problem(
                code="rows-there-already",
                field="saveMode",
                message=f"The same rows as those that this run appends lie in “{stage.output_uri}” already. They are there once more now.",
                fix="If the job ran twice on the same input, put back the output of before.",
            )
        )


def _in_folder(file: Path, top: Path) -> DataFile:
    """Rows are the same as others where their folders are, too."""
    return DataFile(file, file.name, ((str(file.parent.relative_to(top)), None),))


# --- Parquet ----------------------------------------------------------------------------------------------------------------


def as_parquet(stage: FileLoad, context: StageContext, frame: DataFrame, files: list[Path]) -> DataFrame:
    groups = look_at_parquet(frame.sparkSession, _as_read(files))
    _require_format(stage, any(group.error for group in groups), "Parquet")
    table = as_one(groups)
    there = {column.name.lower(): (column, kind) for column, kind in zip(table.columns, table.types, strict=True)}
    odd = {column.name.lower() for group in groups for column in group.columns if column.node.kinds - {"null"}}
    frame = without_marks(frame, set(there), stage.output_uri, context)
    data = [frame.schema[name] for name in _own(stage, frame)]
    problems = _other_columns(stage, [column.name for column in table.columns], [field.name for field in data])
    wrong, columns = [], []
    for field in data:
        if field.name.lower() not in there:
            continue
        (column, kind), here = there[field.name.lower()], field.dataType
        kind = here if isinstance(kind, NullType) else kind
        if kind is None or field.name.lower() in odd or not holds(kind, here):
            wrong.append(f"“{column.name}” is {column.words} there, and {here.simpleString()} in the view")
            continue
        if kind.simpleString() != here.simpleString():
            words = f"“{column.name}” is written as {kind.simpleString()}, as the rows there have it."
            context.log(f"Appending to “{stage.output_uri}”: {words}")
        columns.append(F.expr(converted(name_in_sql(field.name), here, kind)).alias(column.name))
    _require_none([*problems, *_other_types(stage, wrong)])
    return frame.select(*columns, *[F.col(name_in_sql(name)) for name in stage.partition_by])


def _as_read(files: list[Path]) -> list[DataFile]:
    return [DataFile(file, file.name) for file in files]


def holds(kind: DataType, here: DataType) -> bool:
    """Whether every value of the type `here` is one of `kind`, with all its fields."""
    both = wider(kind, here)
    return both is not None and ddl(both) == ddl(kind) and has_the_fields(here, kind)


# --- CSV --------------------------------------------------------------------------------------------------------------------


def as_delimited(stage: Any, context: StageContext, frame: DataFrame, files: list[Path]) -> DataFrame:
    """The columns of a text file are told apart by their place, so they are written in the order of the file's first line."""
    target = context.present_files(stage.output_uri)[0]
    problems, there = _written_otherwise(stage, target), stage.written() | marks.written(target)
    first = [_first_row(file, there["delimiter"], there["quote"]) for file in files]
    first = [row for row in first if row]
    _require_format(stage, any("PAR1" in row[0][:4] for row in first), "text")
    own = _own(stage, frame)
    if not stage.header:
        problems += _names_there(stage, first, own) or _other_width(stage, own, {len(row) for row in first})
        other_columns, ordered_frame = _in_noted_order(stage, context, frame, own)
        _require_none([*problems, *other_columns, *_of_other_kinds(stage, context, frame)])
        return ordered_frame
    if any(row != first[0] for row in first):
        words = ["the files there do not have the same first line themselves"]
        raise ProblemError(_other("What is there is no one table.", words, f"Choose Overwrite, {OTHER_PLACE}", stage))
    if not first:
        _require_none(problems)
        return frame
    names = {name.lower() for name in first[0]}
    frame = without_marks(frame, names, stage.output_uri, context)
    own = _own(stage, frame)
    _require_none([*problems, *_other_columns(stage, first[0], own), *_of_other_kinds(stage, context, frame)])
    known = {name.lower(): name for name in own}
    ordered = [known[name.lower()] for name in first[0]]
    if ordered != own:
        context.log(f"Appending to “{stage.output_uri}”: the columns are written in the order of the rows there.")
    columns = [F.col(name_in_sql(known[name.lower()])).alias(name) for name in first[0]]
    return frame.select(*columns, *[F.col(name_in_sql(name)) for name in stage.partition_by])


def note_kinds(stage: FileLoad, context: StageContext, frame: DataFrame) -> None:
    """Notes what kind of values the rows have, for whoever appends; where these are appended, what is noted of those there."""
    target, present = context.present_files(stage.output_uri)
    is_new = stage.save_mode != "Append" or not any(file.stat().st_size for file in present)
    kinds = _kinds_in(stage, frame) if is_new else marks.kinds_written(target)
    context.describe_output({marks.KINDS: json.dumps(kinds)} if is_new or kinds else {})


def _kinds_in(stage: FileLoad, frame: DataFrame) -> dict[str, str]:
    """What kind of values the files have in each column, as they do not tell it themselves: whole numbers, numbers, text, dates, … JSON
    tells all but what stands in texts."""
    told = (NumericType, BooleanType, StructType, ArrayType, MapType, NullType) if stage.tells_kinds else (NullType,)
    folders = {name.lower() for name in stage.partition_by}
    fields = [field for field in frame.schema.fields if field.name.lower() not in folders and not isinstance(field.dataType, told)]
    return {field.name.lower(): _kind_of(field.dataType) for field in fields}


def _kind_of(kind: DataType) -> str:
    if isinstance(kind, IntegralType) or (isinstance(kind, DecimalType) and kind.scale == 0):
        return "whole number"
    return "number" if isinstance(kind, NumericType) else "text" if isinstance(kind, StringType) else kind.simpleString()


def _of_other_kinds(stage: FileLoad, context: StageContext, frame: DataFrame) -> list[Problem]:
    """Columns whose values are not of the kind that the rows there have, as far as their load has noted it. Text takes all of them."""
    there = marks.kinds_written(context.present_files(stage.output_uri)[0])
    wrong = [
        f"“{name}” is {there[name]} there, and {kind} in the view"
        for name, kind in _kinds_in(stage, frame).items()
        if name in there
        and kind != there[name]
        and (there[name], kind) != ("number", "whole number")
        and there[name] not in ("text", "void")
    ]
    return _other_types(stage, wrong)


def _in_noted_order(stage: Any, context: StageContext, frame: DataFrame, own: list[str]) -> tuple[list[Problem], DataFrame]:
    """What is wrong, and `frame` in the order of the rows there, whose files hold no names: their load has noted them. A column may have a
    new name, but not the one that another has there."""
    there = marks.names_written(context.present_files(stage.output_uri)[0])
    known, given = [name.lower() for name in there], [name.lower() for name in own]
    if not there or known == given:
        return [], frame
    if not any(name in known and known.index(name) != place for place, name in enumerate(given)):
        return [], frame
    if problems := _other_columns(stage, there, own):
        return problems, frame
    context.log(f"Appending to “{stage.output_uri}”: the columns are written in the order of the rows there.")
    names = (*sorted(own, key=lambda name: known.index(name.lower())), *stage.partition_by)
    return [], frame.select(*[F.col(name_in_sql(name)) for name in names])


def _written_otherwise(stage: Any, target: Path) -> list[Problem]:
    """What is wrong where the text there is written otherwise: with another decimal sign, say, 1,5 and 1.5 would lie in one table."""
    there, here = marks.written(target), stage.written()
    differ = [name for name in here if name in there and there[name] != here[name]]
    words = [f"{name}: {_sign(there[name])} there, {_sign(here[name])} in this stage" for name in differ]
    fix = f"Set {', '.join(differ)} as the stage has it that wrote the rows there, choose Overwrite, {OTHER_PLACE}"
    return [_other("The rows that are there are written in another way.", words, fix, stage)] if differ else []


def _sign(text: str) -> str:
    return f"“{text}”" if text.isprintable() and text else "nothing" if not text.strip("\x00") else ascii(text)


def _names_there(stage: FileLoad, first: list[list[str]], own: list[str]) -> list[Problem]:
    """What is wrong where the files there begin with the names of the columns and this stage would write none."""
    names = [name.lower() for name in own]
    if not any([cell.lower() for cell in row] == names for row in first):
        return []
    words = ["a first line with the names of the columns"]
    fix = f"Turn “First line holds names” (header) on, choose Overwrite, {OTHER_PLACE}"
    return [_other("The rows that are there are written in another way.", words, fix, stage)]


def _other_width(stage: FileLoad, own: list[str], widths: set[int]) -> list[Problem]:
    if not widths or widths == {len(own)}:
        return []
    there = " and ".join(str(width) for width in sorted(widths))
    words = [f"{there} columns there, {len(own)} in the view: {', '.join(own)}"]
    fix = f"Choose the same columns in an SQLTransform before, choose Overwrite, {OTHER_PLACE}"
    return [_other("The view has another number of columns than the rows that are there.", words, fix, stage)]


def _first_row(file: Path, sep: str, quote: str) -> list[str]:
    with (
        gzip.open(file, "rt", encoding="utf-8-sig", errors="replace")
        if file.suffix == ".gz"
        else file.open(encoding="utf-8-sig", errors="replace", newline="") as stream
    ):
        head = stream.read(LONGEST_HEADER)
    if len(sep) != 1:
        return head.splitlines()[0].split(sep) if head else []
    quoting: dict[str, Any] = {"quotechar": quote} if len(quote) == 1 and quote != "\x00" else {"quoting": csv.QUOTE_NONE}
    return next(csv.reader(itertools.islice(head.splitlines(keepends=True), 100), delimiter=sep, **quoting), [])


# --- JSON -------------------------------------------------------------------------------------------------------------------


def as_json(stage: FileLoad, context: StageContext, frame: DataFrame, files: list[Path]) -> DataFrame:
    """A key without a value is left out of an object, so only types can clash; keys that are new or gone are said."""
    look = look_at_json(frame.sparkSession, _as_read(files), is_lines=True)
    _require_format(stage, not look.objects and bool(look.records), "JSON")
    there = {key.lower(): (key, shape) for key, shape in look.root.fields.items()}
    frame = without_marks(frame, set(there), stage.output_uri, context)
    wrong = []
    for field in frame.schema.fields:
        key, shape = there.get(field.name.lower(), (field.name, None))
        wrong += _other_kinds(key, shape, field.dataType) if shape else []
        if key != field.name:
            frame = frame.withColumnRenamed(field.name, key)
    _require_none([*_other_types(stage, wrong), *_of_other_kinds(stage, context, frame)])
    added = [name for name in _own(stage, frame) if name.lower() not in there]
    gone = [key for key, _ in there.values() if key.lower() not in {name.lower() for name in frame.columns}]
    if added or gone:
        changes = [f"new: {', '.join(added)}" for _ in added[:1]] + [f"no longer there: {', '.join(gone)}" for _ in gone[:1]]
        context.log(f"Appending to “{stage.output_uri}”: the keys differ from those of the rows there ({'; '.join(changes)}).", "warning")
    return frame


def _other_kinds(path: str, there: Shape, here: DataType) -> list[str]:
    """Where values of the rows there and of the view are of different kinds, at any depth."""
    kinds = there.kinds & ~NULL
    if kinds and not kinds & _kinds_of(here):
        return [f"“{path}” is {_words(kinds)} there, and {here.simpleString()} in the view"]
    if isinstance(here, ArrayType):
        return _other_kinds(path + "[]", there.item, here.elementType) if there.item else []
    if not isinstance(here, StructType):
        return []
    known = {key.lower(): shape for key, shape in there.fields.items()}
    inner = [(one, known.get(one.name.lower())) for one in here.fields]
    return [words for one, shape in inner if shape for words in _other_kinds(f"{path}.{one.name}", shape, one.dataType)]


def _kinds_of(kind: DataType) -> int:
    if isinstance(kind, NumericType):
        return NUMBERS | NOT_FINITE
    if isinstance(kind, BooleanType):
        return BOOLEAN
    if isinstance(kind, StructType | MapType):
        return OBJECT
    return ARRAY if isinstance(kind, ArrayType) else TEXT | NOT_FINITE


def _words(kinds: int) -> str:
    names = {BOOLEAN: "true or false", NUMBERS: "a number", TEXT: "text", OBJECT: "an object", ARRAY: "a list", NOT_FINITE: "a number"}
    return " or ".join(dict.fromkeys(words for kind, words in names.items() if kinds & kind))


# --- all formats ------------------------------------------------------------------------------------------------------------


def _require_none(problems: list[Problem]) -> None:
    """All that is found at the place is told at once: whoever mends one thing at a time runs once for each."""
    if problems:
        raise ProblemError(problems)


def _other_types(stage: FileLoad, wrong: list[str]) -> list[Problem]:
    fix = f"Cast the columns in an SQLTransform before, choose Overwrite, {OTHER_PLACE}"
    return [_other("Columns have other types than the rows that are there.", wrong, fix, stage)] if wrong else []


def _other_columns(stage: FileLoad, there: list[str], own: list[str]) -> list[Problem]:
    known, given = {name.lower() for name in there}, {name.lower() for name in own}
    missing = [name for name in there if name.lower() not in given]
    added = [name for name in own if name.lower() not in known]
    if not missing and not added:
        return []
    words = [f"missing in the view: {', '.join(missing)}" for _ in missing[:1]] + [
        f"not in the rows there: {', '.join(added)}" for _ in added[:1]
    ]
    fix = f"Choose the same columns in an SQLTransform before (CAST(NULL AS …) for one that is missing), choose Overwrite, {OTHER_PLACE}"
    return [_other("The view has other columns than the rows that are there.", words, fix, stage)]


def without_marks(frame: DataFrame, there: set[str], where: str, context: StageContext) -> DataFrame:
    """Columns that stages added (_filename, _index, _errors) and that the rows there, if any, do not have (`there`: names in small letters)
    are left out, which the run says."""
    extra = [field.name for field in frame.schema.fields if field.metadata.get("internal") and field.name.lower() not in there]
    if not extra:
        return frame
    context.log(f"Writing to “{where}”: {', '.join(extra)} are left out; a query can give them other names, and then they are written.")
    return frame.select(*[name_in_sql(name) for name in frame.columns if name not in extra])


def _own(stage: FileLoad, frame: DataFrame) -> list[str]:
    """The columns that stand in the files: those by which folders are named do not, in whatever case the stage names them."""
    folders = {name.lower() for name in stage.partition_by}
    return [name for name in frame.columns if name.lower() not in folders]


def _require_same_folders(stage: FileLoad, target: Path, files: list[Path]) -> None:
    """Rows in folders by a column (year=2013) and rows that lie beside them are no one table."""
    found = {tuple(part.split("=", 1)[0] for part in file.relative_to(target).parent.parts if "=" in part) for file in files}
    if found == {tuple(stage.partition_by)}:
        return
    there = ", ".join(sorted(" / ".join(folders) or "none" for folders in found))
    words = [f"folders there: {there}; in the view: {' / '.join(stage.partition_by) or 'none'}"]
    fix = "Empty “Folders by” (partitionBy)." if there == "none" else f"Set “Folders by” (partitionBy) to {there}, written as there."
    fix = fix if len(found) == 1 else f"Choose Overwrite, {OTHER_PLACE}"
    raise ProblemError(_other("The rows that are there lie in folders by other columns.", words, fix, stage))


def _require_format(stage: FileLoad, is_other: bool, format_name: str) -> None:
    if is_other:
        words = [f"files that are not {format_name}"]
        raise ProblemError(_other("What is there is of another format.", words, f"Choose Overwrite, {OTHER_PLACE}", stage))


def _other(message: str, found: list[str], fix: str, stage: FileLoad) -> Problem:
    return Problem(code="append-differs", field="outputURI", message=f"“{stage.output_uri}”: {message}", found="; ".join(found), fix=fix)
