"""Forms, insert menu and JSON Schema: all of it comes from the stage classes."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from executor.connections import CONNECTION_KINDS
from executor.connections.base import CATALOG, FILES
from executor.document.forms import column_fields, document_schema, form_fields, insert_menu
from executor.document.job import check
from executor.document.reference import reference
from executor.stages import STAGE_TYPES, StageTypes, load_stage_types


def fields(name: str) -> dict[str, dict[str, Any]]:
    return {field["name"]: field for field in form_fields(STAGE_TYPES[name])}


def test_a_form_begins_with_the_name_and_ends_with_what_few_people_need() -> None:
    names = list(fields("SQLTransform"))
    assert names[0] == "name"
    assert names.index("sql") < names.index("environments")


def test_a_field_tells_how_it_is_drawn() -> None:
    assert fields("ParquetLoad")["saveMode"] == {
        "name": "saveMode",
        "label": "If there is data already",
        "help": "Overwrite replaces it, Append adds to it, ErrorIfExists stops the run, Ignore leaves it as it is.",
        "widget": "choice",
        "required": False,
        "default": "Overwrite",
        "choices": ["Append", "ErrorIfExists", "Ignore", "Overwrite"],
        "advanced": False,
        "limits": {},
        "unused": None,
    }


def test_an_address_of_an_output_is_told_apart() -> None:
    assert fields("ParquetLoad")["outputURI"]["writes"] and "writes" not in fields("ParquetExtract")["inputURI"]


def test_the_widgets_are_those_the_editor_knows() -> None:
    plain = {"text", "sql", "number", "switch", "choice", "list", "map", "columns", "environments"}
    known = plain | {"view", "new-view", "uri", "connection", "table"}
    used = {field["widget"] for cls in STAGE_TYPES.values() for field in form_fields(cls)}
    assert used <= known


def test_limits_reach_the_form() -> None:
    assert fields("SQLTransform")["name"]["limits"] == {"minLength": 1, "maxLength": 100}
    assert fields("ParquetLoad")["numPartitions"]["limits"] == {"minimum": 1, "maximum": 100_000}


def test_a_field_that_does_nothing_yet_says_so() -> None:
    assert "streaming" in fields("DelimitedExtract")["watermark"]["unused"]


def test_the_columns_of_a_schema_have_forms_of_their_own() -> None:
    item = fields("TypingTransform")["schema"]["item"]
    assert list(item) == list(column_fields())
    assert [field["name"] for field in item["decimal"] if field["required"]] == ["name", "nullable", "precision", "scale"]


def test_the_insert_menu_holds_every_type_by_kind() -> None:
    menu = insert_menu()
    assert [group["kind"] for group in menu] == ["extract", "transform", "validate", "execute", "load"]
    assert sorted(entry["type"] for group in menu for entry in group["types"]) == sorted(STAGE_TYPES)


def test_the_schema_takes_a_placeholder_for_a_number_or_switch() -> None:
    persist = document_schema()["$defs"]["SQLTransform"]["properties"]["persist"]
    assert [kind.get("type") for kind in persist["anyOf"]] == ["boolean", "string"]


# --- adding a stage type is adding one file -------------------------------------------------------------------------------


@pytest.fixture
def with_plugin(tmp_path: Path) -> Iterator[StageTypes]:
    (tmp_path / "shout_transform.py").write_text(
        textwrap.dedent('''
        from typing import Any, ClassVar, Literal

        from pydantic import Field

        from executor.stages.kinds import Transform


        class ShoutTransform(Transform):
            """Writes a column in capitals."""

            icon: ClassVar[str] = "speakerphone"
            example: ClassVar[dict[str, Any]] = {"type": "ShoutTransform", "name": "shout", "column": "origin", "outputView": "loud"}

            type: Literal["ShoutTransform"] = "ShoutTransform"
            column: str = Field(title="Column", description="The column to write in capitals.", json_schema_extra={"widget": "text"})
        ''')
    )
    yield load_stage_types([tmp_path])


def test_a_new_file_is_in_registry_schema_form_docs_and_insert_menu(with_plugin: StageTypes) -> None:
    assert "ShoutTransform" in with_plugin and "ShoutTransform" not in STAGE_TYPES
    assert list(with_plugin).index("ShoutTransform") == list(with_plugin).index("SQLTransform") + 1
    cls = with_plugin["ShoutTransform"]
    assert check({"stages": [cls.example]}, types=with_plugin) == []
    assert [problem.code for problem in check({"stages": [cls.example]})] == ["stage-type-unknown"]
    assert "ShoutTransform" in document_schema(with_plugin)["$defs"]
    column = next(field for field in form_fields(cls) if field["name"] == "column")
    assert (column["label"], column["widget"], column["required"]) == ("Column", "text", True)
    assert "### ShoutTransform\n\nWrites a column in capitals." in reference(with_plugin)
    transforms = next(group for group in insert_menu(with_plugin) if group["kind"] == "transform")
    assert {"type": "ShoutTransform", "icon": "speakerphone"}.items() <= transforms["types"][1].items()


def test_labels_of_a_form_are_told_apart() -> None:
    """One field's place tells nobody what it belongs to: its words have to."""
    for name, cls in STAGE_TYPES.items():
        labels = [field["label"] for field in form_fields(cls)]
        assert len(set(labels)) == len(labels) and not [label for label in labels if not label[:1].isalnum()], name


def test_what_counts_only_with_a_choice_says_with_which() -> None:
    merge = fields("MergeLoad")
    assert merge["matchedColumns"]["when"] == {"matched": ["update"]}
    stage = {**STAGE_TYPES["MergeLoad"].example, "matched": "leave", "matchedColumns": ["a"]}
    (told,) = [problem for problem in check({"stages": [stage]}) if problem.code == "field-without-use"]
    assert (told.field, told.message) == ("matchedColumns", "“matchedColumns” is set, but “matched” is not update.")
    for cls in STAGE_TYPES.values():
        known = {field["name"]: field for field in form_fields(cls)}
        for field in known.values():
            for other, choices in field.get("when", {}).items():
                assert field["advanced"] and set(choices) <= set(known[other]["choices"])


@pytest.mark.parametrize("field", ["outputMode", "saveMode"])
def test_what_another_stage_does_is_named(field: str) -> None:
    stage = {**STAGE_TYPES["DeltaLakeLoad"].example, field: "Merge"}
    assert "MergeLoad" in str(next(problem.fix for problem in check({"stages": [stage]}) if problem.field == field))


def test_a_connection_that_no_stage_uses_says_so() -> None:
    used = {field["offers"] for cls in STAGE_TYPES.values() for field in form_fields(cls) if "offers" in field} | {FILES, CATALOG}
    assert {kind for kind, cls in CONNECTION_KINDS.items() if cls.not_yet.startswith("No stage uses")} == {
        kind for kind, cls in CONNECTION_KINDS.items() if cls.offers not in used
    }
