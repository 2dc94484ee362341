"""Who may import whom, and that the portal describes stages without loading Spark."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from executor.stages import KINDS


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)


def test_imports_go_one_way():
    told = subprocess.run(["lint-imports", "--no-cache"], capture_output=True, text=True, timeout=120, check=False, env=_with_tools())
    assert told.returncode == 0, told.stdout


def _with_tools() -> dict[str, str]:
    import os

    return {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"}


def test_the_whole_site_loads_without_spark():
    code = (
        "import sys, django; django.setup(); import portal.urls, portal.middleware, portal.asgi;"
        "print([name for name in sys.modules if name.split('.')[0] in ('pyspark', 'py4j')])"
    )
    told = run_python(code)
    assert told.stdout.strip() == "[]", told.stderr


DESCRIPTIONS = ["executor.document.job", "executor.document.forms", "executor.stages", "executor.language.parameters", "executor.events"]


@pytest.mark.parametrize("module", DESCRIPTIONS)
def test_the_descriptions_of_the_executor_need_neither_spark_nor_django(module):
    told = run_python(
        f"import sys, {module}; print([n for n in sys.modules if n.split('.')[0] in ('pyspark', 'py4j', 'django', 'portal')])"
    )
    assert told.stdout.strip() == "[]", told.stderr


def test_models_and_migrations_agree():
    told = run_python(
        "import django; django.setup(); from django.core.management import call_command as call; call('makemigrations', '--check')"
    )
    assert told.returncode == 0, told.stdout


def test_a_deployment_over_https_passes_djangos_own_check(tmp_path):
    import os

    env = {**os.environ, "SLUICE_HOME": str(tmp_path), "SLUICE_PUBLIC_URL": "https://sluice.example", "SLUICE_DEBUG": "0"}
    told = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        capture_output=True, text=True, timeout=120, check=False, env=env,
    )  # fmt: skip
    assert told.returncode == 0, told.stderr


ASKED_BY_NAME = re.compile(
    r"hasattr\((?:stage|load|it)\b|getattr\((?:\w+\.)?stage, \""
    r"|\bstage(?:\[\"type\"\]|\.type) (?:==|!=|in|not in) (?!STAGE_TYPES)|\bstage\.type\.(?:ends|starts|remove)"
)
THEIR_OWN = tuple(f"executor/stages/{kind}/" for kind in KINDS)
MAKERS_OF_DOCUMENTS = {"portal/looks/starts.py"}
"""What writes stages of a known type into a document looks for those it has written."""


def test_nobody_outside_asks_a_stage_for_its_type_or_for_a_field_by_name():
    """A stage says what it needs (executor/stages/base.py); a list of types elsewhere would pass the next type by."""
    asking = [
        f"{path}: {found.group()}"
        for folder in ("executor", "portal")
        for path in sorted(Path(folder).rglob("*.py"))
        if not str(path).startswith(THEIR_OWN) and str(path) not in MAKERS_OF_DOCUMENTS
        for found in ASKED_BY_NAME.finditer(path.read_text("utf-8"))
    ]
    assert asking == []


SENDING = re.compile(
    r"\bimport (?:httpx|requests|hvac|aiohttp|http\.client|urllib\.request)\b|\bfrom (?:httpx|requests|hvac|http\.client|urllib\.request)\b"
    r"|create_connection\("
)
TO_ITS_OWN = {"portal/demo/stack.py", "portal/environments/backends/hashicorp.py"}
"""The first asks the web process that it has started whether it is up; the second asks the host that an operator has set, and no other
(tests/environments/test_backends.py)."""
BEHIND_THE_WALL = {"executor/trials/http.py", "executor/trials/trial.py"}
"""Tests of connections: where they run there is nothing but the places that were checked (docs/decisions/egress.md)."""


def test_only_one_client_sends_to_other_servers():
    """It checks where it goes (docs/decisions/outgoing.md). The object store speaks through boto3, mail through Django."""
    code = {str(path): path.read_text("utf-8") for folder in ("portal", "executor") for path in Path(folder).rglob("*.py")}
    assert {path for path, text in code.items() if SENDING.search(text)} - TO_ITS_OWN - BEHIND_THE_WALL == {"portal/outgoing/client.py"}


def test_whether_an_environment_is_protected_is_asked_in_one_place():
    asking = [
        str(path)
        for folder, ends in (("portal", "*.py"), ("templates", "*.html"))
        for path in Path(folder).rglob(ends)
        if re.search(r"\.rank\s*(?:==|!=|>|<)", path.read_text("utf-8"))
    ]
    assert asking == ["portal/environments/models.py"]
