"""What people do by hand in a root that is no folder of this machine: done by programs behind the wall, each with this root's connection
and nothing else. See `executor.stores.by_hand` for how it lies there.

None of this may be asked inside a transaction: a program notes that it has opened a secret, for which SQLite would have to wait for it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync
from pydantic import BaseModel, ValidationError

from executor.files.made_of import Notes, origins_in, unfinished_in
from executor.language.roots import DEFAULT, Located
from executor.problems import Problem
from portal.accounts.models import User
from portal.data import names
from portal.data.lake import Entry, NothingThere, Taken
from portal.environments.at_work import changing
from portal.environments.models import Environment
from portal.errors import Conflict, PortalError
from portal.jobs import places
from portal.runs import preview_client
from portal.runs.problems import problem_of

UNKNOWN = ("previews-down", "no-answer", "look-stopped", "look-too-long", "half-moved")
"""Whoever has this instead of an answer does not know whether it was done."""
_ERRORS: dict[str, type[PortalError]] = {"file-exists": Taken, "nothing-there": NothingThere, "bad-place": names.BadPlace}
_BUSY = ("look-busy", "storage-refused")


class _Entry(BaseModel):
    is_folder: bool
    size: int
    modified: float


class _Notes(BaseModel):
    made: str
    begun: str
    states: dict[str, tuple[int, int | str]]


class _Found(BaseModel):
    twin: str | None
    entry: _Entry | None
    names: list[str]
    entries: dict[str, _Entry] = {}
    notes: _Notes | None = None


class _Done(BaseModel):
    is_there: bool = True
    before: dict[str, Any] | None = None
    parts: list[dict[str, Any]] = []
    problem: dict[str, Any] | None = None


class Elsewhere:
    """A place in such a root, as it was when it was looked at. It answers what `portal.data.guards` asks of a lake."""

    def __init__(self, environment: Environment, uri: str, user: User | None) -> None:
        """`uri`: in the one way it is written. `user`: who wants it; None: Sluice itself."""
        self.environment, self.uri, self._user = environment, uri, user.pk if user else 0
        self._seen: _Found | None = None

    def look(self, beside: Iterable[str] = ()) -> Elsewhere:
        """Sees what lies there and beside it. `beside`: names in its folder that `find` is to know, too. Raises PortalError."""
        try:
            self._seen = _Found.model_validate(self._ask("find", {"uri": self.uri, "beside": sorted(set(beside))}))
        except ValidationError:
            raise _no_answer() from None
        return self

    def notes(self, names: Collection[str] = ()) -> Notes:
        """What is noted in its folder of what was unpacked there, and what the files of these names are like, too. Looks as `look` does.
        Raises PortalError."""
        try:
            self._seen = _Found.model_validate(self._ask("find", {"uri": self.uri, "noted": sorted(names)}))
        except ValidationError:
            raise _no_answer() from None
        if (said := self._seen.notes) is None:
            raise _no_answer()
        return Notes(origins_in(said.made), unfinished_in(said.begun), said.states)

    def write_note(self, note: str, text: str | None) -> None:
        """Writes a note of ours into its folder; None: removes it. Raises PortalError."""
        self._done("keep", {"uri": self.uri, "do": "note", "note": note, "text": text})

    @property
    def root(self) -> str:
        """Its name."""
        return self.uri.partition(":")[0] if ":" in self.uri else DEFAULT

    @property
    def _there(self) -> _Found:
        if self._seen is None:
            raise RuntimeError("look() comes first")
        return self._seen

    def twin(self, uri: str) -> str | None:
        """As `Lake.twin`, of the place itself and of those beside it."""
        if uri == self.uri:
            return str(Located(self.root, self._there.twin)) if self._there.twin is not None else None
        folder, name = names.parted(uri)
        if folder != names.parted(self.uri)[0]:
            raise RuntimeError("another folder was looked at")
        found = next((other for other in self._there.names if names.same(other) == names.same(name)), None)
        return folder + found if found else None

    def find(self, uri: str) -> Entry | None:
        """As `Lake.find`, of what `twin` has given."""
        is_it = uri == self.twin(self.uri)
        folder, name = names.parted(uri)
        is_beside = not is_it and folder == names.parted(self.uri)[0]
        entry = self._there.entry if is_it else self._there.entries.get(name) if is_beside else None
        if entry is None:
            return None
        return Entry(uri, entry.is_folder, entry.size, int(entry.modified * 1e9))

    def take(self, uri: str) -> None:
        """Something will lie there, in the same folder: of what comes after it nothing gets its name."""
        name = names.parted(uri)[1]
        if name not in self._there.names:
            self._there.names.append(name)
        if uri == self.uri and self._there.twin is None:
            self._there.twin = uri.partition(":")[2] if ":" in uri else uri

    def bring_parts(
        self, parts: Sequence[tuple[str, UUID, int, UUID | None, str]], progress: Callable[[int], None], told: Callable[[int], None]
    ) -> tuple[list[dict[str, Any]], PortalError | None]:
        """As `bring`, of many files of this root: (address, upload, bytes, over, where it lies in the environment's own folder). Gives what
        `bring` gives of those that are there, and why the next is not. `told` hears how many are there."""
        values = {
            "uri": self.uri,
            "parts": [
                {"uri": uri, "upload": str(upload), "size": size, "over": str(over) if over else None, "source": source}
                for uri, upload, size, over, source in parts
            ],
        }

        def heard(event: dict[str, Any]) -> None:
            if event.get("what") == "parts":
                told(int(event.get("done", 0)))
            progress(int(event.get("done", 0)))

        done = self._done("bring", values, heard)
        return done.parts, _refusal(problem_of(done.problem)) if done.problem else None

    def bring(self, upload: UUID, size: int, over: UUID | None, progress: Callable[[int], None]) -> dict[str, Any]:
        """Sends what has arrived of an upload and makes it visible; gives `before`, what lay there and is kept as `over`. `progress` is
        told bytes. Raises PortalError: with a code of UNKNOWN it may have been done all the same."""
        values = {"uri": self.uri, "arrived": str(upload), "upload": str(upload), "size": size, "over": str(over) if over else None}
        return self._done("bring", values, lambda event: progress(int(event.get("done", 0)))).model_dump()

    def settle(self, upload: UUID, over: UUID | None) -> dict[str, Any]:
        """`is_there`: whether what the upload has brought lies there; if not, nothing of it is left. Raises PortalError."""
        values = {"uri": self.uri, "do": "settle", "upload": str(upload), "kept": str(over) if over else ""}
        return self._done("keep", values).model_dump()

    def set_aside(self, kept: UUID, *, alone: bool = False) -> None:
        """As `Lake.set_aside`. `alone`, here and below: as `changing` says, for whole folders."""
        self._done("keep", {"uri": self.uri, "do": "set-aside", "kept": str(kept)}, alone=alone)

    def bring_back(self, kept: UUID, aside: UUID | None, *, alone: bool = False) -> None:
        """As `Lake.bring_back`, or where something lies there as `Lake.swap`."""
        values = {"uri": self.uri, "do": "bring-back", "kept": str(kept), "aside": str(aside) if aside else ""}
        self._done("keep", values, alone=alone)

    def rename(self, to: Located, *, alone: bool = False) -> None:
        """As `Lake.rename`, within its root."""
        self._done("keep", {"uri": self.uri, "do": "rename", "to": to.place}, alone=alone)

    def forget(self, kept: UUID) -> None:
        """As `Lake.forget`."""
        self._done("keep", {"uri": self.uri, "do": "forget", "kept": str(kept)})

    def _done(
        self, what: str, values: dict[str, Any], progress: Callable[[dict[str, Any]], None] | None = None, *, alone: bool = False
    ) -> _Done:
        try:
            with changing(self.environment, self.uri, alone=alone):
                return _Done.model_validate(self._ask(what, values | places.meant(self.environment, self.uri), progress))
        except ValidationError:
            raise _no_answer() from None

    def _ask(self, what: str, values: dict[str, Any], progress: Callable[[dict[str, Any]], None] | None = None) -> dict[str, Any]:
        ask = async_to_sync(preview_client.answer_over_files)
        event = ask(what, user=self._user, environment=self.environment.pk, values=values, progress=progress)
        if event.get("event") == preview_client.ANSWERS[what]:
            return event
        if not isinstance(event.get("problem"), dict):
            raise _no_answer()
        raise _refusal(problem_of(event["problem"]))


def _refusal(problem: Problem) -> PortalError:
    if problem.code in (*_BUSY, *UNKNOWN):
        return PortalError(problem.message, code=problem.code, fix=problem.fix, status=503)
    return _ERRORS.get(problem.code, Conflict)(problem.message, code=problem.code, fix=problem.fix)


def _no_answer() -> PortalError:
    return PortalError("The program that works on the files gave no answer.", code="no-answer", status=503, fix="Try again.")
