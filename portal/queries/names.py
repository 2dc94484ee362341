"""The names by which a query reads the tables of the Data page: made of the place, so that they can be guessed and never change alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from executor.look.names import safe_name
from portal.data import kinds
from portal.data.listing import Table


@dataclass(frozen=True)
class Named:
    """A table and its name in SQL. `name` is "" where another table has every name it could have."""

    table: Table
    name: str


class Names:
    """`curated/daily_delays` → curated_daily_delays; `raw/flights.csv` → raw_flights, and always raw_flights_csv, too. A name that two
    tables could mean stands for neither."""

    def __init__(self, tables: Iterable[Table]) -> None:
        listed = [table for table in tables if table.is_folder or table.ending not in kinds.PACKED]
        self._by_name: dict[str, list[Table]] = defaultdict(list)
        for table in listed:
            for name in dict.fromkeys((short_name(table.uri), long_name(table.uri))):
                self._by_name[name].append(table)
        self.all = [Named(table, self._name_of(table)) for table in listed]

    def _name_of(self, table: Table) -> str:
        names = (short_name(table.uri), long_name(table.uri))
        return next((name for name in names if len(self._by_name[name]) == 1), "")

    def meaning(self, name: str) -> list[Table]:
        """The tables that `name` could mean, in whatever capitals it is written: one, none, or those that it cannot tell apart."""
        return list(self._by_name.get(name.casefold(), []))

    def known(self) -> list[str]:
        """Every table's name, in the order of the places."""
        return [named.name for named in self.all if named.name]


def long_name(uri: str) -> str:
    """With the file's ending: `raw/flights.csv.gz` → raw_flights_csv_gz."""
    return safe_name(uri).lower() or "table"


def short_name(uri: str) -> str:
    """Without it: `raw/flights.csv.gz` → raw_flights."""
    folder, slash, file = uri.rpartition("/")
    ending = kinds.ending(file)
    stem = file[: file.lower().rfind(f".{ending}")] if ending in kinds.WORDS or ending in kinds.TEXT else file
    return long_name(f"{folder}{slash}{stem}") if stem else long_name(uri)
