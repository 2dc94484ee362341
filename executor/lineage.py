"""Which views a query reads, as well as can be told without Spark. A hint for people, never a gate."""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=4096)
def _tables(sql: str) -> tuple[str, ...]:
    import sqlglot
    from sqlglot import exp

    try:
        tree = sqlglot.parse_one(sql, read="spark")
    except (sqlglot.errors.SqlglotError, RecursionError, ValueError):
        return ()
    inner = {cte.alias.casefold() for cte in tree.find_all(exp.CTE)}
    found: dict[str, str] = {}
    for table in tree.find_all(exp.Table):
        plain = isinstance(table.this, exp.Identifier) and not table.args.get("db")
        if plain and table.name.casefold() not in inner:
            found.setdefault(table.name.casefold(), table.name)
    return tuple(found.values())


def views_read(sql: str) -> list[str]:
    """Names in FROM and JOIN that are not defined inside the query, in order, each once. Empty when the text cannot be read."""
    return list(_tables(sql))
