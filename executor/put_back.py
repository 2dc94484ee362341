"""`python -m executor put-back`: one JSON object {lake, roots, connections, uri, kept, table, latest} on standard input, one event in
answer. See docs/contract.md."""

from __future__ import annotations

import json
from typing import Any, TextIO

from executor.event_writer import EventWriter
from executor.events import ProblemFound, PutBack
from executor.files.delta_log import Log, require_latest, require_same
from executor.problems import Problem, ProblemError
from executor.stores.roots import roots_of

LONGEST = 1_000_000


def put_back(stream: TextIO, answers: TextIO) -> int:
    """Exit code 0 when it was put back, 1 when it was not: then the event is a problem."""
    emit = EventWriter(answers)
    try:
        given = _given(stream.readline(LONGEST))
        with roots_of(given) as roots:
            root, place = roots.at(given["uri"], "outputURI", writes=True)
            table, latest = given.get("table"), given.get("latest")
            if table or latest is not None:  # of a Delta table
                log = Log.of(root.table_log(place, given["uri"], "outputURI", 0), given["uri"])
                require_same(log, table)
                require_latest(log, latest)
            emit(PutBack(uri=given["uri"], **root.put_back(place, given["kept"], given["uri"], str(given.get("by", "")))))
    except ProblemError as error:
        emit(ProblemFound(problem=error.problems[0].as_dict()))
        return 1
    except OSError as error:
        problem = Problem(code="output-not-writable", message="The output cannot be put back.", found=error.strerror, fix="Try again.")
        emit(ProblemFound(problem=problem.as_dict()))
        return 1
    return 0


def _given(line: str) -> dict[str, Any]:
    try:
        given = json.loads(line)
    except ValueError:
        given = None
    if not isinstance(given, dict) or not all(isinstance(given.get(name), str) for name in ("lake", "uri", "kept")):
        raise ProblemError(Problem(code="values-wrong", message="What to put back is not said.", expected="{lake, uri, kept}"))
    return given
