"""Gets the jars of `executor/spark/connectors.txt`; a part of `python -m executor.setup_spark`, which `make setup` runs.

Ivy, which Spark brings, fetches them from the repository that Spark itself takes packages from (or the one that Spark's own variable
DEFAULT_ARTIFACT_REPOSITORY names). Nothing is taken whose hash is not the committed one. They are kept in the person's cache folder, for
every checkout of the machine, and linked into Spark's folder from there.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from xml.sax.saxutils import quoteattr

from executor.problems import Problem
from executor.spark.compiling import compile_jar
from executor.spark.connectors import OWN_JAR, TITLES, ConnectorJar, connector_jars, not_here, own_sources
from executor.spark.home import SparkHome, java_command, pyspark_jars

WAITS = ("-Dsun.net.client.defaultConnectTimeout=10000", "-Dsun.net.client.defaultReadTimeout=60000")
"""Milliseconds until Java gives up on a repository that does not answer."""
LONGEST_SECONDS = 600
Say = Callable[[str], None]


def set_up_connectors(home: SparkHome, say: Say = lambda text: None, cache: Path | None = None) -> Problem | None:
    """Links every jar of the list into `home`; those that this machine does not keep yet are fetched first, into `cache`.
    Sluice works without them, but for what they reach: the problem that is returned says so."""
    cache = cache or cache_folder()
    if all((home.connectors / jar.file_name).is_file() for jar in connector_jars()):
        own_jar(home)
        return None
    get(connector_jars(), cache, say, ", ".join(TITLES.values()))
    home.connectors.mkdir(exist_ok=True)
    missing = [jar for jar in connector_jars() if not _linked(jar, cache, home)]
    if not missing:
        own_jar(home)
        return None
    problem = not_here(missing)
    say(f"{problem.message} {problem.fix} Or put {len(missing)} jars, such as {missing[0].file_name}, into {cache}.")
    return problem


def get(jars: Sequence[ConnectorJar], cache: Path, say: Say, what: str) -> None:
    """Fetches those into `cache` that are not kept there yet, as far as they can be got. `what` they are for, in words."""
    if wanted := [jar for jar in jars if not is_kept(jar, cache)]:
        say(f"Connectors: getting {len(wanted)} jars for {what}")
        _fetch(wanted, cache, say)


def own_jar(home: SparkHome) -> None:
    """Compiles our own classes that stand between the connectors, unless it is done."""
    target = home.connectors / OWN_JAR
    if not target.is_file():
        compile_jar(home, own_sources(), target)


def cache_folder() -> Path:
    """Where this person's jars are kept for all checkouts."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sluice" / "jars"


def is_kept(jar: ConnectorJar, folder: Path) -> bool:
    """Whether the folder has that very jar."""
    path = folder / jar.file_name
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == jar.sha256


def _linked(jar: ConnectorJar, cache: Path, home: SparkHome) -> bool:
    target = home.connectors / jar.file_name
    if target.is_file():
        return True
    if not is_kept(jar, cache):
        return False
    try:
        os.link(cache / jar.file_name, target)
    except OSError:
        shutil.copyfile(cache / jar.file_name, target)
    return True


def _fetch(wanted: Sequence[ConnectorJar], cache: Path, say: Say) -> None:
    """Into `cache`, where each has its name only once it is whole and its hash is right."""
    with tempfile.TemporaryDirectory(prefix="sluice-ivy-") as name:
        folder = Path(name)
        # One first: where nothing answers, nobody waits for the other forty.
        told = _run_ivy(wanted[:1], folder)
        if is_kept(wanted[0], folder):
            told = _run_ivy(wanted, folder)
        cache.mkdir(parents=True, exist_ok=True)
        for jar in wanted:
            if is_kept(jar, folder):
                whole = cache / f"{jar.file_name}.{os.getpid()}"
                shutil.copyfile(folder / jar.file_name, whole)
                whole.chmod(0o644)
                whole.replace(cache / jar.file_name)
            elif (folder / jar.file_name).is_file():
                say(f"Connectors: {jar.file_name} is not the file that Sluice was tested with (its hash differs); it was not kept.")
            else:
                say(f"Connectors: {jar.file_name} could not be got. {told}")
                return


def _run_ivy(jars: Sequence[ConnectorJar], folder: Path) -> str:
    """Fetches them into `folder`, by their file names. Gives what it said last when it failed."""
    (folder / "settings.xml").write_text(_settings(), encoding="utf-8")
    (folder / "ivy.xml").write_text(_dependencies(jars), encoding="utf-8")
    command = [java_command(), *WAITS, "-cp", str(_ivy()), "org.apache.ivy.Main"]
    options = {"settings": "settings.xml", "ivy": "ivy.xml", "cache": "cache", "retrieve": "[artifact]-[revision].[ext]"}
    command += [word for option, value in options.items() for word in (f"-{option}", str(folder / value))]
    try:
        done = subprocess.run(  # noqa: S603
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=LONGEST_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return "It took too long."
    lines = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip()]
    return next((line for line in lines if "Exception" in line or "not found" in line), lines[-1] if lines else "")


def _ivy() -> Path:
    return next(pyspark_jars().glob("ivy-*.jar"))


def _settings() -> str:
    """Ivy's own idea of a Maven repository, which is Spark's too, unless Spark's variable names another."""
    repository = os.environ.get("DEFAULT_ARTIFACT_REPOSITORY")
    root = f" root={quoteattr(repository)}" if repository else ""
    return (
        '<ivysettings><settings defaultResolver="maven"/>'
        f'<resolvers><ibiblio name="maven" m2compatible="true" usepoms="false"{root}/></resolvers></ivysettings>'
    )


def _dependencies(jars: Sequence[ConnectorJar]) -> str:
    """Just these: what they need stands in the list as well, or is in Spark."""
    rows = "".join(
        f'<dependency org="{jar.organisation}" name="{jar.name}" rev="{jar.version}" transitive="false" conf="*->default"/>' for jar in jars
    )
    return f'<ivy-module version="2.0"><info organisation="sluice" module="connectors"/><dependencies>{rows}</dependencies></ivy-module>'
