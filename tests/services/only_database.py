"""A pytest plugin (`-p tests.services.only_database`): keeps the tests that use the database, for the second run on PostgreSQL.

Of one test with many parameters the first is kept: the others put the same questions to the database.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pytest_django import DjangoDbBlocker

OF_OTHER_THINGS = re.compile(
    r"tests/(executor/.+|\w+/test_(\w+_)?pages|api/test_(bad_bodies|doors|frame|middleware|refreshing_pieces|wire)"
    r"|alerts/test_(fail_closed|my_alerts|outages|webhooks)|data/test_upload_api|home/test_home"
    r"|jobs/test_(check|credentials|deep_documents|kept_files|sources)|looks/test_(file_programs|looks|unpacked_again|unpacking)"
    r"|promotions/test_target|runs/test_(downloads|draft_api|output_rows|secrets|supervisor|value_warnings|warm_pool))\.py"
)
"""Files about queries, pages (test_walk.py opens all of them), files, processes and addresses: not read, as they ask the database nothing,
or what others ask it, too."""
DATABASE_FIXTURES = {"db", "transactional_db", "live_server"}


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    return bool(OF_OTHER_THINGS.match(collection_path.relative_to(config.rootpath).as_posix())) or None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    first = {item.nodeid.partition("[")[0]: item for item in reversed(items)}
    kept = [item for item in first.values() if _asks_the_database(item)][::-1]
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept


def _asks_the_database(item: pytest.Item) -> bool:
    return bool(item.get_closest_marker("django_db") or DATABASE_FIXTURES & set(getattr(item, "fixturenames", ())))


@pytest.fixture(scope="session", autouse=True)
def _rows_are_deleted(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """Between tests that commit, in place of truncating each table: that makes all their files anew, and they hold a few rows."""
    from django.db import connection

    def delete(style: Any, tables: Sequence[str], **options: Any) -> list[str]:
        rows = [f"DELETE FROM {connection.ops.quote_name(table)}" for table in tables]  # noqa: S608 – names of our tables
        return ["SET session_replication_role = replica", *rows, "SET session_replication_role = DEFAULT"]

    connection.ops.sql_flush = delete
