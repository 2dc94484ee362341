"""Whoever writes a job sees which tables lie behind a connection: the first from which the document reads, whatever else is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from executor.problems import ProblemError
from executor.running.database_tables import tables_behind
from executor.running.reach import reach_of
from executor.running.values import values_from
from executor.stores.roots import Copies
from tests.executor.databases.servers import MARIADB, POSTGRESQL, Servers

pytestmark = [pytest.mark.spark, pytest.mark.services]
READS = {"type": "JDBCExtract", "name": "tables", "connection": "${db}"}


def tables(servers: Servers, name: str, *stages: dict[str, Any], **values: str) -> list[str]:
    connections = {POSTGRESQL: servers.connection(POSTGRESQL), MARIADB: servers.connection(MARIADB), "bucket": BUCKET}
    given = values_from({"lake": str(servers.folder), "connections": connections})
    document = {"parameters": {"db": {"type": "string", "default": name}}, "stages": list(stages)}
    reach = reach_of(given, Copies(servers.process.scratch))
    return tables_behind(servers.process.session, document, "dev", values, reach, lambda event: None)  # type: ignore[arg-type]


BUCKET = {"kind": "s3", "settings": {"service": "amazon"}, "secrets": {"access_key": "AKIAEXAMPLE", "secret_key": "example-secret"}}


@pytest.mark.parametrize("name", [POSTGRESQL, MARIADB])
def test_the_tables_that_one_may_read_are_named_as_documents_write_them(name: str, servers: Servers) -> None:
    quote = '"' if name == POSTGRESQL else "`"
    made = ("items_of_tables", f"{quote}two words{quote}", "sluice_kept_of_tables")
    for one in made:
        servers.say(name, f"DROP TABLE IF EXISTS {one}", f"CREATE TABLE {one} (id int)")
    wrong = {"type": "NoSuchStage", "name": "x", "connection": 7}
    found = tables(servers, "elsewhere", wrong, READS, db=name)
    assert set(made[:2]) <= set(found) and made[2] not in found
    assert tables(servers, name, READS) == found


def test_what_is_no_database_is_refused_in_words(servers: Servers) -> None:
    for name, code in (("gone", "connection-unknown"), ("bucket", "connection-of-another-kind")):
        with pytest.raises(ProblemError) as refused:
            tables(servers, name, READS)
        assert refused.value.problems[0].code == code and refused.value.problems[0].fix
    with pytest.raises(ProblemError, match="Choose a connection first"):
        tables(servers, POSTGRESQL, {"type": "JDBCLoad", "name": "save", "connection": POSTGRESQL})
