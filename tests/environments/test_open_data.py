"""Sets of open data: a connection and a root in one click. Nothing is asked of anybody."""

from __future__ import annotations

import pytest

from executor.connections.open_data import OPEN_SETS, OpenSet
from executor.connections.s3 import S3
from portal.environments.models import Connection, Root
from portal.environments.open_data import add_open_data, not_yet_in
from portal.environments.reach import reach_of
from portal.errors import NotAllowed, PortalError

pytestmark = pytest.mark.django_db
PAGE = "/p/flights/settings/environments/dev"


@pytest.mark.parametrize("one", OPEN_SETS, ids=lambda one: one.name)
def test_every_set_is_right_and_read_only(one: OpenSet, ada, dev):
    root = add_open_data(actor=ada, environment=dev, name=one.name)
    assert (root.address, root.may_write, root.connection.versions.count()) == (one.root, False, 0)
    made = S3.model_validate(root.connection.settings)
    assert made.sign_in == "nobody" and made.clean_root(one.root) == one.root and one.title and one.words
    reach = reach_of(dev, used_by="x")
    assert reach.secrets == [] and [str(place) for place in reach.endpoints] == [
        f"{one.root.split('/')[2]}.s3.{one.region}.amazonaws.com:443"
    ]


def test_one_click_makes_both_and_no_second_one(ada, dev, browser_of):
    browser = browser_of(ada)
    assert "New York taxi trips" in browser.get(f"{PAGE}/connections").content.decode()
    assert browser.post(f"{PAGE}/open-data", {"name": "nyc_tlc"}).status_code == 302
    assert Root.objects.get(name="nyc_tlc").connection == Connection.objects.get()
    assert "nyc_tlc" not in [one.name for one in not_yet_in(dev)]
    with pytest.raises(PortalError, match="already"):
        add_open_data(actor=ada, environment=dev, name="nyc_tlc")
    with pytest.raises(PortalError, match="not known"):
        add_open_data(actor=ada, environment=dev, name="s3a://other/")


def test_only_who_manages_the_environment(ana, dev, browser_of):
    with pytest.raises(NotAllowed):
        add_open_data(actor=ana, environment=dev, name="nyc_tlc")
    assert browser_of(ana).post(f"{PAGE}/open-data", {"name": "nyc_tlc"}).status_code == 404
    assert not Connection.objects.exists()


def test_where_the_place_is_taken_nothing_is_made(ada, dev):
    from tests.environments.connected import make_root, make_s3

    make_root(ada, make_s3(ada, dev), address="s3a://nyc-tlc/trip/")
    with pytest.raises(PortalError, match="lies there"):
        add_open_data(actor=ada, environment=dev, name="nyc_tlc")
    assert not Connection.objects.filter(name="nyc_tlc").exists()
