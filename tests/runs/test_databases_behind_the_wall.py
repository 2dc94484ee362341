"""A job reads PostgreSQL and writes MariaDB from behind the wall, as a run: by name, with TLS that is checked, and through its own ways out
alone."""

from __future__ import annotations

import ipaddress
import json
import queue
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pymysql
import pytest

from executor.connections.base import Endpoint
from portal.runs import launcher
from tests.runs.test_egress import HERE
from tests.services import mariadb, postgresql
from tests.services import odd_servers as odd
from tests.services.certificates import Authority

pytestmark = [pytest.mark.spark, pytest.mark.services, pytest.mark.lake, pytest.mark.django_db]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def servers(authority: Authority) -> Iterator[tuple[str, str]]:
    with postgresql.running() as one, mariadb.running(authority.certificate("mariadb")) as other:
        yield one, other


def connection(kind: str, address: str, port: int, authority: Authority) -> dict[str, Any]:
    at = urlsplit(address)
    settings = {"host": "localhost", "port": port, "database": "sluice", "user": at.username}
    checked = {"tls": "verify-full", "authority": authority.file.read_text()}
    return {"kind": kind, "settings": settings | checked, "secrets": {"password": at.password}}


def test_both_databases_are_reached_by_name_and_nothing_else_is(
    dev: Any, servers: tuple[str, str], authority: Authority, home: Path, settings: Any
) -> None:
    settings.RUN_DIR, settings.LAKE_DIR = home / "run", home / "lake"
    shop, warehouse = servers
    with psycopg.connect(shop, autocommit=True) as there:
        there.execute("CREATE TABLE orders AS SELECT i AS id, 'order ' || i AS name FROM generate_series(1, 1000) i")
    stages = [
        {"type": "JDBCExtract", "name": "orders", "connection": "shop", "outputView": "orders", "tableName": "orders",
         "partitionColumn": "id", "numPartitions": 3},
        {"type": "JDBCLoad", "name": "copy", "connection": "warehouse", "inputView": "orders", "tableName": "orders"},
    ]  # fmt: skip
    behind, there = (urlsplit(address).port or 0 for address in servers)
    with odd.answering(odd.with_postgres_tls(behind, authority.certificate("postgresql"))) as port:
        endpoints = [Endpoint("localhost", one, HERE) for one in (port, there)]
        launch = launcher.for_run(dev, "x", endpoints=endpoints)
        connections = {
            "shop": connection("postgresql", shop, port, authority),
            "warehouse": connection("mariadb", warehouse, there, authority),
        }
        executor = launcher.Executor(launch, {"document": {"stages": stages}, "lake": launch.lake, "connections": connections})
        said = list(lines(executor))
        assert executor.finish() == 0, said
    at = urlsplit(warehouse)
    with pymysql.connect(host="127.0.0.1", port=at.port or 0, user="sluice", password=at.password or "", database="sluice") as found:
        cursor = found.cursor()
        cursor.execute("SELECT count(*), sum(id) FROM orders")
        assert [int(one) for one in cursor.fetchone() or ()] == [1000, 500500]
    assert set(launch.reached.did) == {str(one) for one in endpoints}
    assert not any(one.failed or one.refused for one in launch.reached.did.values()), (launch.reached, said)
    assert not any(urlsplit(address).password in line for address in servers for line in said)


def lines(executor: launcher.Executor) -> Iterator[str]:
    """What it says until its result."""
    while True:
        try:
            _, line = executor.output.get(timeout=120)
        except queue.Empty:
            return
        yield line
        if '"result"' in line and json.loads(line).get("event") == "result":
            return


@pytest.mark.django_db(transaction=True)
def test_rows_of_before_are_put_back_from_behind_the_wall(
    dev: Any, ana: Any, servers: tuple[str, str], authority: Authority, home: Path, settings: Any, programs: list[dict[str, Any]]
) -> None:
    """By the program that the button asks for: it reaches the one database, and says nothing of its password."""
    from portal.environments.connections import add_connection
    from portal.runs import actions, published_tables
    from portal.runs.models import DatabaseTable
    from tests import factories

    settings.RUN_DIR, settings.LAKE_DIR = home / "run", home / "lake"
    settings.CONNECTION_NETWORKS = [ipaddress.ip_network(text) for text in HERE]
    shop, _ = servers
    with psycopg.connect(shop, autocommit=True) as there:
        there.execute("CREATE TABLE totals AS SELECT 1 AS n")
    load = {"type": "JDBCLoad", "name": "w", "connection": "shop", "inputView": "v", "tableName": "totals"}
    stages = [{"type": "JDBCExtract", "name": "r", "connection": "shop", "outputView": "v", "sql": "SELECT 2 AS n"}, load]
    with odd.answering(odd.with_postgres_tls(urlsplit(shop).port or 0, authority.certificate("postgresql"))) as port:
        given = connection("postgresql", shop, port, authority)
        more = {"settings": given["settings"] | {"private_networks": list(HERE)}, "secrets": given["secrets"]}
        add_connection(actor=factories.make_person("keeper", dev.project, "environment_admin"), environment=dev, name="shop",
                       kind="postgresql", **more)  # fmt: skip
        launch = launcher.for_run(dev, "x", endpoints=[Endpoint("localhost", port, HERE)])
        executor = launcher.Executor(launch, {"document": {"stages": stages}, "lake": launch.lake, "connections": {"shop": given}})
        said = list(lines(executor))
        assert executor.finish() == 0, said
        run = factories.make_run(
            factories.make_version(factories.make_job(dev.project, ana), document={"stages": stages}), dev, "succeeded"
        )
        run.outputs = json.loads(said[-1])["outputs"]
        published_tables.note(run)
        table = DatabaseTable.objects.get()
        actions.put_back_rows(actor=ana, table=table, kept_id=table.kept[0]["id"])
    with psycopg.connect(shop) as there:
        assert there.execute("SELECT n FROM totals").fetchall() == [(1,)]
    assert table.kept and urlsplit(shop).password not in f"{programs}"
