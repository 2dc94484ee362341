"""Order and filters of a result as a further query over it, so that what is not shown is sorted and searched as well."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from executor.language.quoting import name_in_sql, text_in_sql
from executor.language.typed_texts import kind_of
from executor.problems import Problem, ProblemError

SIGNS = {"is": "<=>", "is not": "IS DISTINCT FROM", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
ALONE = {"is empty": "IS NULL", "is not empty": "IS NOT NULL"}
HOLDS = ("contains", "does not contain")
HOW = (*HOLDS, *SIGNS, *ALONE)


@dataclass(frozen=True)
class Filter:
    """One condition on a column. `value` is a text as people write it; it is compared as a value of the column's type."""

    column: str
    how: str
    value: str = ""

    def sql(self, types: Mapping[str, str]) -> str:
        """`types` of the result's columns by their names in small letters. Raises ProblemError for a value that is none of the type."""
        name = name_in_sql(self.column)
        if self.how in HOLDS:
            found = f"contains(lower(CAST({name} AS STRING)), lower({text_in_sql(self.value)}))"
            return found if self.how == "contains" else f"NOT coalesce({found}, false)"
        if self.how in ALONE:
            return f"{name} {ALONE[self.how]}"
        # A name that is not there, or that stands twice, is told by Spark.
        return f"{name} {SIGNS[self.how]} {self._literal(types.get(self.column.casefold(), 'string'))}"

    def _literal(self, type_: str) -> str:
        kind = kind_of(type_)
        if kind is None:
            fix = "Choose “contains” or “is empty”, or write the condition into the query."
            raise self._refused(f"The values of “{self.column}” cannot be compared with a text.", fix)
        literal = kind.literal(self.value if kind.words == "texts" else self.value.strip())
        if literal is None:
            fix = f"Write one as in {kind.example}" + ("." if self.value.strip() else ", or choose “is empty”.")
            raise self._refused(f"“{self.column}” holds {kind.words}; what it is compared with is none.", fix)
        return literal

    def _refused(self, message: str, fix: str) -> ProblemError:
        return ProblemError(Problem(code="filter-value", field="filters", message=message, found=self.value[:100] or None, fix=fix))


@dataclass(frozen=True)
class Shape:
    """`order`: the column that the result is sorted by ("": as it comes); values that are missing stand last either way."""

    order: str = ""
    descending: bool = False
    filters: tuple[Filter, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """As JSON, which `shape_of` reads."""
        return asdict(self) | {"filters": [asdict(one) for one in self.filters]}

    def __bool__(self) -> bool:
        return bool(self.order or self.filters)

    def stage(self, view: str, types: Mapping[str, str]) -> dict[str, Any]:
        """The stage that does it to `view`; `types` as of `Filter.sql`."""
        conditions = "".join(f"\n{'AND' if place else 'WHERE'} {one.sql(types)}" for place, one in enumerate(self.filters))
        order = f"\nORDER BY {name_in_sql(self.order)} {'DESC' if self.descending else 'ASC'} NULLS LAST" if self.order else ""
        sql = f"SELECT * FROM {name_in_sql(view)}{conditions}{order}"  # noqa: S608 - Spark's, through the gate; names and texts are quoted
        return {"type": "SQLTransform", "name": "shape", "sql": sql, "outputView": f"{view}_shaped"}


def shape_of(given: Any) -> Shape:
    """From JSON, as `Shape.as_dict` makes it. Raises ProblemError for what is no order and filters."""
    try:
        shape = Shape(
            str(given.get("order", "")), given.get("descending") is True, tuple(Filter(**one) for one in given.get("filters", ()))
        )
        if all(one.how in HOW and isinstance(one.column, str) and isinstance(one.value, str) for one in shape.filters):
            return shape
    except (AttributeError, TypeError):
        pass
    raise ProblemError(Problem(code="request-wrong", field="shape", message="The order or the filters are not right."))
