"""A pytest plugin (`-p tests.services.only_database`): keeps the tests that use the database, for the second run on PostgreSQL."""

from __future__ import annotations

from collections import Counter

import pytest

OF_OTHER_THINGS = (
    "tests/api/test_doors.py",
    "tests/api/test_walk.py",
    "tests/looks/test_file_programs.py",
    "tests/runs/test_supervisor.py",
    "tests/runs/test_warm_pool.py",
)
"""Long files about processes and addresses: they ask the database what shorter ones ask it, too."""
MOST_VARIANTS = 2
"""Of one test with many parameters: the others put the same questions to the database."""
DATABASE_FIXTURES = {"db", "transactional_db", "django_db_setup", "live_server"}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    variants: Counter[str] = Counter()
    kept = []
    for item in items:
        variants[function := item.nodeid.partition("[")[0]] += 1
        is_wanted = variants[function] <= MOST_VARIANTS and not item.nodeid.startswith(OF_OTHER_THINGS)
        if is_wanted and _asks_the_database(item):
            kept.append(item)
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept


def _asks_the_database(item: pytest.Item) -> bool:
    return bool(item.get_closest_marker("django_db") or DATABASE_FIXTURES & set(getattr(item, "fixturenames", ())))
