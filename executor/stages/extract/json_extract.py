from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from executor.problems import Problem, ProblemError
from executor.stages.base import Count, StageContext
from executor.stages.file_kinds import FileOrViewExtract

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from executor.files.columns import Columns
    from executor.files.folder import Place
    from executor.language.schema import AnyColumn
    from executor.stages.json_problems import Source
    from executor.stages.json_shape import Look


class JSONExtract(FileOrViewExtract):
    """Reads JSON: one document per file (an object, or a list of objects), or one object per line. With a schema, what does not fit is
    told in _errors."""

    example: ClassVar[dict[str, Any]] = {
        "type": "JSONExtract",
        "name": "airports",
        "inputURI": "raw/airports.json",
        "multiLine": False,
        "outputView": "airports",
    }

    type: Literal["JSONExtract"] = "JSONExtract"
    multi_line: bool = Field(
        default=True,
        alias="multiLine",
        title="One document per file",
        description="Off: every line is a document of its own.",
        json_schema_extra={"widget": "switch"},
    )
    same_keys: Literal["stop", "apart"] = Field(
        default="stop",
        alias="sameKeys",
        title="Same keys in one object",
        description="When an object has two keys that are the same, or the same but for upper and lower case. stop: the run stops. "
        "apart: keys that differ by case become columns of their own (the second has _2 behind its name); of a key that is there twice the "
        "last value is taken, and the run says how many.",
        json_schema_extra={"widget": "choice", "advanced": True},
    )

    totals: Literal["warn", "known"] = Field(
        default="warn",
        title="Totals among the rows",
        description="warn: objects that say “All”, “Total” and the like, where others name one of several, are told. known: they are left "
        "out in a query, or are no totals.",
        json_schema_extra={"widget": "choice", "advanced": True},
    )

    def execute(self, spark: SparkSession, context: StageContext) -> None:
        from executor.stages.json_frame import frame_of_files, frame_of_view
        from executor.stages.reading import stage_schema

        columns = stage_schema(self, context)
        frame = frame_of_view(self, spark, context, columns) if self.input_view else frame_of_files(self, spark, context, columns)
        self.make_view(frame, context)

    def lines_around(self) -> tuple[int, int] | None:
        return None if self.multi_line else (0, 0)

    def row_on_line(self, line: int) -> int | None:
        return None if self.multi_line else line

    def columns_of(self, place: Place) -> Columns:
        from executor.look.keys import columns_by_keys

        return columns_by_keys(place, is_lines=not self.multi_line)

    def watch(self, context: StageContext, frame: DataFrame, counts: list[Count], affected: str, look: str) -> DataFrame:
        """`frame`, whose counts are told as those of the stage's view."""
        return context.watched(frame, self.output_view, counts, affected=affected, look=look)

    def source(self) -> Source:
        """Where the documents are, in words."""
        from executor.stages.json_problems import Source

        if self.input_view:
            return Source(self.input_view, "inputView", "text")
        return Source(self.input_uri or "", "inputURI", "record" if self.multi_line else "line")

    def look_at_texts(self, texts: DataFrame) -> Look:
        """What is in the texts of the input view. Raises ProblemError for what Spark would lose in silence."""
        from executor.stages.json_problems import refuse_what_would_be_lost
        from executor.stages.json_shape import look_at_texts

        found = look_at_texts(texts, self.input_view or "")
        refuse_what_would_be_lost(found, self.source(), same_keys=self.same_keys)
        return found

    def look(self, spark: SparkSession, place: Place) -> Look:
        """What is in the files. Raises ProblemError for what Spark would lose in silence."""
        from executor.files.inputs import check_text_files
        from executor.files.json_totals import totals_in_json
        from executor.stages.json_problems import refuse_what_would_be_lost
        from executor.stages.json_shape import look_at

        check_text_files(place, binary_reader=self.type)
        found = look_at(spark, place.files, is_lines=not self.multi_line)
        refuse_what_would_be_lost(found, self.source(), same_keys=self.same_keys)
        return replace(found, totals=totals_in_json(place.files, is_lines=not self.multi_line) if self.totals == "warn" else None)

    def tell(self, context: StageContext, found: Look, columns: list[AnyColumn] | None) -> None:
        """What was found and is no reason to stop."""
        from executor.stages.json_problems import alike, gone_words, half_words, twice_words, unmet, where_words

        look = "Look at the data, or at what writes it."
        words = twice_words(found)
        if words:
            context.warn(Problem(code="json-key-twice", field="sameKeys", message=words, fix=look))
        words = gone_words(found)
        if words:
            same = "If it is the same, read that file in a stage of its own, name the column with AS, and use UNION ALL."
            context.warn(Problem(code="column-gone", field="inputURI", message=words, fix=same))
        for problem in (found.totals, alike(found), unmet(found, columns or [])):
            if problem:
                context.warn(problem)
        words = half_words(found)
        if words:
            first = where_words(found.findings["half"], self.source())
            context.warn(Problem(code="json-half-sign", field=self.source().field, message=words, found=f"first in {first}", fix=look))

    def nothing_is_json(self) -> ProblemError:
        """No record is an object."""
        fix = "Check the data; for one object per line turn “One document per file” (multiLine) off."
        if not self.multi_line:
            fix = "Check the data; for one document over several lines turn “One document per file” (multiLine) on."
        source = self.input_uri or self.input_view
        return ProblemError(
            Problem(code="input-format", field=self.source().field, message=f"{source}: No record in it is JSON.", expected="JSON", fix=fix)
        )
