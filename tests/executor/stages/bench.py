"""A work-bench for stages: runs the stages of a document on the shared session and remembers what they said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from executor.document.job import parse
from executor.files.inputs import data_files, read_text
from executor.problems import Problem, ProblemError
from executor.running.watches import Watch

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


@dataclass
class Bench:
    """Implements `executor.stages.StageContext` without staging or gate."""

    spark: SparkSession
    lake: Path
    row_limit: int | None = None
    stops_by_column = False
    environment: str | None = None
    is_preview: bool = False
    logs: list[str] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def is_sampled(self) -> bool:
        return self.row_limit is not None

    def run(self, *stages: dict[str, Any]) -> Bench:
        for stage in parse({"stages": list(stages)}).stages:
            stage.execute(self.spark, self)
        return self

    def fails(self, *stages: dict[str, Any]) -> Problem:
        """The one problem with which the stages end."""
        with pytest.raises(ProblemError) as caught:
            self.run(*stages)
        (problem,) = caught.value.problems
        return problem

    def rows(self, direction: str, count: int, view: str | None = None) -> None:
        self.counts[direction] = count

    def table(self, name: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self.view(name).collect()]

    def write(self, uri: str, content: str | bytes) -> str:
        path = self.lake / uri
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return uri

    # --- what stages ask for

    def input_path(self, uri: str) -> str:
        return str(self.lake / uri)

    def text_of(self, uri: str) -> str:
        return read_text(self.input_path(uri), uri)

    def output_path(self, uri: str, save_mode: str) -> str:
        return str(self.lake / uri)

    def present_files(self, uri: str) -> tuple[Path, list[Path]]:
        return self.lake / uri, data_files(str(self.lake / uri))

    def columns_written_before(self, uri: str, columns: dict[str, str], schema: list[dict[str, Any]]) -> dict[str, str] | None:
        return None

    def columns_read_before(self, columns: dict[str, Any]) -> list[dict[str, Any]]:
        return []

    def files_read_before(self, uri: str, files: dict[str, Any]) -> list[dict[str, Any]]:
        return []

    def view(self, name: str) -> DataFrame:
        return self.spark.table(name)

    def register(self, name: str, frame: DataFrame, *, persist: bool = False) -> None:
        (frame.cache() if persist else frame).createOrReplaceTempView(name)

    def watched(
        self, frame: DataFrame, view: str, counts: Any, *, affected: str, look: str | None = None, source: str | None = None
    ) -> DataFrame:
        return Watch(0, "", view, counts, look, source).on(frame, affected)

    def sql(self, text: str, *, field: str = "sql") -> DataFrame:
        return self.spark.sql(text)

    def nothing_in(self, frame: DataFrame) -> list[str]:
        return []

    def log(self, message: str, level: str = "info") -> None:
        self.logs.append(message)

    def detail(self, **facts: Any) -> None:
        self.details |= facts

    def describe_output(self, written: Mapping[str, str]) -> None:
        self.details |= {"written": written}

    def warn(self, problem: Problem) -> None:
        self.warnings.append(problem)
