"""Sorting and filtering a result: what may be asked. The executor, which knows the types of its columns, makes the query of it."""

from __future__ import annotations

from executor.language.shaping import HOW, Filter, Shape
from portal.errors import PortalError

MOST_FILTERS = 20


class ShapeNotRight(PortalError):
    """There is no such order or filter."""

    code = "field-wrong"
    status = 422


def require_right(shape: Shape) -> None:
    """Raises ShapeNotRight."""
    if len(shape.filters) > MOST_FILTERS:
        raise ShapeNotRight(f"There are more than {MOST_FILTERS} filters.", field="filters", fix="Write them into the query.")
    for one in shape.filters:
        if one.how not in HOW:
            raise ShapeNotRight(f"There is no filter “{one.how[:40]}”.", field="filters", fix=f"One of: {', '.join(HOW)}.")


__all__ = ["HOW", "Filter", "Shape", "require_right"]
