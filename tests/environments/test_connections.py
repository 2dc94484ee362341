from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from executor.connections import CONNECTION_KINDS
from executor.language import roots
from portal.audit.models import AuditEvent
from portal.environments import connections, sealing, vault
from portal.environments.models import Connection, ConnectionSecret, Root
from portal.environments.reach import Needs, endpoints_of, is_still, reach_of
from portal.errors import Conflict, NotAllowed, PortalError
from portal.locking import ChangedMeanwhile
from tests import factories
from tests.environments.connected import DATABASE, KEYS, PASSWORD, S3, make_database, make_root, make_s3

pytestmark = pytest.mark.django_db
NEW = {"access_key": "AKIAIOSFODNN7CANARY2", "secret_key": "another secret of forty characters or so"}


def details(action: str) -> dict[str, object]:
    return AuditEvent.objects.get(action=action).details


def edited(ada, connection, secrets=None, **settings):
    given = connection.settings | settings
    return connections.edit_connection(actor=ada, connection=connection, settings=given, secrets=secrets, edition=connection.edition)


def opened(connection, number=None):
    return sealing.opened(connection, number, used_by="run 8f3c")


# --- roots that are always there -------------------------------------------------------------------------------------


def test_every_environment_has_the_root_lake_that_stays(ada, flights, prod):
    assert [(root.name, root.connection, root.address, root.may_write) for root in prod.roots.all()] == [("lake", None, "", True)]
    assert Root.objects.filter(name="lake").count() == flights.environments.count()
    prod.save()
    assert prod.roots.count() == 1
    with pytest.raises(PortalError, match="it stays"):
        connections.remove_root(actor=ada, root=prod.roots.get())


def test_the_root_lake_goes_to_a_bucket_and_back_to_the_folder(ada, prod):
    make_s3(ada, prod)
    root = connections.edit_root(actor=ada, root=prod.roots.get(), connection="lake_s3", address="s3a://acme-lake/prod", may_write=True)
    assert (root.connection.name, root.address, root.is_default) == ("lake_s3", "s3a://acme-lake/prod/", True)
    for change in (
        lambda: connections.remove_root(actor=ada, root=root),
        lambda: connections.remove_connection(actor=ada, connection=root.connection),
        lambda: make_root(ada, root.connection, address="s3a://acme-lake/prod/in/"),
    ):
        with pytest.raises(PortalError):
            change()
    back = connections.edit_root(actor=ada, root=root, connection="", address="", may_write=True)
    assert (back.connection, back.address, back.may_write) == (None, "", True)
    with pytest.raises(PortalError, match="always write"):
        connections.edit_root(actor=ada, root=back, connection="", address="", may_write=False)
    other = make_root(ada, prod.connections.get())
    with pytest.raises(PortalError):
        connections.edit_root(actor=ada, root=other, connection="", address="", may_write=True)


# --- adding and changing ---------------------------------------------------------------------------------------------


def test_what_is_stored_has_no_secret_and_the_audit_has_names_only(ada, prod):
    made = make_s3(ada, prod)
    assert made.settings["region"] == "eu-central-1" and not set(made.settings) & set(KEYS)
    assert details("add_connection") == {"name": "lake_s3", "kind": "s3"}
    edited(ada, made, region="eu-west-1", encryption="kms", kms_key="alias/lake")
    assert details("edit_connection") == {"name": "lake_s3", "changed": ["encryption", "kms_key", "region"], "secret_replaced": False}
    version = made.versions.get()
    assert (version.number, version.set_by, version.key_shown) == (1, ada, "AKIA••••ARY1")


@pytest.mark.parametrize("who", ["ana", "olu", "pat", "vic", "outsider"])
def test_only_who_manages_the_environment_does_any_of_it(who, ada, prod, request):
    person, made = request.getfixturevalue(who), make_s3(ada, prod)
    root = make_root(ada, made)
    for attempt in (
        lambda: connections.add_connection(actor=person, environment=prod, name="x", kind="s3", settings={}, secrets=KEYS),
        lambda: edited(person, made),
        lambda: connections.rotate_secret(actor=person, connection=made, secrets=NEW),
        lambda: connections.remove_connection(actor=person, connection=made),
        lambda: connections.add_root(actor=person, environment=prod, name="x", connection="lake_s3", address="s3a://acme-x/"),
        lambda: connections.edit_root(actor=person, root=root, connection="lake_s3", address="s3a://acme-x/", may_write=True),
        lambda: connections.remove_root(actor=person, root=root),
    ):
        with pytest.raises(NotAllowed):
            attempt()


@pytest.mark.parametrize("name", ["", "Lake", "1st", "a-b", "a b", "a/b", "s3a", "https", "x" * 61, "lake\n"])
def test_a_name_that_a_document_could_not_say_is_refused(name, ada, prod):
    with pytest.raises(PortalError) as refused:
        make_s3(ada, prod, name)
    assert refused.value.code == "bad-name"


def test_a_name_is_taken_once_in_an_environment_and_free_in_another(ada, prod, dev):
    make_s3(ada, prod)
    with pytest.raises(Conflict, match="already"):
        make_s3(ada, prod)
    make_s3(ada, dev)


@pytest.mark.parametrize(
    ("kind", "settings", "secrets", "field"),
    [
        ("s3", {"region": "nowhere"}, KEYS, "region"),
        ("s3", {"region": 5}, KEYS, "region"),
        ("s3", {}, {}, "access_key"),
        ("s3", {}, {"access_key": KEYS["access_key"]}, "secret_key"),
        ("s3", {}, KEYS | {"secret_key": "short"}, "secret_key"),
        ("s3", {"secret_key": "canary-in-the-wrong-place"}, {}, "secret_key"),
        ("s3", {}, KEYS | {"region": "canary-in-the-wrong-place"}, "region"),
        ("s3", {"sign_in": "nobody"}, KEYS, "access_key"),
        ("s3", {"kms_key": "AKIAIOSFODNN7CANARY3", "encryption": "kms"}, KEYS, "kms_key"),
        ("postgresql", DATABASE | {"host": "db:5432"}, PASSWORD, "host"),
        ("postgresql", DATABASE | {"port": 0}, PASSWORD, "port"),
        ("postgresql", DATABASE | {"options": {"socketFactory": "canary.Evil"}}, PASSWORD, "options"),
        ("postgresql", DATABASE | {"sessionInitStatement": "canary"}, PASSWORD, "sessionInitStatement"),
        ("postgresql", DATABASE | {"private_networks": ["127.0.0.0/8"]}, PASSWORD, "private_networks"),
        ("postgresql", {"host": "db.example.org"}, PASSWORD, "database"),
    ],
)
def test_a_wrong_field_is_named_and_its_value_is_not_said(kind, settings, secrets, field, ada, prod):
    with pytest.raises(PortalError) as refused:
        connections.add_connection(actor=ada, environment=prod, name="x", kind=kind, settings=settings, secrets=secrets)
    problems = refused.value.problems
    assert field in [problem["field"] for problem in problems] and refused.value.status == 422
    assert "canary" not in str(problems).lower() and not Connection.objects.exists()


def test_a_private_network_is_named_within_what_an_operator_allows(ada, prod, settings):
    import ipaddress

    settings.CONNECTION_NETWORKS = [ipaddress.ip_network("10.1.0.0/16"), ipaddress.ip_network("fd00::/8")]
    made = make_database(ada, prod, private_networks=["10.1.2.0/24", "fd00:1::/32"])
    assert endpoints_of(prod)[0].networks == ("10.1.2.0/24", "fd00:1::/32")
    for wider in ("10.0.0.0/8", "0.0.0.0/0", "::/0", "127.0.0.1"):
        with pytest.raises(PortalError, match="No operator has allowed"):
            edited(ada, made, private_networks=[wider])
    settings.CONNECTION_NETWORKS = []
    with pytest.raises(PortalError, match="No operator has allowed"):
        endpoints_of(prod)
    edited(ada, made, private_networks=[])
    assert endpoints_of(prod)[0].networks == ()


def test_who_opened_it_before_another_changed_it_does_not_undo_that(ada, prod):
    made = make_s3(ada, prod)
    edited(ada, made, region="eu-west-1")
    with pytest.raises(ChangedMeanwhile):
        edited(ada, made, region="eu-west-2")  # `made` is as it was read first
    root = make_root(ada, made)
    connections.edit_root(actor=ada, root=root, connection="lake_s3", address=root.address, may_write=True, edition=root.edition)
    with pytest.raises(ChangedMeanwhile):
        connections.edit_root(actor=ada, root=root, connection="lake_s3", address="s3a://acme-x/", may_write=False, edition=root.edition)


def test_what_is_gone_is_said_to_be(ada, prod):
    made, root = make_s3(ada, prod), None
    root = make_root(ada, made)
    connections.remove_root(actor=ada, root=root.__class__.objects.get(pk=root.pk))
    connections.remove_connection(actor=ada, connection=Connection.objects.get())
    for attempt in (
        lambda: edited(ada, made),
        lambda: connections.rotate_secret(actor=ada, connection=made, secrets=NEW),
        lambda: connections.remove_connection(actor=ada, connection=made),
        lambda: connections.remove_root(actor=ada, root=root),
    ):
        with pytest.raises(Conflict, match="deleted"):
            attempt()


# --- the secret ------------------------------------------------------------------------------------------------------


def test_a_secret_goes_only_where_it_was_set_for(ada, prod):
    """Who may not read it could else send it to a server of their own."""
    made = make_database(ada, prod)
    for elsewhere in ({"host": "evil.example.org"}, {"port": 6432}, {"tls": "disable"}):
        with pytest.raises(PortalError, match="entered again"):
            edited(ada, made, **elsewhere)
    store = make_s3(ada, prod)
    for elsewhere in ({"service": "other", "endpoint": "https://evil.example.org"}, {"region": "cn-north-1"}):
        with pytest.raises(PortalError, match="entered again"):
            edited(ada, store, **elsewhere)
    assert edited(ada, made, PASSWORD, host="db2.example.org").versions.count() == 2


def test_who_signs_in_as_nobody_keeps_no_secret(ada, prod):
    made = edited(ada, make_s3(ada, prod), sign_in="nobody")
    assert made.versions.get().sealed == "" and reach_of(prod, used_by="x").connections["lake_s3"]["secrets"] == {}
    with pytest.raises(PortalError, match="there is no secret"):
        connections.rotate_secret(actor=ada, connection=made, secrets={})
    with pytest.raises(PortalError, match="entered again"):
        edited(ada, made, sign_in="keys")
    assert opened(edited(ada, made, NEW, sign_in="keys")) == NEW


def test_a_rotated_secret_stays_for_those_who_began_with_it_and_then_ends(ada, prod):
    made = make_s3(ada, prod)
    begun = reach_of(prod, used_by="run 8f3c").versions
    connections.rotate_secret(actor=ada, connection=made, secrets=NEW, old_for_minutes=15)
    assert details("rotate_secret") == {"name": "lake_s3", "version": 2, "old_works_for_minutes": 15}
    assert opened(made) == NEW and opened(made, 1) == KEYS
    again = reach_of(prod, used_by="run 8f3c", versions=begun)
    assert again.connections["lake_s3"]["secrets"] == KEYS and again.versions == {"lake_s3": 1}
    made.versions.filter(number=1).update(ends_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(PortalError, match="has ended"):
        opened(made, 1)
    assert opened(made) == NEW
    assert (sealing.forget_ended(), sealing.forget_ended(), made.versions.get(number=1).sealed) == (1, 0, "")
    connections.rotate_secret(actor=ada, connection=made, secrets=KEYS, old_for_minutes=0)
    assert [version.sealed != "" for version in made.versions.order_by("number")] == [False, False, True]
    with pytest.raises(PortalError, match="has ended"):
        opened(made, 2)


@pytest.mark.parametrize("minutes", [-1, 24 * 60 + 1])
def test_an_old_secret_does_not_work_for_ever(minutes, ada, prod):
    with pytest.raises(PortalError, match="minutes"):
        connections.rotate_secret(actor=ada, connection=make_s3(ada, prod), secrets=NEW, old_for_minutes=minutes)


def test_half_a_secret_is_none(ada, prod):
    made = make_s3(ada, prod)
    with pytest.raises(PortalError, match="Access key"):
        connections.rotate_secret(actor=ada, connection=made, secrets={"secret_key": NEW["secret_key"]})
    assert opened(made) == KEYS


def test_a_sealed_secret_opens_in_its_own_place_only(ada, prod, dev):
    here, there = make_s3(ada, prod), make_s3(ada, dev)
    connections.rotate_secret(actor=ada, connection=here, secrets=NEW)
    sealed = {version.number: version.sealed for version in here.versions.all()}
    for row, moved in ((there.versions.get(), sealed[1]), (here.versions.get(number=2), sealed[1])):
        ConnectionSecret.objects.filter(pk=row.pk).update(sealed=moved)
        with pytest.raises(vault.Sealed):
            opened(row.connection)


def test_who_got_it_last_is_known(ada, prod):
    made = make_s3(ada, prod)
    assert made.versions.get().used_at is None
    reach_of(prod, used_by="run 8f3c of daily_delays")
    version = made.versions.get()
    assert version.used_by == "run 8f3c of daily_delays" and version.used_at is not None


# --- roots -----------------------------------------------------------------------------------------------------------


def test_a_connection_with_roots_stays_and_they_are_named(ada, prod):
    made = make_s3(ada, prod)
    make_root(ada, made)
    with pytest.raises(Conflict, match="Roots lie on lake_s3: raw"):
        connections.remove_connection(actor=ada, connection=made)
    connections.remove_root(actor=ada, root=made.roots.get())
    connections.remove_connection(actor=ada, connection=made)
    assert not ConnectionSecret.objects.exists() and details("remove_connection") == {"name": "lake_s3", "kind": "s3"}


@pytest.mark.parametrize(
    "address", ["s3a://acme-landing/flights/", "s3://acme-landing/flights", "s3a://acme-landing/", "s3a://acme-landing/flights/x/"]
)
def test_a_place_has_one_name_in_an_environment(address, ada, prod):
    made = make_s3(ada, prod)
    make_root(ada, made)
    same_service = make_s3(ada, prod, "other_keys", region="eu-west-1")
    for connection in (made, same_service):
        with pytest.raises(Conflict, match="“raw” lies there"):
            make_root(ada, connection, "again", address, may_write=True)
    make_root(ada, made, "beside", "s3a://acme-landing/flights2/")


def test_only_one_environment_writes_to_a_place(ada, prod, dev):
    make_root(ada, make_s3(ada, prod), "curated", "s3a://acme-lake/prod/", may_write=True)
    here = make_s3(ada, dev)
    make_root(ada, here, "of_prod", "s3a://acme-lake/prod/")
    with pytest.raises(Conflict, match="“curated” of prod"):
        make_root(ada, here, "mine", "s3a://acme-lake/", may_write=True)
    with pytest.raises(Conflict, match="“curated” of prod"):
        connections.edit_root(
            actor=ada, root=dev.roots.get(name="of_prod"), connection="lake_s3", address="s3a://acme-lake/prod/", may_write=True
        )


def test_no_two_projects_write_to_a_place_and_neither_is_named_to_the_other(ada, prod, harbour):
    make_root(ada, make_s3(ada, prod), "curated", "s3a://acme-lake/prod/", may_write=True)
    other = factories.make_person("otto", harbour, "environment_admin")
    connection = make_s3(other, harbour.environments.get(name="dev"))
    with pytest.raises(Conflict, match="of another project") as refused:
        make_root(other, connection, "mine", "s3a://acme-lake/prod/x/", may_write=True)
    assert "curated" not in refused.value.message and "flights" not in refused.value.message


def test_a_connection_is_not_moved_onto_the_places_of_another(ada, prod, dev):
    service = {"service": "other", "endpoint": "https://minio.example.org"}
    make_root(ada, make_s3(ada, prod), "raw", "s3a://acme-lake/", may_write=True)
    moved = make_s3(ada, dev, **service)
    make_root(ada, moved, "same_name_elsewhere", "s3a://acme-lake/", may_write=True)
    with pytest.raises(Conflict, match="“raw” of prod lies there"):
        edited(ada, moved, KEYS, service="amazon", endpoint="")
    moved.refresh_from_db()
    assert moved.settings["service"] == "other" and moved.versions.count() == 1


@pytest.mark.parametrize(
    "host", ["s3.amazonaws.com", "S3.eu-central-1.amazonaws.com:443", "s3.dualstack.eu-west-1.amazonaws.com", "s3.eu-west-1.api.aws"]
)
def test_amazon_is_one_service_however_it_is_called(ada, prod, dev, host):
    make_root(ada, make_s3(ada, prod), "raw", "s3a://acme-lake/", may_write=True)
    by_address = make_s3(ada, dev, service="other", endpoint=f"https://{host}")
    with pytest.raises(Conflict, match="“raw” of prod lies there"):
        make_root(ada, by_address, "mine", "s3a://acme-lake/", may_write=True)


def test_a_key_goes_to_no_other_machine_at_amazon(ada, dev):
    made = make_s3(ada, dev)
    with pytest.raises(PortalError, match="entered again"):
        edited(ada, made, service="other", endpoint="https://ec2-1-2-3-4.compute-1.amazonaws.com")


def test_an_absolute_address_leads_to_one_service(ada, prod):
    """It names a bucket and no service: two of the same name would be one address with two meanings."""
    make_root(ada, make_s3(ada, prod), "raw", "s3a://acme-lake/")
    other = make_s3(ada, prod, "minio", service="other", endpoint="https://minio.example.org")
    with pytest.raises(Conflict, match="“raw” lies there"):
        make_root(ada, other, "mine", "s3a://acme-lake/x/")


@pytest.mark.parametrize("address", ["s3a://acme-lake/", "s3a://acme-lake/a b/ü/", "s3a://acme.lake/x.y/"])
def test_an_address_of_a_document_lies_in_the_root_that_was_made(address, ada, prod):
    make_root(ada, make_s3(ada, prod), "raw", address)
    known = [roots.Root(name, one["address"], one["may_write"]) for name, one in reach_of(prod, used_by="x").roots.items()]
    assert roots.located(f"{address}2013/f.csv", known, "inputURI") == roots.Located("raw", "2013/f.csv")
    assert roots.located("raw:2013/f.csv", known, "inputURI") == roots.Located("raw", "2013/f.csv")
    assert roots.located("f.csv", known, "inputURI", writes=True) == roots.Located("lake", "f.csv")


def test_a_root_lies_on_a_connection_of_its_own_environment(ada, prod, dev):
    make_s3(ada, dev)
    make_database(ada, prod)
    for name, code in (("lake_s3", "connection-unknown"), ("shop", "bad-address")):
        with pytest.raises(PortalError) as refused:
            connections.add_root(actor=ada, environment=prod, name="raw", connection=name, address="s3a://acme-landing/")
        assert refused.value.code == code


# --- what a run gets -------------------------------------------------------------------------------------------------


def test_a_run_gets_its_environment_and_nothing_of_another(ada, prod, dev):
    make_root(ada, make_s3(ada, prod))
    make_database(ada, dev)
    got = reach_of(prod, used_by="run 8f3c")
    assert got.for_executor() == {
        "roots": {
            "lake": {"connection": None, "address": "", "may_write": True, "is_default": True},
            "raw": {"connection": "lake_s3", "address": "s3a://acme-landing/flights/", "may_write": False, "is_default": False},
        },
        "connections": {"lake_s3": {"kind": "s3", "settings": Connection.objects.get(name="lake_s3").settings, "secrets": KEYS}},
    }
    assert [str(one) for one in got.endpoints] == ["acme-landing.s3.eu-central-1.amazonaws.com:443"]
    assert sorted(got.secrets) == sorted(KEYS.values()) and not any(value in repr(got) for value in KEYS.values())


def test_a_run_gets_no_connection_that_it_does_not_need(ada, prod):
    make_root(ada, make_s3(ada, prod))
    make_database(ada, prod)
    got = reach_of(prod, used_by="x", needs=Needs(connections=frozenset({"shop"})))
    assert (list(got.connections), [str(one) for one in got.endpoints]) == (["shop"], ["db.example.org:5432"])
    assert reach_of(prod, used_by="x", needs=Needs()).endpoints == ()


def test_a_run_gets_the_places_of_the_roots_that_it_uses(ada, prod):
    made = make_s3(ada, prod)
    make_root(ada, made)
    make_root(ada, made, "other", "s3a://acme-archive/")
    got = reach_of(prod, used_by="x", needs=Needs(roots=frozenset({"other"})))
    assert [str(one) for one in got.endpoints] == ["acme-archive.s3.eu-central-1.amazonaws.com:443"] and set(got.roots) == {
        "lake",
        "raw",
        "other",
    }
    assert got.through == {"acme-archive.s3.eu-central-1.amazonaws.com:443": ["lake_s3"]}


def test_a_connection_that_is_gone_is_named(ada, prod):
    make_database(ada, prod)
    with pytest.raises(PortalError, match="prod has no connection “gone”") as refused:
        reach_of(prod, used_by="x", needs=Needs(connections=frozenset({"shop", "gone"})))
    assert refused.value.code == "connection-unknown" and prod.connections.get().versions.get().used_by == ""


def test_what_leads_elsewhere_by_now_is_named(ada, prod):
    made, needs = make_s3(ada, prod), Needs(roots=frozenset({"raw"}), connections=frozenset({"shop"}))
    root, shop = make_root(ada, made), make_database(ada, prod)
    begun = reach_of(prod, used_by="x", needs=needs)
    connections.rotate_secret(actor=ada, connection=made, secrets=KEYS)
    make_root(ada, made, "more", "s3a://acme-more/")
    assert is_still(prod, begun, needs) == ""
    connections.edit_root(actor=ada, root=root, connection="lake_s3", address="s3a://acme-landing/flights/", may_write=True)
    assert "“raw”" in is_still(prod, begun, needs)
    begun = reach_of(prod, used_by="x", needs=needs)
    connections.remove_connection(actor=ada, connection=shop)
    assert "“shop”" in is_still(prod, begun, needs)


def test_each_place_is_reached_once_in_the_order_of_names(ada, prod):
    made = make_s3(ada, prod)
    make_root(ada, made)
    make_root(ada, made, "archive", "s3a://acme-landing/archive/")
    make_database(ada, prod, "a")
    make_database(ada, prod, "b", database="other")
    assert [str(one) for one in endpoints_of(prod)] == ["db.example.org:5432", "acme-landing.s3.eu-central-1.amazonaws.com:443"]


def test_an_environment_without_connections_reaches_nothing(prod):
    got = reach_of(prod, used_by="x")
    assert (got.endpoints, got.connections, list(got.roots)) == ((), {}, ["lake"])


def test_no_run_starts_with_a_connection_that_no_longer_fits_or_opens(ada, prod, settings):
    made = make_s3(ada, prod)
    settings.VAULT_KEY, settings.VAULT_OLD_KEYS = "another", []
    with pytest.raises(vault.Sealed):
        reach_of(prod, used_by="x")
    Connection.objects.filter(pk=made.pk).update(settings=S3 | {"region": "nowhere"})
    with pytest.raises(PortalError, match="no region"):
        reach_of(prod, used_by="x")
    Connection.objects.filter(pk=made.pk).update(kind="gone")
    with pytest.raises(PortalError, match="not known or not allowed here"):
        reach_of(prod, used_by="x")


# --- kinds that an operator has to allow -------------------------------------------------------------------------------


def test_a_file_as_a_database_is_there_only_where_an_operator_allows_it(ada, prod, settings):
    def add():
        return connections.add_connection(
            actor=ada, environment=prod, name="shop", kind="sqlite", settings={"file": "raw/shop.sqlite"}, secrets={}
        )

    with pytest.raises(PortalError, match="not known here"):
        add()
    settings.CONNECTION_KINDS_ALLOWED = ["sqlite"]
    add()
    assert reach_of(prod, used_by="x").connections["shop"]["settings"]["file"] == "raw/shop.sqlite"
    settings.CONNECTION_KINDS_ALLOWED = []
    with pytest.raises(PortalError, match="not allowed here"):
        reach_of(prod, used_by="x")


# --- words ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", sorted(CONNECTION_KINDS))
def test_whatever_is_wrong_is_said_in_our_own_words(kind):
    """Of every field of every kind, whatever somebody sends: by its title, without the value, and nothing of a library's sentences."""
    cls, canary = CONNECTION_KINDS[kind], "c4naryS3cret"
    long, many = canary * 2_000, ["x"] * 200
    for name in cls.model_fields:
        for value in (None, 5, -1, 70_000, 1.5, True, "", "x", long, [long], [5], many, {"a": 5}, {canary: canary}):
            is_secret = name in cls.secret_fields()
            settings = dict(cls.example) if is_secret else {**cls.example, name: value}
            try:
                connections.read(kind, settings, {name: value} if is_secret else None)
            except PortalError as refused:
                said = [problem["message"] for problem in refused.problems]
                assert not [words for words in said if re.search("should|valid|Value error|required|permitted|another kind", words)], said
                assert canary not in " ".join(said) and all(words.endswith(".") for words in said), said
    with pytest.raises(PortalError, match="There is no field “hosts” here"):
        connections.read(kind, {**cls.example, "hosts": "x"})


def test_a_short_secret_and_a_wrong_choice_are_told_plainly():
    settings = CONNECTION_KINDS["postgresql"].example
    with pytest.raises(PortalError, match="“Password” must have 8 or more characters."):
        connections.read("postgresql", settings, {"password": "short"})
    with pytest.raises(PortalError, match="“TLS” must be one of verify-full, verify-ca, require, disable."):
        connections.read("postgresql", {**settings, "tls": "yes"})
