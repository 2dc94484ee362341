"""Lakes of their own for the tests of data."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from portal.accounts.models import User
    from portal.data.models import FileVersion
    from portal.environments.models import Environment


@pytest.fixture(autouse=True)
def lake_root(settings: Any, tmp_path: Path) -> Path:
    settings.LAKE_DIR = tmp_path / "lake"
    return tmp_path / "lake"


@pytest.fixture
def lake(lake_root: Path, dev: Environment) -> Path:
    """The folder of flights' dev."""
    folder = lake_root / "flights" / "dev"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def bring(dev: Environment, ana: User) -> Callable[..., FileVersion]:
    """`bring("a.csv", b"a\\n1\\n")` uploads a file as Ana."""

    from portal.data import actions

    def bring(name: str, data: bytes, *, who: User = ana, where: Environment = dev, **given: Any) -> FileVersion:
        upload = actions.begin_upload(actor=who, environment=where, name=name, size=len(data), **given)
        actions.receive_piece(actor=who, upload=upload, offset=0, parts=[data], length=len(data))
        return actions.finish_upload(actor=who, upload=upload)

    return bring
