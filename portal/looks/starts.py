"""What the guided starts add to the stages that read a file: a table by day, or checks, about columns that the file really has."""

from __future__ import annotations

from typing import Any

from executor.language.quoting import escaped
from executor.look.proposal import Proposal, ProposedColumn

NUMBERS = ("integer", "long", "double", "decimal")


def with_start(stages: list[dict[str, Any]], proposal: Proposal, start: str) -> list[dict[str, Any]]:
    """`stages` (read, type, check, save) as the start wants them; unchanged where the file has no column for it."""
    if start == "daily_aggregate":
        return _by_day(stages, proposal)
    return _with_rules(stages, proposal) if start == "quality_gate" else stages


def _table(stages: list[dict[str, Any]]) -> str:
    """The view that the first load keeps."""
    return next(str(stage["inputView"]) for stage in stages if stage["type"] == "ParquetLoad")


def _kept(proposal: Proposal) -> list[ProposedColumn]:
    return [column for column in proposal.columns if not column.dropped]


def _sql(column: ProposedColumn) -> str:
    return "`" + column.name.replace("`", "``") + "`"


def _text(text: str) -> str:
    return escaped(text, "'")


def _by_day(stages: list[dict[str, Any]], proposal: Proposal) -> list[dict[str, Any]]:
    table, columns = _table(stages), _kept(proposal)
    day = next((column for column in columns if column.type["type"] in ("date", "timestamp")), None)
    if day is None:
        return stages
    amount = next((column for column in columns if column.type["type"] in ("decimal", "double") and column.nulls != column.rows), None)
    name = f"{table}_by_day"
    figures = ["count(*) AS rows", *([f"avg({_sql(amount)}) AS mean"] if amount else [])]
    sql = f"SELECT {_day(day)} AS day,\n       " + ",\n       ".join(figures) + f"\nFROM {table}\nGROUP BY ALL"
    query = {"type": "SQLTransform", "name": name, "sql": sql, "outputView": name}
    check = {
        "type": "SQLValidate",
        "name": f"check_{name}",
        "sql": f"SELECT count(*) > 0 AS outcome,\n       concat(count(*), ' days') AS message\nFROM {name}",
    }
    load = {"type": "ParquetLoad", "name": f"save_{name}", "inputView": name, "outputURI": f"curated/{name}"}
    return [*(stage for stage in stages if stage.get("inputView") != table or stage["type"] != "ParquetLoad"), query, check, load]


def _day(column: ProposedColumn) -> str:
    """Its day where its clocks are: queries see moments in UTC."""
    zone = column.type.get("timezoneId", "UTC")
    moment = _sql(column) if zone == "UTC" else f"from_utc_timestamp({_sql(column)}, '{_text(zone)}')"
    return f"to_date({moment})"


def _with_rules(stages: list[dict[str, Any]], proposal: Proposal) -> list[dict[str, Any]]:
    table, columns = _table(stages), _kept(proposal)
    rules = []
    filled = next((column for column in columns if column.nulls == 0 and column.rows), None)
    if filled:
        sql = (
            f"SELECT count_if({_sql(filled)} IS NULL) = 0 AS outcome,\n"
            f"       concat(count_if({_sql(filled)} IS NULL), ' rows have no {_text(filled.name)}') AS message\nFROM {table}"
        )
        rules.append({"type": "SQLValidate", "name": "first_column_is_there", "sql": sql})
    names = ", ".join(_sql(column) for column in columns if column.type["type"] not in ("struct", "array"))
    if names:
        sql = (  # the names are quoted by _sql
            f"SELECT count(*) = (SELECT count(*) FROM (SELECT DISTINCT {names} FROM {table})) AS outcome,\n"  # noqa: S608 - Spark's
            f"       'Some rows are there twice.' AS message\nFROM {table}"
        )
        rules.append({"type": "SQLValidate", "name": "no_row_twice", "sql": sql})
    return [*(stage for stage in stages if stage["type"] != "ParquetLoad"), *rules]
