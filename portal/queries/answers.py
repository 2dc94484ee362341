"""The answer to a query: what is read and how, the rows, or what is wrong and where in its text."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from asgiref.sync import sync_to_async

from portal.accounts.models import User
from portal.environments.models import Environment
from portal.errors import PortalError
from portal.queries.asking import Asked, Query, asked
from portal.queries.history import Kept, begin
from portal.queries.reading import Reading
from portal.runs import preview_client

WORDS: dict[str, dict[str, Any]] = {
    "sql-command": {
        "message": "This is a command. Here only queries are asked, which read and change nothing.",
        "fix": "Begin with SELECT or WITH. Data is changed by jobs.",
    },
    "unknown-view": {"expected": None, "fix": "Choose a table from the list; each is called by one name, as in raw_flights."},
    "sql-two-statements": {"fix": "Ask one query at a time: delete the others, or keep each under a name."},
    "sql-path": {
        "expected": "the name of a table",
        "fix": "Choose the table in the list; its name is made of its place, as in raw_flights.",
    },
    "preview-too-long": {
        "message": "The query took longer than five minutes and was stopped.",
        "fix": "Read fewer rows (WHERE …), or make a job of it: a run may take longer.",
    },
    "preview-stopped": {
        "message": "The session that worked on the query ended, often for lack of memory.",
        "fix": "Run it again, over fewer rows or columns where you can; a job's run may have more memory.",
    },
    "out-of-memory": {
        "fix": "Let it make fewer or smaller rows (filter earlier, check joins), or make a job of it: a run may have more memory."
    },
    "previews-down": {
        "message": "The service that reads tables does not answer.",
        "fix": "What you wrote is still here. Try again in a moment.",
    },
}
"""What is said here in other words than in the editor of a job, by the code of the problem."""
MISFIT = "Read its columns as text, FROM {name}_as_text, and say with try_cast(… AS …) where a value may be none. Or correct the file."
LOOK = "Look at the file: a job that is made of it there says what becomes of such rows and files, and its table can be queried."
_FIELD = re.compile(r"\([a-z]+[A-Z]\w*\)|\bstage\b")
_OF_STAGE = re.compile(r" \(stage “[^”]*”\)")


async def answer(user: User, environment: Environment, query: Query) -> AsyncGenerator[dict[str, Any], None]:
    """Events: `waiting` with a sentence, `reading` with how each table is read, those of the executor, and a last one with `last`: `rows`,
    `problem`, `stage_failed` or `cancelled`. Ending the iteration early stops the work. What becomes of it is in the person's history,
    unless only the order or the filters of a result were changed."""
    past = None if query.shape else Kept(await sync_to_async(begin)(user, environment, query))
    try:
        async with aclosing(_answer(user, environment, query, past)) as events:
            async for event in events:
                if past:
                    past.take(event)
                yield event
    finally:
        if past:
            await sync_to_async(past.end)()


async def _answer(user: User, environment: Environment, query: Query, past: Kept | None) -> AsyncGenerator[dict[str, Any], None]:
    try:
        async for found in asked(user, environment, query):
            if isinstance(found, str):
                yield {"event": "waiting", "message": found}
                continue
            if past:
                past.asked(found)
            yield {"event": "reading", "tables": [_told(reading) for reading in found.readings]}
            async with aclosing(_events(found)) as events:
                async for event in events:
                    yield event
    except PortalError as error:
        said = error.problems or [{"code": error.code, "message": error.message, "fix": error.fix}]
        for place, problem in enumerate(said, start=1):
            yield {"event": "problem", "problem": _in_words(problem)} | ({"last": True} if place == len(said) else {})


def _told(reading: Reading) -> dict[str, Any]:
    return {
        "name": reading.name,
        "uri": reading.uri,
        "words": reading.words,
        "questions": reading.questions,
        "remarks": reading.remarks,
        "columns": reading.columns,
    }


async def _events(found: Asked) -> AsyncGenerator[dict[str, Any], None]:
    async with aclosing(preview_client.request(found.message)) as events:  # type: ignore[type-var]
        async for event in events:
            yield event | {"problem": _placed(event, found)} if event.get("problem") else event


def _placed(event: dict[str, Any], found: Asked) -> dict[str, Any]:
    """The problem in this page's words, and what it is about: the query's text, a table that it reads, or the order and filters."""
    problem = _in_words(event["problem"])
    stage = problem.get("stage_index", event.get("stage_index"))
    if not isinstance(stage, int):
        return problem
    if stage >= found.stage:
        return problem | {"about": "query" if stage == found.stage else "shape"}
    reading = _of_stage(found.readings, stage)
    plain = {name: value for name, value in problem.items() if name not in ("line", "column")}
    said = {"message": _OF_STAGE.sub("", str(problem.get("message"))), "fix": _fix_of_table(problem, reading)}
    return plain | said | {"about": "table", "table": reading.name, "uri": reading.uri}


def _fix_of_table(problem: dict[str, Any], reading: Reading) -> Any:
    """A way out that there is here: nobody chooses how a stage reads."""
    if problem.get("code") == "value-does-not-fit" and not reading.is_plain:
        return MISFIT.format(name=reading.name)
    return LOOK if _FIELD.search(str(problem.get("fix"))) else problem.get("fix")


def _of_stage(readings: list[Reading], stage: int) -> Reading:
    for reading in readings:
        if stage < len(reading.stages):
            return reading
        stage -= len(reading.stages)
    raise IndexError(stage)


def _in_words(problem: dict[str, Any]) -> dict[str, Any]:
    code = str(problem.get("code"))
    words = {"message": f"There is no table “{problem.get('found')}” here."} if code == "unknown-view" else {}
    return problem | words | WORDS.get(code, {})
