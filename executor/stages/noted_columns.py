"""What a run notes of the files it reads and writes, so that they can be compared with those where the job shall run next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from executor.files.column_shapes import EDITION as SHAPES_EDITION
from executor.files.column_shapes import changed
from executor.files.columns import Columns
from executor.files.folder import Place, place_of
from executor.files.headers import in_quotes
from executor.problems import Problem, ProblemError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from executor.stages.base import Stage, StageContext
    from executor.stages.file_kinds import FileExtract, PlaceLoad

LONGEST_DESCRIPTION = 255
MOST_TOLD = 10
"""Columns that one warning tells of."""


def note_read(stage: FileExtract, context: StageContext, place: Place) -> None:
    """Puts `read` into the stage's details: address and columns. A preview notes nothing."""
    if not context.is_preview:
        with suppress(ProblemError):  # what is wrong with the files is said by whoever reads them
            columns = stage.columns_of(place)
            context.detail(read={"uri": place.uri, **columns.as_dict()})
            warn_of_other_inputs(stage, context, columns)


def warn_of_other_inputs(stage: Stage, context: StageContext, columns: Columns) -> None:
    """Warns where the files are not as those were that the same document read last: columns that went, of other types, or text that is
    written otherwise; or no row at all. What goes by names or by places in the stages behind may then mean something else, and what is
    added up there is nothing."""
    has_rows = columns.has_rows or bool(columns.rows)
    now = {
        "edition": SHAPES_EDITION,
        "columns": columns.columns,
        "shapes": columns.shapes,
        "is_named": columns.is_named,
        "has_rows": has_rows,
        "partial": columns.partial,
    }
    before = context.columns_read_before(now)
    if not before or not columns.is_whole:
        return
    told = min((_otherwise(columns, one) + _no_rows_now(has_rows, one) for one in before), key=len)
    if not told:
        return
    context.warn(
        Problem(
            code="input-columns-changed",
            field="inputURI",
            message="The job is as it was, but what this stage reads has other columns, or writes them otherwise, than when it last ran.",
            found="; ".join(told[:MOST_TOLD]),
            fix="Look at the file, and at the stages that use these columns. "
            + ("Columns without names go by their places: one more in front moves all others. " if not columns.is_named else "")
            + "If all is well, nothing needs to be done: the next run compares with this one.",
        )
    )


def _otherwise(now: Columns, before: Mapping[str, Any]) -> list[str]:
    """What is other than it was, in words; nothing where what was noted cannot be read."""
    columns, shapes = before.get("columns"), before.get("shapes") if before.get("edition") == SHAPES_EDITION else {}
    if not isinstance(columns, dict) or not isinstance(shapes, dict) or before.get("is_named") != now.is_named:
        return []
    if not now.is_named and len(columns) != len(now.columns):
        return [f"{len(columns):,} columns before, {len(now.columns):,} now"]
    before_by_key = {name.casefold(): kind for name, kind in columns.items()}
    both = [(name, before_by_key.get(name.casefold()), kind) for name, kind in now.columns.items() if kind]
    told = [f"“{name}” was {was} and is {kind} now" for name, was, kind in both if was and was != kind]
    if now.is_named and now.columns:
        told += _gone(columns, now.columns) + _lacking(now, columns, before.get("partial"))
    written = changed(shapes, now.shapes, by_place=not now.is_named)
    return told + [f"“{name}” held {was} and holds {shape} now" for name, was, shape in written]


def _gone(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Names that are no longer there, with those that are new: a stage that types columns by their places gives the old name to what has
    come in its place. Columns that only came are no matter."""
    before_keys, now_keys = ({name.casefold() for name in names} for names in (before, now))
    missing = [name for name in before if name.casefold() not in now_keys]
    return came_and_went(missing, [name for name in now if name.casefold() not in before_keys]) if missing else []


def _lacking(now: Columns, before: Mapping[str, str], partial: Any) -> list[str]:
    """Names that every file had before, and not every one has now. `partial`: those that not every one had, where that was noted."""
    if not isinstance(partial, list):
        return []
    in_all = {name.casefold() for name in before} - {str(name).casefold() for name in partial}
    return [f"“{name}” was in every file, and some lack it now" for name in now.partial if name.casefold() in in_all]


def _no_rows_now(has_rows: bool, before: Mapping[str, Any]) -> list[str]:
    return ["it had rows, and has none now"] if before.get("has_rows") is True and not has_rows else []


def came_and_went(gone: list[str], new: list[str]) -> list[str]:
    """In words, each where there is one."""
    told = [(gone, "gone"), (new, "new")]
    return [f"{in_quotes(names)} {'is' if len(names) == 1 else 'are'} {what}" for names, what in told if names]


def note_written(stage: PlaceLoad, context: StageContext, folder: str) -> None:
    """Puts `wrote` into the stage's details: address, and the columns as they are read from there. `folder`: where the files are now."""
    with suppress(ProblemError):
        place = place_of(folder, stage.output_uri)
        context.detail(wrote={"uri": stage.output_uri, **reader_of(stage).columns_of(place).as_dict()})


def warn_of_other_columns(stage: PlaceLoad, context: StageContext, frame: DataFrame) -> None:
    """Warns where the same document writes other columns, or other types, than when it last wrote here: then what it reads has changed,
    and whoever reads the output may fail, or compare and add up otherwise."""
    columns = {field.name: field.dataType.simpleString() for field in frame.schema.fields}
    before = context.columns_written_before(stage.output_uri, columns, _for_catalogs(frame, stage.folders_by()))
    if before is None or before == columns:
        return
    gone, new = [name for name in before if name not in columns], [name for name in columns if name not in before]
    told = [f"“{name}” was {before[name]} and is {kind} now" for name, kind in columns.items() if before.get(name, kind) != kind]
    told += came_and_went(gone, new)
    context.warn(
        Problem(
            code="output-columns-changed",
            field="outputURI",
            message=f"The job is as it was, but its output “{stage.output_uri}” has other columns or types than when it last wrote.",
            found="; ".join(told[:MOST_TOLD]),
            fix="What the job reads has changed: look at its inputs. Whoever reads this output may fail, or sort and add up otherwise. To "
            "keep a type whatever comes, give it in a TypingTransform, or with CAST in a query.",
        )
    )


def _for_catalogs(frame: DataFrame, folders: Sequence[str]) -> list[dict[str, Any]]:
    """See `executor.files.marks.Columns.schema`."""
    places = {name.casefold(): place for place, name in enumerate(folders)}
    found = []
    for field in sorted(frame.schema.fields, key=lambda field: places.get(field.name.casefold(), -1)):
        about = field.metadata.get("description") or field.metadata.get("comment")
        said = {"description": about[:LONGEST_DESCRIPTION]} if isinstance(about, str) else {}
        is_folder = {"is_folder": True} if field.name.casefold() in places else {}
        found.append({"name": field.name, "type": field.dataType.jsonValue(), **said, **is_folder})
    return found


def reader_of(stage: PlaceLoad) -> Any:
    """The extract that reads what the load writes."""
    from executor.stages import STAGE_TYPES

    words = {"name": stage.name, "inputURI": stage.output_uri, "outputView": "written"} | stage.reader()
    return STAGE_TYPES[words["type"]].model_validate(words)
