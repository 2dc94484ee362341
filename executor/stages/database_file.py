"""What a run does to a database that is a file of the lake: all of it in one copy, which takes the file's place when the run publishes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from executor.databases import ENGINES
from executor.problems import Problem, ProblemError
from executor.stages.base import Elsewhere, StageContext


def key_of(context: StageContext, name: str) -> str:
    """What stands for the database behind a connection in this run: two names may lead to one file."""
    connection = context.connection(name, "connection")
    file = ENGINES[connection.kind].file(connection)
    return f"database {file} (file)" if file else f"database {name}"  # which no connection can be called


def copy_of(context: StageContext, name: str) -> Path | None:
    """The copy in which this run changes the database, if it is a file and a stage has changed it."""
    changes = context.published_with(key_of(context, name))
    return changes.staged.copy if isinstance(changes, FileChanges) else None


def changes_in_file(context: StageContext, name: str, file: str) -> FileChanges:
    """Raises ProblemError where the file is not here, or open elsewhere."""
    if context.is_elsewhere(file):
        words = f"The file of this database (“{file}”) is a copy here: what is changed in it would be lost."
        fix = "Use a database that is a server, or a lake in a folder."
        raise ProblemError(Problem(code="database-read-only", field="connection", message=words, fix=fix))
    return context.publishes_with(key_of(context, name), lambda: FileChanges(name, context.input_path(file), file))


class FileChanges:
    """See `executor.stages.base.Elsewhere`. `loads`: the rows that wait in the copy."""

    may_refuse = True

    def __init__(self, connection: str, path: str, file: str) -> None:
        from executor.databases.sqlite_file import StagedFile

        self.staged = StagedFile(Path(path), file)
        self._connection = connection
        self.loads: Elsewhere | None = None
        self.visible: list[str] = []

    def make_ready(self) -> None:
        if self.loads:
            self.loads.make_ready()
            self.loads.publish()
            self.loads.discard()  # what waited there has no place in the file
        self.staged.make_ready()

    def publish(self) -> None:
        self.staged.publish()
        self.visible = [f"the file of the connection “{self._connection}”"]

    def discard(self) -> None:
        self.staged.discard()

    def named_in(self, text: str) -> str | None:
        return self.loads.named_in(text) if self.loads else None

    def facts(self) -> list[dict[str, Any]]:
        return self.loads.facts() if self.loads else []
