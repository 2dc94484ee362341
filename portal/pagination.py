"""Cursor pages of the API: stable while rows arrive, equally quick at the end as at the start."""

from __future__ import annotations

from typing import Any

from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request


class Cursor(CursorPagination):
    """Newest first by `created_at`, or in the order that the view names in `ordering` (a field that never changes). ?limit= up to 200."""

    ordering = ("-created_at", "-pk")
    page_size = 50
    page_size_query_param = "limit"
    max_page_size = 200

    def get_ordering(self, request: Any, queryset: Any, view: Any) -> tuple[str, ...]:
        ordering = getattr(view, "ordering", None) or self.ordering
        return (ordering,) if isinstance(ordering, str) else tuple(ordering)

    def get_page_size(self, request: Request) -> int:
        """At most `max_page_size`, whatever was asked for. Raises ValidationError for what is no number of rows."""
        given = request.query_params.getlist("limit")
        if not given:
            return self.page_size
        if len(given) > 1 or not given[0].isascii() or not given[0].isdecimal() or int(given[0][:9]) == 0:
            raise ValidationError({"limit": [f"A whole number from 1 to {self.max_page_size}."]})
        return min(int(given[0][:9]), self.max_page_size)

    def decode_cursor(self, request: Request) -> Any:
        try:
            return super().decode_cursor(request)
        except NotFound:
            raise ValidationError({"cursor": ["This is no cursor of ours. Take it from “next” of the page before."]}) from None

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        described = super().get_schema_operation_parameters(view)
        for parameter in described:
            if parameter["name"] == self.page_size_query_param:
                parameter["schema"]["minimum"] = 1
        return described
