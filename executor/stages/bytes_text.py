"""Bytes as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import Column


def base64_text(column: Column | str) -> Column:
    """Bytes in base64 on one line, as JSON has them and every reader takes them: Spark's own breaks the line after 76 signs."""
    from pyspark.sql import functions as F

    return F.translate(F.base64(column), "\r\n", "")
