"""Lays out one SQL text: `python -m executor.language.layout`, from standard input to standard output.

A program of its own, because a text can keep a parser busy for any time, and a web process must not be kept busy. Exit 1: the text cannot
be read; then standard output says where, as `line:column`.
"""

from __future__ import annotations

import re
import sys

_PLACEHOLDER = re.compile(r"\$\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}")
_STAND_IN = re.compile(r"\bsluice_parameter_([A-Za-z_][A-Za-z0-9_]*?)_x\b")


def main() -> int:
    import sqlglot

    text = sys.stdin.read()
    try:
        trees = sqlglot.parse(_PLACEHOLDER.sub(r"sluice_parameter_\1_x", text), read="spark")
        lines = [tree.sql(dialect="spark", pretty=True, max_text_width=100) for tree in trees if tree is not None]
    except (sqlglot.errors.SqlglotError, RecursionError) as error:
        found = getattr(error, "errors", None) or [{}]
        line, column = found[0].get("line"), found[0].get("col")
        sys.stdout.write(f"{line}:{column}" if line else "")
        return 1
    sys.stdout.write(_STAND_IN.sub(r"${\1}", ";\n".join(lines)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
