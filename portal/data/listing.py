"""What lies in an environment's lake as people see it: tables. A table is a file, or a folder that is read as one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from executor.files import tree
from executor.files.delta_log import LOG
from executor.language.places import holds_a_value, key_of
from executor.language.roots import DEFAULT, Located, located
from portal.data import kinds, names
from portal.data.lake import Lake
from portal.data.models import FileVersion, TableFacts
from portal.data.seen import Seen, seen
from portal.data.uses import READS, WRITES, Uses
from portal.environments.models import Environment
from portal.environments.reach import is_here, judged_by
from portal.errors import PortalError
from portal.jobs.models import Place
from portal.jobs.places import Spelling, Storages
from portal.runs.models import Run, StageRun

_DIGITS = re.compile(r"\d+")
_WRITTEN = re.compile(r"^part-|^_SUCCESS$")
MOST_TABLES = 20_000
_ICONS = {
    "csv": "file-type-csv", "xlsx": "file-spreadsheet", "zip": "file-zip", "parquet": "table", "json": "braces", "jsonl": "braces",
    "sqlite": "database", "sqlite3": "database", "db": "database",
}  # fmt: skip


@dataclass
class Table:
    """One line of the list. `columns` and `rows` are None where nobody has looked or counted."""

    uri: str
    is_folder: bool
    kind: str
    bytes: int
    files: int
    changed_at: datetime
    stamp: str
    ending: str = ""
    columns: list[dict[str, Any]] | None = None
    rows: int | None = None
    version: int | None = None
    """Of a Delta table: the one that lies there."""
    job: str = ""
    """The job that publishes it."""
    run: str = ""
    """Id of the run that published what lies there."""
    person: str = ""
    """Who brought it."""
    original_name: str = ""
    readers: list[str] = field(default_factory=list)
    writers: list[str] = field(default_factory=list)
    """Jobs whose documents write it, whether they have run or not."""
    is_elsewhere: bool = False
    """It lies in a root that is no folder of this machine."""

    @property
    def name(self) -> str:
        return names.parted(self.uri)[1]

    @property
    def folder(self) -> str:
        """The uppermost one, behind the name of another root; `archive:` is such a root itself."""
        root, colon, _ = self.uri.partition(":")
        return self.uri.partition("/")[0] if "/" in self.uri else root + colon if colon else ""

    @property
    def tells_values(self) -> bool:
        """Whether its own place does: what lies in such a folder is a part of a table."""
        return holds_a_value(self.uri)

    @property
    def by(self) -> str:
        """Who wrote it, as far as anybody knows."""
        return self.job or self.person or (self.writers[0] if self.writers else "")

    @property
    def icon(self) -> str:
        if self.is_folder:
            return "table" if self.job or self.ending in ("parquet", kinds.DELTA) else "folder"
        return icon_of(self.uri)


def icon_of(uri: str) -> str:
    """Of a file, by its name."""
    return "file-zip" if uri.lower().endswith(".gz") else _ICONS.get(kinds.ending(uri), "file-text")


@dataclass
class Listing:
    """All tables, and sentences about what could not be listed."""

    tables: list[Table]
    warnings: list[str]

    @property
    def bytes(self) -> int:
        return sum(table.bytes for table in self.tables)


@dataclass
class _Folder:
    """What the walk has met in one folder."""

    files: list[tree.Entry] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    is_written: bool = False
    """A load wrote it: part files, its mark of success, or folders such as year=2013."""
    log_ns: int = 0
    """When the log in it changed, which makes it a Delta table; 0: there is none."""


def list_tables(environment: Environment, root: str = DEFAULT, patience: float | None = None) -> Listing:
    """Every table of a root, by place, with what is known of each. `patience`: see `portal.data.seen.seen`."""
    here, uses = is_here(environment, root), Uses(environment)
    try:
        walk = Lake(environment).walk() if here else seen(environment, root, patience=patience)
    except PortalError as error:
        return Listing([], [" ".join(filter(None, (error.message, error.fix)))])
    folders, unnamed = _folders(walk)
    tables: list[Table] = []
    waiting = [""]
    while waiting and len(tables) < MOST_TABLES:
        path = waiting.pop()
        if path and _is_table(path, str(Located(root, path)), folders[path], uses):
            tables += _of_folder(path, folders)
            continue
        tables += [_of_file(entry) for entry in folders[path].files]
        waiting += folders[path].folders
    tables.sort(key=lambda table: table.uri)
    lake = Lake(environment) if isinstance(walk, tree.Walk) else walk
    for table in tables:
        table.version = lake.log_version(table.uri) if table.ending == kinds.DELTA else None
        table.uri, table.is_elsewhere = str(Located(root, table.uri)), not here
    add_knowledge(environment, tables, uses)
    return Listing(tables, _warnings(walk.left_out | ({tree.TOO_MANY} if waiting else set()), unnamed))


def find_table(environment: Environment, uri: str) -> Table | None:
    """The table at `uri`, or None when nothing lies there. Raises PortalError where its root cannot be asked."""
    at = located(uri, judged_by(environment), "uri")
    there = at if isinstance(at, Located) and not is_here(environment, at.root) else None
    lake: Lake | Seen = seen(environment, there.root, there.place) if there else Lake(environment)
    entry = lake.find(there.place if there else uri)
    if entry is None:
        return None
    files = lake.files_in(entry.uri) if entry.is_folder else []
    log_ns = lake.log_ns(entry.uri) if entry.is_folder else 0
    if entry.is_folder and not files and not log_ns and there:
        return None  # the output of a job that has no file
    if entry.is_folder:
        table = _table(entry.uri, True, files, log_ns)
        table.version = lake.log_version(entry.uri) if log_ns else None
    else:
        table = _of_file(tree.Entry(entry.uri, tree.FILE, entry.bytes, entry.modified_ns, 0))
    if there:
        table.uri, table.is_elsewhere = str(there), True
    add_knowledge(environment, [table], Uses(environment))
    return table


def files_of(environment: Environment, table: Table) -> list[tree.Entry]:
    """The files of a folder that is read as one table, by their paths in it."""
    if not table.is_folder:
        return []
    if not table.is_elsewhere:
        return Lake(environment).files_in(table.uri)
    at = located(table.uri, judged_by(environment), "uri")
    return seen(environment, at.root, at.place).files_in(at.place) if isinstance(at, Located) else []


def _folders(walk: tree.Walk | Seen) -> tuple[dict[str, _Folder], int]:
    found: dict[str, _Folder] = {"": _Folder()}
    unnamed = 0
    for entry in walk:
        above, _, name = entry.path.rpartition("/")
        folder = found.get(above)
        if folder is None:  # below a hidden one, or one whose name cannot be written
            continue
        folder.is_written = folder.is_written or bool(_WRITTEN.match(name)) or (entry.kind == tree.FOLDER and "=" in name)
        if name == LOG and entry.kind == tree.FOLDER:
            folder.is_written, folder.log_ns = True, entry.modified_ns
        if entry.is_hidden:
            continue
        if not tree.is_plain_name(name):
            unnamed += 1
        elif entry.kind == tree.FILE:
            folder.files.append(entry)
        elif entry.kind == tree.FOLDER:
            found[entry.path] = _Folder()
            folder.folders.append(entry.path)
    return found, unnamed


def _is_table(path: str, uri: str, folder: _Folder, uses: Uses) -> bool:
    """Whether a folder is read as one: a load wrote it, a job names it, or its files are alike but for digits in their names."""
    if folder.is_written:
        return True
    if "/" not in path:  # raw, curated: where tables lie
        return False
    if uses.is_named(uri) and (folder.files or folder.folders):
        return True
    alike = {_DIGITS.sub("0", entry.name.lower()) for entry in folder.files}
    return len(folder.files) > 1 and len(alike) == 1 and not folder.folders


def _of_folder(path: str, folders: dict[str, _Folder]) -> list[Table]:
    files: list[tree.Entry] = []
    waiting = [path]
    while waiting:
        folder = folders[waiting.pop()]
        files += folder.files
        waiting += folder.folders
    log_ns = folders[path].log_ns
    return [_table(path, True, files, log_ns)] if files or log_ns else []


def _of_file(entry: tree.Entry) -> Table:
    return _table(entry.path, False, [entry])


def _table(uri: str, is_folder: bool, files: list[tree.Entry], log_ns: int = 0) -> Table:
    """`log_ns`: see `_Folder`. Of a Delta table the files of earlier versions are among them."""
    newest = max((log_ns, *(entry.modified_ns for entry in files)))
    size = sum(entry.size for entry in files)
    kind, ending = ("Delta table", kinds.DELTA) if log_ns else _kind(uri, is_folder, files)
    return Table(
        uri=uri,
        is_folder=is_folder,
        kind=kind,
        bytes=size,
        files=len(files),
        changed_at=datetime.fromtimestamp(newest / 1e9, tz=UTC),
        stamp=f"{len(files)}-{size}-{newest}",
        ending=ending,
    )


def _kind(uri: str, is_folder: bool, files: list[tree.Entry]) -> tuple[str, str]:
    if not is_folder:
        return kinds.words(uri), kinds.ending(uri)
    endings = Counter(kinds.ending(entry.name) for entry in files)
    if not endings:
        return "empty folder", ""
    ending = endings.most_common(1)[0][0]
    if all(_WRITTEN.match(entry.name) for entry in files):
        return f"{kinds.WORDS.get(ending, 'text')}, {len(files):,} {'part' if len(files) == 1 else 'parts'}", ending
    word = kinds.WORDS.get(ending, "text") if len(endings) == 1 else "mixed"
    return f"folder of {len(files):,} {word}", ending if len(endings) == 1 else ""


def add_knowledge(environment: Environment, tables: Iterable[Table], uses: Uses) -> None:
    """Columns, rows, who wrote and who reads each table, with a handful of queries whatever their number."""
    storages = Storages(environment)
    known = Place.objects.filter(environment=environment).select_related("owner", "given_by")
    owners = {place.key: place for place in known if place.lies_at == storages.of(place.uri)}  # else its root leads elsewhere by now
    runs = [place.last_run_id for place in owners.values() if place.last_run_id]
    spelling = Spelling(environment)
    counted, noted = _counted(environment, runs, spelling), _noted_columns(runs, spelling)
    read = _read_columns(environment, spelling)
    facts = {found.uri: found for found in TableFacts.objects.filter(environment=environment)}
    brought = list(FileVersion.objects.filter(environment=environment).shown().select_related("brought_by"))
    called, people = {version.uri: version.original_name for version in brought}, _people(brought)
    for table in tables:
        table.readers, table.writers = uses.jobs(table.uri, READS), uses.jobs(table.uri, WRITES)
        place = owners.get(key_of(table.uri))
        if place and place.owner:
            table.job, table.run = place.owner.name, str(place.last_run_id or "")
            table.columns = noted.get((table.run, table.uri))
            if said := counted.get((table.run, table.uri)):
                table.rows = said.rows if said.version in (None, table.version) else None  # else somebody else has written it since
        elif place and place.given_by:
            table.person, table.original_name = place.given_by.shown_name, called.get(table.uri, "")
            table.kind += ", upload"
        elif table.is_folder and not place:
            table.person = people.get(table.uri, "")
        columns, at = read.get((table.uri, str(table.files), str(table.bytes)), (None, table.changed_at))
        if table.columns is None and table.changed_at < at:
            table.columns = columns
        fact = facts.get(table.uri)
        if fact and fact.stamp == table.stamp:
            table.columns, table.rows = fact.columns, fact.rows if fact.rows is not None else table.rows


SEVERAL = "several people"


def _people(brought: Iterable[FileVersion]) -> dict[str, str]:
    """Folder → who brought the files in it."""
    found: dict[str, str] = {}
    for version in brought:
        person = version.brought_by.shown_name if version.brought_by else ""
        folder = version.uri.rpartition("/")[0]
        while folder and person:
            found[folder] = person if found.get(folder, person) == person else SEVERAL
            folder = folder.rpartition("/")[0]
    return found


@dataclass(frozen=True)
class Whole:
    """What a run says of all that lay at a place when it had published. None: it does not know. `version`: of a Delta table."""

    rows: int | None
    bytes: int | None
    version: int | None

    @classmethod
    def of(cls, output: dict[str, Any]) -> Whole:
        """What was appended to is more than what the run has written."""
        written = output if output.get("save_mode") != "Append" else {}
        rows, size = (_number(output, f"whole_{name}", _number(written, name)) for name in ("rows", "bytes"))
        return cls(rows, size, _number(output, "version"))


def _number(output: dict[str, Any], name: str, otherwise: int | None = None) -> int | None:
    found = output.get(name)
    return found if isinstance(found, int) and not isinstance(found, bool) else otherwise


def published_at(environment: Environment, uris: Iterable[str]) -> dict[str, tuple[Whole, datetime]]:
    """What jobs have published at such places, and when, as their runs say: nobody looks at the places themselves."""
    storages, spelling, keys = Storages(environment), Spelling(environment), {key_of(uri): uri for uri in uris}
    known = Place.objects.filter(environment=environment, key__in=keys, owner__isnull=False, published_at__isnull=False)
    here = [place for place in known if place.lies_at == storages.of(place.uri)]
    counted = _counted(environment, [place.last_run_id for place in here if place.last_run_id], spelling)
    unknown = Whole(None, None, None)
    return {
        keys[place.key]: (counted.get((str(place.last_run_id), place.uri), unknown), place.published_at)
        for place in here
        if place.published_at is not None
    }


def _counted(environment: Environment, runs: list[Any], spelling: Spelling) -> dict[tuple[str, str], Whole]:
    found: dict[tuple[str, str], Whole] = {}
    for pk, outputs in Run.objects.filter(pk__in=runs, environment=environment).values_list("pk", "outputs"):
        for output in outputs if isinstance(outputs, list) else []:
            if isinstance(output, dict):
                found[(str(pk), spelling.of(str(output.get("uri", ""))))] = Whole.of(output)
    return found


LATEST_RUNS = 200
"""In so many runs of an environment it is looked up what they read."""
_Read = dict[tuple[str, ...], tuple[list[dict[str, Any]], datetime]]
"""(place, files, bytes) → columns, and when they were read."""


def _noted_columns(runs: list[Any], spelling: Spelling) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """The columns that each of the runs noted of what it wrote."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    stages = StageRun.objects.filter(run__in=runs, details__has_key="wrote").order_by("attempt_number")
    for run, wrote in stages.values_list("run_id", "details__wrote"):
        columns = _columns_of(wrote) if isinstance(wrote, dict) else None
        if columns is not None:
            found[(str(run), spelling.of(str(wrote.get("uri", ""))))] = columns
    return found


def _columns_of(noted: dict[str, Any]) -> list[dict[str, Any]] | None:
    """Of what a stage noted about files; None where their columns have no names."""
    pairs = noted.get("columns")
    if not isinstance(pairs, list) or not noted.get("is_named"):
        return None
    return [{"name": str(pair[0]), "type": str(pair[1])} for pair in pairs if isinstance(pair, list) and len(pair) == 2]


def _read_columns(environment: Environment, spelling: Spelling) -> _Read:
    """The columns that the last runs noted of files they read."""
    found: _Read = {}
    runs = list(Run.objects.filter(environment=environment).order_by("-created_at").values_list("pk", flat=True)[:LATEST_RUNS])
    stages = StageRun.objects.filter(run__in=runs, details__has_key="read", started_at__isnull=False).order_by("started_at")
    for at, read in stages.values_list("started_at", "details__read"):
        columns = _columns_of(read) if isinstance(read, dict) and read.get("is_whole") else None
        if at is not None and columns is not None:
            key = spelling.of(str(read.get("uri", ""))), *(str(read.get(what)) for what in ("files", "bytes"))
            found[key] = columns, at
    return found


def _warnings(left_out: set[str], unnamed: int) -> list[str]:
    said = []
    if {tree.TOO_MANY, tree.TOO_LONG} & left_out:
        said.append("There is more in this lake than is listed here. Search by the whole name, or tidy up.")
    if tree.TOO_DEEP in left_out:
        said.append("Some folders are nested too deeply to be listed.")
    if unnamed:
        said.append(f"{unnamed:,} {'name' if unnamed == 1 else 'names'} cannot be shown, because they are not text in UTF-8. Rename them.")
    return said


# --- filters --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Filters:
    """What the address asks for."""

    words: str = ""
    folder: str = ""
    by: str = ""
    unread: bool = False

    @classmethod
    def of(cls, query: Any) -> Filters:
        return cls(query.get("q", "").strip()[:200], query.get("in", ""), query.get("by", ""), query.get("unread") == "1")

    @property
    def any(self) -> bool:
        return bool(self.words or self.folder or self.by or self.unread)

    def take(self, tables: Iterable[Table], *, with_data: bool) -> list[Table]:
        """Columns are searched for those who may see data only: what stands in a file's first line is data, whatever it is taken for.
        Places that hold a value of the data are left out for others."""
        words = self.words.lower().split()
        return [
            table
            for table in tables
            if (with_data or not table.tells_values)
            and (not self.folder or table.folder == self.folder)
            and (not self.by or table.by == self.by)
            and (not self.unread or not table.readers)
            and all(_holds(table, word, with_data) for word in words)
        ]


def _holds(table: Table, word: str, with_data: bool) -> bool:
    return (
        word in table.uri.lower()
        or word in table.original_name.lower()
        or (with_data and any(word in column["name"].lower() for column in table.columns or []))
    )
