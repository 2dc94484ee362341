"""Who may import whom, and that the portal describes stages without loading Spark."""

from __future__ import annotations

import subprocess
import sys

import pytest


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)


def test_imports_go_one_way():
    told = subprocess.run(["lint-imports", "--no-cache"], capture_output=True, text=True, timeout=120, check=False, env=_with_tools())
    assert told.returncode == 0, told.stdout


def _with_tools() -> dict[str, str]:
    import os
    from pathlib import Path

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
