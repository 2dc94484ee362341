"""Compiles Java with the compiler that Spark itself ships (Janino), so that no JDK is needed."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from executor.spark.home import SparkHome
from executor.spark.jvm import PREVIEW, Jvm, java_options

MEMORY_MB = 512


def compile_jar(
    home: SparkHome, sources: Sequence[Path], target: Path, more_jars: Sequence[Path] = (), texts: Mapping[str, str] = {}
) -> None:
    """Makes the jar `target` of `sources`, which may use Spark's jars and `more_jars`. `texts`: other files in it, by name."""
    with tempfile.TemporaryDirectory(prefix="sluice-compile-") as folder:
        jvm = Jvm(home, java_options(MEMORY_MB, 1, PREVIEW, Path(folder)), lambda level, text: None, more_jars)
        try:
            _cook(jvm.connect(), sources, [*sorted(home.jars.glob("*.jar")), *more_jars], Path(folder))
        finally:
            jvm.kill()
        whole = target.with_suffix(".making")
        with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as jar:
            for name, text in texts.items():
                jar.writestr(zipfile.ZipInfo(name), text)
            for compiled in sorted(Path(folder).rglob("*.class")):
                jar.writestr(zipfile.ZipInfo(str(compiled.relative_to(folder))), compiled.read_bytes())
        whole.replace(target)


def _cook(gateway: Any, sources: Sequence[Path], class_path: Sequence[Path], target: Path) -> None:
    jvm = gateway.jvm
    compiler = jvm.org.codehaus.janino.Compiler()
    compiler.setClassPath(_files(gateway, class_path))
    compiler.setDestinationDirectory(jvm.java.io.File(str(target)), False)
    compiler.compile(_files(gateway, sources))


def _files(gateway: Any, paths: Sequence[Path]) -> Any:
    array = gateway.new_array(gateway.jvm.java.io.File, len(paths))
    for index, path in enumerate(paths):
        array[index] = gateway.jvm.java.io.File(str(path))
    return array
