"""What a run notes of the files it reads and writes, so that they can be compared with those where the job shall run next."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from executor.files.folder import Place, place_of
from executor.problems import ProblemError

if TYPE_CHECKING:
    from executor.stages.base import StageContext
    from executor.stages.file_kinds import FileExtract, FileLoad


def note_read(stage: FileExtract, context: StageContext, place: Place) -> None:
    """Puts `read` into the stage's details: address and columns. A preview notes nothing."""
    if not context.is_preview:
        with suppress(ProblemError):  # what is wrong with the files is said by whoever reads them
            context.detail(read={"uri": place.uri, **stage.columns_of(place).as_dict()})


def note_written(stage: FileLoad, context: StageContext, folder: str) -> None:
    """Puts `wrote` into the stage's details: address, and the columns as they are read from there. `folder`: where the files are now."""
    with suppress(ProblemError):
        place = place_of(folder, stage.output_uri)
        context.detail(wrote={"uri": stage.output_uri, **reader_of(stage).columns_of(place).as_dict()})


def reader_of(stage: FileLoad) -> Any:
    """The extract that reads what the load writes."""
    from executor.stages import STAGE_TYPES

    words = {"name": stage.name, "inputURI": stage.output_uri, "outputView": "written"} | stage.reader()
    return STAGE_TYPES[words["type"]].model_validate(words)
