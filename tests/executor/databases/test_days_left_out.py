"""The ten days of October 1582 that calendars left out: databases have them, Java's old dates do not."""

from __future__ import annotations

import pytest

from tests.executor.databases.servers import MARIADB, POSTGRESQL, SAVE, Servers, done, extract, load, make

pytestmark = [pytest.mark.spark, pytest.mark.services, pytest.mark.lake]

AROUND = ["0001-01-01", "1500-02-28", "1582-10-04", "1582-10-15", "1582-10-24", "1900-02-28"]
OF_VIEW = [
    "DATE'{}'",
    "TIMESTAMP_NTZ'{} 12:30:00.123456'",
    "TIMESTAMP'{} 12:30:00.123456Z'",
    "array(DATE'{}')",
    "array(TIMESTAMP'{} 00:00:00Z')",
]
OF_SERVER = {"date": "", "timestamp": " 12:30:00.123456", "timestamptz": " 23:59:59.999999+00"}


@pytest.mark.parametrize("value", OF_VIEW)
def test_such_a_day_is_written_as_it_is_or_not_at_all(servers: Servers, value: str) -> None:
    rows = ", ".join(f"('{day}', {value.format(day)})" for day in AROUND)
    for day in ("1582-10-05", "1582-10-14"):
        servers.say(POSTGRESQL, "DROP TABLE IF EXISTS days")
        for _ in ("a new table", "one that is there"):
            problem = servers.run(make(f"SELECT '{day}' AS k, {value.format(day)} AS d"), load(POSTGRESQL, "days")).problem
            assert (problem["code"], problem["data_column"]) == ("database-value", "d")
            done(servers.run(make(f"SELECT * FROM VALUES {rows} AS v(k, d)"), load(POSTGRESQL, "days")))
    told = servers.ask(POSTGRESQL, "SELECT k, translate(d::text, '{\"', '') FROM days ORDER BY k")
    assert [row[0] for row in told] == AROUND and all(str(row[1]).startswith(str(row[0])) for row in told), told
    if not value.startswith("array"):
        servers.say(MARIADB, "DROP TABLE IF EXISTS days")
    if value.startswith(("DATE", "TIMESTAMP_NTZ")):
        done(servers.run(make(f"SELECT {value.format('1582-10-10')} AS d"), load(MARIADB, "days")))
        assert str(servers.ask(MARIADB, "SELECT CAST(d AS CHAR) FROM days")[0][0]).startswith("1582-10-10")


@pytest.mark.parametrize("kind", OF_SERVER)
def test_such_a_day_is_read_as_it_is_or_not_at_all(servers: Servers, kind: str) -> None:
    def put(*days: str) -> None:
        values = ", ".join(f"('{day}', '{day}{OF_SERVER[kind]}')" for day in days)
        servers.say(POSTGRESQL, "DROP TABLE IF EXISTS left_out", f'CREATE TABLE left_out (k text, "a day\'s" {kind})')
        servers.say(POSTGRESQL, f"INSERT INTO left_out VALUES {values}, ('none', NULL)")

    put(*AROUND)
    as_text = [make("SELECT k, CAST(`a day's` AS STRING) AS d FROM there"), SAVE | {"inputView": "made"}]
    done(servers.run(extract(POSTGRESQL, tableName="left_out"), *as_text))
    assert all(row == ("none", None) or row[1].startswith(row[0]) for row in servers.read())
    for day in ("1582-10-05", "1582-10-14"):
        put(*AROUND, day)
        for query in ({"tableName": "left_out"}, {"sql": "SELECT * FROM left_out"}):
            problem = servers.run(extract(POSTGRESQL, **query), SAVE).problem
            assert (problem["code"], problem["data_column"]) == ("value-not-typed", "a day's") and problem["value"].startswith(day)
        some = extract(POSTGRESQL, "SELECT * FROM left_out WHERE k <> '1582-10-05' AND k <> '1582-10-14'")
        done(servers.run(some, *as_text))
        assert len(servers.read()) == len(AROUND) + 1
    put("1582-10-15")
    word = {"date": "DATE'1582-10-05'", "timestamp": "TIMESTAMP_NTZ'1582-10-05 12:30:00.123456'"}
    word["timestamptz"] = "TIMESTAMP'1582-10-05 23:59:59.999999Z'"
    asked = make(f"SELECT k FROM there WHERE `a day's` = {word[kind]}")
    done(servers.run(extract(POSTGRESQL, tableName="left_out"), asked, SAVE | {"inputView": "made"}))
    assert servers.read() == []


def test_lists_of_days_and_moments_are_read_as_they_are(servers: Servers) -> None:
    servers.say(POSTGRESQL, "DROP TABLE IF EXISTS lists", "CREATE TABLE lists (d date[], t timestamp[], z timestamptz[])")
    servers.say(
        POSTGRESQL,
        "INSERT INTO lists VALUES (NULL, NULL, NULL), ('{1582-10-10, NULL}', '{1582-10-10 01:02:03.456789}', '{1582-10-10 01:00:00+00}')",
    )
    words = make("SELECT CAST(d AS STRING), CAST(t AS STRING), CAST(z AS STRING) FROM there WHERE d IS NOT NULL")
    done(servers.run(extract(POSTGRESQL, tableName="lists"), words, SAVE | {"inputView": "made"}))
    assert servers.read() == [("[1582-10-10, null]", "[1582-10-10 01:02:03.456789]", "[1582-10-10 01:00:00]")]
    for day in ("infinity", "0044-03-15 BC"):
        servers.say(POSTGRESQL, "DELETE FROM lists", f"INSERT INTO lists VALUES ('{{{day}}}', NULL, NULL)")
        assert servers.run(extract(POSTGRESQL, tableName="lists"), SAVE).problem["code"] == "value-not-typed", day
