"""A pytest plugin (`-p tests.services.only_database`): keeps the tests that use the database, for the second run on PostgreSQL.

Of one test with many parameters the first is kept: the others put the same questions to the database.
"""

from __future__ import annotations

import pytest

OF_OTHER_THINGS = (
    "tests/api/test_doors.py",
    "tests/api/test_walk.py",
    "tests/looks/test_file_programs.py",
    "tests/runs/test_supervisor.py",
    "tests/runs/test_warm_pool.py",
)
"""Long files about processes and addresses: they ask the database what shorter ones ask it, too."""
DATABASE_FIXTURES = {"db", "transactional_db", "django_db_setup", "live_server"}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    first = {item.nodeid.partition("[")[0]: item for item in reversed(items)}
    kept = [item for item in first.values() if not item.nodeid.startswith(OF_OTHER_THINGS) and _asks_the_database(item)][::-1]
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept


def _asks_the_database(item: pytest.Item) -> bool:
    return bool(item.get_closest_marker("django_db") or DATABASE_FIXTURES & set(getattr(item, "fixturenames", ())))
