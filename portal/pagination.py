"""Cursor pages of the API."""

from rest_framework.pagination import CursorPagination


class TimeCursor(CursorPagination):
    """Newest first; stable while rows arrive."""

    ordering = "-created_at"
    page_size = 50
