"""What was approved is all of it: a value that comes with a run enters SQL as a value or a checked name, and a path as plain names;
files that decide what a job does are kept in the document."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from executor.document.job import check, parse
from executor.document.kept_files import files_named, keeps_its_files, with_files
from executor.problems import ProblemError
from executor.running.lake_texts import with_lake_texts
from executor.stores.roots import Roots

EVIL = "true UNION ALL SELECT s FROM secretv"


def sql_job(sql: str, sql_params: dict[str, str] | None = None, stage_type: str = "SQLTransform", **parameters: Any) -> dict[str, Any]:
    stage: dict[str, Any] = {"type": stage_type, "name": "query", "sql": sql}
    stage |= {"outputView": "v"} if stage_type == "SQLTransform" else {}
    stage |= {"sqlParams": sql_params} if sql_params is not None else {}
    return {"parameters": parameters, "stages": [stage]}


def text_of(document: dict[str, Any], **values: Any) -> str:
    return str(parse(document, parameters=values).stages[0].sql)  # type: ignore[attr-defined]


STRING = {"type": "string", "default": "true"}


@pytest.mark.parametrize(
    ("sql", "sql_params", "expected"),
    [
        ("SELECT 1 AS a WHERE ${w}", {"w": "${p}"}, f"SELECT 1 AS a WHERE '{EVIL}'"),
        ("SELECT 1 AS a WHERE '${w}' = 'x'", {"w": "${p}"}, f"SELECT 1 AS a WHERE '{EVIL}' = 'x'"),
        ("SELECT ${a} AS a", {"a": "concat('${p}', 'x')"}, f"SELECT concat('{EVIL}', 'x') AS a"),
        ("SELECT ${ p = 7 } AS a", {"p": "${p}"}, f"SELECT '{EVIL}' AS a"),
        ("SELECT ${p} AS a -- ${p}", None, f"SELECT '{EVIL}' AS a -- {EVIL}"),
    ],
)
@pytest.mark.parametrize("stage_type", ["SQLTransform", "SQLValidate", "LogExecute"])
def test_a_value_of_a_run_is_a_literal_also_through_sql_params(
    sql: str, sql_params: dict[str, str] | None, expected: str, stage_type: str
) -> None:
    assert text_of(sql_job(sql, sql_params, stage_type, p=STRING), p=EVIL) == expected


@pytest.mark.parametrize("value", ["' OR '1'='1", "\\' OR 1=1 --", "x\n; DROP TABLE y", "*/ SELECT 1 /*", "`; SELECT 1"])
def test_quotes_and_line_ends_do_not_break_out(value: str) -> None:
    from executor.language import sql_text

    text = text_of(sql_job("SELECT '${w}' AS a, ${w} AS b /* ${w} */ -- ${w}", {"w": "${p}"}, p=STRING), p=value)
    kinds = [part.kind for part in sql_text.spans(text) if text[part.start : part.end].strip()]
    expected = [sql_text.CODE, sql_text.STRING, sql_text.CODE, sql_text.STRING, sql_text.CODE, sql_text.COMMENT]
    assert [kind for kind, _ in groupby(kinds)] == expected  # a doubled quote stands between two parts of one string


def test_a_name_is_checked() -> None:
    document = sql_job("SELECT ${t} AS a", {"t": "${p}"}, p={"type": "identifier", "default": "flights"})
    assert text_of(document, p="planes") == "SELECT planes AS a"
    with pytest.raises(ProblemError):
        parse(document, parameters={"p": "planes WHERE true"})


def test_the_texts_of_the_document_itself_go_in_as_they_stand() -> None:
    """Arc's way, which its jobs rely on."""
    assert text_of(sql_job("SELECT ${columns} FROM ${table}", {"columns": "a, b", "table": "(SELECT 1 AS a, 2 AS b)"})) == (
        "SELECT a, b FROM (SELECT 1 AS a, 2 AS b)"
    )
    assert text_of(sql_job("SELECT ${n} AS a", {"n": "${p} + 1"}, p={"type": "integer", "default": 1}), p=5) == "SELECT 5 + 1 AS a"


@pytest.mark.parametrize(
    "value", ["../secret", "/etc", "a/../b", "*", "{a,b}", "a?", "", "..", ".", "x//y", ".hidden/x", "a:b", "a\\b", "[ab]"]
)
@pytest.mark.parametrize("field", ["inputURI", "outputURI"])
def test_a_value_of_a_run_names_files_and_nothing_else(value: str, field: str) -> None:
    read = {"type": "ParquetExtract", "name": "r", "inputURI": "raw/${p}" if field == "inputURI" else "raw/a", "outputView": "v"}
    write = {"type": "ParquetLoad", "name": "w", "inputView": "v", "outputURI": "curated/${p}" if field == "outputURI" else "curated/a"}
    document = {"parameters": {"p": {"default": "x"}}, "stages": [read, write]}
    assert "parameter-in-path" in [problem.code for problem in check(document, parameters={"p": value})]
    for good in ("x", "2013/01", "day=2013-01-01", "a b"):
        assert check(document, parameters={"p": good}) == []


def test_patterns_that_the_document_holds_itself_may_be_used() -> None:
    read = {"type": "ParquetExtract", "name": "r", "inputURI": "${p}", "outputView": "v"}
    document = {"parameters": {"p": {"default": "raw/*.parquet", "choices": ["raw/*.parquet", "raw/{a,b}"]}}, "stages": [read]}
    for value in ("raw/*.parquet", "raw/{a,b}"):
        assert check(document, parameters={"p": value}) == []


# --- files are kept ---------------------------------------------------------------------------------------------------------

BY_FILE: dict[str, Any] = {
    "parameters": {"name": {"default": "q"}, "year": {"type": "integer", "default": 2013}},
    "stages": [
        {"type": "SQLTransform", "name": "query", "inputURI": "sql/${name}.sql", "sqlParams": {"y": "${year}"}, "outputView": "v"},
        {"type": "TypingTransform", "name": "typed", "inputView": "v", "schemaURI": "meta/${environment}.json", "outputView": "t"},
    ],
}
TEXTS = {"sql/q.sql": "SELECT ${y} AS year", "meta/dev.json": "[]", "meta/test.json": "[ ]"}


def test_the_files_a_document_names_are_kept_in_it() -> None:
    kept, problems = with_files(BY_FILE, ["dev", "test"], TEXTS.get)
    assert problems == [] and kept["files"] == dict(sorted(TEXTS.items()))
    job = parse(kept, environment="dev", parameters={"year": 2014})
    assert job.stages[0].sql == "SELECT 2014 AS year"  # type: ignore[attr-defined]
    assert job.files == TEXTS


def test_what_is_kept_is_read_and_nothing_else() -> None:
    kept, _ = with_files(BY_FILE, ["dev", "test"], TEXTS.get)
    for change in ({"environment": "prod", "parameters": {}}, {"environment": "dev", "parameters": {"name": "other"}}):
        with pytest.raises(ProblemError) as refused:
            parse(kept, **change)
        assert "file-not-kept" in [problem.code for problem in refused.value.problems]


def test_a_file_that_is_not_there_is_a_problem_unless_it_was_kept_before() -> None:
    kept, problems = with_files(BY_FILE, ["dev"], {}.get)
    assert [(problem.code, problem.stage) for problem in problems] == [("input-missing", "typed"), ("input-missing", "query")]
    again, problems = with_files(BY_FILE | {"files": TEXTS}, ["dev"], {}.get)
    assert problems == [] and set(again["files"]) == {"sql/q.sql", "meta/dev.json"}


def test_which_file_it_is_does_not_depend_on_a_run() -> None:
    document = {"parameters": {"p": {"type": "string"}}, "stages": [{**BY_FILE["stages"][0], "inputURI": "sql/${p}.sql"}]}
    assert [problem.code for problem in files_named(document, ["dev"])[1]] == ["file-depends-on-run"]


def test_the_sql_in_a_kept_file_is_checked_before_any_run() -> None:
    document = {
        "stages": [{"type": "SQLTransform", "name": "q", "inputURI": "q.sql", "outputView": "v"}],
        "files": {"q.sql": "SELECT ${x}"},
    }
    assert [(problem.code, problem.field) for problem in check(document)] == [("parameter-undeclared", "inputURI")]
    document["files"] = {"q.sql": "SELECT 1; SELECT 2"}
    assert [(problem.code, problem.field) for problem in check(document)] == [("sql-two-statements", "inputURI")]


def test_sql_here_and_sql_in_a_file_are_not_both_given() -> None:
    stage = {"type": "SQLTransform", "name": "q", "sql": "SELECT 1 AS a", "inputURI": "q.sql", "outputView": "v"}
    assert [problem.code for problem in check({"stages": [stage]})] == ["one-of"]


@pytest.mark.parametrize("files", [[], "x", {"q.sql": 7}, {"q.sql": None}])
def test_kept_files_are_texts(files: Any) -> None:
    assert "files" in [problem.field for problem in check({"stages": [{"type": "ConfigExecute"}], "files": files})]


def test_documents_without_such_files_keep_nothing_more() -> None:
    import json

    assert keeps_its_files(json.dumps(sql_job("SELECT 1 AS a")))
    assert not keeps_its_files(json.dumps(BY_FILE))
    assert with_files(sql_job("SELECT 1 AS a"), ["dev"], {}.get)[0] == sql_job("SELECT 1 AS a")


def test_a_job_run_by_hand_reads_them_where_they_lie(tmp_path: Path) -> None:
    (tmp_path / "sql").mkdir()
    (tmp_path / "sql/q.sql").write_text(TEXTS["sql/q.sql"])
    document = BY_FILE | {"stages": BY_FILE["stages"][:1]}
    filled = with_lake_texts(document, Roots(tmp_path), "dev")
    assert isinstance(filled, dict) and filled["files"] == {"sql/q.sql": TEXTS["sql/q.sql"]}
    assert with_lake_texts(BY_FILE, Roots(tmp_path), "dev") == BY_FILE
