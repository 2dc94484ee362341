"""A root that is given another place: what is kept where it led is not offered, and while something is changed there it stays."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from portal.accounts.models import User
from portal.data import actions, elsewhere, seen
from portal.data.models import UNKNOWN, FileVersion
from portal.environments import connections
from portal.environments.at_work import changing
from portal.environments.models import Environment, Root
from portal.errors import Conflict
from portal.jobs.models import Place
from portal.runs import published, table_actions
from tests.data.programs import in_this_process

pytestmark = pytest.mark.django_db(transaction=True)
PAGE = "/p/flights/data/dev/"
WHY = "It is kept where the root “archive” led then."
Bring = Callable[..., FileVersion]


@pytest.fixture
def root(ada: User, dev: Environment, lake: Path, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Root:
    monkeypatch.setattr(seen, "SECONDS", 0.0)
    in_this_process(monkeypatch)
    data = Path(os.path.realpath(tmp_path)) / "data"
    settings.ROOT_FOLDERS = [str(data)]
    for name in ("one", "two"):
        (data / name).mkdir(parents=True)
        (data / name).chmod(0o777)
    return connections.add_root(actor=ada, environment=dev, name="archive", connection="", address=str(data / "one"), may_write=True)


def lead(ada: User, root: Root, to: str) -> None:
    place = str(Path(root.address).with_name(to))
    connections.edit_root(actor=ada, root=root, connection="", address=place, may_write=True)


def test_what_is_kept_elsewhere_is_not_offered_and_says_why(
    root: Root, dev: Environment, ada: User, ana: User, bring: Bring, browser_of: Any
) -> None:
    gone = bring("gone.csv", b"n\n1\n", folder="archive:in")
    actions.delete_data(actor=ana, environment=dev, uri=gone.uri)
    old = bring("a.csv", b"n\n1\n", folder="archive:in")
    bring("a.csv", b"n\n2\n2\n", folder="archive:in", if_there="new_version")

    def offered(page: str) -> tuple[bool, bool]:
        text = browser_of(ana).get(PAGE + page).text
        return 'name="version"' in text, WHY in text

    pages = ("", "table?uri=archive:in/a.csv")
    assert [offered(page) for page in pages] == [(True, False), (True, False)]
    lead(ada, root, "two")
    (Path(root.address).with_name("two") / "in").mkdir()
    (Path(root.address).with_name("two") / "in/a.csv").write_text("n\n9\n")
    assert [offered(page) for page in pages] == [(False, True), (False, True)]
    for version in (gone, old):
        with pytest.raises(Conflict, match="kept where the root “archive” led then") as refused:
            actions.put_back(actor=ana, version=FileVersion.objects.get(pk=version.pk))
        assert refused.value.code == "kept-elsewhere"
    lead(ada, root, "one")
    assert [offered(page) for page in pages] == [(True, False), (True, False)]
    FileVersion.objects.filter(pk=gone.pk).update(kept_at=UNKNOWN)
    assert actions.put_back(actor=ana, version=FileVersion.objects.get(pk=gone.pk)).uri == gone.uri, "of before that was written down"


def test_a_root_stays_while_something_is_changed_there(
    root: Root, dev: Environment, ada: User, ana: User, bring: Bring, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[str] = []

    def try_to_lead_it_away() -> None:
        for change in (lambda: lead(ada, root, "two"), lambda: connections.remove_root(actor=ada, root=root)):
            with pytest.raises(Conflict, match="changing something there by hand just now") as refused:
                change()
            tries.append(str(refused.value.code))

    asks = elsewhere.Elsewhere._ask

    def asked(self: Any, what: str, values: dict[str, Any], progress: Any = None) -> dict[str, Any]:
        if what == "keep":
            try_to_lead_it_away()
        return asks(self, what, values, progress)

    monkeypatch.setattr(elsewhere.Elsewhere, "_ask", asked)
    version = bring("a.csv", b"n\n1\n", folder="archive:in")
    actions.delete_data(actor=ana, environment=dev, uri=version.uri)
    actions.put_back(actor=ana, version=FileVersion.objects.get(pk=version.pk))
    actions.rename_data(actor=ana, environment=dev, uri=version.uri, to="b.csv")
    assert tries == ["root-in-use"] * 6

    def answered(*given: Any, **named: Any) -> dict[str, Any]:
        try_to_lead_it_away()
        return {}

    monkeypatch.setattr(table_actions, "_asked", answered)
    monkeypatch.setattr(published, "_put_back", answered)
    table_actions.change(ana, dev, "archive:table", "restore", version=1)
    published.put_back(ana, Place(environment=dev, uri="archive:table"), "version-1", published.Shown())
    assert len(tries) == 10
    with changing(dev, "raw/x.csv"):
        lead(ada, root, "two")  # another root's matter
    root.refresh_from_db()
    assert root.address.endswith("two")
