"""Secrets that lie outside of Sluice: who may name which path, what is read when, and what is said when it cannot be read."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from portal.accounts.models import User
from portal.audit.models import AuditEvent
from portal.environments import backends, connections, sealing, secrets
from portal.environments.apps import EnvironmentsConfig
from portal.environments.models import Connection, Environment
from portal.environments.reach import reach_of
from portal.errors import PortalError
from tests.environments.connected import DATABASE, PASSWORD, make_database
from tests.services import aws, vault_kv
from tests.services.ports import free_port
from tests.services.s3 import CREDENTIALS, S3Server

pytestmark = pytest.mark.django_db
API = "/api/v1/projects/flights/environments/prod/connections"
PAGES = "/p/flights/settings/environments/prod"
VALUE = "a-c4nary/of %s+ signs"
REFERENCE = {"backend": "outside", "path": "flights/prod/shop", "fields": {"password": "password"}}


@pytest.fixture
def outside(settings: Any) -> Callable[..., None]:
    """Sets the one back end there is."""

    def made(kind: str, **words: Any) -> None:
        settings.SECRET_BACKENDS = json.dumps({"outside": {"kind": kind, **words}})

    return made


@pytest.fixture
def mounted(tmp_path: Path, outside: Any) -> Path:
    """A folder of files, with one secret of prod, one of dev and one that is nobody's."""
    folder = tmp_path / "mounted"
    for path in ("flights/prod/shop", "flights/dev/shop", "harbour/prod/shop", "sluice"):
        (folder / path).mkdir(parents=True)
        put(folder / path / "password", f"{VALUE} {path}\n")
    outside("files", folder=str(folder))
    return folder


def put(file: Path, text: str, mode: int = 0o400) -> None:
    file.write_text(text)
    file.chmod(mode)


def make(ada: User, environment: Environment, **reference: Any) -> Connection:
    """A database whose password lies outside."""
    words = {"actor": ada, "environment": environment, "name": "shop", "kind": "postgresql", "settings": DATABASE}
    return connections.add_connection(**words, secrets={}, reference=REFERENCE | reference)


def refusal(connection: Connection) -> str:
    """Why nothing can be read; it must not hold the value."""
    connection.versions.update(used_at=None)
    with pytest.raises(PortalError) as refused:
        sealing.opened(connection, used_by="a test")
    said = f"{refused.value.message} {refused.value.fix}"
    assert refused.value.code == "secret-not-read" and "c4nary" not in said and connection.versions.get().used_at is None
    assert said.startswith("What shop signs in with cannot be read. ")
    return said.removeprefix("What shop signs in with cannot be read. ").partition(" Where it lies")[0]


# --- any of them -------------------------------------------------------------------------------------------------------------


def test_what_lies_outside_is_read_when_a_run_begins_and_kept_nowhere(ada: User, prod: Environment, mounted: Path) -> None:
    made = make(ada, prod)
    version = made.versions.get()
    assert version.reference == REFERENCE and version.used_at is None and VALUE not in str(vars(version))
    got = reach_of(prod, used_by="run 8f3c")
    assert got.connections["shop"]["secrets"] == {"password": f"{VALUE} flights/prod/shop"}
    assert got.secrets == [f"{VALUE} flights/prod/shop"]
    put(mounted / "flights/prod/shop/password.new", "changed outside")
    (mounted / "flights/prod/shop/password.new").rename(mounted / "flights/prod/shop/password")
    assert sealing.opened(made, used_by="run 9a1b") == {"password": "changed outside"}
    version.refresh_from_db()
    assert version.used_by == "run 9a1b" and version.used_at
    told = AuditEvent.objects.get(action="add_connection").details
    assert told["secret_lies_in"] == "outside: flights/prod/shop" and "c4nary" not in str(told)


@pytest.mark.parametrize(
    "path",
    [
        *("flights/dev/shop", "harbour/prod/shop", "sluice", "", "/", "flights/prod", "flights/prod/", "flights/production/shop"),
        *("flights/prod/../dev/shop", "flights/prod/./../dev/shop", "/flights/prod/shop", "flights//prod/shop", "flights/prod//shop"),
        *("flights/prod/..", "flights/prod/.hidden", "flights/prod/%2e%2e/dev/shop", "flights/prod/..%2fdev", "flights\\prod\\shop"),
        *("flights/prod/shop\nx", "flights/prod/\x00", "flights/prod/shop?version=1", "flights/prod/shop#x", "FLIGHTS/prod/shop"),
        *("flights/prod/shop:1", "arn:aws:secretsmanager:eu-central-1:123456789012:secret:x", "../mounted/flights/prod/shop"),
        *("flights/prod/ﬁle", "flights/prod/" + "x" * 400, "flights/prod/a b", "{project}/{environment}/shop", "flights/prod/*"),
    ],
)
def test_no_environment_names_what_is_not_its_own(ada: User, prod: Environment, mounted: Path, path: str) -> None:
    with pytest.raises(PortalError) as refused:
        make(ada, prod, path=path)
    assert refused.value.problems[0]["field"] == "reference_path"
    assert not prod.connections.exists()
    if "\x00" in path:  # PostgreSQL keeps no such text
        return
    made = make(ada, prod)  # nor when it has got into the database otherwise
    made.versions.update(reference=REFERENCE | {"path": path})
    refusal(made)


@pytest.mark.parametrize("field", ["../password", "a/b", ".password", "..", "a b", "a\n", "%2e", "x" * 129])
def test_a_field_leads_nowhere_else(ada: User, prod: Environment, mounted: Path, field: str) -> None:
    with pytest.raises(PortalError) as refused:
        make(ada, prod, fields={"password": field} if field != "a\n" else {"password": "a\nb"})
    assert refused.value.problems[0]["field"] == "reference_password"


def test_a_prefix_of_one_environment_is_none_of_another(ada: User, prod: Environment, dev: Environment, outside: Any) -> None:
    """Projects a and environments b-c, projects a-b and environments c: no words that run together."""
    half = ("{environment}/", "{project}/", "{project}-{environment}/", "{project}/x{environment}/", "{0}/")
    for prefix in (*half, "x", "/", "", "a//b/", "../x/"):
        outside("files", folder="/run/secrets", prefixes=[prefix])
        with pytest.raises(ImproperlyConfigured, match="SLUICE_SECRET_BACKENDS: “outside”, prefixes"):
            EnvironmentsConfig.create("portal.environments").ready()
    outside("files", folder="/run/secrets", prefixes=["sluice/{project}/{environment}/", "shared/"])
    (found,) = backends.offered_to(prod)
    assert found.prefixes_of(prod) == ["sluice/flights/prod/", "shared/"] and found.prefixes_of(dev) == ["sluice/flights/dev/", "shared/"]


@pytest.mark.parametrize(
    ("setting", "why"),
    [
        ("{", "no JSON"),
        ("[]", "no object"),
        ('{"Big": {"kind": "files", "folder": "/x"}}', "small letters"),
        ('{"a": {"kind": "odd"}}', "needs a kind: aws-secrets, aws-ssm, files, hashicorp"),
        ('{"a": 5}', "needs a kind"),
        ('{"a": {"kind": "files", "folder": "relative"}}', "“a”, folder"),
        ('{"a": {"kind": "files", "folder": "/", "prefixes": ["etc/"]}}', "Sluice's own home"),
        ('{"a": {"kind": "files", "folder": "HOME/secrets", "prefixes": ["x/"]}}', "Sluice's own home"),
        ('{"a": {"kind": "files", "folder": "HOME/../x/..", "prefixes": ["x/"]}}', "Sluice's own home"),
        ('{"a": {"kind": "files", "folder": "/x", "password": "hunter22"}}', "“a”, password"),
        ('{"a": {"kind": "hashicorp", "url": "http://vault.example.org", "token_file": "/t"}}', "https"),
        ('{"a": {"kind": "hashicorp", "url": "https://ana:hunter22@vault.example.org", "token_file": "/t"}}', "without user"),
        ('{"a": {"kind": "hashicorp", "url": "https://vault.example.org"}}', "how Sluice signs in"),
        ('{"a": {"kind": "aws-ssm", "region": "nowhere"}}', "“a”, region"),
    ],
)
def test_a_setting_that_cannot_be_stops_the_start(settings: Any, setting: str, why: str) -> None:
    settings.SECRET_BACKENDS = setting.replace("HOME", str(settings.SLUICE_HOME))
    with pytest.raises(ImproperlyConfigured, match=why) as refused:
        EnvironmentsConfig.create("portal.environments").ready()
    assert "hunter22" not in str(refused.value)


def test_what_an_operator_has_taken_back_is_not_read(ada: User, prod: Environment, mounted: Path, settings: Any, outside: Any) -> None:
    made = make(ada, prod)
    outside("files", folder=str(mounted), prefixes=["elsewhere/{project}/{environment}/"])
    assert refusal(made) == "In prod a path of outside begins with elsewhere/flights/prod/."
    settings.SECRET_BACKENDS = ""
    assert "There is no secret manager “outside” here." in refusal(made)
    with pytest.raises(PortalError, match="no such secret manager"):
        make(ada, prod)


def test_a_secret_is_entered_or_lies_elsewhere_and_not_both(ada: User, prod: Environment, mounted: Path) -> None:
    made = make(ada, prod)
    for wrong in (
        {"secrets": PASSWORD, "reference": REFERENCE},
        {"secrets": {}},
        {"secrets": {}, "reference": REFERENCE | {"fields": {"user": "x"}}},
    ):
        with pytest.raises(PortalError):
            connections.rotate_secret(actor=ada, connection=made, **wrong)
    connections.rotate_secret(actor=ada, connection=made, secrets=PASSWORD, old_for_minutes=5)
    assert sealing.opened(made, used_by="x") == PASSWORD
    assert sealing.opened(made, 1, used_by="x") == {"password": f"{VALUE} flights/prod/shop"}
    connections.rotate_secret(actor=ada, connection=made, secrets={}, reference=REFERENCE, old_for_minutes=0)
    assert sealing.opened(made, used_by="x") == {"password": f"{VALUE} flights/prod/shop"}
    with pytest.raises(PortalError, match="ended"):
        sealing.opened(made, 2, used_by="x")


def test_where_it_signs_in_elsewhere_the_place_of_its_secret_is_named_again(ada: User, prod: Environment, mounted: Path) -> None:
    made = make(ada, prod)
    moved = DATABASE | {"host": "db2.example.org"}
    with pytest.raises(PortalError, match="entered again"):
        connections.edit_connection(actor=ada, connection=made, settings=moved)
    connections.edit_connection(actor=ada, connection=made, settings=moved, reference=REFERENCE)
    assert made.versions.get(ends_at=None).number == 2


def test_the_api_takes_names_and_gives_names(ada: User, prod: Environment, mounted: Path, browser_of: Any) -> None:
    browser = browser_of(ada)

    def post(address: str, body: Any) -> Any:
        return browser.post(address, json.dumps(body), content_type="application/json")

    words = {"name": "shop", "kind": "postgresql", "settings": DATABASE}
    answer = post(API, words | {"reference": REFERENCE | {"path": "flights/dev/shop"}})
    assert answer.status_code == 422 and answer.json()["problems"][0]["field"] == "reference_path"
    answer = post(API, words | {"reference": {"backend": "outside", "path": "flights/prod/shop"}})
    assert answer.status_code == 201 and answer.json()["versions"][0]["reference"] == REFERENCE
    assert post(f"{API}/shop/rotate", {"reference": REFERENCE}).json()["reference"] == REFERENCE
    assert post(f"{API}/shop/rotate", {"secrets": PASSWORD}).json()["reference"] is None
    assert post(f"{API}/shop/rotate", {}).status_code == 422
    assert b"c4nary" not in browser.get(f"{API}/shop").content


def test_a_secret_of_an_environment_may_lie_outside(ada: User, prod: Environment, mounted: Path, browser_of: Any) -> None:
    address, place = API.replace("connections", "secrets/shop_key"), REFERENCE | {"fields": {"value": "password"}}
    browser = browser_of(ada)
    answer = browser.put(address, {"reference": place}, content_type="application/json")
    assert answer.status_code == 200 and answer.json()["reference"] == place and "c4nary" not in answer.content.decode()
    assert secrets.values_of(prod, ["shop_key"]) == {"shop_key": f"{VALUE} flights/prod/shop"}
    told = AuditEvent.objects.get(action="set_secret").details
    assert told["secret_lies_in"] == "outside: flights/prod/shop"
    page = browser.get(PAGES).content.decode()
    assert "lies in outside" in page and "c4nary" not in page
    for given, field in (
        ({"reference": place, "value": "a-long-value"}, "value"),
        ({"reference": place | {"path": "flights/dev/shop"}}, "reference_path"),
        ({"reference": place | {"backend": "elsewhere"}}, "reference_backend"),
        ({"reference": place | {"fields": {"password": "password"}}}, "reference_value"),
        ({}, "value"),
    ):
        refused = browser.put(address, given, content_type="application/json")
        assert refused.status_code in (400, 422) and f'"{field}"' in refused.content.decode(), refused.content
    assert secrets.values_of(prod, ["shop_key"]) == {"shop_key": f"{VALUE} flights/prod/shop"}
    (mounted / "flights/prod/shop/password").unlink()
    with pytest.raises(PortalError, match="The secret “shop_key” cannot be read") as gone:
        secrets.values_of(prod, ["shop_key"])
    assert "c4nary" not in f"{gone.value.message} {gone.value.fix}"


def test_the_page_takes_a_place_or_a_value(ada: User, prod: Environment, mounted: Path, browser_of: Any) -> None:
    browser = browser_of(ada)
    page = browser.get(PAGES).content.decode()
    assert 'name="reference_backend"' in page and "outside (" in page
    place = {"reference_backend": "outside", "reference_path": "flights/prod/shop", "reference_field": "password"}
    assert browser.post(f"{PAGES}/secrets", {"name": "shop_key", "value": "", **place}).status_code == 302
    assert secrets.values_of(prod, ["shop_key"]) == {"shop_key": f"{VALUE} flights/prod/shop"}
    refused = browser.post(f"{PAGES}/secrets", {"name": "shop_key", **place, "reference_path": "sluice"})
    assert refused.status_code == 422 and 'value="sluice"' in refused.content.decode()
    browser.post(f"{PAGES}/secrets", {"name": "shop_key", "value": "entered-by-hand", "reference_backend": ""})
    assert secrets.values_of(prod, ["shop_key"]) == {"shop_key": "entered-by-hand"}
    assert not prod.secrets.get().reference


def test_the_page_offers_the_secret_managers_of_the_environment(ada: User, prod: Environment, mounted: Path, browser_of: Any) -> None:
    browser = browser_of(ada)
    form = {name: str(value) for name, value in DATABASE.items()} | {"port": "5432", "tls": "verify-full", "name": "shop"}
    named = {"reference_backend": "outside", "reference_path": "flights/dev/shop", "reference_password": "password"}
    assert b"outside (Files)" in browser.get(f"{PAGES}/new-connection?kind=postgresql").content
    answer = browser.post(f"{PAGES}/new-connection?kind=postgresql", form | named)
    assert answer.status_code == 422 and b"begins with flights/prod/" in answer.content
    named["reference_path"] = "flights/prod/shop"
    assert browser.post(f"{PAGES}/new-connection?kind=postgresql", form | named).status_code == 302
    page = browser.get(f"{PAGES}/connections/shop").content.decode()
    assert "flights/prod/shop" in page and "It lies in outside" in page and "c4nary" not in page
    assert browser.post(f"{PAGES}/connections/shop/rotate", named | {"old_for_minutes": "15"}).status_code == 302
    assert (
        browser.post(f"{PAGES}/connections/shop/rotate", PASSWORD | {"reference_backend": "", "old_for_minutes": "15"}).status_code == 302
    )
    assert [version.reference for version in prod.connections.get().versions.all()] == [None, REFERENCE, REFERENCE]


def test_without_a_secret_manager_the_form_is_as_it_was(ada: User, prod: Environment, browser_of: Any) -> None:
    make_database(ada, prod)
    for address in ("new-connection?kind=postgresql", "connections/shop"):
        assert b"reference_" not in browser_of(ada).get(f"{PAGES}/{address}").content


# --- files -------------------------------------------------------------------------------------------------------------------


def test_files_that_others_can_read_or_change_are_not_taken(ada: User, prod: Environment, mounted: Path) -> None:
    made, file = make(ada, prod), mounted / "flights/prod/shop/password"
    for mode, why in ((0o420, "others may change"), (0o602, "others may change")):
        file.chmod(mode)
        assert why in refusal(made)
    file.chmod(0o444)
    closed = not all(folder.stat().st_mode & 0o001 for folder in file.parents)
    if closed:  # nobody else can come to it
        assert sealing.opened(made, used_by="x")
    else:
        assert "every user of this machine may read" in refusal(made)
    file.chmod(0o400)
    if os.geteuid() == 0:
        os.chown(file, 12345, 12345)
        assert "others may change" in refusal(made)


def test_files_are_read_within_their_folder_only(ada: User, prod: Environment, mounted: Path, tmp_path: Path) -> None:
    made, folder = make(ada, prod), mounted / "flights/prod/shop"
    file = folder / "password"
    outside_of_it = tmp_path / "password"
    put(outside_of_it, VALUE)
    file.unlink()
    assert "has no field “password” there" in refusal(made)
    file.symlink_to(outside_of_it)
    assert "leads out of its folder" in refusal(made)
    file.unlink()
    os.mkfifo(file, 0o600)
    assert "has no file there" in refusal(made)
    file.unlink()
    file.mkdir()
    assert "no file" in refusal(made)
    file.rmdir()
    for raw in (b"short", b"\xff" * 9, b"x" * 20_000, b"   \n" * 9, b"a\0" * 9):
        file.write_bytes(raw)
        file.chmod(0o400)
        assert ("no text" if raw[0] == 0xFF else "8 to 4,000") in refusal(made)
        file.unlink()
    (folder / "..data").mkdir()  # as Kubernetes mounts them
    put(folder / "..data/password", VALUE)
    file.symlink_to("..data/password")
    assert sealing.opened(made, used_by="x") == {"password": VALUE}


# --- AWS ---------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def amazon(s3_server: S3Server, monkeypatch: Any) -> S3Server:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    return s3_server


@pytest.mark.services
def test_aws_secrets_manager(ada: User, prod: Environment, amazon: S3Server, outside: Any) -> None:
    outside("aws-secrets", region=aws.REGION, endpoint=amazon.address)
    made = make(ada, prod)
    assert refusal(made) == "The secret manager “outside” has nothing there."
    with closing(aws.client(amazon, "secretsmanager")) as client:
        client.create_secret(Name=REFERENCE["path"], SecretString=json.dumps({"password": VALUE, "port": 5432}))
        assert sealing.opened(made, used_by="x") == {"password": VALUE}
        made.versions.update(reference=REFERENCE | {"fields": {"password": ""}})
        assert json.loads(sealing.opened(made, used_by="x")["password"])["port"] == 5432
        made.versions.update(reference=REFERENCE | {"fields": {"password": "port"}})
        assert "has no field “port” there" in refusal(made)
        made.versions.update(reference=REFERENCE)
        client.put_secret_value(SecretId=REFERENCE["path"], SecretString="rotated, and no JSON")
        assert "no JSON object" in refusal(made)
        client.put_secret_value(SecretId=REFERENCE["path"], SecretBinary=b"123456789")
        assert "no text" in refusal(made)
        client.delete_secret(SecretId=REFERENCE["path"], ForceDeleteWithoutRecovery=True)
        assert refusal(made) == "The secret manager “outside” has nothing there."


@pytest.mark.services
def test_aws_parameter_store(ada: User, prod: Environment, amazon: S3Server, outside: Any) -> None:
    outside("aws-ssm", region=aws.REGION, endpoint=amazon.address)
    made = make(ada, prod)
    assert refusal(made) == "The secret manager “outside” has no field “password” there."
    with closing(aws.client(amazon, "ssm")) as client:
        client.put_parameter(Name="/flights/prod/shop/password", Value=VALUE, Type="SecureString")
        assert sealing.opened(made, used_by="x") == {"password": VALUE}
        client.put_parameter(Name="/flights/prod/plain/password", Value=VALUE, Type="String")
    made.versions.update(reference=REFERENCE | {"path": "flights/prod/plain"})
    assert "no SecureString" in refusal(made)
    own = backends.BACKEND_KINDS["aws-ssm"].model_validate({"name": "x", "region": aws.REGION, "endpoint": amazon.address})
    with pytest.raises(PortalError, match="AWS's own"):
        own.values("aws/reference/secretsmanager/flights", ["password"])


@pytest.mark.services
def test_at_the_loudest_no_log_has_what_secret_managers_answer(
    ada: User, prod: Environment, amazon: S3Server, outside: Any, caplog: Any
) -> None:
    """botocore tells whole answers at DEBUG: the control shows it."""
    outside("aws-secrets", region=aws.REGION, endpoint=amazon.address)
    made = make(ada, prod)
    with closing(aws.client(amazon, "secretsmanager")) as client:
        client.create_secret(Name=REFERENCE["path"], SecretString=json.dumps({"password": VALUE}))
        caplog.set_level(logging.DEBUG)
        assert sealing.opened(made, used_by="x") == {"password": VALUE} and "c4nary" not in caplog.text
        caplog.set_level(logging.DEBUG, logger="botocore")
        sealing.opened(made, used_by="x")
        assert "c4nary" in caplog.text
        client.delete_secret(SecretId=REFERENCE["path"], ForceDeleteWithoutRecovery=True)


def test_what_aws_refuses_is_said_in_words(ada: User, prod: Environment, outside: Any, monkeypatch: Any) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    for kind in ("aws-secrets", "aws-ssm"):
        outside(kind, region=aws.REGION, endpoint=f"http://127.0.0.1:{free_port()}")
        made = make(ada, prod)
        assert refusal(made) == "The secret manager “outside” does not answer (EndpointConnectionError)."
        for code, why in (
            ("AccessDeniedException", "does not let Sluice read what lies there."),
            ("ExpiredTokenException", "says that what Sluice signs in with has expired."),
            ("OddException", "refuses (OddException)."),
        ):
            with aws.refusing(code) as address:
                outside(kind, region=aws.REGION, endpoint=address)
                assert refusal(made) == f"The secret manager “outside” {why}"
        made.delete()


# --- HashiCorp Vault ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def vault(outside: Any, tmp_path: Path) -> Iterator[vault_kv.VaultServer]:
    put(tmp_path / "token", "flights-token\n")
    with vault_kv.serving() as server:
        server.tokens["flights-token"] = ["flights/"]
        server.secrets["flights/prod/shop"] = {"password": VALUE, "port": 5432}
        outside("hashicorp", url=server.address, token_file=str(tmp_path / "token"))
        yield server


def test_hashicorp_vault(ada: User, prod: Environment, vault: vault_kv.VaultServer, tmp_path: Path) -> None:
    made = make(ada, prod)
    assert sealing.opened(made, used_by="x") == {"password": VALUE}
    vault.secrets["flights/prod/shop"] = None
    assert "has nothing there" in refusal(made)
    del vault.secrets["flights/prod/shop"]
    assert "has nothing there" in refusal(made)
    vault.secrets["flights/prod/shop"] = {"password": 12345678, "other": VALUE}
    assert "has no field “password” there" in refusal(made)
    vault.tokens["flights-token"] = ["flights/dev/"]
    assert "does not let Sluice in, or not read" in refusal(made)
    vault.tokens["renewed"], vault.secrets["flights/prod/shop"] = ["flights/"], {"password": VALUE}
    (tmp_path / "token").unlink()
    assert "file with which Sluice signs in cannot be read" in refusal(made)
    put(tmp_path / "token", "renewed")
    assert sealing.opened(made, used_by="x") == {"password": VALUE}
    vault.is_sealed = True
    assert refusal(made) == "The secret manager “outside” is sealed."


def test_vaults_token_goes_to_the_operators_host_only(ada: User, prod: Environment, vault: vault_kv.VaultServer, monkeypatch: Any) -> None:
    """No redirect, no proxy and no address of the environment leads elsewhere."""
    made = make(ada, prod)
    with vault_kv.serving() as stranger:
        stranger.secrets, stranger.tokens = {"flights/prod/shop": {"password": "the stranger's own"}}, {"flights-token": [""]}
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "VAULT_ADDR"):
            monkeypatch.setenv(name, stranger.address)
        monkeypatch.setenv("VAULT_TOKEN", "a token of the environment")
        assert sealing.opened(made, used_by="x") == {"password": VALUE}
        vault.leads_to = stranger.address
        assert "none of the key/value engine's second version" in refusal(made)
        assert stranger.asked == [] and {headers["X-Vault-Token"] for _, headers in vault.asked} == {"flights-token"}


def test_vault_lets_a_role_in(ada: User, prod: Environment, vault: vault_kv.VaultServer, outside: Any, tmp_path: Path) -> None:
    put(tmp_path / "secret-id", "the-secret-id")
    outside("hashicorp", url=vault.address, role_id="sluice", secret_id_file=str(tmp_path / "secret-id"), namespace="team")
    made = make(ada, prod)
    assert "refuses (InvalidRequest)" in refusal(made)
    vault.roles["sluice", "the-secret-id"] = "flights-token"
    assert sealing.opened(made, used_by="x") == {"password": VALUE}
    assert vault.asked[-1][1]["X-Vault-Namespace"] == "team"
    vault.leads_to = "http://127.0.0.1:1"
    assert "gives no token" in refusal(made)


def test_a_vault_that_is_away_or_another_is_said(
    ada: User, prod: Environment, vault: vault_kv.VaultServer, outside: Any, tmp_path: Path
) -> None:
    made, token = make(ada, prod), str(tmp_path / "token")
    outside("hashicorp", url=f"http://127.0.0.1:{free_port()}", token_file=token)
    assert refusal(made) == "The secret manager “outside” does not answer (ConnectionError)."
    outside("hashicorp", url=vault.address.replace("http://", "https://"), token_file=token)
    assert "does not answer (SSLError)" in refusal(made)
    outside("hashicorp", url=vault.address, token_file=token, mount="other")
    assert "has nothing there" in refusal(made)
    outside("hashicorp", url=vault.address.replace("http://", "https://"), token_file=token, ca_file=str(tmp_path / "no-ca.pem"))
    assert "does not answer" in refusal(made)
