"""Whether a run is a small one, as far as that can be told before Spark starts: the compilers of its JVM are chosen by it.

Java's thorough compiler needs code that counts what it does, and a job that ends within seconds pays for all of that and gains nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from executor.document.places import addresses_as_written, connections_as_written
from executor.problems import ProblemError
from executor.running.values import Values
from executor.stages.base import READS
from executor.stores.roots import Roots

LITTLE_BYTES = 32 * 1024 * 1024
"""Of text. Where the two ways meet was measured (docs/decisions/executor-start.md)."""
LONG_SECONDS = 60
"""A job that reads little may still make much of it, every row beside every other one: then it takes long, and the next time it is no
small run."""
PACKED = (".parquet", ".orc", ".avro", ".gz", ".zip", ".bz2", ".zst", ".xz", ".lz4", ".snappy", ".deflate", ".xlsx")
UNPACKED_TIMES = 4
"""A guess at how much more text there is in a packed file."""


def is_small_run(document: Mapping[str, Any], environment: str | None, given: Values) -> bool:
    """Of a document that may be wrong in every way: it reads little, and has not taken long before. What does not lie in a folder of this
    machine may be any size: it is not little."""
    if given.took_seconds > LONG_SECONDS:
        return False
    named = (environment or "dev", {name: value for name, value in given.parameters.items() if value is not None})
    if any(one.does == READS for one in connections_as_written(document, *named)):
        return False
    roots = Roots(given.lake, None, given.roots, given.connections)
    try:
        read = [_bytes_at(roots, one.uri, one.field) for one in addresses_as_written(document, *named) if one.does == READS]
    except (ProblemError, OSError):
        return False
    return sum(read) <= LITTLE_BYTES


def _bytes_at(roots: Roots, uri: str, field: str) -> int:
    store, place = roots.at(uri, field)
    return sum(size * (UNPACKED_TIMES if name.lower().endswith(PACKED) else 1) for name, _, size in store.state(place))
