"""Databases commit one after the other, and take nothing back: where only one has, the run's own problem says so."""

from __future__ import annotations

import pytest

from tests.executor.databases.servers import MARIADB, POSTGRESQL, Servers, load, make

pytestmark = [pytest.mark.spark, pytest.mark.services, pytest.mark.lake]


@pytest.mark.parametrize("table", ["told", "told_anew"])
def test_what_is_visible_of_a_failed_run_stands_in_its_problem(table: str, servers: Servers) -> None:
    servers.say(MARIADB, "DROP TABLE IF EXISTS told", "DROP TABLE IF EXISTS told_anew", "CREATE TABLE told (id int)")
    servers.say(POSTGRESQL, "DROP TABLE IF EXISTS refuses", "CREATE TABLE refuses (id int UNIQUE DEFERRABLE INITIALLY DEFERRED)")
    rows = make("SELECT * FROM VALUES (1), (1) AS t(id)")
    files = {"type": "ParquetLoad", "name": "files", "inputView": "made", "outputURI": "out"}
    both = [load(MARIADB, table, "Append"), load(POSTGRESQL, "refuses", "Append") | {"name": "refused"}]
    outcome = servers.run(rows, files, *both)
    assert outcome.result == "failed" and not (servers.lakes[-1] / "out").exists()
    first, last = [event["problem"] for event in outcome.events if "problem" in event]
    assert (first["code"], last["code"]) == ("database-unique", "published-in-part") and first["message"] in last["message"]
    assert f"visible in “{table}” (connection “warehouse”): " in last["message"] and "refuses" not in last["message"]
    assert servers.ask(MARIADB, f"SELECT count(*) FROM {table}") == [["2"]]
    assert servers.ask(POSTGRESQL, "SELECT count(*) FROM refuses") == [["0"]]
    assert servers.run(rows, files, both[1], both[0]).problem["code"] == "database-unique"
    assert servers.ask(MARIADB, f"SELECT count(*) FROM {table}") == [["2"]]
