"""The picture in docs/architecture.md is the code."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def picture() -> ModuleType:
    spec = importlib.util.spec_from_file_location("picture", ROOT / "docs" / "picture.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_picture_of_the_architecture_is_fresh(picture: ModuleType) -> None:
    page = picture.PAGE.read_text(encoding="utf-8")
    assert picture.drawn(page) == page, "docs/architecture.md is stale: run `python docs/picture.py`"


def test_portal_reaches_spark_by_no_arrow(picture: ModuleType) -> None:
    others = {a for a, b in picture.edges() if b in (picture.SPARK, "spark", "gate", "running", picture.COMMANDS)}
    assert others and not others - picture.executor_parts()


def test_executor_reaches_django_by_no_arrow(picture: ModuleType) -> None:
    assert not {a for a, b in picture.edges() if b == picture.DJANGO} & picture.executor_parts()


def test_an_arrow_that_follows_from_others_is_left_out(picture: ModuleType) -> None:
    assert picture.reduced({("a", "b"), ("b", "c"), ("a", "c")}) == {("a", "b"), ("b", "c")}
