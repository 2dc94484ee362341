"""What must be true of every kind of connection, whoever adds it; and what each of them says of itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from pydantic import ValidationError

from executor.connections import CONNECTION_KINDS, ConnectionKind
from executor.connections.base import FILES, missing_secrets
from executor.connections.http import HTTP
from executor.connections.kafka import Kafka
from executor.connections.mariadb import MariaDB
from executor.connections.postgresql import PostgreSQL
from executor.connections.s3 import S3
from executor.connections.sqlite import SQLite
from executor.connections.sqlserver import SQLServer
from executor.document.forms import form_fields
from executor.stores.s3_access import S3Access
from tests.services.certificates import Authority

EVERY = pytest.mark.parametrize("cls", CONNECTION_KINDS.values(), ids=CONNECTION_KINDS.keys())
ROOT = "s3a://acme-lake/prod/"


def s3(**fields: Any) -> S3:
    return S3.model_validate(S3.example | fields)


def other(**fields: Any) -> S3:
    return s3(service="other", **{"endpoint": "https://minio.example.org:9000", **fields})


def postgresql(**fields: Any) -> PostgreSQL:
    return PostgreSQL.model_validate(PostgreSQL.example | fields)


def wrong(connection: ConnectionKind) -> list[str | None]:
    return [problem.field for problem in connection.problems()]


def reached(connection: ConnectionKind, *roots: str) -> list[str]:
    return [str(endpoint) for endpoint in connection.endpoints(roots)]


@EVERY
def test_it_says_what_it_is(cls: type[ConnectionKind]) -> None:
    assert cls.__doc__ and cls.__doc__.strip().endswith(".")
    assert cls.title and cls.kind == cls.kind.lower() and cls.icon.replace("-", "").isalnum()
    assert cls.offers == cls.offers.lower() and (cls.offers == FILES) == cls.has_roots


@EVERY
def test_every_field_has_a_label_help_and_a_place_on_the_page(cls: type[ConnectionKind]) -> None:
    for field in form_fields(cls):
        extra = cls.hints(field["name"])
        assert field["help"] and field["label"] != field["name"] and extra["card"] in ("where", "sign-in"), field
        assert set(extra.get("words", {})) == set(field["choices"]), field
        assert set(extra.get("when", {})) <= set(cls.model_fields), field


@EVERY
def test_its_example_is_right_and_what_is_stored_makes_it_again(cls: type[ConnectionKind]) -> None:
    made = cls.model_validate(cls.example | cls.example_secrets)
    assert made.problems() == [] and made.where()
    assert missing_secrets(made, cls.example_secrets) == []
    assert cls.model_validate(made.settings()).settings() == made.settings()


@EVERY
def test_its_secrets_are_in_nothing_that_is_stored_or_printed(cls: type[ConnectionKind]) -> None:
    made = cls.model_validate(cls.example | cls.example_secrets)
    said = f"{made.settings()} {made!r} {made} {made.problems()} {made.where()} {made.storage()} {made.endpoints([ROOT])}"
    assert not [name for name, value in cls.example_secrets.items() if value in said]
    assert set(cls.secret_fields()) == set(cls.example_secrets) and not set(cls.secret_fields()) & set(made.settings())


@EVERY
def test_a_wrong_field_is_refused_without_its_value(cls: type[ConnectionKind]) -> None:
    secrets = [{name: ["canary77"]} for name in cls.secret_fields()]
    for given in ({"sessionInitStatement": "canary77"}, {"private_networks": ["canary77"]}, *secrets):
        with pytest.raises(ValidationError) as refused:
            cls.model_validate(cls.example | given)
        assert "canary77" not in str(refused.value)


@EVERY
def test_it_reaches_places_that_can_be_compared(cls: type[ConnectionKind]) -> None:
    for endpoint in cls.model_validate(cls.example).endpoints([ROOT]):
        assert endpoint.host == endpoint.host.lower().rstrip(".") and 0 < endpoint.port < 65536


@EVERY
def test_folders_lie_behind_it_or_it_says_that_none_do(cls: type[ConnectionKind]) -> None:
    made = cls.model_validate(cls.example)
    if cls.has_roots:
        assert made.clean_root(ROOT) == ROOT
    else:
        with pytest.raises(ValueError, match=cls.title):
            made.clean_root(ROOT)


def test_a_run_reaches_the_buckets_of_its_roots_and_nothing_without_one() -> None:
    assert reached(s3()) == [] and reached(s3(bucket_style="path")) == []
    assert reached(s3(), ROOT, "s3a://acme-lake/archive/", "s3a://landing/") == [
        "acme-lake.s3.eu-central-1.amazonaws.com:443",
        "landing.s3.eu-central-1.amazonaws.com:443",
    ]
    assert reached(s3(bucket_style="path"), ROOT) == ["s3.eu-central-1.amazonaws.com:443"]
    assert reached(s3(region="cn-north-1"), ROOT) == ["acme-lake.s3.cn-north-1.amazonaws.com.cn:443"]
    assert reached(s3(), "s3a://a.lake/x/") == ["s3.eu-central-1.amazonaws.com:443"], "no certificate is good for a.lake.s3…"


@pytest.mark.parametrize("bucket", ["acme-lake", "acme.lake"])
@pytest.mark.parametrize(
    "fields",
    [
        {"region": "us-east-1"}, {"region": "us-east-1", "bucket_style": "path"}, {"region": "eu-central-1"}, {"region": "cn-north-1"},
        {"region": "us-gov-west-1"}, {"service": "other", "endpoint": "https://minio.example.org:9000/"},
        {"service": "other", "endpoint": "http://minio.example.org", "tls": "off"},
        {"service": "other", "endpoint": "https://192.0.2.7", "bucket_style": "path"},
    ],
)  # fmt: skip
def test_what_a_client_asks_is_what_a_run_may_reach(fields: dict[str, Any], bucket: str) -> None:
    made = s3(**fields)
    assert made.problems() == []
    access = S3Access(made.region, made.url(), path_style=made.bucket_style == "path", key_id="x" * 20, secret="x" * 40)
    asked = urlsplit(access.client().generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"}))
    assert reached(made, f"s3a://{bucket}/") == [f"{asked.hostname}:{asked.port or {'https': 443, 'http': 80}[asked.scheme]}"]


def test_a_role_is_asked_for_at_sts() -> None:
    role = {"sign_in": "role", "role": "arn:aws:iam::123456789012:role/lake"}
    assert reached(s3(**role), ROOT)[1:] == ["sts.eu-central-1.amazonaws.com:443"]
    assert reached(other(bucket_style="path", **role), ROOT) == ["minio.example.org:9000"]


def test_another_service_is_reached_at_its_address() -> None:
    assert reached(other(), ROOT) == ["acme-lake.minio.example.org:9000"]
    assert reached(other(endpoint="http://10.1.2.3", tls="off", bucket_style="path"), ROOT) == ["10.1.2.3:80"]
    endpoint = other(bucket_style="path", private_networks=[" 10.1.0.0/16"]).endpoints([ROOT])[0]
    assert endpoint.networks == ("10.1.0.0/16",)


@pytest.mark.parametrize(
    "fields",
    [
        {"endpoint": "http://minio.example.org"},
        {"endpoint": "https://minio.example.org", "tls": "off"},
        {"endpoint": "https://user:word@minio.example.org"},
        {"endpoint": "https://minio.example.org/bucket"},
        {"endpoint": "https://minio.example.org/?a=b"},
        {"endpoint": "https://minio.example.org:0"},
        {"endpoint": "https://minio.example.org:99999"},
        {"endpoint": "https://2130706433"},
        {"endpoint": "https://0x7f.1"},
        {"endpoint": "https://[::1"},
        {"endpoint": "ftp://minio.example.org"},
        {"endpoint": "minio.example.org"},
        {"endpoint": "https://minio.example.org\n"},
        {"endpoint": "https://mínio.example.org"},
        {"endpoint": ""},
    ],
)
def test_an_address_of_a_service_that_is_none_is_refused(fields: dict[str, Any]) -> None:
    assert wrong(other(**fields)) == ["endpoint"]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"endpoint": "https://minio.example.org"}, "endpoint"),
        ({"region": "europe"}, "region"),
        ({"region": "eu-central-1.example.org/"}, "region"),
        ({"tls": "off"}, "tls"),
        ({"encryption": "kms"}, "kms_key"),
        ({"kms_key": "alias/lake"}, "kms_key"),
        ({"sign_in": "role"}, "role"),
        ({"sign_in": "role", "role": "lake"}, "role"),
        ({"sign_in": "nobody", "requester_pays": True}, "requester_pays"),
        ({"sign_in": "nobody", "secret_key": "a-secret-that-nobody-uses"}, "secret_key"),
    ],
)
def test_fields_that_do_not_fit_each_other_are_told(fields: dict[str, Any], field: str) -> None:
    assert wrong(s3(**fields)) == [field]


def test_no_bucket_stands_before_an_ip_address() -> None:
    assert wrong(other(endpoint="https://192.0.2.7")) == ["bucket_style"]


@pytest.mark.parametrize("given", ["s3://acme-lake/prod", "s3a://acme-lake/prod/", " s3a://acme-lake/prod// "])
def test_a_root_is_stored_in_one_form(given: str) -> None:
    assert s3().clean_root(given) == ROOT


@pytest.mark.parametrize(
    "given",
    [
        "", "acme-lake/prod", "s3a://", "s3a:///prod/", "s3a://Acme/prod/", "s3a://a/", "s3a://acme-lake/../other/", "s3a://acme-lake/a/../b/",
        "s3a://acme-lake/./", "s3a://acme-lake//prod/", "s3a://acme..lake/", "s3a://192.168.0.1/", "s3a://user@acme-lake/", "s3a://acme-lake:80/",
        "s3a://acme-lake/a\\b/", "s3a://acme-lake/a?b/", "s3a://acme-lake/a*/", "s3a://acme-lake/a@b/", "s3a://acme-lake/%2e%2e/", "s3a://acme-lake/a\nb/",
        "s3a://acme-lake/{a,b}/", "file:///etc/", "https://acme-lake/", "gs://acme-lake/x/", "s3a://acme-lake/" + "x" * 600,
    ],
)  # fmt: skip
def test_a_root_that_is_no_folder_of_a_bucket_is_refused(given: str) -> None:
    with pytest.raises(ValueError, match="such as s3a|The folder"):
        s3().clean_root(given)


def test_which_key_it_is_may_be_seen_and_only_where_it_is_an_id() -> None:
    assert s3(access_key="AKIAIOSFODNN7EXAMPLE", secret_key="x" * 40).key_shown() == "AKIA••••MPLE"
    assert s3(access_key="wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY", secret_key="x" * 40).key_shown() == ""
    assert s3(sign_in="nobody").key_shown() == "" and s3(sign_in="nobody").needed_secrets() == []


def test_the_url_of_a_database_is_built_of_its_fields() -> None:
    assert postgresql(tls="require").url() == "jdbc:postgresql://db.example.org:5432/shop?sslmode=require&connectTimeout=10"
    made = postgresql(
        host="DB.example.org.", port=6432, database="a b?x=1&y", options={"currentSchema": "a,b", "ApplicationName": "my job"}
    )
    assert made.url() == (
        "jdbc:postgresql://db.example.org:6432/a%20b%3Fx%3D1%26y?sslmode=verify-full&ApplicationName=my%20job&currentSchema=a%2Cb"
    )
    assert reached(made) == ["db.example.org:6432"]
    assert wrong(postgresql(host="2001:DB8::1")) == ["host"]


@pytest.mark.parametrize(
    "host",
    [
        "", "a b", "db.example.org:5432", "db.example.org/other", "user@db", "a,b", "//db", "db?x", "db#x", "2130706433", "0x7f000001",
        "127.1", "0177.0.0.1", "-db", "db..org", "x" * 254, "db\nx", "[::1]", "fe80::1%eth0", "dæb.example.org",
    ],
)  # fmt: skip
def test_a_host_that_is_none_is_refused(host: str) -> None:
    with pytest.raises(ValidationError):
        postgresql(host=host)


OTHERS = {  # options that load classes, read or write files, send SQL, go elsewhere or weaken TLS
    "postgresql": "sessionInitStatement socketFactory sslfactory options loggerFile sslkey sslrootcert authenticationPluginClassName"
    " sslmode user password connecttimeout service gssEncMode localSocketAddress",
    "mariadb": "allowLocalInfile allowMultiQueries allowPublicKeyRetrieval credentialType dumpQueriesOnException initSql keyStore"
    " localSocket permitRedirect pipe serverRsaPublicKeyFile serverSslCert sessionVariables socketFactory sslMode tlsSocketType trustStore"
    " user password autoDeserialize connectionCollation enabledSslCipherSuites connecttimeout",
    "sqlserver": "accessToken accessTokenCallbackClass authentication clientKey encrypt enclaveAttestationUrl failoverPartner"
    " hostNameInCertificate instanceName integratedSecurity jaasConfigurationName keyStoreLocation serverCertificate serverName"
    " socketFactoryClass socketFactoryConstructorArg sslProtocol trustManagerClass trustServerCertificate trustStore user password"
    " databaseName portNumber logintimeout",
}


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind, names in OTHERS.items() for name in names.split()])
def test_an_option_that_is_not_listed_is_refused(kind: str, name: str) -> None:
    made = CONNECTION_KINDS[kind].model_validate(CONNECTION_KINDS[kind].example | {"options": {name: "canary77"}})
    assert wrong(made) == ["options"] and "canary77" not in str(made.problems())


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        ("postgresql", "connectTimeout", "1&sslmode=disable"), ("postgresql", "currentSchema", "a;drop"),
        ("postgresql", "ApplicationName", "a\nb"),
        ("mariadb", "connectTimeout", "1&allowLocalInfile=true"), ("mariadb", "useCompression", "true&initSql=DROP TABLE x"),
        ("sqlserver", "applicationName", "a};trustServerCertificate={true"), ("sqlserver", "applicationName", "a;encrypt=false"),
        ("sqlserver", "loginTimeout", "1;x=y"), ("sqlserver", "packetSize", "\u0661"),
    ],
)  # fmt: skip
def test_an_option_holds_what_it_may_only(kind: str, name: str, value: str) -> None:
    made = CONNECTION_KINDS[kind].model_validate(CONNECTION_KINDS[kind].example | {"options": {name: value}})
    assert wrong(made) == ["options"] and value not in str(made.problems())


@pytest.mark.parametrize("name", ["a?b=c", "a&allowLocalInfile=true", "a b", "a%20b", "a/b", "ä", "x" * 65])
def test_a_name_that_the_drivers_address_cannot_hold_is_refused(name: str) -> None:
    assert wrong(MariaDB.model_validate(MariaDB.example | {"database": name})) == ["database"]


@pytest.mark.parametrize("name", ["a}b", "a;encrypt=false", "a{b", "a'b"])
def test_no_name_ends_its_braces(name: str) -> None:
    assert wrong(SQLServer.model_validate(SQLServer.example | {"database": name})) == ["database"]


def test_each_driver_is_told_in_its_own_words() -> None:
    assert MariaDB.model_validate(MariaDB.example).url() == (
        "jdbc:mariadb://db.example.org:3306/shop?sslMode=verify-full&allowLocalInfile=false&permitRedirect=false&connectTimeout=10000"
    )
    assert SQLServer.model_validate(SQLServer.example | {"database": "my shop", "port": 1434}).url() == (
        "jdbc:sqlserver://db.example.org:1434;databaseName={my shop};encrypt=true;trustServerCertificate=false;loginTimeout={10}"
    )
    assert "encrypt=strict" in SQLServer.model_validate(SQLServer.example | {"tls": "strict"}).url()


# --- SQLite ------------------------------------------------------------------------------------------------------------


def test_a_file_is_opened_with_nothing_attached() -> None:
    made = SQLite.model_validate(SQLite.example)
    assert made.url(Path("/lake/raw/shop.sqlite")) == "jdbc:sqlite:/lake/raw/shop.sqlite?limit_attached=0&enable_load_extension=false"
    assert made.endpoints([ROOT]) == [] and SQLite.needs_permission


@pytest.mark.parametrize(
    "file",
    [
        "/etc/passwd", "../other/x.db", "raw/../../x.db", "file:/etc/passwd", "file:x.db", ":memory:", ":resource:http://x",
        "raw/x.db?mode=rwc",
        "raw/*.db", "raw/", "raw/a%2e%2e/x", "s3a://acme-lake/x.db", "archive:x.db", "raw/x.db#y", "raw/a\nb.db", "raw/{a,b}.db", "~/x.db",
        "_hidden.db", ".x.db",
    ],
)  # fmt: skip
def test_a_file_elsewhere_is_refused(file: str) -> None:
    assert wrong(SQLite.model_validate({"file": file})) == ["file"]


# --- HTTP and Kafka ----------------------------------------------------------------------------------------------------


SECRET = "canary77long"


def http(**fields: Any) -> HTTP:
    return HTTP.model_validate(HTTP.example | fields)


def test_a_service_signs_in_as_it_is_said() -> None:
    assert http(secret=SECRET).headers() == {"Authorization": "Bearer canary77long"}
    assert http(sign_in="basic", user="u", secret=SECRET).headers() == {"Authorization": "Basic dTpjYW5hcnk3N2xvbmc="}
    assert http(sign_in="header", header="X-Api-Key", secret=SECRET).headers() == {"X-Api-Key": "canary77long"}
    assert http(sign_in="nobody").headers() == {} and http(sign_in="nobody").needed_secrets() == []
    assert reached(http()) == ["api.example.org:443"] and http(address="https://api.example.org/v1").base() == http().base()
    assert http(address="https://api.example.org/other/").signs_in_at() != http().signs_in_at(), "one host can be many people's"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"address": "http://api.example.org/"}, "address"), ({"address": "https://u:p@api.example.org/"}, "address"),
        ({"address": "https://api.example.org/?a=b"}, "address"), ({"address": "https://api.example.org/a/../b"}, "address"),
        ({"address": "https://api.example.org/%2e%2e/"}, "address"), ({"address": "https://api.example.org//x"}, "address"),
        ({"address": "https://2130706433/"}, "address"), ({"address": "https://[::1]/"}, "address"),
        ({"address": "https://0x7f.1/"}, "address"),
        ({"address": "https://api.example.org/a b"}, "address"), ({"address": "https://api.example.org\\@x/"}, "address"),
        ({"sign_in": "basic"}, "user"), ({"sign_in": "basic", "user": "a:b"}, "user"), ({"sign_in": "header"}, "header"),
        ({"sign_in": "header", "header": "Host"}, "header"), ({"sign_in": "header", "header": "X\r\nY"}, "header"),
        ({"secret": "a token\r\nX-Evil: 1"}, "secret"), ({"user": "x"}, "user"),
    ],
)  # fmt: skip
def test_what_is_no_service_is_refused(fields: dict[str, Any], field: str) -> None:
    assert wrong(http(**fields)) == [field]


def test_a_run_reaches_every_broker_that_is_listed() -> None:
    made = Kafka.model_validate(Kafka.example | {"brokers": ["K1.example.org:9093", "k1.example.org.:9093", " k2.example.org:9094"]})
    assert reached(made) == ["k1.example.org:9093", "k2.example.org:9094"]
    assert wrong(Kafka.model_validate(Kafka.example | {"sign_in": "plain", "tls": "off"})) == ["tls"]
    assert wrong(Kafka.model_validate(Kafka.example | {"user": ""})) == ["user"]


@pytest.mark.parametrize(
    "broker", ["kafka1", "kafka1:", "kafka1:0", "kafka1:99999", "SSL://kafka1:9093", "a,b:9093", "127.1:9093", "k:\u0661"]
)
def test_a_broker_that_is_none_is_refused(broker: str) -> None:
    with pytest.raises(ValidationError):
        Kafka.model_validate(Kafka.example | {"brokers": [broker]})


def test_a_database_without_tls_is_said_by_its_choice_and_never_by_an_option() -> None:
    assert postgresql().tls == "verify-full" and "sslmode=require" in postgresql(tls="require").url()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: text.replace("BEGIN CERTIFICATE", "BEGIN PRIVATE KEY"), "private key"),
        (lambda text: "my-company-ca", "begins with"),
        (lambda text: text.replace(text.splitlines()[3], "AAAA" * 16), "cannot be read"),
        (lambda text: text.replace(text.splitlines()[3], "ä" * 64), "cannot be read"),
        (lambda text: f"{text}\n{text}", ""),
        (lambda text: text.replace("\n", "\r\n"), ""),
    ],
)
def test_a_certificate_authority_is_certificates_and_nothing_else(tmp_path: Path, change: Any, words: str) -> None:
    found = postgresql(authority=change(Authority(tmp_path).file.read_text().strip())).problems()
    assert (words in found[0].message and found[0].field == "authority") if words else found == []


def test_a_server_s_own_certificate_is_no_authority(tmp_path: Path) -> None:
    text = Authority(tmp_path).certificate("server").read_text()
    (found,) = postgresql(authority=text[text.index("-----BEGIN CERT") :].strip()).problems()
    assert "is no authority's" in found.message


def test_an_authority_counts_where_a_certificate_is_checked(tmp_path: Path) -> None:
    text = Authority(tmp_path).file.read_text().strip()
    assert wrong(postgresql(authority=text, tls="require")) == ["authority"] == wrong(s3(authority=text))
    assert wrong(other(authority=text)) == []
    assert postgresql(authority=text).signs_in_at() != postgresql().signs_in_at()
