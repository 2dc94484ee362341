"""Several people at the same moment, on PostgreSQL."""

from __future__ import annotations

import pytest

from portal.environments import connections, sealing
from portal.environments.models import Connection, Root
from tests import factories
from tests.at_once import at_once
from tests.environments.connected import KEYS, make_root, make_s3

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("database_server")]


def test_each_rotation_is_a_version_and_one_is_in_use(ada, prod):
    made = make_s3(ada, prod)

    def rotate(number: int) -> None:
        secrets = {name: f"{value}{number}" for name, value in KEYS.items()}
        connections.rotate_secret(actor=ada, connection=Connection.objects.get(), secrets=secrets)

    assert at_once(rotate, 4) == [""] * 4
    assert sorted(made.versions.values_list("number", flat=True)) == [1, 2, 3, 4, 5]
    assert made.versions.get(ends_at=None).number == 5 and sealing.opened(made, 3, used_by="x")


def test_one_of_those_who_take_the_same_name_or_place_gets_it(ada, flights, harbour):
    """In two environments of one project, and in another project."""
    other = factories.make_person("otto", harbour, "environment_admin")
    places = [
        (ada, flights.environments.get(name="dev")),
        (ada, flights.environments.get(name="prod")),
        (other, harbour.environments.first()),
    ]
    for person, environment in places:
        make_s3(person, environment)

    def take(number: int) -> None:
        person, environment = places[number % 3]
        on = Connection.objects.get(environment=environment)
        make_root(person, on, "curated", "s3a://acme-lake/", may_write=True)

    codes = at_once(take, 6)
    assert codes.count("") == 1 and set(codes) == {"", "place-taken", "name-taken"}
    assert Root.objects.filter(name="curated").count() == 1


def test_a_root_and_the_removal_of_its_connection_do_not_both_happen(ada, prod):
    made = make_s3(ada, prod)

    def work(number: int) -> None:
        if number % 2:
            connections.remove_connection(actor=ada, connection=made)
        else:
            make_root(ada, made)

    codes = at_once(work, 2)
    assert codes in (["", "connection-in-use"], ["connection-unknown", ""])
