"""Reads from a database as Spark does it, but so that no value changes on the way and all parts are of one state. Imported inside
`execute` only: it needs pyspark."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import reduce
from typing import TYPE_CHECKING, Any

from pyspark import StorageLevel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from executor.databases import ENGINES, Engine
from executor.databases.engine import Column, Read, Unreadable
from executor.databases.errors import MARK
from executor.databases.session import Session, Way
from executor.language.filling import inject_sql_params
from executor.language.quoting import name_in_sql, text_in_sql
from executor.plain import counted, did_you_mean
from executor.problems import Foreign, Problem, ProblemError
from executor.stages.base import StageContext
from executor.stages.database_file import changes_in_file, copy_of, key_of

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from executor.stages.database_kinds import WithDatabaseSQL
    from executor.stages.extract.jdbc_extract import JDBCExtract

MOST_NAMED = 20
"""Tables in one sentence."""
FETCHED = 2_000
"""Rows at a time; PostgreSQL's driver would hold all of them in memory else."""
_TAKES_SOME = re.compile(
    r"\b(limit|fetch|offset|top|tablesample|random|rand|newid|distinct\s+on|row_number|rank|dense_rank|ntile|lag|lead|(first|last|nth)_value)\b",
    re.IGNORECASE,
)
"""Words of queries that may answer something else each time."""
_IS_CUT_OFF = re.compile(r"(?<![.\w])(limit|fetch\s+(first|next)|tablesample)\b", re.IGNORECASE)
"""Words of queries that leave rows out of their answer."""
_QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`(?:[^`]|``)*`")
_SAID = re.compile(r"--(?=\s)[^\n]*|/\*.*?\*/", re.DOTALL)
_QUOTED_OR_SAID = re.compile(rf"{_QUOTED.pattern}|{_SAID.pattern}", re.DOTALL)
"""Texts and names in quotes; comments; both."""
_INSIDE = re.compile(r"\([^()]*\)")


def way_to(context: StageContext, spark: SparkSession, name: str, *, acts: bool = False) -> Way:
    """The way to the database of a stage's connection, open until the run ends. `acts`: to run statements, which happens in a copy of a
    database that is a file. Raises ProblemError."""
    connection = context.connection(name, "connection")
    engine = ENGINES[connection.kind]
    file = engine.file(connection)
    copy = changes_in_file(context, name, file).staged.copy if file and acts else copy_of(context, name)
    path = str(copy) if copy else context.input_path(file) if file else None
    way = Way(spark, engine, name, connection, path=path)
    context.keep_open(way)
    return way


def text_of(stage: WithDatabaseSQL, context: StageContext) -> str:
    """The SQL of a stage, from its file where that holds it. Raises ProblemError."""
    text = stage.sql if stage.sql is not None else context.text_of(stage.input_uri or "")
    if problems := stage.sql_problems(text):
        raise ProblemError(problems)
    return inject_sql_params(text, stage.sql_params)[0].strip().removesuffix(";")


@dataclass(frozen=True)
class Source:
    """What is read: a table, or a query in parentheses; and its columns."""

    sql: str
    reads: Sequence[tuple[Column, Read]]


def frame_of(stage: JDBCExtract, spark: SparkSession, context: StageContext) -> DataFrame:
    """The rows. Raises ProblemError."""
    way = way_to(context, spark, stage.connection)
    engine = way.engine
    if not engine.reads_queries and (stage.table_name is None or stage.predicates):
        raise ProblemError(_no_queries(stage, engine))
    session = way.open(engine.begin_reading(), reads=True)
    source = _source(stage, context, session)
    loaded = context.published_with(key_of(context, stage.connection))
    if table := loaded.named_in(source.sql) if loaded else None:
        raise ProblemError(_own_load(table, stage))
    conditions = _conditions(stage, session, source) if not context.is_sampled else []
    new = _only_new(stage, context, session, source) if stage.watermark_column and not context.is_preview else None
    snapshot = _snapshot(session)
    address = way.address(engine.begin_reading(snapshot), reads=True)
    parts: list[str | None] = [" AND ".join(filter(None, (condition, new))) or None for condition in conditions or [""]]
    frames = [_part(spark, engine, address, source, condition, stage.fetchsize, context.row_limit) for condition in parts]
    frame = _typed(reduce(DataFrame.unionAll, frames), source)
    if len(conditions) > 1 and snapshot is None:
        context.log("The parts are read one after the other: rows that somebody changes meanwhile may be met as they were and as they are.")
    if context.is_followed_by_acts():
        return _read_now(frame, context, way)
    is_the_same_again = bool(snapshot) and stage.table_name is not None and not context.is_sampled
    return frame if is_the_same_again or context.is_read_once(stage.output_view) else _kept(frame, context)


def _source(stage: JDBCExtract, context: StageContext, session: Session) -> Source:
    engine = session.way.engine
    if stage.table_name is not None:
        sql = engine.table(stage.table_name)
    else:
        sql = f"(\n{text_of(stage, context)}\n) sluice_q"
        if engine.statements_in(session, f"SELECT * FROM {sql} WHERE 1 = 0") != 1:
            words = "An extract asks one query."
            raise ProblemError(
                Problem(
                    code="database-statements", field=stage.sql_field, message=words, fix="Take out what is behind the first semicolon."
                )
            )
    try:
        columns = session.columns(sql)
    except ProblemError as error:
        raise ProblemError([_at_field(problem, stage, session) for problem in error.problems]) from None
    return Source(sql, _readable(columns, engine, stage))


def _no_queries(stage: JDBCExtract, engine: Engine) -> Problem:
    return Problem(
        code="database-query-refused",
        field="predicates" if stage.table_name is not None else stage.sql_field,
        message=f"Only whole tables and views are read by {engine.dialect}: nothing there keeps a query from changing rows.",
        expected="the name of a table or view in “Table”",
        fix="Make a view of the query in the database, and name that; or read the table, and ask in an SQLTransform behind it.",
    )


def _at_field(problem: Problem, stage: JDBCExtract, session: Session) -> Problem:
    """A missing table of a query is told at the query; of a name, with what was meant. What tables there are is told with both: nobody who
    only writes jobs has another place to see them."""
    if problem.field not in ("tableName", "sql"):
        return problem
    if problem.code == "table-missing":
        problem = replace(problem, fix=_there_are(session.way, stage.table_name or "") or problem.fix)
    if stage.table_name is None:
        return replace(problem, field=stage.sql_field)
    return replace(problem, field="tableName", found=stage.table_name)


def _there_are(way: Way, meant: str) -> str | None:
    """Those that are called alike first; None where the database does not tell."""
    try:
        known = way.tables()
    except ProblemError:
        return None
    if not known:
        return f"The user of the connection “{way.name}” may read no table there. Ask whoever looks after the database for the right."
    first = sorted(known, key=lambda name: not meant or meant.casefold() not in name.casefold())[:MOST_NAMED]
    others = f" and {counted(len(known) - len(first), 'other', 'others')}" if len(known) > len(first) else ""
    listed = "There are " + ", ".join(f"“{name}”" for name in first) + others + "."
    return " ".join(filter(None, (did_you_mean(meant, known) if meant else None, listed)))


def _readable(columns: Sequence[Column], engine: Engine, stage: JDBCExtract) -> list[tuple[Column, Read]]:
    reads, problems, seen = [], [], set()
    for column in columns:
        try:
            reads.append((column, engine.read(column)))
        except Unreadable as error:
            problems.append(_unreadable(column, error, engine, stage))
        if column.name.casefold() in seen:
            problems.append(_twice(column, stage))
        seen.add(column.name.casefold())
    if problems:
        raise ProblemError(problems)
    return reads


def _unreadable(column: Column, error: Unreadable, engine: Engine, stage: JDBCExtract) -> Problem:
    fix = error.fix.replace("{column}", engine.quoted(column.name))
    where = "Write a query (SQL) instead of naming the table, and let it do so for this column. " if stage.table_name else ""
    return Problem(
        code="column-type",
        field="tableName" if stage.table_name else stage.sql_field,
        message=f"Spark cannot hold the column “{column.name}” ({column.type}) as it is. {error.why}",
        data_column=column.name,
        found=column.type,
        fix=where + fix,
    )


def _twice(column: Column, stage: JDBCExtract) -> Problem:
    return Problem(
        code="column-twice",
        field="tableName" if stage.table_name else stage.sql_field,
        message=f"Two columns are called “{column.name}”.",
        data_column=column.name,
        fix="Give one of them another name in the query: … AS another_name.",
    )


def _snapshot(session: Session) -> str | None:
    """The word for the state that this connection sees; it lasts as long as the connection. None where the server gives none."""
    query = session.way.engine.snapshot_query
    try:
        return session.value(query) if query else None
    except ProblemError:
        return None


def _part(
    spark: SparkSession, engine: Engine, address: str, source: Source, condition: str | None, fetchsize: int | None, rows: int | None
) -> DataFrame:
    conditions = list(filter(None, (condition, engine.readable_days([column for column, _ in source.reads]))))
    query = engine.selected(source.sql, source.reads) + (f" WHERE {' AND '.join(conditions)}" if conditions else "")
    query = engine.limited(query, rows) if rows is not None else query
    options = {"url": address, "driver": engine.driver, "dbtable": f"({query}) sluice_p", "preferTimestampNTZ": "true"}
    if told := [f"{name_in_sql(column.name)} {read.comes_as}" for column, read in source.reads if read.comes_as]:
        options["customSchema"] = ", ".join(told)
    return spark.read.format("jdbc").options(**options, fetchsize=str(fetchsize or FETCHED)).load()


def _typed(frame: DataFrame, source: Source) -> DataFrame:
    """What was asked for as text gets its type; a text that is none of that type stops the run and is named."""
    return frame.select(
        *[
            F.expr(name_in_sql(column.name) if read.as_type is None else _strictly(column.name, read.as_type)).alias(column.name)
            for column, read in source.reads
        ]
    )


def _strictly(name: str, kind: str) -> str:
    """Of a list each part by itself: the cast of a whole list makes nothing of a part that is none, and says nothing."""
    column = name_in_sql(name)
    if kind.startswith("ARRAY<"):
        return f"transform({column}, one -> {_one_strictly('one', name, kind[6:-1])})"
    return _one_strictly(column, name, kind)


_DAY, _CLOCK = "[0-9]{4,7}-[0-9]{2}-[0-9]{2}", "[0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,6}0*)?)?"
_SHAPES = {
    "DATE": f"{_DAY}([ T]00:00(:00([.]0+)?)?)?",
    "TIMESTAMP_NTZ": f"{_DAY}([ T]{_CLOCK})?",
    "TIMESTAMP": f"{_DAY}([ T]{_CLOCK}(Z|[+-][0-9]{{2}}(:?[0-9]{{2}}(:[0-9]{{2}})?)?)?)?",
    "DOUBLE": "[+-]?(([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?|Inf|NaN)",
}
"""Type → what its texts look like. Spark's cast takes more, and less of it than there is: 2024-01-01 10:00:00 for a day, 44-03-15 BC for
one of the year 44, 10:00+02:00 for ten o'clock, 12f for a number, a year for its first day."""


def _one_strictly(value: str, name: str, kind: str) -> str:
    mark, made = text_in_sql(f"{MARK}{kind}|{name}|"), f"try_cast({value} AS {kind})"
    if shape := _SHAPES.get(kind):
        made = f"IF({value} RLIKE {text_in_sql(f'^({shape})$')}, {made}, NULL)"
    elif kind.startswith("DECIMAL("):  # what digits are cut off: 1.23 comes as 1.2299999999999999822, and 1.239 is no 1.24
        made = f"IF(CAST({made} AS DOUBLE) = try_cast({value} AS DOUBLE), {made}, NULL)"
    return f"coalesce({made}, IF({value} IS NULL, NULL, raise_error(concat({mark}, {value}))))"


def _kept(frame: DataFrame, context: StageContext) -> DataFrame:
    """Read once, whoever uses it: a second look into the database might see something else."""
    kept = frame.persist(StorageLevel.MEMORY_AND_DISK)
    context.keep_open(_Unpersisted(kept))
    return kept


def _read_now(frame: DataFrame, context: StageContext, way: Way) -> DataFrame:
    """A later stage changes the database at its turn: the rows are those of before it, and no lock of ours is in its way."""
    kept = _kept(frame, context)
    kept.count()
    way.close()
    return kept


class _Unpersisted:
    def __init__(self, frame: DataFrame) -> None:
        self._frame = frame

    def close(self) -> None:
        self._frame.unpersist()


# --- parts ------------------------------------------------------------------------------------------------------------------


def _conditions(stage: JDBCExtract, session: Session, source: Source) -> list[str]:
    """What is true of the rows of each part, in the database's SQL; empty where all are read at once. Together they leave no row out."""
    if stage.predicates:
        _require_parts(stage, source, "predicates")
        _require_apart(stage, session, source)
        return [f"({condition})" for condition in stage.predicates]
    if stage.partition_column is None or (stage.num_partitions or 1) < 2:
        return []
    _require_parts(stage, source, "partitionColumn")
    name = _column_named(stage.partition_column, source, "partitionColumn")
    quoted = session.way.engine.quoted(name)
    least, most = session.rows(f"SELECT min({quoted}), max({quoted}) FROM {source.sql}")[0]
    if least is None or most is None:
        return []
    return ranges(quoted, bounds(least, most, stage.num_partitions or 1, name))


def _column_named(wanted: str, source: Source, field: str) -> str:
    names = [column.name for column, _ in source.reads]
    name = next((one for one in names if one.casefold() == wanted.casefold()), None)
    if name is None:
        raise ProblemError(_no_column(wanted, names, field))
    return name


def _only_new(stage: JDBCExtract, context: StageContext, session: Session, source: Source) -> str:
    """The rows that no published run has read. The highest value is asked for first: what comes meanwhile is the next run's."""
    _require_all(stage, source)
    name = _column_named(stage.watermark_column or "", source, "watermarkColumn")
    engine = session.way.engine
    column = next(column for column, _ in source.reads if column.name == name)
    if engine.compares_otherwise(column):
        raise ProblemError(_no_watermark(column))
    quoted = engine.quoted(name)
    about = [_fingerprint(stage.connection, sql, name, *stage.predicates) for sql in (_in_one_spelling(source.sql), source.sql)]
    before, at, asked = (
        context.read_until(about),
        _fingerprint(context.connection(stage.connection, "connection").storage()),
        _asked(stage, context),
    )
    since = str(before["value"]) if before else None
    if before is None:
        _require_same_question(stage, context, asked)
    elif before.get("at") not in (None, "", at):
        context.warn(_leads_elsewhere(stage, name, str(since)))
    is_behind = f"CASE WHEN max({quoted}) < {_literal(since, name)} THEN 1 END" if since is not None else "NULL"
    highest, without, behind = session.rows(f"SELECT max({quoted}), count(*) - count({quoted}), {is_behind} FROM {source.sql}")[0]
    if int(without or 0):
        context.warn(_without_value(name, int(without or 0)))
    if behind is not None:
        context.warn(_behind(name, since))
    until = highest if highest is not None and behind is None else since
    if until is None:
        return "1 = 0"
    if engine.is_text(column) and not _literal(until, name).startswith("'"):  # in the order of letters, 10 is below 9
        raise ProblemError(_no_watermark(column))
    found = session.value(f"SELECT max({quoted}) FROM {source.sql} WHERE {quoted} <= {_literal(until, name)}")
    if behind is None and highest is not None and found != highest:
        raise ProblemError(_no_watermark(column))
    context.note_read_until({"about": about[0], "value": until, "at": at, "asked": asked}, about)
    for problem in context.needing_all_rows() if since is not None else ():
        context.warn(problem)
    context.detail(read_until=until)
    context.log(
        f"Reads the rows up to {name} = {until}" + (f", above {since}." if since is not None else "; all of them, as no run has yet.")
    )
    above = f"{quoted} > {_literal(since, name)} AND " if since is not None else ""
    return f"({above}{quoted} <= {_literal(until, name)})"


def _in_one_spelling(sql: str) -> str:
    """The same for queries that differ in blanks and comments alone."""
    kept = re.sub(rf"({_QUOTED.pattern})|{_SAID.pattern}|\s+", lambda found: found[1] or " ", sql, flags=re.DOTALL)
    return re.sub(" +", " ", kept).strip()


def _asked(stage: JDBCExtract, context: StageContext) -> str:
    text = context.text_of(stage.input_uri) if stage.input_uri else ""
    return _fingerprint(context.asked()[0], text)


def _require_same_question(stage: JDBCExtract, context: StageContext, asked: str) -> None:
    """Raises ProblemError where all would be read anew for a load that adds it to what an earlier question has brought. Other values in the
    same question are another one, of which nothing is there yet."""
    last, loads = context.asked()[1], context.adding_rows()
    if not last or not loads or last.get("asked") == asked:
        return
    problem = _asks_otherwise(stage, loads[0])
    if "asked" in last:
        raise ProblemError(problem)
    context.warn(problem)  # nobody noted then how it had asked


def _asks_otherwise(stage: JDBCExtract, load: str) -> Problem:
    return Problem(
        code="question-changed",
        field="tableName" if stage.table_name else stage.sql_field,
        message=f"“{stage.name}” asks otherwise than in the run that last published. So all of its rows are read anew, and “{load}” would "
        "add them to those that are there: rows would be there twice.",
        expected="the question of before, or a load that adds nothing twice",
        fix=f"To have all rows as they are asked for now, run the job once with Overwrite in “{load}”, then choose Append again; or write "
        "to another place, or merge by a key. To go on from where it was, ask as before.",
    )


def _fingerprint(*words: str) -> str:
    return hashlib.sha256(repr(words).encode()).hexdigest()[:40]


def _literal(value: str, name: str) -> str:
    """A number or a moment as the database reads it back. Raises ProblemError for anything else."""
    with suppress(InvalidOperation):
        if Decimal(value).is_finite() and re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", value):
            return value
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([ T][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?([+-][0-9]{2}(:?[0-9]{2})?)?)?", value):
        raise ProblemError(_no_range(name, value, "watermarkColumn"))
    return f"'{value}'"


def _no_watermark(column: Column) -> Problem:
    return Problem(
        code="column-of-ranges",
        field="watermarkColumn",
        message=f"What is new cannot be told by “{column.name}”: the database compares its values otherwise than it sorts or shows them, "
        "so rows would be left out.",
        data_column=column.name,
        found=column.type,
        expected="whole numbers, numbers with a fixed number of digits, days or moments",
        fix="Name another column, or read by a query that converts it, such as CAST(… AS DECIMAL(20, 4)).",
    )


def _leads_elsewhere(stage: JDBCExtract, name: str, since: str) -> Problem:
    return Problem(
        code="watermark-elsewhere",
        field="watermarkColumn",
        message=f"The connection “{stage.connection}” leads elsewhere since rows were read last. Rows there that are not above what was "
        f"read before in “{name}” are not read.",
        data_column=name,
        value=Foreign(since),
        fix="If the same rows lie there, there is nothing to do. If it is another database, read it by another query (“sql”): then all of "
        "it is read.",
    )


def _behind(name: str, since: str | None) -> Problem:
    return Problem(
        code="watermark-behind",
        field="watermarkColumn",
        message=f"The highest value of “{name}” is lower than what has been read already, so nothing is read.",
        data_column=name,
        value=Foreign(str(since)),
        fix="If rows were taken out, there is nothing to do. If the table has begun anew, read it by another query (“sql”): then all "
        "of it is read.",
    )


def _without_value(name: str, count: int) -> Problem:
    return Problem(
        code="rows-without-watermark",
        field="watermarkColumn",
        message=f"{counted(count, 'row has', 'rows have')} no value in “{name}” and {'is' if count == 1 else 'are'} not read.",
        data_column=name,
        fix="Give them one in the database or in the query, such as COALESCE(…).",
    )


def bounds(least: str, most: str, parts: int, name: str) -> list[str]:
    """The literals between which the parts lie, evenly; fewer where there are not as many values. Raises ProblemError."""
    try:
        low, high = Decimal(least), Decimal(most)
        if not (low.is_finite() and high.is_finite()):
            raise ProblemError(_no_range(name, most))
        whole = low == int(low) and high == int(high)
        steps = [low + (high - low) * place / parts for place in range(1, parts)]
        return list(dict.fromkeys(str(int(step)) if whole else f"{step:f}" for step in steps if low < step <= high))
    except InvalidOperation:
        return _moments_between(least, most, parts, name)


def _moments_between(least: str, most: str, parts: int, name: str) -> list[str]:
    try:
        low, high = (datetime.fromisoformat(re.sub(r"\.(\d{1,6})\d*", lambda d: "." + d[1].ljust(6, "0"), text)) for text in (least, most))
        steps = [low + (high - low) * place / parts for place in range(1, parts)]
    except (ValueError, OverflowError, TypeError):  # the last one: one of both has a time zone
        raise ProblemError(_no_range(name, least)) from None
    if len(least) == len("2024-01-01"):
        steps = [low + timedelta(days=(step - low).days) for step in steps]
        return list(dict.fromkeys(f"'{step:%Y-%m-%d}'" for step in steps if step > low))
    return list(dict.fromkeys(f"'{step.isoformat(sep=' ')}'" for step in steps if step > low))


def ranges(column: str, limits: Sequence[str]) -> list[str]:
    """Conditions that each row fulfils exactly one of, also where it has no value."""
    if not limits:
        return []
    first = f"({column} < {limits[0]} OR {column} IS NULL)"
    middle = [f"({column} >= {low} AND {column} < {high})" for low, high in zip(limits, limits[1:], strict=False)]
    return [first, *middle, f"({column} >= {limits[-1]})"]


def _require_apart(stage: JDBCExtract, session: Session, source: Source) -> None:
    each = [f"CASE WHEN ({condition}) THEN 1 ELSE 0 END" for condition in stage.predicates]
    query = session.way.engine.limited(f"SELECT 1 AS n FROM {source.sql} WHERE {' + '.join(each)} > 1", 1)
    whole = f"SELECT * FROM {source.sql} WHERE {' OR '.join(f'({one})' for one in stage.predicates)}"
    if any(session.way.engine.statements_in(session, f"{one} ") != 1 for one in (query, whole)):
        raise ProblemError(Problem(code="database-statements", field="predicates", message="A condition is one expression."))
    if session.rows(query):
        raise ProblemError(
            Problem(
                code="predicates-overlap",
                field="predicates",
                message="Two of the conditions hold for the same row, which would be read twice.",
                fix="Write conditions that exclude each other.",
            )
        )


def _require_parts(stage: JDBCExtract, source: Source, field: str) -> None:
    """Raises ProblemError for a query that may take other rows each time it is asked: the parts would not be those of one answer."""
    if stage.table_name is None and (found := _TAKES_SOME.search(_QUOTED_OR_SAID.sub(" ", source.sql))):
        raise ProblemError(_takes_some(found.group(), stage, field, "so it cannot be asked in parts"))


def _require_all(stage: JDBCExtract, source: Source) -> None:
    """Raises ProblemError for a query that is cut off: what it leaves out below its highest value is never read, and where it is cut off at
    the same place each time, nothing is read any more."""
    if stage.table_name is not None:
        return
    text, left = "", _QUOTED_OR_SAID.sub(" ", source.sql.partition("(")[2].rpartition(")")[0])
    while text != left:  # what stands in parentheses may be one value of each row
        text, left = left, _INSIDE.sub(" ", left)
    if found := _IS_CUT_OFF.search(text):
        raise ProblemError(_takes_some(found.group(), stage, "watermarkColumn", "and what it leaves out would never be read"))


def _takes_some(word: str, stage: JDBCExtract, field: str, so: str) -> Problem:
    return Problem(
        code="parts-of-some",
        field=stage.sql_field,
        message=f"This query may take other rows each time it is asked, {so}.",
        found=word,
        fix=f"Take “{word}” out of the query; or read all of it at once: take “{field}” out.",
    )


def _own_load(table: str, stage: JDBCExtract) -> Problem:
    return Problem(
        code="reads-own-load",
        field="tableName" if stage.table_name else stage.sql_field,
        message=f"An earlier stage of this job writes “{table}”, and its rows are there only when the run has published.",
        found=table,
        fix="Use the view that is written in place of the table.",
    )


def _no_column(name: str, names: Sequence[str], field: str) -> Problem:
    return Problem(
        code="column-unknown",
        field=field,
        message=f"There is no column “{name}”.",
        found=name,
        expected="one of " + ", ".join(names),
        fix=did_you_mean(name, names) or "Name a column of the table.",
    )


def _no_range(name: str, value: Any, field: str = "partitionColumn") -> Problem:
    return Problem(
        code="column-of-ranges",
        field=field,
        message=f"Rows cannot be told apart by ranges of “{name}”.",
        value=Foreign(str(value)[:100]),
        expected="numbers, days or moments, all of them finite",
        fix="Name another column.",
    )
