"""Whom a job's database must be signed by: the same as the test of the connection asks for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.executor.databases.servers import MARIADB, POSTGRESQL, SAVE, Servers, done, extract
from tests.services import mariadb
from tests.services import odd_servers as odd
from tests.services.certificates import Authority

pytestmark = [pytest.mark.spark, pytest.mark.services]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("others"), "Others")


@pytest.fixture(scope="module")
def postgres(servers: Servers, authority: Authority) -> Iterator[dict[str, Any]]:
    plain = urlsplit(servers.addresses[POSTGRESQL]).port
    assert plain
    with odd.answering(odd.with_postgres_tls(plain, authority.certificate("postgresql"))) as port:
        yield servers.connection(POSTGRESQL, host="localhost", port=port)


@pytest.fixture(scope="module")
def maria(servers: Servers, authority: Authority) -> Iterator[dict[str, Any]]:
    with mariadb.running(authority.certificate("mariadb")) as address:
        at = urlsplit(address)
        yield servers.connection(MARIADB, host="localhost", port=at.port, user=at.username, password=at.password)


@pytest.mark.parametrize("database", ["postgres", pytest.param("maria", marks=pytest.mark.lake)])
def test_a_job_trusts_whom_the_connection_names_and_nobody_else(
    database: str,
    servers: Servers,
    authority: Authority,
    others: Authority,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = request.getfixturevalue(database)

    def run(**more: str) -> Any:
        connection = given | {"settings": given["settings"] | more}
        return servers.run(extract("one", "SELECT 7 AS seven"), SAVE, connections={"one": connection})

    ours, theirs = authority.file.read_text(), others.file.read_text()
    for tls in ("verify-full", "verify-ca"):
        done(run(tls=tls, authority=ours))
        assert servers.read() == [(7,)]
        assert run(tls=tls, authority=theirs).problem["code"] == "database-tls"
        assert run(tls=tls).problem["code"] == "database-tls"
    assert run(tls="verify-full", authority=ours, host="127.0.0.1").problem["code"] == "database-tls"
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))  # what the machine trusts, for jobs as for tests of connections
    done(run(tls="verify-full"))


def test_sql_server_s_driver_gets_a_store_of_the_same_certificates(servers: Servers, authority: Authority) -> None:
    jvm: Any = servers.process.session._jvm
    told = jvm.java.util.Properties()
    told.put("sluice.trusted", str(authority.file))
    puts = jvm.java.lang.Class.forName("sluice.TrustStore").getDeclaredMethod("puts", _classes(servers, jvm))
    puts.setAccessible(True)
    puts.invoke(None, _objects(servers, jvm, told))
    assert told.get("sluice.trusted") is None
    store = jvm.java.security.KeyStore.getInstance(told.get("trustStoreType"))
    store.load(jvm.java.io.FileInputStream(told.get("trustStore")), _characters(servers, jvm, told.get("trustStorePassword")))
    assert store.size() == 1 and "Sluice Tests" in store.getCertificate("authority-0").getSubjectX500Principal().getName()


def _classes(servers: Servers, jvm: Any) -> Any:
    array = servers.process.session._sc._gateway.new_array(jvm.java.lang.Class, 1)
    array[0] = jvm.java.lang.Class.forName("java.util.Properties")
    return array


def _objects(servers: Servers, jvm: Any, one: Any) -> Any:
    array = servers.process.session._sc._gateway.new_array(jvm.java.lang.Object, 1)
    array[0] = one
    return array


def _characters(servers: Servers, jvm: Any, text: str) -> Any:
    array = servers.process.session._sc._gateway.new_array(jvm.char, len(text))
    for place, letter in enumerate(text):
        array[place] = letter
    return array
