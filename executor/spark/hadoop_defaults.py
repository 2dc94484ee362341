"""Hadoop's own settings, as an executor has them: next to none.

Hadoop brings some 1,100 with their default values, nearly all of services that no executor starts or asks (YARN, MapReduce, name nodes,
gateways of other clouds). Spark copies, packs, sends and unpacks all of them for each file that a query reads, which was a fifth to a
quarter of a small run's processor time. Files of the same names in our jar, which stands first, take the place of Hadoop's.
"""

from __future__ import annotations

from xml.sax.saxutils import escape

NEEDED = {
    "hadoop.tmp.dir": "${java.io.tmpdir}",
    "fs.AbstractFileSystem.file.impl": "org.apache.hadoop.fs.local.LocalFs",
}
"""What Hadoop's programs ask for without a default of their own. Stores that come bring theirs."""

FILES: dict[str, dict[str, str]] = {"core-default.xml": NEEDED, "mapred-default.xml": {}, "yarn-default.xml": {}}


def texts() -> dict[str, str]:
    """The files: name and XML."""
    return {name: _xml(values) for name, values in FILES.items()}


def _xml(values: dict[str, str]) -> str:
    properties = "".join(
        f"<property><name>{escape(name)}</name><value>{escape(value)}</value></property>" for name, value in values.items()
    )
    return f'<?xml version="1.0"?>\n<configuration>{properties}</configuration>\n'
