"""What differs between two documents, stage by stage."""

from __future__ import annotations

import json

from portal.jobs.stage_diff import compare


def stage(name: str, **fields: object) -> dict[str, object]:
    return {"type": "SQLTransform", "name": name, "sql": f"SELECT {name}", "outputView": name} | fields


def document(*stages: object, **top: object) -> str:
    return json.dumps({"stages": list(stages), **top})


def kinds(before: str, after: str) -> list[tuple[str, str]]:
    return [(change.kind, change.name) for change in compare(before, after).stages]


def test_equal_documents_differ_in_nothing():
    both = document(stage("a"), stage("b"))
    assert kinds(both, both) == [("same", "a"), ("same", "b")]
    assert compare(both, both).summary == "nothing differs · 2 the same"


def test_added_removed_and_changed_stages_are_told_apart():
    before = document(stage("a"), stage("b"), stage("c"))
    after = document(stage("a", sql="SELECT 2"), stage("new", type="ParquetLoad", sql="x", inputView="a"), stage("c"))
    assert kinds(before, after) == [("changed", "a"), ("removed", "b"), ("added", "new"), ("same", "c")]
    assert compare(before, after).summary == "1 changed, 1 added, 1 removed · 1 the same"


def test_a_moved_stage_is_moved_and_the_others_are_the_same():
    before = document(stage("a"), stage("b"), stage("c"), stage("d"))
    after = document(stage("d"), stage("a"), stage("b"), stage("c"))
    assert kinds(before, after) == [("moved", "d"), ("same", "a"), ("same", "b"), ("same", "c")]


def test_a_renamed_stage_is_a_change_of_its_name():
    long = "SELECT origin, count(*) AS flights, avg(dep_delay) AS mean_delay FROM flights GROUP BY origin"
    [change] = compare(document(stage("a", sql=long)), document(stage("b", sql=long))).stages
    assert (change.kind, [field.name for field in change.fields]) == ("changed", ["name", "outputView"])


def test_the_query_is_apart_from_the_other_fields():
    [change] = compare(document(stage("a")), document(stage("a", sql="SELECT 2", persist=True))).stages
    assert [(field.before, field.after) for field in change.sql] == [("SELECT a", "SELECT 2")]
    assert [(field.name, field.before, field.after) for field in change.short] == [("persist", None, "true")]


def test_parameters_and_the_description_are_compared_too():
    before = document(stage("a"), parameters={"year": {"type": "integer", "default": 2012}})
    after = document(stage("a"), parameters={"year": {"type": "integer", "default": 2013}}, description="why")
    assert [(field.name, field.before is None) for field in compare(before, after).parameters] == [
        ("description", True),
        ("parameter year", False),
    ]


def test_what_is_no_document_is_compared_without_a_fault():
    for text in ("", "[]", '{"stages": 1}', '{"stages": [1, null]}', '{"parameters": []}'):
        assert kinds(text, document(stage("a"))) == [("added", "a")]
