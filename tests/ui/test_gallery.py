"""The gallery of components."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import Http404
from django.test import RequestFactory

from portal.ui import views


def test_the_gallery_is_not_there_in_earnest_use(settings: Any) -> None:
    settings.DEBUG = False
    with pytest.raises(Http404):
        views.gallery(RequestFactory().get("/ui/gallery"))


def test_the_gallery_shows_every_state(settings: Any) -> None:
    settings.DEBUG = True
    html = views.gallery(RequestFactory().get("/ui/gallery")).content.decode()
    assert "succeeded with warnings" in html
    assert "<script>alert" not in html
