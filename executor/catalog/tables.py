"""What an output is as a table of a catalog: told by what it says of itself, or by the log of a Delta table; no data file is opened."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from executor.catalog.types import AS_TEXT, hive_type
from executor.files import marks, tree
from executor.files.delta_log import Log, State, is_table
from executor.files.facts import facts_in
from executor.language.places import place_of
from executor.look.names import safe_name
from executor.problems import Problem, ProblemError
from executor.stores.base import Store
from executor.stores.bucket_lists import LISTS, are_there, folders_of
from executor.stores.folder import FolderStore
from executor.stores.roots import Roots
from executor.stores.s3 import S3Store

LONGEST_COMMENT, LONGEST_NAME = 255, 255
MOST_PARTITIONS = 10_000
PLAIN_FOLDERS = frozenset(("string", "tinyint", "smallint", "int", "bigint", "date"))
"""Types of columns that folders give which all readers read from a folder's name just so; others are text."""


@dataclass(frozen=True)
class Column:
    """`type`: Hive's. `comment`: what its schema says of it, or "", on one line."""

    name: str
    type: str
    comment: str = ""


@dataclass(frozen=True)
class Partition:
    """`values`: of the table's folder columns, in their order; `location`: where its files, or their list, lie."""

    values: tuple[str, ...]
    location: str


@dataclass(frozen=True)
class Table:
    """`format`: parquet, delimited or json. `location`: where the files lie; `is_listed`: where the list of them lies."""

    uri: str
    format: str
    columns: tuple[Column, ...]
    folders: tuple[Column, ...]
    location: str
    is_listed: bool
    partitions: tuple[Partition, ...] = ()
    written: Mapping[str, str] = field(default_factory=dict)
    """How its text is written, see `executor.files.marks`."""
    is_delta: bool = False
    facts: Mapping[str, Any] = field(default_factory=dict)
    """run_id, published_at, rows, … as far as it tells."""

    @property
    def name(self) -> str:
        """By which it is proposed to be known: letters, digits and _."""
        return safe_name(self.uri).lower()[:LONGEST_NAME] or "table"


def table_of(said: Mapping[str, Any]) -> Table:
    """From what `dataclasses.asdict` made of it, and JSON."""
    columns, folders = ([Column(**one) for one in said[name]] for name in ("columns", "folders"))
    partitions = [Partition(tuple(one["values"]), one["location"]) for one in said["partitions"]]
    return Table(**{**said, "columns": tuple(columns), "folders": tuple(folders), "partitions": tuple(partitions)})


@dataclass(frozen=True)
class _Found:
    """`fields`: name, type (Spark's JSON), description, is_folder of each column; `paths`: folders of its files."""

    format: str
    fields: Sequence[Mapping[str, Any]]
    paths: Iterable[str]
    location: str
    is_listed: bool = False
    written: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    is_delta: bool = False


def table_at(roots: Roots, uri: str, lake_address: str = "") -> Table:
    """The output at `uri`. `lake_address`: how other programs reach the environment's own folder (`file:///…`, `hdfs://…`); "": they do
    not. Raises ProblemError where it is none, or none that such programs can read."""
    root, place = roots.at(uri, "uri")
    if isinstance(root, S3Store):
        return _table(uri, _on_s3(root, place_of(place), uri))
    return _table(uri, _in_folder(roots, root.path(place, "uri"), place_of(place), uri, lake_address if _is_own(root) else ""))


def _is_own(root: Store) -> bool:
    """Whether it is the environment's own folder: of other ones nobody says an address."""
    return isinstance(root, FolderStore) and root.is_own


def _on_s3(root: S3Store, place: str, uri: str) -> _Found:
    location = f"s3://{root.bucket.bucket}/{root.bucket.prefix}{place}/{LISTS}"
    if not are_there(root.bucket, place):
        raise ProblemError(_not_listed(uri))
    pointer, mark = root.bucket.pointer(place)
    if mark is not None:
        noted, facts = marks.columns_in(pointer.facts), facts_in(pointer.facts)
        paths = (inside.rpartition("/")[0] for inside in pointer.files.values())
        return _Found(facts.get("format", ""), _noted(noted, uri), paths, location, True, marks.written_in(pointer.facts), facts)
    log = Log.of(root.table_log(place, uri, "uri", 0), uri)
    state = log.state()
    return _Found("parquet", _of_schema(state), folders_of(state), location, True, facts=marks.facts_of(log.table), is_delta=True)


def _in_folder(roots: Roots, path: Any, place: str, uri: str, lake_address: str) -> _Found:
    if is_table(path):
        raise ProblemError(_only_on_s3(uri))
    if not lake_address:
        raise ProblemError(_no_address(uri))
    said = marks.said_by(path)
    facts, location = facts_in(said), f"{lake_address.rstrip('/')}/{place}"
    walk = tree.Walk(path, enter=lambda entry: not entry.is_hidden)
    paths = (entry.path.rpartition("/")[0] for entry in walk if entry.kind == tree.FILE and not entry.is_hidden)
    return _Found(facts.get("format", ""), _noted(marks.columns_in(said), uri), paths, location, False, marks.written_in(said), facts)


def _noted(columns: marks.Columns | None, uri: str) -> Sequence[Mapping[str, Any]]:
    if columns is None or not columns.schema:
        raise ProblemError(_not_noted(uri))
    return columns.schema


def _of_schema(state: State) -> list[dict[str, Any]]:
    folders, found = set(state.partition_columns), []
    for one in state.schema.get("fields", ()):
        about = one.get("metadata") or {}
        said = about.get("description", about.get("comment", ""))
        found.append({"name": one["name"], "type": one["type"], "description": said, "is_folder": one["name"] in folders})
    return sorted(found, key=lambda one: state.partition_columns.index(one["name"]) if one["is_folder"] else -1)


def _table(uri: str, found: _Found) -> Table:
    if found.format not in ("parquet", "delimited", "json"):
        raise ProblemError(_no_format(uri, found.format))
    _require_names(uri, [str(one["name"]) for one in found.fields])
    texts = AS_TEXT if found.format == "json" else frozenset()
    columns = [_column(one, texts) for one in found.fields if not one.get("is_folder")]
    folders = [_folder_column(one) for one in found.fields if one.get("is_folder")]
    return Table(
        uri=uri,
        format=found.format,
        columns=tuple(columns),
        folders=tuple(folders),
        location=found.location,
        is_listed=found.is_listed,
        partitions=tuple(_partitions(uri, found, [column.name for column in folders])) if folders else (),
        written=found.written,
        is_delta=found.is_delta,
        facts=found.facts,
    )


def _column(one: Mapping[str, Any], texts: frozenset[str]) -> Column:
    name = str(one["name"])
    return Column(name.lower(), hive_type(one["type"], name, texts=texts), one_line(str(one.get("description") or "")))


def _folder_column(one: Mapping[str, Any]) -> Column:
    column = _column(one, frozenset())
    return column if column.type in PLAIN_FOLDERS else Column(column.name, "string", column.comment)


def _partitions(uri: str, found: _Found, names: Sequence[str]) -> Iterable[Partition]:
    """By their folders. Raises ProblemError where there are too many, or one that is not as the columns say."""
    known: dict[tuple[str, ...], Partition] = {}
    for path in found.paths:
        pairs = [part.partition("=") for part in path.split("/")]
        if [unquote(name).lower() for name, _, _ in pairs] != list(names):
            raise ProblemError(_other_folders(uri))
        values = tuple(unquote(value) for _, _, value in pairs)
        if values not in known:
            known[values] = Partition(values, f"{found.location}/{path}")
        if len(known) > MOST_PARTITIONS:
            raise ProblemError(_too_many(uri))
    return sorted(known.values(), key=lambda one: one.values)


def one_line(text: str) -> str:
    """`text` without signs that cannot be seen, as long as a comment may be."""
    plain = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return plain if len(plain) <= LONGEST_COMMENT else f"{plain[: LONGEST_COMMENT - 1]}…"


def _require_names(uri: str, names: Sequence[str]) -> None:
    """No name that a metastore would take for something else."""
    for name in names:
        odd = not name.isprintable() or any(sign in name for sign in (".", ":", "${", ",", ";")) or name != name.strip()
        if not name or odd or len(name) > LONGEST_NAME:
            raise ProblemError(_odd_name(uri, name))
    small = [name.lower() for name in names]
    if twice := next((name for name in small if small.count(name) > 1), None):
        raise ProblemError(_same_names(uri, twice))


# --- problems ---------------------------------------------------------------------------------------------------------------


def _odd_name(uri: str, name: str) -> Problem:
    return Problem(
        code="catalog-name",
        message=f"“{uri}” has a column whose name tables of Hive, Athena and Glue cannot have.",
        found=tree.shown(name)[:100],
        expected=f"at most {LONGEST_NAME} signs that can be seen, without . : , ; and ${{",
        fix="Rename the column in an SQLTransform before the load (AS).",
    )


def _same_names(uri: str, name: str) -> Problem:
    return Problem(
        code="catalog-name",
        message=f"“{uri}” has two columns whose names differ in capitals alone, which are one for Hive, Athena and Glue.",
        found=name[:100],
        fix="Rename one of them in an SQLTransform before the load (AS).",
    )


def _no_address(uri: str) -> Problem:
    return Problem(
        code="catalog-no-address",
        message=f"“{uri}” lies in a folder of this machine, and nobody has said under which address other programs reach it.",
        fix="Have whoever runs Sluice set SLUICE_LAKE_ADDRESS (such as file:///mnt/lake or hdfs://…), or publish to a root on S3.",
    )


def _only_on_s3(uri: str) -> Problem:
    return Problem(
        code="catalog-no-list",
        message=f"“{uri}” is a Delta table in a folder: programs without Delta read one by a list of its files, which is made on S3 alone.",
        fix="Publish it to a root on S3, or have it read by programs that know Delta tables.",
    )


def _not_listed(uri: str) -> Problem:
    return Problem(
        code="catalog-no-list",
        message=f"Beside “{uri}” lies no list of its files, by which other programs read it.",
        fix="Run the job that publishes there; of a DeltaLakeLoad, turn “List of files” on.",
    )


def _not_noted(uri: str) -> Problem:
    return Problem(
        code="catalog-no-columns",
        message=f"“{uri}” does not tell its columns: no job has published it, or an earlier edition of Sluice.",
        fix="Run the job that writes it; then it does.",
    )


def _no_format(uri: str, found: str) -> Problem:
    return Problem(
        code="catalog-format",
        message=f"“{uri}” is of a form that tables of Hive, Athena and Glue do not have.",
        found=found[:40] or None,
        expected="Parquet, text with signs between values, JSON, or a Delta table on S3",
    )


def _other_folders(uri: str) -> Problem:
    return Problem(
        code="catalog-folders",
        message=f"The folders in “{uri}” are not those that its columns tell.",
        fix="Run the job that writes it, with Overwrite.",
    )


def _too_many(uri: str) -> Problem:
    return Problem(
        code="catalog-partitions",
        message=f"“{uri}” has more than {MOST_PARTITIONS:,} folders.",
        fix="Use fewer folders (“Folders by” of the load).",
    )
