"""The program that lists one folder of a root for the portal."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from executor.look import commands
from tests.executor.test_runs_on_s3 import Bucket

if TYPE_CHECKING:
    from tests.services.s3 import S3Server


def listed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], lake: Path, root: str, folder: str, **values: Any) -> Any:
    given = {"lake": str(lake), "root": root, "folder": folder, "uri": f"{root}:{folder}", **values}
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(given) + "\n"))
    commands.answer(commands.list_folder)
    (line,) = capsys.readouterr().out.splitlines()
    return json.loads(line)


def test_the_folder_of_an_environment_is_listed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "x.csv").write_text("a")
    told = listed(monkeypatch, capsys, tmp_path, "lake", "raw")
    assert told["event"] == "listed" and [one["name"] for one in told["entries"]] == ["x.csv"] and not told["more"]
    for root, folder in (("archive", ""), ("lake", "../x"), ("lake", "/etc")):
        told = listed(monkeypatch, capsys, tmp_path, root, folder)
        assert told["event"] == "problem" and told["problem"]["message"]


@pytest.mark.services
def test_a_root_on_s3_is_listed_with_what_its_connection_signs_in_with(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, s3_server: S3Server
) -> None:
    bucket = Bucket(s3_server)
    for key in ("raw/a.csv", "raw/_b.csv", "raw/2013/x.csv", "top.csv"):
        bucket.put(key, "1234")
    bucket.values["roots"]["archive"] = bucket.values["roots"].pop("lake")
    told = listed(monkeypatch, capsys, tmp_path, "archive", "", **bucket.values)
    assert [(one["name"], one["is_folder"], one["size"]) for one in told["entries"]] == [("raw", True, None), ("top.csv", False, 4)]
    told = listed(monkeypatch, capsys, tmp_path, "archive", "raw", **bucket.values)
    assert [one["name"] for one in told["entries"]] == ["2013", "a.csv"]
    bucket.values["roots"]["archive"]["address"] = "s3a://no-such-bucket-here/"
    told = listed(monkeypatch, capsys, tmp_path, "archive", "", **bucket.values)
    assert told["event"] == "problem" and "test-secret" not in json.dumps(told)
