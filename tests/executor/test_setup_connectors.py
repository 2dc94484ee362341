"""Connectors are taken only as they were tested; where they cannot be got, set-up says so and the rest goes on."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from executor import setup_connectors
from executor.problems import ProblemError
from executor.setup_connectors import cache_folder, is_kept, set_up_connectors
from executor.spark.connectors import DELTA_SETTINGS, OWN_JAR, TITLES, ConnectorJar, connector_jars, jar_paths, settings_of
from executor.spark.home import SparkHome

pytestmark = pytest.mark.services
FEW = [jar for jar in connector_jars() if jar.connector in ("postgresql", "mariadb")]


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A repository on this machine that has the jars of `FEW`, which this machine's set-up has got before."""
    for jar in FEW:
        place = repository_path(tmp_path / "repository", jar)
        place.parent.mkdir(parents=True)
        shutil.copyfile(cache_folder() / jar.file_name, place)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path / "repository")))
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    monkeypatch.setenv("DEFAULT_ARTIFACT_REPOSITORY", f"http://127.0.0.1:{server.server_port}/")
    monkeypatch.setattr(setup_connectors, "connector_jars", lambda: tuple(FEW))
    monkeypatch.setattr(setup_connectors, "own_jar", lambda home: None)
    yield tmp_path / "repository"
    server.shutdown()
    server.server_close()


def repository_path(root: Path, jar: ConnectorJar) -> Path:
    return root / jar.organisation.replace(".", "/") / jar.name / jar.version / jar.file_name


@pytest.fixture
def home(tmp_path: Path) -> SparkHome:
    (tmp_path / "home").mkdir()
    return SparkHome(tmp_path / "home")


def test_jars_are_got_once_for_all_checkouts(repository: Path, home: SparkHome, tmp_path: Path) -> None:
    said: list[str] = []
    assert set_up_connectors(home, said.append, tmp_path / "cache") is None
    assert [path.name for path in jar_paths(home, ["mariadb"])] == [*(jar.file_name for jar in FEW if jar.connector == "mariadb"), OWN_JAR]
    shutil.rmtree(repository)
    (tmp_path / "another").mkdir()
    assert set_up_connectors(SparkHome(tmp_path / "another"), said.append, tmp_path / "cache") is None
    assert len(said) == 1 and "getting 2 jars" in said[0]


def test_a_jar_that_is_not_the_tested_one_is_never_kept(repository: Path, home: SparkHome, tmp_path: Path) -> None:
    with repository_path(repository, FEW[1]).open("ab") as jar:
        jar.write(b"and more")
    said: list[str] = []
    problem = set_up_connectors(home, said.append, tmp_path / "cache")
    assert problem is not None and any("its hash differs" in one for one in said)
    assert [path.name for path in home.connectors.iterdir()] == [FEW[0].file_name]
    (tmp_path / "cache" / FEW[1].file_name).write_bytes(b"put there by hand")
    assert set_up_connectors(home, said.append, tmp_path / "cache") is not None
    assert not is_kept(FEW[1], tmp_path / "cache") and len(list(home.connectors.iterdir())) == 1


def test_without_a_repository_set_up_says_so_soon_and_goes_on(
    repository: Path, home: SparkHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEFAULT_ARTIFACT_REPOSITORY", "http://127.0.0.1:1/")
    said: list[str] = []
    begun = time.monotonic()
    problem = set_up_connectors(home, said.append, tmp_path / "cache")
    assert time.monotonic() - begun < 15
    assert problem is not None and "cannot reach PostgreSQL, MariaDB and MySQL" in problem.message and "Folders work." in problem.message
    assert str(tmp_path / "cache") in said[-1]
    with pytest.raises(ProblemError, match="cannot reach PostgreSQL"):
        jar_paths(home, ["postgresql"])
    assert jar_paths(home, ()) == []


def test_the_list_is_pinned_and_names_no_host() -> None:
    jars = connector_jars()
    assert {jar.connector for jar in jars} == set(TITLES)
    assert len({jar.file_name for jar in jars}) == len(jars)
    assert all(len(jar.sha256) == 64 and jar.version[0].isdigit() for jar in jars)
    assert not [jar for jar in jars if jar.name in ("bundle", "slf4j-api", "httpclient") or jar.organisation.startswith("io.netty")]


def test_settings_come_with_what_needs_them() -> None:
    assert settings_of(()) == settings_of(["sqlite", "postgresql"]) == {}
    assert settings_of(["delta"]) == DELTA_SETTINGS and "catalog" not in str(DELTA_SETTINGS)
