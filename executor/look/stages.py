"""From a proposal to the stages of a job: read, prepare, type, set aside, check, keep. They run as they are."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Literal

from executor.files.consoles import COUNT
from executor.files.headers import named
from executor.language.quoting import name_in_sql, text_in_sql
from executor.look.names import safe_name
from executor.look.proposal import Cut, Proposal, ProposedColumn

Misfits = Literal["aside", "null", "stop"]
MOST_NAMES = 2_000
MANY_COLUMNS, SMALL_FILE = 100, 64_000_000
"""Above so many columns a run works mostly on the columns, not on the rows: they are typed once, where memory and disk hold them easily."""
_DELIMITERS = {",": "Comma", "|": "Pipe", "\x01": "DefaultHive"}
_QUOTES = {'"': "DoubleQuote", "'": "SingleQuote", "": "None"}


@dataclass(frozen=True)
class Mend:
    """A text of one column that is read as another one; None: as no value."""

    index: int
    found: str
    value: str | None


@dataclass(frozen=True)
class Choices:
    """`name`: of the table, from which views and stages are named. `misfits`: what happens to rows that do not fit. `with_load`: also
    check the rows and keep them in curated/<name>. `taken`: names of stages and views that the job has already."""

    name: str
    misfits: Misfits = "stop"
    mends: tuple[Mend, ...] = ()
    with_load: bool = True
    taken: frozenset[str] = field(default_factory=frozenset)
    by_column: bool = False
    """With `misfits` "stop": a value stops only who asks for its column, so a row with one is there for who does not."""


def table_name(uri: str) -> str:
    """A name for the table in a file: raw/Green Tripdata.csv.gz → green_tripdata."""
    name = uri.rstrip("/").rsplit("/", 1)[-1].split(".")[0]
    return safe_name(name).lower()[:60] or "table"


def stages(proposal: Proposal, uri: str, choices: Choices) -> list[dict[str, Any]]:
    """The stages that read `uri` as proposed."""
    return _Writer(proposal, uri, choices).stages()


class _Writer:
    def __init__(self, proposal: Proposal, uri: str, choices: Choices) -> None:
        self.proposal, self.uri, self.choices = proposal, uri, choices
        self.name = self._free(choices.name)
        self.columns = [column for column in proposal.columns if not column.dropped]
        self.mends: dict[int, list[Mend]] = {}
        for mend in choices.mends:
            self.mends.setdefault(mend.index, []).append(mend)
        self.is_prepared = any(column.index in self.mends for column in self.columns)
        self.by_place = self.is_prepared and proposal.format == "delimited" and not self._has_plain_names()

    def _free(self, name: str) -> str:
        ends = ("", "_text", "_text_read", "_read", "_ready", "_typed", "_errors")
        number, free = 1, name
        while any(free + end in self.choices.taken for end in ends):
            number += 1
            free = f"{name}_{number}"
        return free

    def _has_plain_names(self) -> bool:
        raw = [column.raw_name.strip() for column in self.columns]
        return (
            bool(self.proposal.settings.header)
            and all(raw)
            and all(name.isprintable() and "${" not in name for name in raw)
            and len({name.lower() for name in raw}) == len(raw)
        )

    def stages(self) -> list[dict[str, Any]]:
        if self.proposal.format == "parquet":
            is_selected = self.choices.with_load or any(column.name != column.raw_name for column in self.columns)
            rows = f"{self.name}_read" if is_selected else self.name
            return [self._read_parquet(rows), *(self._rows(rows) if is_selected else []), *self._end(self.name)]
        text = f"{self.name}_text"
        read = [self._read_delimited(text)] if self.proposal.format == "delimited" else self._read_json(text)
        prepared = [self._prepare(text)] if self.is_prepared else []
        source = f"{self.name}_ready" if self.is_prepared else text
        is_selected = self.choices.misfits == "aside" or self.choices.with_load or bool(self.proposal.cuts or self._left_out())
        typed = f"{self.name}_typed" if is_selected else self.name
        return [*read, *prepared, self._type(source, typed), *(self._rows(typed) if is_selected else []), *self._end(typed)]

    # --- reading

    def _read_parquet(self, view: str) -> dict[str, Any]:
        return {"type": "ParquetExtract", "name": f"read_{self.name}", "inputURI": self.uri, "outputView": view}

    def _read_json(self, view: str) -> list[dict[str, Any]]:
        is_one, how = self.proposal.format == "json", self.proposal.unfolded
        read = {"type": "JSONExtract", "name": f"read_{self.name}", "inputURI": self.uri, "multiLine": is_one, "outputView": view}
        read |= {"totals": "known"} if self.proposal.settings.totals and self.proposal.total_rows else {}
        if how is None:
            return [read]
        item = how.item_name()
        columns = [
            f"{'.'.join([item] * column.is_of_item + [name_in_sql(step) for step in column.place])} AS {name_in_sql(column.name)}"
            for column in how.columns
        ]
        explode = "explode_outer" if how.keeps_empty else "explode"
        items = f"{explode}({'.'.join(map(name_in_sql, how.path))}) AS {item}"
        source = f"(SELECT *, {items} FROM {view}_read)"  # noqa: S608 - for Spark; names are quoted
        sql = "SELECT " + ",\n       ".join([*columns, "_filename", "_index"]) + f"\nFROM {source}"
        unfold = {"type": "SQLTransform", "name": f"unfold_{self.name}", "sql": sql, "outputView": view}
        return [{**read, "outputView": f"{view}_read"}, unfold]

    def _read_delimited(self, view: str) -> dict[str, Any]:
        settings = self.proposal.settings
        separator = settings.separator or ","
        stage: dict[str, Any] = {"type": "DelimitedExtract", "name": f"read_{self.name}", "inputURI": self.uri}
        stage["delimiter"] = _DELIMITERS.get(separator, "Custom")
        if stage["delimiter"] == "Custom":
            stage["customDelimiter"] = separator
        skip, header = settings.skip_lines or 0, bool(settings.header)
        if header and (self.by_place or settings.other_widths == "keep"):
            skip, header = self.proposal.header_line, False
        stage["header"] = header
        quote = '"' if settings.quote is None else settings.quote
        optional = {
            "quote": _QUOTES[quote] if quote != '"' else None,
            "escape": settings.escape if quote == '"' and settings.escape in ('"', "\\") else None,
            "encoding": settings.encoding if settings.encoding != "UTF-8" else None,
            "skipLines": skip or None,
            "skipLastLines": settings.skip_last_lines or (0 if self.proposal.is_end_chosen else None),
            "lastRowsHold": [word.replace("${", "") for word in self.proposal.last_rows_hold] or None,
            "comment": settings.comment or None,
            "backslashes": settings.backslashes,
            "multiLine": self.proposal.multi_line or None,
            "otherWidths": self._other_widths(),
            "otherHeaders": "fill" if header and settings.other_headers == "fill" else None,
            "otherSeparators": "own" if header and settings.other_separators == "own" else None,
            "trimNames": True if header and settings.trim_names and self._names_have_blanks() else None,
            "fillDown": self._filled_down(),
            "totals": "known" if settings.totals and self.proposal.total_rows else None,
            "emptyRows": "known" if self.proposal.empty_rows else None,
            "names": self._names(is_header=header) or None,
        }
        return stage | {key: value for key, value in optional.items() if value is not None} | {"outputView": view}

    def _other_widths(self) -> str | None:
        """What the stage does with rows of another width; where cells without names are kept, shorter rows are filled up."""
        choice = self.proposal.settings.other_widths
        if choice != "keep":
            return choice if choice != "stop" else None
        width = sum(not column.is_of_folders for column in self.proposal.columns)
        return "pad" if any(one < width for one in self.proposal.widths) else None

    def _filled_down(self) -> list[str] | None:
        """The columns that name groups, as the stage that reads calls them; none where cells are meant to be empty."""
        if self.proposal.settings.fill_down is None or not self.proposal.groups:
            return None
        columns = [column for column in self.columns if column.index in self.proposal.groups]
        return [self._plain_name(column) for column in columns] if self.proposal.settings.fill_down else []

    def _totals_left_out(self) -> str:
        """The condition that leaves rows out which sum up others; nothing where they are to stay."""
        if self.proposal.settings.totals != "leave-out":
            return ""
        names = {column.index: name_in_sql(column.name) for column in self.columns}
        parts = [
            f"coalesce(trim({names[one.index]}), '') NOT IN ({', '.join(text_in_sql(word) for word in one.words)})"
            for one in self.proposal.total_rows
            if one.index in names
        ]
        return " AND ".join(parts)

    def _left_out(self) -> list[str]:
        """The conditions that leave out what is no row; none where all are."""
        return [condition for condition in (self._totals_left_out(), self._empty_left_out(), self._lines_left_out()) if condition]

    def _empty_left_out(self) -> str:
        """The condition that leaves out rows without any value; nothing where there are none, or where they are to stay."""
        if not self.proposal.empty_rows or self.proposal.settings.empty_rows == "keep":
            return ""
        has_misfit = ["size(_errors) > 0"] if self.choices.by_column else []
        return f"({' OR '.join([*has_misfit, *(f'{name_in_sql(column.name)} IS NOT NULL' for column in self.columns)])})"

    def _names(self, *, is_header: bool) -> list[str]:
        """What the stage holds the next file's names against: those of its columns, or the line of names as it is written."""
        header = self.proposal.header
        if len(header) > MOST_NAMES:
            return []
        names = named(header, trim=bool(self.proposal.settings.trim_names)).names if is_header else header
        return [] if any("${" in name for name in names) else list(names)

    def _names_have_blanks(self) -> bool:
        return any(column.raw_name != column.raw_name.strip() for column in self.proposal.columns)

    # --- preparing and typing

    def _source_name(self, column: ProposedColumn) -> str:
        return name_in_sql(self._plain_name(column))

    def _plain_name(self, column: ProposedColumn) -> str:
        """What the stage that reads calls the column."""
        if column.is_of_folders:
            return column.raw_name
        if self.by_place or not self.proposal.settings.header and self.proposal.format == "delimited":
            return f"_c{column.index}"
        header = self.proposal.header
        if self.proposal.format == "delimited" and len(set(map(str.casefold, header))) < len(header) and column.index < len(header):
            return named(header, trim=bool(self.proposal.settings.trim_names)).names[column.index]
        return column.raw_name.strip() if self.proposal.settings.trim_names else column.raw_name

    def _prepare(self, view: str) -> dict[str, Any]:
        """Texts that a person corrected are replaced before they are typed."""
        lines = [self._prepared(column) for column in self.columns]
        told = ["_filename", "_index", *(["_errors"] if self.proposal.settings.other_widths == "reject" else [])]
        sql = "SELECT " + ",\n       ".join([*lines, *told]) + f"\nFROM {view}"
        return {"type": "SQLTransform", "name": f"prepare_{self.name}", "sql": sql, "outputView": f"{self.name}_ready"}

    def _prepared(self, column: ProposedColumn) -> str:
        source = self._source_name(column)
        cases = "".join(f" WHEN {source} = {_quoted(mend.found)} THEN {_quoted(mend.value)}" for mend in self.mends.get(column.index, []))
        return f"CASE{cases} ELSE {source} END AS {source}" if cases else source

    def _type(self, source: str, view: str) -> dict[str, Any]:
        stage = {
            "type": "TypingTransform",
            "name": f"type_{self.name}",
            "inputView": source,
            "outputView": view,
            "schema": [self._typed(column) for column in self.columns],
        }
        more = {"failMode": "failfast"} if self.choices.misfits == "stop" else {}
        is_small = (self.proposal.unpacked_bytes or self.proposal.bytes) <= SMALL_FILE
        is_read_thrice = self.choices.misfits == "aside" and self.choices.with_load
        return stage | more | ({"persist": True} if is_read_thrice and is_small and len(self.columns) > MANY_COLUMNS else {})

    def _typed(self, column: ProposedColumn) -> dict[str, Any]:
        """The column of the typing schema; empty texts are texts where the file writes what is no value otherwise."""
        typed = {**column.type, "name": column.name}
        if self.proposal.settings.backslashes == "codes" and typed["type"] == "string":
            typed["nullableValues"] = [word for word in typed["nullableValues"] if word]
        return typed

    def _rows(self, typed: str) -> list[dict[str, Any]]:
        """The table's own columns, without those about files and errors; rows that do not fit apart, where they are kept aside."""
        names = ",\n       ".join(map(self._named, self.columns))
        is_aside = self.choices.misfits == "aside" and self.proposal.format != "parquet"
        wanted = self._cut() if self.proposal.cuts else names
        conditions = ["size(_errors) = 0"] * is_aside + self._left_out()
        sql = f"SELECT {wanted}\nFROM {typed}" + (f"\nWHERE {' AND '.join(conditions)}" if conditions else "")
        rows = {"type": "SQLTransform", "name": f"rows_{self.name}", "sql": sql, "outputView": self.name}
        if not is_aside or not self.choices.with_load:
            return [rows]
        aside = {
            "type": "SQLTransform",
            "name": f"aside_{self.name}",
            "sql": f"SELECT to_json(_errors) AS errors,\n       _filename AS file,\n       _index AS row_number,\n       {names}\n"
            f"FROM {typed}\nWHERE size(_errors) > 0",
            "outputView": f"{self.name}_errors",
        }
        return [rows, aside]

    def _named(self, column: ProposedColumn) -> str:
        """The column under its name in the table; Parquet has kept that of the file until here."""
        name = name_in_sql(column.name)
        is_as_in_file = self.proposal.format != "parquet" or column.name == column.raw_name
        return name if is_as_in_file else f"{name_in_sql(column.raw_name)} AS {name}"

    def _cut(self) -> str:
        """The columns of a line of fixed width; where the rows go on to another stage of the person, with what does not fit."""
        line = name_in_sql(self.columns[0].name)

        def end(cut: Cut) -> str:
            return f", {cut.length}" if cut.length else ""

        parts = [
            f"{self._value(f'trim(substring({line}, {cut.begin}{end(cut)}))')} AS {name_in_sql(cut.name)}" for cut in self.proposal.cuts
        ]
        more = [] if self.choices.with_load or self.choices.misfits == "stop" else ["_errors"]
        return ",\n       ".join([*parts, *more])

    def _value(self, text: str) -> str:
        """A text of a column; consoles print no value as NULL or not at all."""
        return f"nullif(nullif({text}, ''), 'NULL')" if self.proposal.no_rows else text

    def _lines_left_out(self) -> str:
        """The condition that leaves out what the console of a database prints around its rows; nothing for other files."""
        if not self.proposal.no_rows:
            return ""
        line = name_in_sql(self.columns[0].name)
        texts = ", ".join(text_in_sql(text) for text in self.proposal.no_rows)
        return f"rtrim({line}) NOT IN ({texts})\n  AND {line} NOT RLIKE {text_in_sql(COUNT)}"

    # --- checking and keeping

    def _end(self, typed: str) -> list[dict[str, Any]]:
        if not self.choices.with_load:
            return []
        loads = [self._load(self.name)]
        if self.choices.misfits == "aside" and self.proposal.format != "parquet":
            loads.append(self._load(f"{self.name}_errors"))
        return [self._check(typed), *loads]

    def _check(self, typed: str) -> dict[str, Any]:
        sql = f"SELECT count(*) > 0 AS outcome,\n       concat(count(*), ' rows') AS message\nFROM {typed}"
        if self.choices.misfits == "aside" and self.proposal.format != "parquet":
            share = self._share_aside()
            sql = (
                f"SELECT count(*) > 0 AND count_if(size(_errors) > 0) <= {share} * count(*) AS outcome,\n"
                f"       concat(count_if(size(_errors) > 0), ' of ', count(*), ' rows do not fit') AS message\nFROM {typed}"
            )
        return {"type": "SQLValidate", "name": f"check_{self.name}", "sql": sql}

    def _share_aside(self) -> float:
        """The share of rows that may be set aside: twice what is so today, at least 1 %."""
        judged = max(1, self.proposal.rows_judged)
        today = (judged - (self.proposal.rows_fit if self.proposal.rows_fit is not None else judged)) / judged
        return max(0.01, math.ceil(min(1.0, 2 * today) * 100) / 100)

    def _load(self, view: str) -> dict[str, Any]:
        return {"type": "ParquetLoad", "name": f"save_{view}", "inputView": view, "outputURI": f"curated/{view}"}


def _quoted(text: str | None) -> str:
    return "NULL" if text is None else text_in_sql(text)
