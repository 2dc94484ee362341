"""Sorting and filtering a result: by a further query over it, so that what is not shown is sorted and searched as well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from executor.language.quoting import name_in_sql, text_in_sql
from portal.errors import PortalError

MOST_FILTERS = 20
SIGNS = {"is": "<=>", "is not": "IS DISTINCT FROM", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
ALONE = {"is empty": "IS NULL", "is not empty": "IS NOT NULL"}
HOLDS = ("contains", "does not contain")
HOW = (*HOLDS, *SIGNS, *ALONE)


class ShapeNotRight(PortalError):
    """There is no such order or filter."""

    code = "field-wrong"
    status = 422


@dataclass(frozen=True)
class Filter:
    """One condition on a column. `value` is a text as people write it; Spark compares it as the column's type."""

    column: str
    how: str
    value: str = ""

    def __post_init__(self) -> None:
        if self.how not in HOW:
            raise ShapeNotRight(f"There is no filter “{self.how[:40]}”.", field="filters", fix=f"One of: {', '.join(HOW)}.")

    @property
    def sql(self) -> str:
        name, text = name_in_sql(self.column), text_in_sql(self.value)
        if self.how in HOLDS:
            found = f"contains(lower(CAST({name} AS STRING)), lower({text}))"
            return found if self.how == "contains" else f"NOT coalesce({found}, false)"
        return f"{name} {ALONE[self.how]}" if self.how in ALONE else f"{name} {SIGNS[self.how]} {text}"


@dataclass(frozen=True)
class Shape:
    """`order`: the column that the result is sorted by ("": as it comes); values that are missing stand last either way."""

    order: str = ""
    descending: bool = False
    filters: tuple[Filter, ...] = ()

    @property
    def is_any(self) -> bool:
        return bool(self.order or self.filters)

    def stage(self, view: str) -> dict[str, Any] | None:
        """The stage that does it to `view`; None where there is nothing to do."""
        if len(self.filters) > MOST_FILTERS:
            raise ShapeNotRight(f"There are more than {MOST_FILTERS} filters.", field="filters", fix="Write them into the query.")
        conditions = "".join(f"\n{'AND' if place else 'WHERE'} {one.sql}" for place, one in enumerate(self.filters))
        order = f"\nORDER BY {name_in_sql(self.order)} {'DESC' if self.descending else 'ASC'} NULLS LAST" if self.order else ""
        if not conditions and not order:
            return None
        sql = f"SELECT * FROM {view}{conditions}{order}"  # noqa: S608 - Spark's, through the gate; names and texts are quoted
        return {"type": "SQLTransform", "name": "shape", "sql": sql, "outputView": f"{view}_shaped"}
