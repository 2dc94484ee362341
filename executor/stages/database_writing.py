"""Writes rows into a table of their own beside the target, and from there into it when the run publishes. Imported inside `execute` only:
it needs pyspark."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame, Observation
from pyspark.sql import functions as F

from executor.databases import ENGINES
from executor.databases.engine import OWN_TABLES, Column, name_parts, same
from executor.databases.errors import GONE, MISREAD, NOT_ALLOWED, problem_in
from executor.databases.kept import ROWS, WHOLE, Keeping, Table
from executor.databases.session import Session, Way
from executor.databases.sqlite_file import FileWay
from executor.language.quoting import name_in_sql, text_in_sql
from executor.problems import ProblemError
from executor.stages.appending import without_marks
from executor.stages.base import StageContext
from executor.stages.database_columns import matched, new_columns
from executor.stages.database_file import changes_in_file, key_of
from executor.stages.database_problems import (
    loaded_twice,
    no_key,
    not_known,
    other_capitals,
    rows_follow,
    rows_lost,
    table_exists,
)
from executor.stages.database_reading import way_to
from executor.stages.frames import unknown_columns
from executor.stages.kinds import tell_unused

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from executor.stages.load.jdbc_load import JDBCLoad

STAGING = OWN_TABLES[0]
LOST = "this load cannot be put back"
DAYS = ("date", "timestamp", "timestamp_ntz")
"""Spark's types that are a day, or a moment of one."""


def stage_rows(stage: JDBCLoad, spark: SparkSession, context: StageContext) -> None:
    """Writes the view's rows into a table of their own, and has them published with the run. Raises ProblemError."""
    tell_unused(stage, context)
    frame = context.view(stage.input_view)
    database = _changes(stage.connection, spark, context)
    load = database.load(stage, frame, context)
    if load is None:
        return
    rows = _written(_as_sent(frame, load), load, stage)
    load.rows = rows
    database.require_key(load)
    context.rows("out", rows)


def _changes(name: str, spark: SparkSession, context: StageContext) -> DatabaseChanges:
    """Where the run's loads through this connection wait. Raises ProblemError."""
    connection = context.connection(name, "connection")
    engine = ENGINES[connection.kind]
    file = engine.file(connection)
    if file is None:
        return context.publishes_with(key_of(context, name), lambda: DatabaseChanges(way_to(context, spark, name)))
    changes = changes_in_file(context, name, file)
    if not isinstance(changes.loads, DatabaseChanges):
        way = FileWay(engine, name, changes.staged, spark=spark, connection=connection)
        context.keep_open(way)
        changes.loads = DatabaseChanges(way)
    return changes.loads


def _as_sent(frame: DataFrame, load: StagedLoad) -> DataFrame:
    """The columns of the table, each as its driver takes it."""
    as_text = load.session.way.engine.sent_as_text
    kinds = {one.name: one.dataType.simpleString() for one in frame.schema.fields}
    columns = {one: F.col(name_in_sql(one)) for one in load.columns}
    for one, to in load.columns.items():
        if misread := load.misread.get(to) or (_day_left_out(kinds[one]) if kinds[one] not in as_text else None):
            columns[one] = _as_it_stays(one, to, *misread)
    texts = {one for one in columns if kinds[one].partition("(")[0] in as_text}
    return frame.select(*[(columns[one].cast("string") if one in texts else columns[one]).alias(to) for one, to in load.columns.items()])


def _day_left_out(kind: str) -> tuple[str, str] | None:
    """As `Engine.misread`: Java's old dates, which drivers take, have no 5th to 14th of October 1582."""
    is_one = "CAST({one} AS DATE) BETWEEN DATE'1582-10-05' AND DATE'1582-10-14'"
    does = "would take a day that the calendar left out in October 1582 for another"
    if kind in DAYS:
        return is_one.replace("{one}", "{column}"), does
    if kind.removeprefix("array<").removesuffix(">") in DAYS:
        return f"exists({{column}}, one -> {is_one.replace('{one}', 'one')})", does
    return None


def _as_it_stays(name: str, into: str, condition: str, does: str) -> SparkColumn:
    """The column; a value that the database would take for another in silence stops the run."""
    column = name_in_sql(name)
    value = f"coalesce(CAST({column} AS STRING), 'no value')"
    told = f"raise_error(concat({text_in_sql(f'{MISREAD}{into}|{does}|')}, {value}))"
    return F.expr(f"IF({condition.replace('{column}', column)}, {told}, {column})")


def _written(frame: DataFrame, load: StagedLoad, stage: JDBCLoad) -> int:
    """How many rows were written, counted on both sides. Raises ProblemError."""
    way, seen = load.session.way, Observation()
    counted = frame.observe(seen, F.count(F.lit(1)).alias("rows"))
    parts = way.engine.writes_at_once or stage.num_partitions
    counted = counted.coalesce(parts) if parts else counted
    address = way.address(way.engine.begin_writing(), reads=False, more=way.engine.write_options)
    options = {"url": address, "driver": way.engine.driver, "dbtable": load.staged, "batchsize": str(stage.batchsize)}
    try:
        counted.write.format("jdbc").options(**options, isolationLevel="READ_COMMITTED").mode("append").save()
    except Exception as error:
        problem = problem_in(error, way.name)
        if problem is None or problem.code == "value-not-typed":
            raise
        raise ProblemError(problem) from None
    there = int(load.session.value(f"SELECT count(*) FROM {load.staged}") or 0)
    if there != seen.get["rows"]:
        raise ProblemError(rows_lost(seen.get["rows"], there, stage.table_name))
    return there


@dataclass
class StagedLoad:
    """Rows that wait. `columns`: of the view → of the table; all names of SQL are quoted."""

    stage: JDBCLoad
    target: str
    staged: str
    is_new: bool
    columns: dict[str, str]
    session: Session
    misread: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    rows: int = 0
    facts: dict[str, Any] = field(default_factory=dict)
    table: Table | None = None
    """None where the database keeps nothing of any table."""
    keeping: Keeping | None = None
    """What is kept of the rows that are there; None: nothing."""

    @property
    def uri(self) -> str:
        """How people call the table."""
        return f"{self.stage.connection}:{self.stage.table_name}"

    @property
    def words(self) -> str:
        return f"“{self.stage.table_name}” (connection “{self.stage.connection}”)"

    @property
    def listed(self) -> list[str]:
        return [self.session.way.engine.quoted(name) for name in self.columns.values()]

    @property
    def keys(self) -> list[str]:
        by_name = {name.casefold(): into for name, into in self.columns.items()}
        return [self.session.way.engine.quoted(by_name[key.casefold()]) for key in self.stage.merge_keys]

    def keys_kept(self) -> list[str]:
        """By which columns of the table the rows that come are told from others; none where all rows go."""
        if self.stage.save_mode == "Overwrite" or self.table is None:
            return []
        by_name = {name.casefold(): into for name, into in self.columns.items()}
        return [by_name[key.casefold()] for key in self.stage.merge_keys] or self.table.primary_key()

    def no_keys_kept(self, keys: Sequence[str]) -> str | None:
        """Why the rows that come cannot be told from others."""
        if not keys:
            return "it has no primary key"
        is_told = self.session.way.engine.gives_rows_on or set(keys) <= set(self.columns.values())
        return None if is_told else "the database makes the primary key of new rows itself"


class DatabaseChanges:
    """What a run writes into one database: all of it becomes visible in one transaction (`executor.stages.base.Elsewhere`)."""

    def __init__(self, way: Way) -> None:
        self.way, self.may_refuse = way, False
        self.visible: list[str] = []
        self._loads: list[StagedLoad] = []
        self._session = way.open(way.engine.begin_writing(), reads=False)
        """It holds the locks of the tables in which rows wait, as long as it lives."""

    # --- staging

    def load(self, stage: JDBCLoad, frame: DataFrame, context: StageContext) -> StagedLoad | None:
        """A fresh table for the rows; None where the stage keeps what is there. Raises ProblemError."""
        engine, parts = self.way.engine, name_parts(stage.table_name, "tableName")
        target = ".".join(map(engine.quoted, parts))
        if any(self._place(name_parts(one.stage.table_name, "tableName")) == self._place(parts) for one in self._loads):
            raise ProblemError(loaded_twice(stage.table_name))
        there = self._columns_of(target)
        if there is not None and stage.save_mode == "ErrorIfExists":
            raise ProblemError(table_exists(stage.table_name))
        if there is not None and stage.save_mode == "Ignore":
            context.log(f"The table “{stage.table_name}” is there, so it is left as it is.")
            return None
        self._require_nothing_follows(stage, parts)
        if there is None:
            self._require_no_other_capitals(stage, parts)
        frame = without_marks(frame, {column.name.lower() for column in there or ()}, stage.table_name, context)
        unknown_keys = unknown_columns(frame, stage.merge_keys, "mergeKeys")
        schema = parts[:-1]
        self._remove_leftovers(schema)
        name = f"{STAGING}{uuid4().hex[:16]}"
        staged = ".".join(map(engine.quoted, [*schema, name]))
        if (lock := engine.hold(name)) and not self._session.value(lock):
            raise RuntimeError("a name of 64 random bits is taken")
        new: list[Column] = []
        if there is None:
            columns, statement = new_columns(frame, self.way, staged, unknown_keys)
            new = [Column(one.name, str(engine.type_of(one.dataType.simpleString())).lower()) for one in frame.schema.fields]
        else:
            needed = {row[0] for row in self._session.rows(engine.needed(schema[-1] if schema else None, parts[-1]))}
            columns = matched(frame, there, needed, self.way, stage, unknown_keys)
            statement = engine.staging(staged, target, [engine.quoted(one) for one in columns.values()])
        self._session.execute(statement)
        load = StagedLoad(stage, target, staged, there is None, columns, self._session, self._misread(there or new, parts))
        self._loads.append(load)
        if engine.keeps:
            self._keep(load, parts, context)
        return load

    def _keep(self, load: StagedLoad, parts: Sequence[str], context: StageContext) -> None:
        """Makes room for what is there. Where nothing of it can be kept, the run says so."""
        load.table = Table(self._session, parts)
        if load.is_new or not load.stage.keep_before:
            return
        way, keys = (WHOLE if load.stage.save_mode == "Overwrite" else ROWS), load.keys_kept()
        why = load.table.not_kept() or (load.no_keys_kept(keys) if way == ROWS else None)
        if why:
            context.log(f"Of “{load.stage.table_name}” nothing is kept, as {why}: {LOST}.", "warning")
            return
        try:
            load.table.make_notes()
            load.keeping = Keeping(load.table, way, keys)
        except ProblemError as error:
            if error.problems[0].code != NOT_ALLOWED.code:
                raise
            load.table = None
            context.log(f"Of “{load.stage.table_name}” nothing is kept, as the connection's user has no right to: {LOST}.", "warning")

    def _require_nothing_follows(self, stage: JDBCLoad, parts: Sequence[str]) -> None:
        """Raises ProblemError where replacing the rows would take rows of other tables along."""
        query = self.way.engine.following(parts[-2] if len(parts) > 1 else None, parts[-1])
        if stage.save_mode == "Overwrite" and query and (found := self._session.rows(query)):
            raise ProblemError(rows_follow(stage.table_name, [str(row[0]) for row in found]))

    def _require_no_other_capitals(self, stage: JDBCLoad, parts: Sequence[str]) -> None:
        """Raises ProblemError where a new table would be made beside the one that was meant: names are taken as they are written."""
        found = self._session.rows(self.way.engine.called_alike(parts[-2] if len(parts) > 1 else None, parts[-1]))
        if found:
            raise ProblemError(other_capitals(stage.table_name, str(found[0][0])))

    def _misread(self, there: Sequence[Column], parts: Sequence[str]) -> dict[str, tuple[str, str]]:
        query = self.way.engine.description(parts[-2] if len(parts) > 1 else None, parts[-1])
        return self.way.engine.misread(there, self._session.rows(query) if query else ())

    def _place(self, parts: Sequence[str]) -> tuple[str, str]:
        """Schema and name, however the table is called: two loads of one would undo each other."""
        schema = parts[-2] if len(parts) > 1 else str(self._session.value(f"SELECT {self.way.engine.usual_schema}"))
        return schema.casefold(), parts[-1].casefold()

    def _columns_of(self, target: str) -> list[Column] | None:
        try:
            return self._session.columns(target)
        except ProblemError as error:
            if error.problems[0].code == "table-missing":
                return None
            raise

    def _remove_leftovers(self, schema: Sequence[str]) -> None:
        """Tables of runs that no longer live: nobody holds their lock."""
        engine = self.way.engine
        if not (query := engine.tables_like(schema[-1] if schema else None, STAGING)):
            return
        for (name,) in self._session.rows(query):
            staged = ".".join(map(engine.quoted, [*schema, str(name)]))
            lock = engine.hold(str(name))
            is_own = any(one.staged.endswith(engine.quoted(str(name))) for one in self._loads)
            if not is_own and lock and self._session.value(lock):
                self._session.execute(f"DROP TABLE IF EXISTS {staged}")

    def require_key(self, load: StagedLoad) -> None:
        """Each row that is merged has a key of its own. Raises ProblemError."""
        if not load.stage.merge_keys:
            return
        keys = ", ".join(load.keys)
        empty = " OR ".join(f"{key} IS NULL" for key in load.keys)
        without = int(load.session.value(f"SELECT count(*) FROM {load.staged} WHERE {empty}") or 0)
        doubles = f"SELECT {keys}, count(*) AS n FROM {load.staged} GROUP BY {keys} HAVING count(*) > 1"
        found = load.session.rows(self.way.engine.limited(doubles, 1))
        if without or found:
            raise ProblemError(no_key(load.stage, without, found[0] if found else None))

    # --- publishing

    def make_ready(self) -> None:
        if not self._loads:
            return
        self._session.begin()
        tables = sorted((load.table for load in self._loads if load.table), key=lambda table: table.target)
        for table in tables:  # in one order, so that two runs do not wait for each other
            table.note(holds=True)
        for load in self._loads:
            self._change(load)
        for load in self._loads:
            self._note(load)

    def _note(self, load: StagedLoad) -> None:
        if load.keeping:
            load.facts["kept"] = [load.keeping.write_note()]
        elif load.table and load.table.has_notes():
            load.table.write(None)

    def _change(self, load: StagedLoad) -> None:
        engine, session, mode = self.way.engine, self._session, load.stage.save_mode
        if load.is_new:
            if engine.names_in_transactions:
                self._rename(load)
            return
        for statement in engine.locked(load.target) if mode != "Append" else ():
            session.execute(statement)
        there = int(session.value(f"SELECT count(*) FROM {load.staged}") or 0)
        if there != load.rows:
            raise ProblemError(rows_lost(load.rows, there, load.stage.table_name))
        merged = 0
        if mode == "Overwrite":
            self._emptied(load)
        if mode == "Merge":
            merged = self._merged(load)
        added = self._inserted(load)
        if added != load.rows - merged:
            raise ProblemError(rows_lost(load.rows - merged, added, load.stage.table_name))
        if mode == "Merge":
            load.facts |= {"rows_updated": merged, "rows_added": added}
        self._keep_come(load)
        if engine.names_in_transactions:
            session.execute(f"DROP TABLE {load.staged}")

    def _emptied(self, load: StagedLoad) -> None:
        there = load.keeping.keep_all() if load.keeping else None
        gone = self._session.execute(f"DELETE FROM {load.target}")
        if there is not None and there != gone:
            raise ProblemError(rows_lost(there, gone, load.stage.table_name))

    def _inserted(self, load: StagedLoad) -> int:
        listed = ", ".join(load.listed)
        if load.keeping and load.stage.save_mode == "Append" and self.way.engine.gives_rows_on:
            return load.keeping.inserted(listed, load.staged)
        only_new = ""
        if load.stage.save_mode == "Merge":
            only_new = f" WHERE NOT EXISTS (SELECT 1 FROM {load.target} AS t WHERE {same(load.keys)})"
        return self._session.execute(f"INSERT INTO {load.target} ({listed}) SELECT {listed} FROM {load.staged} AS s{only_new}")

    def _keep_come(self, load: StagedLoad) -> None:
        keeping, mode = load.keeping, load.stage.save_mode
        if keeping is None or mode == "Overwrite" or (mode == "Append" and self.way.engine.gives_rows_on):
            return
        if keeping.keep_come(load.staged) != load.rows:  # several rows of the table have the same key
            load.keeping = None

    def _merged(self, load: StagedLoad) -> int:
        """Gives the rows that are there their new values; how many of the staged rows have one."""
        found = f"SELECT count(*) FROM {load.staged} AS s WHERE EXISTS (SELECT 1 FROM {load.target} AS t WHERE {same(load.keys)})"
        kept = int(self._session.value(found) or 0)
        others = [name for name in load.listed if name not in load.keys]
        if load.keeping:
            load.keeping.keep_matched(load.staged)
        if kept and others:
            self._session.execute(self.way.engine.updated(load.target, load.staged, load.keys, others))
        return kept

    def _rename(self, load: StagedLoad) -> None:
        name = self.way.engine.quoted(name_parts(load.stage.table_name, "tableName")[-1])
        self._session.execute(self.way.engine.renamed(load.staged, load.target, name))

    def publish(self) -> None:
        if not self._loads:
            return
        try:
            self._session.commit()
        except ProblemError as error:
            if error.problems[0].code != GONE.code or not self._is_done():
                raise
        unnamed = [load for load in self._loads if load.is_new and not self.way.engine.names_in_transactions]
        self.visible += [load.words for load in self._loads if load not in unnamed]
        for load in unnamed:
            self._rename(load)
            self.visible.append(load.words)

    def _is_done(self) -> bool:
        """Whether a commit was carried out whose answer was lost: then there is a note of what was kept, or the tables in which rows waited
        are gone. Raises ProblemError where that cannot be told."""
        noted = next(((load.table, load.keeping.id) for load in self._loads if load.table and load.keeping), None)
        if not noted and not self.way.engine.names_in_transactions:
            raise ProblemError(not_known([load.stage.table_name for load in self._loads]))
        try:
            session = self.way.open(self.way.engine.begin_writing(), reads=False)
            if noted:
                note = noted[0].over(session).note()
                return note is not None and note.id == noted[1]
            try:
                session.columns(self._loads[0].staged)
            except ProblemError as error:
                return error.problems[0].code == "table-missing"
            return False
        except ProblemError:
            raise ProblemError(not_known([load.stage.table_name for load in self._loads])) from None

    def discard(self) -> None:
        """The tables in which rows wait go; where the database is gone, the next run takes them away."""
        try:
            self._session.close()
            session = self.way.open(self.way.engine.begin_writing(), reads=False)
            for load in self._loads:
                session.execute(f"DROP TABLE IF EXISTS {load.staged}")
            for table in {tuple(load.table.schema): load.table for load in self._loads if load.table}.values():
                table.over(session).remove_leftovers()
        except Exception:  # noqa: BLE001 – the outcome is decided already
            return
        finally:
            self.way.close()

    def named_in(self, text: str) -> str | None:
        names = [load.stage.table_name for load in self._loads]
        return next((name for name in names if re.search(rf"(?i)(?<!\w){re.escape(name_parts(name, '')[-1])}(?!\w)", text)), None)

    def facts(self) -> list[dict[str, Any]]:
        return [
            {
                "stage": load.stage.name,
                "uri": load.uri,
                "save_mode": load.stage.save_mode,
                "format": load.stage.format,
                "rows": load.rows,
            }
            | load.facts
            for load in self._loads
        ]
