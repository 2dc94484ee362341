"""The statement by which Hive, Athena and others come to know a table, for people who copy it.

Names and texts come from data and documents: none of them may be read as anything else, so what has no safe spelling is refused
(`executor.catalog.tables`), and the rest is quoted here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from executor.catalog.tables import Column, Table
from executor.problems import Problem, ProblemError

PARQUET = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
JSON = "org.apache.hive.hcatalog.data.JsonSerDe"
QUOTED = "org.apache.hadoop.hive.serde2.OpenCSVSerde"
PLAIN = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
LISTED = "org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat"
TEXT_IN = "org.apache.hadoop.mapred.TextInputFormat"
TEXT_OUT = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"
PARQUET_IN = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat"
PARQUET_OUT = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat"
NO_ESCAPE = "\x01"
"""A sign that no text has: with its own, a backslash, the reader would take backslashes out of values."""
NUMBERS = frozenset(("tinyint", "smallint", "int", "bigint", "float", "double", "boolean", "date"))


@dataclass(frozen=True)
class Stored:
    """How the files of a table are read. `columns`: as this reader gives them; `notes`: what whoever queries has to know."""

    columns: tuple[Column, ...]
    serde: str
    settings: Mapping[str, str]
    reads: str
    writes: str
    properties: Mapping[str, str]
    notes: tuple[str, ...] = ()


def stored(table: Table) -> Stored:
    """Raises ProblemError where no reader of Hive takes the files as they are written."""
    if table.format == "parquet":
        reads, writes = (LISTED, TEXT_OUT) if table.is_listed else (PARQUET_IN, PARQUET_OUT)
        kind = {"classification": "parquet"}
        return Stored(table.columns, PARQUET, {"serialization.format": "1"}, reads, writes, kind, _of_times(table))
    reads = LISTED if table.is_listed else TEXT_IN
    if table.format == "json":
        columns = table.columns
        return Stored(columns, JSON, {"serialization.format": "1"}, reads, TEXT_OUT, {"classification": "json"}, JSON_NOTES)
    return _of_text(table, reads)


JSON_NOTES = ("Days, times and bytes stand as text in the files; cast them in queries.",)


def _of_times(table: Table) -> tuple[str, ...]:
    has_times = any("timestamp" in column.type for column in (*table.columns, *table.folders))
    return ("Times with a zone are told in UTC.",) if has_times else ()


def _of_text(table: Table, reads: str) -> Stored:
    said = table.written
    delimiter, quote, escape = said.get("delimiter", ""), said.get("quote", ""), said.get("escape", "")
    if len(delimiter) != 1 or len(quote) > 1:
        raise ProblemError(_odd_text(table.uri, delimiter))
    properties = {"classification": "csv"} | ({"skip.header.line.count": "1"} if said.get("header", "").lower() == "true" else {})
    if quote in ("", "\x00"):
        settings = {"field.delim": delimiter, "serialization.format": delimiter, "serialization.null.format": said.get("nullValue", "")}
        columns = tuple(_plain_value(column, said.get("decimalSign", ".")) for column in table.columns)
        return Stored(columns, PLAIN, settings, reads, TEXT_OUT, properties, ("Values have no quotes around them.",))
    settings = {"separatorChar": delimiter, "quoteChar": quote, "escapeChar": NO_ESCAPE if escape in ("", quote) else escape}
    columns = tuple(Column(column.name, "string", _with_type(column)) for column in table.columns)
    notes = (
        "This reader gives every column as text: cast them in queries. What has no value is an empty text.",
        "A value with a line break in it ends its row here: publish such texts as Parquet.",
    )
    return Stored(columns, QUOTED, settings, reads, TEXT_OUT, properties, notes)


def _plain_value(column: Column, decimal_sign: str) -> Column:
    is_plain = column.type in NUMBERS or column.type.startswith("decimal(")
    has_point = column.type.startswith(("decimal(", "float", "double"))
    return column if is_plain and (decimal_sign == "." or not has_point) else Column(column.name, "string", _with_type(column))


def _with_type(column: Column) -> str:
    return column.comment if column.type == "string" else " ".join(filter(None, (column.comment, f"({column.type})")))[:255]


def ddl(table: Table, name: str = "", database: str = "", about: Mapping[str, str] | None = None) -> str:
    """CREATE EXTERNAL TABLE …; with what has to be done for its folders behind it. `name`, `database`: as they are to be called; "": the
    table's own, none. `about`: what the table is to say of itself. Raises ProblemError."""
    for one in filter(None, (name, database)):
        require_name(one)
    found, called = stored(table), ".".join(quoted(one) for one in (database, name or table.name) if one)
    lines = [f"-- {note}" for note in _notes(table, found)]
    lines += [f"CREATE EXTERNAL TABLE {called} (", _columns(found.columns), ")"]
    if table.folders:
        lines += ["PARTITIONED BY (", _columns(table.folders), ")"]
    lines.append(f"ROW FORMAT SERDE {text(found.serde)}")
    if found.settings:
        lines.append(f"WITH SERDEPROPERTIES ({_pairs(found.settings)})")
    lines += [f"STORED AS INPUTFORMAT {text(found.reads)}", f"  OUTPUTFORMAT {text(found.writes)}", f"LOCATION {text(table.location)}"]
    lines.append(f"TBLPROPERTIES ({_pairs({**found.properties, **(about or {})})});")
    if table.folders:
        lines.append(f"MSCK REPAIR TABLE {called};")
    return "\n".join(lines) + "\n"


def _notes(table: Table, found: Stored) -> list[str]:
    notes = list(found.notes)
    if table.is_listed:
        notes.append("It is read by the list of its files, which each publish makes anew: the statement stays as it is.")
        if table.format == "parquet":
            notes.append("Parquet by a list is for Athena, Presto and Trino; Hive itself reads such lists of text files alone.")
    if table.folders:
        notes.append("After a publish with new folders: MSCK REPAIR TABLE again.")
    return notes


def _columns(columns: Sequence[Column]) -> str:
    return ",\n".join(
        f"  {quoted(column.name)} {column.type}" + (f" COMMENT {text(column.comment)}" if column.comment else "") for column in columns
    )


def _pairs(pairs: Mapping[str, str]) -> str:
    return ", ".join(f"{text(name)} = {text(value)}" for name, value in pairs.items())


def quoted(name: str) -> str:
    """A name, also one that is a word of the language."""
    return "`" + name.replace("`", "``") + "`"


def text(value: str) -> str:
    """A text. Signs that cannot be seen are written by their number, and so is what Hive would replace before it reads the statement."""
    plain = value.replace("\\", "\\\\").replace("'", "\\'").replace("${", "\\u0024{").replace(";", "\\u003B")
    return "'" + "".join(sign if sign.isprintable() else _by_number(sign) for sign in plain) + "'"


def _by_number(sign: str) -> str:
    code = sign.encode("utf-16-be", "surrogatepass").hex().upper()
    return "".join(f"\\u{code[start : start + 4]}" for start in range(0, len(code), 4))


def require_name(name: str) -> None:
    """Of a table or a database: what all catalogs take. Raises ProblemError."""
    if not (name.isascii() and name.replace("_", "a").isalnum() and name == name.lower() and len(name) <= 128):
        raise ProblemError(
            Problem(
                code="catalog-name",
                message="Tables and databases of a catalog have plain names.",
                found=json.dumps(name[:60]),
                expected="small letters, digits and _, at most 128",
                fix="Choose another name.",
            )
        )


def _odd_text(uri: str, delimiter: str) -> Problem:
    return Problem(
        code="catalog-text",
        message=f"The text files of “{uri}” have more than one sign between values or around them, which readers of Hive do not know.",
        found=delimiter[:20] or None,
        fix="Use one sign (“Delimiter” of the load), or publish the rows as Parquet.",
    )
