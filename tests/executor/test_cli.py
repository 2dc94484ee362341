"""`python -m executor check|schema|docs`, as people call it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from executor.cli import main
from tests.executor.documents import document, sql_stage

ROOT = Path(__file__).parents[2]


def call(*arguments: str, text: str | None = None) -> Result:
    return CliRunner().invoke(main, list(arguments), input=text)


@pytest.fixture
def job_file(tmp_path: Path) -> Path:
    file = tmp_path / "job.json"
    file.write_text(json.dumps(document(sql_stage(sql="SELECT ${year} AS y"), parameters={"year": {"type": "integer"}})))
    return file


def test_a_right_document_is_said_to_be_right(job_file: Path) -> None:
    done = call("check", str(job_file))
    assert (done.exit_code, done.output) == (0, f"{job_file}: no problems.\n")


def test_roots_of_an_environment_may_be_told(tmp_path: Path) -> None:
    file = tmp_path / "job.json"
    stages = [
        {"type": "ParquetExtract", "name": "a", "inputURI": "archive:x", "outputView": "v"},
        {"type": "ParquetLoad", "name": "b", "inputView": "v", "outputURI": "s3a://acme/prod/y"},
    ]
    file.write_text(json.dumps({"stages": stages}))

    def codes(*roots: str) -> list[str]:
        return [one["code"] for one in json.loads(call("check", str(file), "--json", *roots).output)]

    assert codes() == ["root-unknown", "uri-outside-roots"] and codes("--root", "archive") == ["uri-outside-roots"]
    assert codes("--root", "archive=s3a://acme/prod") == [] and codes("--root", "archive=s3a://acme/pro") == ["uri-outside-roots"]
    assert codes("--read-only-root", "archive=s3a://acme/prod/") == ["root-read-only"]
    assert codes("--root", "../x") == ["root-form"] and codes("--root", "archive=/etc") == ["root-form"]


def test_problems_are_told_with_place_found_expected_and_fix(job_file: Path) -> None:
    done = call("check", str(job_file), "--param", "year=soon")
    assert done.exit_code == 1
    assert done.output.splitlines() == [
        "parameters.year: The value of the parameter “year” does not fit its type.",
        "    found:    'soon'",
        "    expected: a whole number, for instance 2013",
        "    fix:      Correct the value, or the parameter's type.",
        f"{job_file}: 1 problem.",
    ]


def test_the_environment_means_that_a_run_is_at_hand(job_file: Path) -> None:
    assert call("check", str(job_file)).exit_code == 0
    assert "has no value" in call("check", str(job_file), "--environment", "dev").output
    assert call("check", str(job_file), "--environment", "dev", "--param", "year=2013").exit_code == 0


def test_json_holds_every_problem(job_file: Path) -> None:
    done = call("check", str(job_file), "--json", "--param", "yaer=1")
    assert [problem["code"] for problem in json.loads(done.output)] == ["parameter-unknown", "parameter-missing"]
    assert json.loads(call("check", str(job_file), "--json").output) == []


def test_the_document_may_come_on_standard_input() -> None:
    assert call("check", "-", text=json.dumps(document())).exit_code == 0


def test_a_file_that_is_not_there_is_a_problem() -> None:
    done = call("check", "/nowhere/job.json")
    assert done.exit_code == 1 and "cannot be read" in done.output


def test_a_parameter_without_value_is_a_problem(job_file: Path) -> None:
    done = call("check", str(job_file), "--param", "year")
    assert done.exit_code == 1 and "NAME=VALUE" in done.output


def test_the_schema_is_one_json_document() -> None:
    schema = json.loads(call("schema").output)
    assert schema["required"] == ["stages"]
    assert set(schema["$defs"]) >= {"SQLTransform", "TypingTransform", "ParquetLoad", "Parameter"}


def test_the_committed_reference_is_current() -> None:
    written = (ROOT / "docs" / "stages.md").read_text()
    assert call("docs").output == written, "docs/stages.md is stale: python -m executor docs > docs/stages.md"


def test_the_program_checks_without_spark(job_file: Path) -> None:
    program = "import sys; from executor.cli import main\ntry: main()\nfinally: print('pyspark' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program, "check", str(job_file)], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.splitlines()[-1] == "False"
