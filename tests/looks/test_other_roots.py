"""Looks at files of other roots: asked for by any spelling, kept for a moment, refused where the address leads nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.environments.connected import make_root, make_s3

if TYPE_CHECKING:
    from portal.accounts.models import User
    from portal.environments.models import Environment


def test_what_was_looked_at_a_moment_ago_is_known_by_any_spelling(ada: User, dev: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    from portal.looks import asking

    make_root(ada, make_s3(ada, dev), "archive", "s3a://acme-lake/prod/")
    monkeypatch.setattr(asking.time, "monotonic", lambda: 1_000.0)
    before = asking._key(dev, "archive:x.csv", {})
    assert asking._key(dev, "s3a://acme-lake/prod/x.csv", {}) == before
    assert asking._key(dev, "x.csv", {}) != before != asking._key(dev, "archive:x.csv", {"header": True})
    monkeypatch.setattr(asking.time, "monotonic", lambda: 1_000.0 + 2 * asking.OTHER_ROOTS_SECONDS)
    assert asking._key(dev, "archive:x.csv", {}) != before
    for nowhere in ("other:x.csv", "../x.csv", "s3a://acme-lake/x.csv", "archive:../x"):
        with pytest.raises(asking.NotLookedAt):
            asking._key(dev, nowhere, {})
