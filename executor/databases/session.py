"""Connections to databases inside of Spark's JVM: ours, and those that Spark opens under the address that `Way` has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from executor.databases.engine import OWN_TABLES, Column, Engine
from executor.databases.errors import problem_in
from executor.problems import ProblemError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from executor.connections import ConnectionKind


class Way:
    """How one stage reaches one database. `address` is what Spark is told; it leads nowhere once the way is closed, and holds no secret."""

    def __init__(self, spark: SparkSession, engine: Engine, name: str, connection: ConnectionKind, *, path: str | None = None) -> None:
        """`name`: of the connection. `path`: where the file is that the database is."""
        self.name, self.engine = name, engine
        self._jvm: Any = spark._jvm
        self._gateway: Any = spark._sc._gateway
        self._url, self._properties = self.engine.url(connection, path), self.engine.properties(connection)
        self._addresses: list[str] = []
        self._sessions: list[Session] = []

    def __repr__(self) -> str:
        return f"Way({self.name})"

    def address(self, begin: Sequence[str], *, reads: bool, more: Mapping[str, str] | None = None) -> str:
        """What Spark opens connections under; each begins with the statements `begin`. `reads`: it may only read."""
        properties = self._gateway.jvm.java.util.HashMap()
        for key, value in {**self._properties, **(self.engine.read_options if reads else {}), **(more or {})}.items():
            properties.put(key, value)
        first = self._gateway.jvm.java.util.ArrayList()
        for statement in begin:
            first.add(statement)
        made = str(self._jvm.sluice.Databases.know(self.engine.kind, self.engine.driver, self._url, properties, first, reads))
        self._addresses.append(made)
        return made

    def open(self, begin: Sequence[str] = (), *, reads: bool) -> Session:
        """A connection of our own; it is closed with the way. Raises ProblemError."""
        session = Session(self, self._gateway, self.address(begin, reads=reads))
        self._sessions.append(session)
        return session

    def tables(self) -> list[str]:
        """The tables and views that its user may read, as documents write them; those of the usual schema first. Raises ProblemError."""
        session = self.open(self.engine.begin_reading(), reads=True)
        found = [[name for name in row if name] for row in session.rows(self.engine.readable_tables)]
        session.close()
        return [self.engine.written(*names) for names in found if not names[-1].startswith(OWN_TABLES)]

    def close(self) -> None:
        """Never raises."""
        for session in reversed(self._sessions):
            session.close()
        for address in self._addresses:
            self._jvm.sluice.Databases.forget(address)
        self._sessions, self._addresses = [], []


class Session:
    """One open connection of ours."""

    def __init__(self, way: Way, gateway: Any, address: str) -> None:
        self.way, self.jvm, self._gateway = way, gateway.jvm, gateway
        with told(way.name):
            self._connection = self.jvm.sluice.Databases.open(address)

    def texts(self, items: Sequence[str]) -> Any:
        """An array of Java's texts."""
        array = self._gateway.new_array(self.jvm.String, len(items))
        for index, item in enumerate(items):
            array[index] = item
        return array

    def columns(self, query: str) -> list[Column]:
        """The columns of a query, which is not run. Raises ProblemError."""
        with told(self.way.name):
            statement = self._connection.createStatement()
            found = statement.executeQuery(f"SELECT * FROM {query} WHERE 1 = 0").getMetaData()
            columns = [
                Column(
                    found.getColumnLabel(place),
                    str(found.getColumnTypeName(place)).lower(),
                    found.getPrecision(place),
                    found.getScale(place),
                )
                for place in range(1, found.getColumnCount() + 1)
            ]
            statement.close()
            return columns

    def rows(self, query: str) -> list[list[str | None]]:
        """All rows of a small answer, each value as the driver writes it. Raises ProblemError."""
        with told(self.way.name):
            statement = self._connection.createStatement()
            answer = statement.executeQuery(query)
            count = answer.getMetaData().getColumnCount()
            found = []
            while answer.next():
                found.append([answer.getString(place) for place in range(1, count + 1)])
            statement.close()
            return found

    def value(self, query: str) -> str | None:
        """The one value of an answer."""
        return self.rows(query)[0][0]

    def execute(self, statement: str) -> int:
        """Gives how many rows it has changed, 0 where the database does not say; the first row of an answer is looked at, as errors of some
        databases come with it. Raises ProblemError."""
        with told(self.way.name):
            is_prepared = self.way.engine.prepares
            made = self._connection.prepareStatement(statement) if is_prepared else self._connection.createStatement()
            if made.execute() if is_prepared else made.execute(statement):
                made.getResultSet().next()
            changed = max(int(made.getUpdateCount()), 0)
            made.close()
            return changed

    def begin(self) -> None:
        with told(self.way.name):
            self._connection.setAutoCommit(False)

    def commit(self) -> None:
        with told(self.way.name):
            self._connection.commit()

    def close(self) -> None:
        """Takes back what was not committed. Never raises: whatever is wrong has been told, or the connection is gone."""
        try:
            if not self._connection.isClosed():
                if not self._connection.getAutoCommit():
                    self._connection.rollback()
                self._connection.close()
        except Exception:  # noqa: BLE001, S110
            pass


@contextmanager
def told(name: str) -> Iterator[None]:
    """What the driver raises inside, as a ProblemError; `name`: of the connection."""
    try:
        yield
    except Exception as error:
        problem = problem_in(error, name)
        if problem is None:
            raise
        raise ProblemError(problem) from None
