"""Problems while typing: what the editor's check answers to bad documents, as plain words with a place."""

from __future__ import annotations

import json

import pytest

from portal.jobs import advice
from tests.factories import DOCUMENT

pytestmark = pytest.mark.django_db
EXTRACT = DOCUMENT["stages"][0]


def sql_stage(sql: str, **more: object) -> dict[str, object]:
    return {"type": "SQLTransform", "name": "x", "sql": sql, "outputView": "x"} | more


@pytest.fixture
def check(ana, job, browser_of):
    """`check(document)` → the problems, each a dict."""
    browser = browser_of(ana)

    def ask(document):
        text = document if isinstance(document, str) else json.dumps(document)
        answer = browser.post("/p/flights/jobs/daily_delays/check", json.dumps({"document": text}), content_type="application/json")
        assert answer.status_code == 200
        return answer.json()["problems"]

    return ask


def test_a_document_that_is_right_has_no_problems(check):
    assert check(DOCUMENT) == []


@pytest.mark.parametrize(
    ("document", "code", "words"),
    [
        ('{"stages": [\n  {"type" "x"}\n]}', "not-json", "not JSON"),
        ("", "document-empty", "empty"),
        ("[]", "not-an-object", "not a job"),
        ("x" * 10_000_000, "document-too-large", "too large"),
        ({"stages": [EXTRACT | {"name": f"a{n}", "outputView": f"a{n}"} for n in range(1000)]}, "too-many-stages", "too many"),
        ({"stages": []}, "no-stages", "no stages"),
        ({"stages": [{"type": "SQLTransfrom", "name": "x"}]}, "stage-type-unknown", "no stage of type"),
        ({"stages": [EXTRACT | {"outputVeiw": "x"}]}, "field-unknown", "outputVeiw"),
        ({"stages": [EXTRACT | {"environments": ["tset"]}]}, "environment-unknown", "no environment “tset”"),
        ({"stages": [sql_stage("SELECT * FROM flights"), EXTRACT]}, "view-read-before-made", "before stage 2 makes it"),
        ({"stages": [EXTRACT, EXTRACT]}, "stage-name-twice", "Two stages have the name"),
        ({"stages": [EXTRACT, sql_stage("")]}, "sql-empty", "no SQL"),
        ({"stages": [EXTRACT, sql_stage("SELECT 1; SELECT 2")]}, "sql-two-statements", "more than one statement"),
        ({"stages": [EXTRACT, sql_stage("SELECT " + "(" * 49_000 + "1" + ")" * 49_000)]}, "sql-too-deep", "nested too deeply"),
        ({"stages": [EXTRACT, sql_stage("SELECT ${yaer}")], "parameters": {"year": {"type": "integer"}}}, "parameter-undeclared", "yaer"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 40 else None,
)
def test_each_mistake_gets_its_clear_error(check, document, code, words):
    found = {problem["code"]: problem for problem in check(document)}
    assert code in found, found
    assert words in found[code]["message"]
    assert found[code].get("fix") or found[code].get("expected")


def test_json_that_cannot_be_read_has_its_line_and_column(check):
    problem = check('{\n  "stages": [\n    {"type" "x"}\n]}')[0]
    assert (problem["line"], problem["column"]) == (3, 13)


def test_every_problem_is_told_at_once_and_says_where(check):
    found = check({"stages": [EXTRACT | {"headr": True}, sql_stage("SELECT * FROM flihgts")]})
    assert [(problem["stage_index"], problem["field"]) for problem in found] == [(0, "headr"), (1, "sql")]
    assert [problem["fix"] for problem in found] == ["Did you mean “header”?", "Did you mean “flights”?"]


def test_a_request_that_is_none_is_refused_in_words(ana, job, browser_of):
    browser = browser_of(ana)
    for body in ("", "[]", "{", '{"document": 1}'):
        answer = browser.post("/p/flights/jobs/daily_delays/check", body, content_type="application/json", HTTP_ACCEPT="application/json")
        assert answer.status_code == 400
        assert answer.json()["detail"]


def test_strangers_get_no_answer(outsider, job, browser_of):
    answer = browser_of(outsider).post("/p/flights/jobs/daily_delays/check", '{"document": ""}', content_type="application/json")
    assert answer.status_code == 404


# --- saving over HTTP, as the editor does --------------------------------------------------------------------------------


def save(browser, document, base=1, message="why"):
    body = json.dumps({"document": document, "message": message, "base_version": base})
    return browser.post("/p/flights/jobs/daily_delays/save", body, content_type="application/json", HTTP_ACCEPT="application/json")


def test_saving_answers_with_the_document_as_it_is_kept(ana, job, browser_of, changed):
    answer = save(browser_of(ana), changed()).json()
    assert (answer["number"], answer["is_new"]) == (2, True)
    assert answer["document"] == job.versions.get(number=2).document
    assert save(browser_of(ana), changed(), base=2).json()["is_new"] is False


def test_saving_with_problems_is_422_with_all_of_them(ana, job, browser_of, changed):
    answer = save(browser_of(ana), changed("SELECT * FROM flihgts"))
    assert answer.status_code == 422
    assert answer.json()["problems"][0]["fix"] == "Did you mean “flights”?"


def test_saving_over_somebody_elses_version_is_409_and_says_whose(ana, ben, job, browser_of, changed):
    save(browser_of(ben), changed("SELECT 1 AS one"))
    answer = save(browser_of(ana), changed())
    assert answer.status_code == 409
    assert (answer.json()["code"], answer.json()["latest"]["author"]) == ("newer-version", "Ben")


def test_a_viewer_cannot_save(vic, job, browser_of, changed):
    assert save(browser_of(vic), changed()).status_code == 404


# --- laying SQL out ------------------------------------------------------------------------------------------------------


def layout(browser, sql):
    return browser.post(
        "/p/flights/jobs/daily_delays/format", json.dumps({"sql": sql}), content_type="application/json", HTTP_ACCEPT="application/json"
    )


def test_sql_is_laid_out_and_keeps_parameters_and_comments(ana, job, browser_of):
    answer = layout(browser_of(ana), "select a, count(*) n from t where y=${year} /* why */ group by a").json()["sql"]
    assert "${year}" in answer
    assert "/* why */" in answer
    assert answer.splitlines()[:2] == ["SELECT", "  a,"]


def test_sql_that_cannot_be_read_is_left_alone(ana, job, browser_of):
    answer = layout(browser_of(ana), "select a from 't")
    assert (answer.status_code, answer.json()["code"]) == (422, "sql-unclosed")


def test_sql_of_another_database_is_told_with_its_change_and_stops_nobody(check, client, ana, job, browser_of):
    sql = "SELECT TOP 5 origin FROM flights WHERE dest = NULL"
    document = {"stages": [EXTRACT, sql_stage(sql)]}
    told = check(document)
    assert [(one["code"], one["stage_index"], one.get("severity")) for one in told] == [
        ("other-database", 1, None),
        ("other-database", 1, "warning"),
    ]
    edit = told[0]["edit"]
    assert sql[: edit["start"]] + edit["text"] + sql[edit["end"] :] == "SELECT origin FROM flights WHERE dest = NULL LIMIT 5"

    answer = browser_of(ana).post("/api/v1/projects/flights/check", json.dumps({"document": document}), content_type="application/json")
    assert answer.json()["problems"] == [] and [one["edit"]["says"] for one in answer.json()["advice"]] == ["Write it Spark's way"] * 2


def test_advice_is_looked_for_in_the_first_hundred_thousand_signs_of_a_document(flights):
    """A document may have a million, and advice comes while somebody types, from the process that answers everybody."""
    long = f"SELECT getdate() AS a, '{'x' * 40_000}' AS b"
    stages = [{"type": "SQLTransform", "name": f"s{number}", "sql": long, "outputView": f"s{number}"} for number in range(20)]

    found = advice.advice_on(json.dumps({"stages": stages}), flights)

    assert [one["stage_index"] for one in found] == [0, 1]


def test_a_load_that_replaces_all_rows_with_those_that_are_new_is_told_while_it_is_written(flights, dev):
    read = {"type": "JDBCExtract", "name": "new", "connection": "shop", "tableName": "t", "watermarkColumn": "id", "outputView": "new"}
    wrong, load = (
        {"type": "SQLTransform", "name": "not right"},
        {"type": "ParquetLoad", "name": "save", "inputView": "new", "outputURI": "out"},
    )

    def told(*stages):
        found = advice.advice_on(json.dumps({"stages": list(stages)}), flights)
        return [(one["stage_index"], one["field"], one["severity"]) for one in found if one["code"] == "only-new-rows"]

    assert told(read, wrong, load) == [(2, "saveMode", "warning")]
    assert told(read, wrong, {**load, "saveMode": "Append"}) == []
