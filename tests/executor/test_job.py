"""Job documents: what is wrong with them is said at once, with its place and what to do."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from executor.document.job import check, digest, parse
from executor.problems import ProblemError
from tests.executor.documents import codes, document, only_problem, sql_stage

EXAMPLES = sorted((Path(__file__).parents[2] / "examples" / "jobs").glob("*.json"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_jobs_are_right(path: Path) -> None:
    assert check(path.read_bytes(), environments_known=["dev", "test", "prod"]) == []


def test_the_examples_make_a_pipeline_of_four() -> None:
    assert [path.stem for path in EXAMPLES] == ["carrier_report", "daily_delays", "load_flights", "load_weather"]


# --- not a document at all ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "place", "fix"),
    [
        ('{"stages": [}', "line 1:13", "bracket that fits"),
        ('{"stages": [1 2]}', "line 1:15", "a comma between"),
        ('{"stages": }', "line 1:12", "a value after the colon"),
        ('{"stages" []}', "line 1:11", "a colon between"),
        ('{"stages": [\n  {"type": "SQLTransform",}\n]}', "line 2:27", "comma"),
        ("{'stages': []}", "line 1:2", "double quotes"),
        ('{"stages": []} more', "line 1:16", "Take out"),
    ],
)
def test_what_is_not_json_is_told_with_line_and_column(text: str, place: str, fix: str) -> None:
    problem = only_problem(text)
    assert problem.code == "not-json"
    assert problem.place == place
    assert fix in (problem.fix or "")


def test_a_text_that_ends_too_early_or_is_no_job_at_all_says_so() -> None:
    assert "ends too early" in (only_problem('{"stages": [{"type": "x"').fix or "")
    assert "right file" in (only_problem("hello").fix or "")


def test_a_command_is_told_without_spark() -> None:
    problem = only_problem(document(sql_stage(sql="-- clean up\n drop TABLE flights")))
    assert (problem.code, problem.found, problem.line, problem.column) == ("sql-command", "drop TABLE flights", 2, 2)


def test_a_document_of_ten_megabytes_is_refused_with_its_size() -> None:
    problem = only_problem('{"stages": "' + "x" * 10_000_000 + '"}')
    assert (problem.code, problem.found, problem.expected) == ("document-too-large", "10.0 MB", "at most 1 MB")


def test_a_large_document_given_as_an_object_is_refused_too() -> None:
    assert codes(document(description="x" * 2_000_000)) == ["document-too-large"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "document-empty"),
        ("[]", "not-an-object"),
        ('{"stages": NaN}', "not-json"),
        ("[" * 100_000, "document-too-deep"),
        ('{"stages": [], "stages": []}', "key-twice"),
        ('{"stages": [], "description": "\\ud800"}', "half-character"),
        (b"\xff\xfe{}", "not-utf8"),
        ("1" * 5000, "not-json"),
    ],
)
def test_other_texts_that_are_no_document(text: str | bytes, code: str) -> None:
    assert codes(text) == [code]


def test_a_byte_order_mark_is_no_mistake() -> None:
    assert check("\ufeff" + json.dumps(document())) == []
    assert check(("\ufeff" + json.dumps(document())).encode()) == []


def test_a_thousand_stages_are_refused_with_one_sentence() -> None:
    problem = only_problem(document(*[sql_stage(f"s{number}") for number in range(1000)]))
    assert (problem.code, problem.found, problem.expected) == ("too-many-stages", "1,000 stages", "at most 500")


def test_five_hundred_stages_are_allowed() -> None:
    assert check(document(*[sql_stage(f"s{number}") for number in range(500)])) == []


def test_a_job_needs_stages() -> None:
    assert codes({}) == ["field-missing"]
    assert codes({"stages": []}) == ["no-stages"]
    assert codes({"stages": {}}) == ["value-wrong-type"]


# --- names that do not exist ----------------------------------------------------------------------------------------------


def test_an_unknown_key_of_the_job_is_told_with_the_nearest() -> None:
    problem = only_problem(document(descripton="x"))
    assert (problem.code, problem.fix) == ("field-unknown", "Did you mean “description”?")


def test_an_unknown_stage_type_is_told_with_the_nearest() -> None:
    problem = only_problem(document({"type": "SQLTransfrom", "name": "a"}))
    assert (problem.code, problem.place, problem.fix) == ("stage-type-unknown", "stage 1 “a” · type", "Did you mean “SQLTransform”?")


@pytest.mark.parametrize(("name", "meant"), [("DelimitedExtrac", "DelimitedExtract"), ("ConsolLoad", "ConsoleLoad"), ("HTTPExtract", None)])
def test_a_type_is_not_meant_for_its_common_end(name: str, meant: str | None) -> None:
    problem = only_problem(document(sql_stage("a") | {"type": name}))
    assert problem.fix == (f"Did you mean “{meant}”?" if meant else "Choose one of these types.")


def test_an_unknown_field_is_told_with_the_nearest() -> None:
    problem = only_problem(document(sql_stage(outputVeiw="x")))
    assert (problem.code, problem.field, problem.fix) == ("field-unknown", "outputVeiw", "Did you mean “outputView”?")


def test_an_unknown_environment_is_told_with_the_nearest() -> None:
    problem = only_problem(document(sql_stage(environments=["prd"])), environments_known=["dev", "test", "prod"])
    assert (problem.code, problem.fix) == ("environment-unknown", "Did you mean “prod”?")


def test_a_run_in_an_environment_that_no_stage_names_is_told() -> None:
    problem = only_problem(document(sql_stage(environments=["prod"])), environment="prd")
    assert (problem.code, problem.message) == ("environment-unknown", "No stage of the job takes part in “prd”.")


def test_a_missing_field_is_named() -> None:
    problem = only_problem(document({"type": "SQLTransform", "name": "a", "sql": "SELECT 1"}))
    assert (problem.code, problem.field, problem.fix) == ("field-missing", "outputView", "Add “outputView”.")


@pytest.mark.parametrize(
    ("keys", "message"),
    [({}, "“Key columns” (keys) is missing."), ({"keys": "id"}, "“Key columns” (keys) must be a list."),
     ({"keys": ["id"], "matched": "upsert"}, "“Rows that are in both” (matched) does not take this value.")],
)  # fmt: skip
def test_a_field_is_called_as_the_form_calls_it_too(keys: dict[str, Any], message: str) -> None:
    load = {"type": "MergeLoad", "name": "keep", "inputView": "a", "outputURI": "curated/x"} | keys
    problem = only_problem(document(sql_stage(), load))
    assert problem.message == message


@pytest.mark.parametrize(
    ("field", "value", "found", "expected"),
    [
        ("persist", "perhaps", "“perhaps”", "true or false"),
        ("numPartitions", 0, "0", "at least 1"),
        ("numPartitions", "many", "“many”", "a whole number"),
        ("partitionBy", "day", "“day”", "a list"),
        ("outputView", "my view", "“my view”", "letters, digits and _, not beginning with a digit"),
        ("sqlParams", ["a"], "a list", "an object of names and values"),
        ("name", "", "“”", "1 or more characters"),
    ],
)
def test_a_value_of_the_wrong_kind_is_told_in_plain_words(field: str, value: Any, found: str, expected: str) -> None:
    problem = only_problem(document(sql_stage() | {field: value}))
    assert (problem.field, problem.found, problem.expected) == (field, found, expected)


def test_a_choice_that_does_not_exist_is_told_with_the_nearest() -> None:
    load = {"type": "ParquetLoad", "name": "save", "inputView": "daily", "outputURI": "x/y", "saveMode": "overwrite"}
    problem = only_problem(document(sql_stage(), load))
    assert (problem.field, problem.fix) == ("saveMode", "Did you mean “Overwrite”?")


def test_numbers_and_switches_may_be_written_as_text() -> None:
    job = parse(document(sql_stage(numPartitions="4", persist="yes")))
    assert job.stages[0].model_dump(by_alias=True)["numPartitions"] == 4
    assert job.stages[0].model_dump(by_alias=True)["persist"] is True


def test_every_problem_of_a_document_comes_at_once_in_its_order() -> None:
    problems = check(document(sql_stage("a", persist="x"), {"type": "Nope", "name": "b"}, sql_stage("c", sql="")))
    assert [(problem.stage_index, problem.code) for problem in problems] == [
        (0, "value-wrong-type"),
        (1, "stage-type-unknown"),
        (2, "sql-empty"),
    ]


# --- names among stages ---------------------------------------------------------------------------------------------------


def test_two_stages_of_one_name_are_told() -> None:
    problem = only_problem(document(sql_stage("a"), sql_stage("a", outputView="b")))
    assert (problem.code, problem.stage_index, problem.found) == ("stage-name-twice", 1, "stage 1 has it already")


def test_two_stages_of_one_id_are_told() -> None:
    assert codes(document(sql_stage("a", id="1"), sql_stage("b", id="1"))) == ["stage-id-twice"]


def test_a_view_that_is_read_before_it_is_made_is_told() -> None:
    problem = only_problem(document(sql_stage("a", sql="SELECT * FROM b"), sql_stage("b")))
    assert problem.code == "view-read-before-made"
    assert problem.message == "The view “b” is read before stage 2 makes it."


def test_a_view_that_no_stage_makes_is_told_with_the_nearest() -> None:
    problem = only_problem(document(sql_stage("flights"), sql_stage("b", sql="SELECT * FROM fligths")))
    assert (problem.code, problem.fix) == ("view-unknown", "Did you mean “flights”?")


def test_a_stage_that_reads_its_own_view_is_told() -> None:
    assert only_problem(document(sql_stage("a", sql="SELECT * FROM a"))).message == "The view “a” is made by this stage itself."


def test_the_field_that_names_the_view_is_told() -> None:
    problem = only_problem(document({"type": "ConsoleLoad", "name": "show", "inputView": "nothing"}))
    assert (problem.code, problem.field) == ("view-unknown", "inputView")


def test_view_names_are_compared_as_spark_does() -> None:
    assert check(document(sql_stage("Flights"), sql_stage("b", sql="SELECT * FROM FLIGHTS"))) == []


def test_a_stage_that_is_not_right_still_makes_its_view() -> None:
    assert codes(document(sql_stage("a", persist="x"), sql_stage("b", sql="SELECT * FROM a"))) == ["value-wrong-type"]


def test_a_view_that_is_made_twice_is_told() -> None:
    problem = only_problem(document(sql_stage("a"), sql_stage("b", outputView="A")))
    assert (problem.code, problem.stage_index) == ("view-made-twice", 1)


def test_a_view_that_this_environment_lacks_is_told_with_the_step_that_makes_it_elsewhere() -> None:
    stages = sql_stage("raw", environments=["dev"]), sql_stage("daily", "SELECT * FROM raw")
    problem = only_problem(document(*stages), environment="prod")
    assert (problem.code, problem.stage) == ("view-unknown", "daily")
    assert problem.message == "The view “raw” is not made in “prod”: stage 1 takes no part there."
    assert problem.found == "stage 1 “raw” takes part in dev"
    assert problem.fix == "Add “prod” to the environments of stage 1, or take it out of this one."
    assert check(document(*stages), environment="dev") == []


def test_a_view_may_be_made_once_for_each_environment() -> None:
    stages = sql_stage("a", environments=["dev"], outputView="v"), sql_stage("b", environments=["prod"], outputView="v")
    assert check(document(*stages)) == []
    assert check(document(*stages), environment="prod") == []


def test_a_view_of_a_stage_that_is_skipped_here_does_not_exist() -> None:
    stages = sql_stage("a", environments=["dev"]), sql_stage("b", sql="SELECT * FROM a")
    assert check(document(*stages), environment="dev") == []
    assert codes(document(*stages), environment="prod") == ["view-unknown"]


def test_a_stage_without_environments_takes_part_everywhere() -> None:
    job = parse(document(sql_stage("a"), sql_stage("b", environments=["prod"])), environment="dev")
    assert [job.takes_part(stage) for stage in job.stages] == [True, False]


# --- addresses ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "uri", ["../../etc/passwd", "/etc/passwd", "raw/../../x", "file:///etc/passwd", "s3a://bucket/x", ".", "", "a\x00b"]
)
def test_an_address_out_of_the_lake_is_refused(uri: str) -> None:
    problem = only_problem(document({"type": "ParquetExtract", "name": "a", "inputURI": uri, "outputView": "a"}))
    assert (problem.code, problem.field) == ("uri-outside-roots" if "://" in uri else "uri-outside-lake", "inputURI")


def test_a_parameter_cannot_lead_out_of_the_lake() -> None:
    stage = {"type": "ParquetExtract", "name": "a", "inputURI": "raw/${day}", "outputView": "a"}
    declared = {"day": {"type": "string", "default": "1"}}
    assert check(document(stage, parameters=declared), parameters={"day": "monday"}) == []
    assert codes(document(stage, parameters=declared), parameters={"day": "../../etc"}) == ["parameter-in-path"]


# --- SQL ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("", "sql-empty"),
        ("-- only a comment", "sql-empty"),
        ("SELECT 1; SELECT 2", "sql-two-statements"),
        ("SELECT " + "(" * 40_000 + "1" + ")" * 40_000, "sql-too-deep"),
        ("SELECT " + "(" * 100_000 + "1" + ")" * 100_000, "sql-too-long"),
        ("SELECT 'a", "sql-unclosed"),
        ("SELECT ${nothing}", "parameter-undeclared"),
    ],
)
def test_sql_that_is_not_fit_for_a_parser_is_told(sql: str, code: str) -> None:
    problem = only_problem(document(sql_stage(sql=sql)))
    assert (problem.code, problem.field) == (code, "sql")


def test_sql_problems_have_their_line_and_column() -> None:
    problem = only_problem(document(sql_stage(sql="SELECT 1,\n  ${nothing}")))
    assert problem.place == "stage 1 “daily” · sql · line 2:3"


# --- what a run is given --------------------------------------------------------------------------------------------------


def test_parsing_raises_every_problem() -> None:
    with pytest.raises(ProblemError) as caught:
        parse(document(sql_stage(sql=""), {"type": "Nope", "name": "b"}))
    assert [problem.code for problem in caught.value.problems] == ["sql-empty", "stage-type-unknown"]


def test_parameters_are_filled_in_with_their_types() -> None:
    stage = sql_stage(sql="SELECT ${year} AS y, '${name}' AS n", numPartitions="${parts}")
    declared = {"year": {"type": "integer", "default": 2013}, "name": {}, "parts": {"type": "integer", "default": 2}}
    job = parse(document(stage, parameters=declared), parameters={"name": "O'Brien", "year": "2014"})
    words = job.stages[0].model_dump(by_alias=True)
    assert (words["sql"], words["numPartitions"]) == ("SELECT 2014 AS y, 'O''Brien' AS n", 2)
    assert job.values == {"year": 2014, "name": "O'Brien", "parts": 2}


def test_the_digest_is_that_of_the_content_not_of_its_spelling() -> None:
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    assert parse(json.dumps(document(), indent=4)).sha256 == parse(document()).sha256
    assert digest({"a": 1}) != digest({"a": 2})


def test_reading_documents_loads_neither_spark_nor_django() -> None:
    program = (
        "import sys, executor.document.job, executor.document.forms, executor.document.reference\n"
        "executor.document.reference.reference()\n"
        "print([m for m in sys.modules if m.split('.')[0] in ('pyspark', 'py4j', 'django', 'sqlglot')])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
