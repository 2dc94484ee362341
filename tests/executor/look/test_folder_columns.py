"""What a look proposes for columns that names of folders give: numbers and days where nothing is lost, else text."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow
import pytest
from pyarrow import parquet

from executor.look.looking import look
from executor.look.proposal import ProposedColumn
from executor.look.stages import Choices, stages
from executor.stores.roots import Roots


def proposal_for(folder: Path, *values: str, kind: str = "csv", **settings: Any) -> Any:
    for value in values:
        place = folder / "raw/y" / f"k={quote(value, safe='_')}"
        place.mkdir(parents=True)
        if kind == "parquet":
            parquet.write_table(pyarrow.table({"id": [1]}), place / "a.parquet")
        else:
            (place / f"a.{kind}").write_text("id,v\n1,2.5\n2,3.5\n" if kind == "csv" else '{"id": 1}\n')
    return look(Roots(folder), "raw/y", settings, limit_bytes=None, seconds=20, tell=lambda *_: None)


def of_folders(proposal: Any) -> ProposedColumn:
    (found,) = [column for column in proposal.columns if column.is_of_folders]
    return found


@pytest.mark.parametrize(
    ("values", "type_"),
    [
        (("2024", "2025"), "integer"),
        (("7", "8", "10"), "integer"),
        (("0", "1"), "integer"),
        (("-5", "3"), "integer"),
        (("99999999999",), "long"),
        (("2024", "__HIVE_DEFAULT_PARTITION__"), "integer"),
        (("2024-01-05", "2024-02-06"), "date"),
        (("07", "08"), "string"),
        (("7", "07"), "string"),
        (("10", "007"), "string"),
        (("2024", "unknown"), "string"),
        (("+5", "6"), "string"),
        (("1.0", "2.0"), "string"),
        (("1.10", "1.1"), "string"),
        (("1e5", "2"), "string"),
        ((" 5", "6"), "string"),
        (("5", "NA"), "string"),
        (("12345678901234567890",), "string"),
        (("2024-1-5", "2024-01-05"), "string"),
        (("03/04/2024",), "string"),
        (("true", "false"), "string"),
        (("DE", "FR"), "string"),
        (("٢٠٢٤",), "string"),
    ],
)
@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_number_or_a_day_only_where_nothing_is_lost(tmp_path: Path, values: tuple[str, ...], type_: str, kind: str) -> None:
    proposal = proposal_for(tmp_path, *values, kind=kind)
    column = of_folders(proposal)
    assert (column.name, column.type["type"], column.fits) == ("k", type_, len(values)), column.words
    typed = next(stage for stage in stages(proposal, "raw/y", Choices("y")) if stage["type"] == "TypingTransform")
    assert [one["type"] for one in typed["schema"] if one["name"] == "k"] == [type_]


def test_a_person_chooses_otherwise(tmp_path: Path) -> None:
    found = proposal_for(tmp_path, "2024", "2025", columns={"2": {"type": "string", "name": "season"}})
    assert (of_folders(found).type["type"], of_folders(found).name) == ("string", "season")
    found = look(Roots(tmp_path), "raw/y", {"columns": {"2": {"type": "long"}}}, limit_bytes=None, seconds=20, tell=lambda *_: None)
    assert of_folders(found).type["type"] == "long"


def test_a_code_that_is_chosen_to_be_a_number_becomes_one(tmp_path: Path) -> None:
    assert of_folders(proposal_for(tmp_path, "07", "08", columns={"2": {"type": "integer"}})).type["type"] == "integer"


def test_parquet_has_no_typing_stage_and_says_what_makes_a_number(tmp_path: Path) -> None:
    column = of_folders(proposal_for(tmp_path, "2024", kind="parquet"))
    assert (column.type["type"], column.fixed) == ("string", True) and "CAST" in column.words
