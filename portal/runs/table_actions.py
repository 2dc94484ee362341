"""Work on a whole Delta table, wherever it lies: its history, and what its page and the API do to it. A program behind the wall does it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack
from typing import Any

from asgiref.sync import async_to_sync, sync_to_async

from executor.language import places as addresses
from executor.language.places import key_of
from portal.accounts.models import User
from portal.audit import actions as audit
from portal.environments.at_work import changing
from portal.environments.models import Environment
from portal.environments.reach import read_only_problem
from portal.errors import NotAllowed, PortalError
from portal.jobs import places
from portal.jobs.actions import may_answer_for
from portal.runs import actions, preview_client, published

CHANGE = "put_back_output"
"""Who may do anything to a table here: what is there changes outside a run, and can be put back."""

ANSWER = preview_client.ANSWERS["optimize-table"]


def may_change_table(user: User, environment: Environment, uri: str = "") -> bool:
    """`uri`: of one table, which must not lie in a root that is only read; without it, of any."""
    return may_answer_for(user, CHANGE, environment) and not (uri and read_only_problem(environment, uri))


def ask(user: User, environment: Environment, uri: str, do: str, **given: Any) -> dict[str, Any]:
    """What `python -m executor table` answers, where it only reads. Raises PortalError."""
    return _asked("table", user, environment, {"uri": uri, "do": do, **given})


def require_shown(user: User, environment: Environment, uri: str, table: str) -> None:
    """Raises PortalError where another table lies there by now than the one of this id, which somebody saw; empty: any may."""
    if table:
        ask(user, environment, uri, "same", table=table)


def put_back_version(*, actor: User, environment: Environment, uri: str, version: int, table: str = "", latest: int | None = None) -> None:
    """Makes the table what it was at `version`, by one more version of it. `table`, here and below: the id of the one that was shown, since
    another one may lie there by now; `latest`: its newest version then. Raises Conflict while a run works that writes it, PortalError where
    that version can be read no longer, and where there is a newer one than `latest`."""
    require_change(actor, environment, uri)
    if place := places.known_at(environment, uri):
        actions.put_back_output(actor=actor, place=place, kept_id=f"version-{version}", table=table, latest=latest)
        return
    actions.require_nobody_at_work(environment, uri, key_of(uri))
    told = change(actor, environment, uri, "restore", version=version, table=table, latest=latest)
    _record(actor, environment, uri, CHANGE, kept=f"version-{version}", version=told.get("version"))


def clean_up(*, actor: User, environment: Environment, uri: str, until: str, keep_from: int, table: str = "") -> dict[str, Any]:
    """Removes the files that no version since `until` (ISO) has, nor one from `keep_from` on: what was shown before, and no more. Gives
    files, bytes, and the versions that are `gone`. Raises Conflict while a run works that reads or writes the table, PortalError."""
    require_change(actor, environment, uri)
    actions.require_nobody_reads(environment, uri)
    told = change(actor, environment, uri, "vacuum", until=until, keep_from=keep_from, table=table)
    found = {name: told.get(name) for name in ("files", "bytes", "gone")}
    if place := places.known_at(environment, uri):
        published.forget_versions(place, told.get("gone"))
    _record(actor, environment, uri, "clean_up_table", until=until, **found)
    return found


_at_work: set[asyncio.Task[None]] = set()
"""Work that goes on to its end, whoever still waits for it: what it does to a table is in the audit."""


async def optimize(
    *, actor: User, environment: Environment, uri: str, columns: Sequence[str] = (), table: str = ""
) -> AsyncIterator[dict[str, Any]]:
    """Puts the table's small files together, and rows that are alike in `columns` near each other. Gives `progress` events, and at the
    end what `python -m executor table` answers. It goes on when nobody waits any more. Raises Conflict while a run works that writes the
    table, PortalError."""
    await sync_to_async(_require_optimize)(actor, environment, uri)
    heard: asyncio.Queue[dict[str, Any] | BaseException] = asyncio.Queue()
    task = asyncio.create_task(_optimize(actor, environment, uri, list(columns), table, heard))
    _at_work.add(task)
    task.add_done_callback(_at_work.discard)
    while True:
        event = await heard.get()
        if isinstance(event, BaseException):
            raise event
        yield event
        if event.get("event") == ANSWER:
            return


async def _optimize(actor: User, environment: Environment, uri: str, columns: list[str], table: str, heard: asyncio.Queue[Any]) -> None:
    held = ExitStack()
    try:
        await sync_to_async(held.enter_context)(changing(environment, uri))
        meant = await sync_to_async(places.meant)(environment, uri)
        values = {"uri": uri, "do": "optimize", "columns": columns, "by": actor.shown_name, "table": table, **meant}
        message = {"do": "files", "what": "optimize-table", "user": actor.pk, "environment": environment.pk, "values": values}
        async for event in preview_client.request(message):
            if event.get("event") == ANSWER:
                details = {name: event.get(name) for name in ("version", "before", "after")}
                await sync_to_async(_record)(actor, environment, uri, "optimize_table", columns=columns, **details)
            elif event.get("event") == "problem":
                raise published.refusal_of(event)
            await heard.put(event)
    except Exception as error:  # noqa: BLE001 - whoever waits is told of it
        await heard.put(error)
    finally:
        held.close()


def _require_optimize(actor: User, environment: Environment, uri: str) -> None:
    require_change(actor, environment, uri)
    actions.require_nobody_at_work(environment, uri, key_of(uri))


def require_change(actor: User, environment: Environment, uri: str = "") -> None:
    """Raises NotAllowed, and PortalError for a table in a root that is only read."""
    if not may_change_table(actor, environment):
        raise NotAllowed(CHANGE, environment)
    if uri and (problem := read_only_problem(environment, uri)):
        raise PortalError(problem.message, code=problem.code, status=422, fix=problem.fix)


def change(actor: User, environment: Environment, uri: str, do: str, **given: Any) -> dict[str, Any]:
    """The same as `ask`, of what starts no Spark and changes the table."""
    with changing(environment, uri):
        values = {"uri": uri, "do": do, "by": actor.shown_name, **given, **places.meant(environment, uri)}
        return _asked("change-table", actor, environment, values)


def _asked(what: str, user: User, environment: Environment, values: dict[str, Any]) -> dict[str, Any]:
    answer = async_to_sync(preview_client.answer_over_files)(what, user=user.pk, environment=environment.pk, values=values)
    if answer.get("event") != preview_client.ANSWERS[what]:
        raise published.refusal_of(answer)
    return answer


def _record(actor: User, environment: Environment, uri: str, action: str, **details: Any) -> None:
    audit.record(action=action, actor=actor, subject=environment, place=addresses.place_of(uri), **details)
