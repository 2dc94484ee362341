"""A wrong setting ends the start with one sentence, not with a traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [("SLUICE_HOME", "{file}", "which cannot be a folder"), ("SLUICE_DEBUG", "perhaps", "SLUICE_DEBUG is “perhaps”; it must be 1 or 0.")],
)
def test_a_wrong_setting_is_told_in_one_sentence(name: str, value: str, words: str, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("kept")
    environment = {**os.environ, "SLUICE_HOME": str(tmp_path / "home"), name: value.format(file=file)}
    ended = subprocess.run([sys.executable, "manage.py", "check"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert words in ended.stderr and ended.stderr.startswith("Sluice cannot start: ") and ended.stderr.count("\n") == 1
    assert file.read_text() == "kept"
