"""Whole folders of a bucket that people delete and put back by hand. S3 moves no folder in one step: each object is copied, and only when
all are there, and a note says so, the first is removed.

    <prefix>/.sluice-kept/<id>/…            the copies, by their places in the folder
    <prefix>/.sluice-kept/<id>.json         what all of them are: from here on one may be removed from its place
    <prefix>/.sluice-going/<id>.json        which folder it is, before the first change and until the last: nobody reads some of it for all

Whoever is killed leaves the note, and either all objects where they were or a copy of each. The same asked once more goes on with it, and
so does whoever deletes what is left of the folder under another id: then the copies go there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from executor.files.delta_log import LOG
from executor.files.folder import fixed_part
from executor.language.uris import OUR_OWN
from executor.problems import Problem, ProblemError
from executor.stores.bucket import AT_ONCE, POINTER, Bucket
from executor.stores.hands import (
    KEPT,
    NOTES,
    changed,
    holds_an_output,
    holds_what_is_kept,
    no_longer_kept,
    nothing,
    require_id,
)
from executor.stores.s3_access import refused, told

if TYPE_CHECKING:
    from executor.stores.by_hand import ByHand

GOING = ".sluice-going"
NOT_ALLOWED = ("AccessDenied", "403")
ASIDE, BACK = "aside", "back"
MOST, MOST_BYTES = 10_000, 10 * 1000**3
"""Objects, and bytes, of a folder that people move: more takes longer than anybody waits."""


@dataclass(frozen=True)
class Going:
    """A folder that was begun to be moved. `what`: ASIDE or BACK; `id`: under which it is kept."""

    id: str
    place: str
    what: str


State = tuple[int, str]
"""Bytes of an object, and its etag."""
States = Mapping[str, State]
"""By its place in the folder."""


class FolderMoves:
    """Of one root."""

    def __init__(self, hand: ByHand) -> None:
        self.hand, self.bucket = hand, hand.bucket

    def set_aside(self, place: str, kept: str) -> None:
        """Takes a folder from its place; it is kept under this id. Done once already, it is done. Raises ProblemError."""
        require_id(kept)
        found, known, others = self._in(place), self._kept(kept), self._begun_in(place, kept)
        if not found and known is None and not others:
            raise ProblemError(nothing(place))
        with self._noted(Going(kept, place, ASIDE)):
            self._copy(found, place, f"{KEPT}/{kept}")
            every = {**(known or {}), **self._adopted(place, kept, others, found), **found}
            self._note_kept(kept, every)
            self._remove_or_restore(place, kept, found)
            for other in others:
                self.forget(other.id)

    def bring_back(self, place: str, kept: str) -> None:
        """Puts a folder back where nothing lies, but for what was left of it when it was taken away or put back halfway. Raises
        ProblemError."""
        require_id(kept)
        every, found = self._kept(kept), self._in(place)
        begun = next((one for one in going(self.bucket) if one.id == kept), None)
        if every is None:
            self._as_it_was(place, kept, found, begun)
            return
        missing = {name: state for name, state in every.items() if name not in found}
        for name in every if begun else found:
            if name in found and not _is_of(every, name, found[name], begun):
                raise ProblemError(_taken(f"{place}/{name}"))
        with self._noted(Going(kept, place, BACK)):
            self._copy({name: self._copied(kept, name, place) for name in missing}, f"{KEPT}/{kept}", place)
        self.forget(kept)

    def forget(self, kept: str) -> None:
        """Removes what is kept under this id, for good; what says that all of it is there goes first. Raises ProblemError."""
        require_id(kept)
        self.bucket.remove([_list_of(kept)])
        self.bucket.remove(one.key for one in self.bucket.listed(f"{KEPT}/{kept}/"))
        self.bucket.remove([_note_of(kept)])

    def is_kept(self, kept: str) -> bool:
        """Whether a folder is, or was begun to be, kept under this id. Raises ProblemError."""
        return self._kept(kept) is not None or self.bucket.get(_note_of(kept)) is not None

    def _as_it_was(self, place: str, kept: str, found: States, begun: Going | None) -> None:
        """Nothing is removed before it is noted that all is kept, so all of it lies there; or it was put back already."""
        if not found or begun is None:
            raise ProblemError(no_longer_kept(place))
        self.forget(kept)

    def _in(self, place: str) -> dict[str, State]:
        """The objects of a folder. Raises ProblemError where it is not people's alone, or too large."""
        found: dict[str, State] = {}
        for one in self.bucket.listed(f"{place}/"):
            name = one.key.removeprefix(f"{place}/")
            for depth, part in enumerate(parts := name.split("/")):
                if part in (POINTER, LOG):
                    raise ProblemError(holds_an_output(place, "/".join([place, *parts[:depth]])))
                if part.startswith(OUR_OWN) and part not in NOTES:
                    raise ProblemError(holds_what_is_kept(place))
            found[name] = (one.size, one.etag)
        if len(found) > MOST or sum(size for size, _ in found.values()) > MOST_BYTES:
            raise ProblemError(_too_large(place))
        return found

    def _kept(self, kept: str) -> dict[str, State] | None:
        """What all of it is; None where that is not noted."""
        noted = self.bucket.get(_list_of(kept))
        if noted is None:
            return None
        with suppress(ValueError, TypeError, AttributeError):
            return {str(name): (int(size), str(etag)) for name, (size, etag) in json.loads(noted[0]).items()}
        raise ProblemError(no_longer_kept(kept))

    def _note_kept(self, kept: str, every: States) -> None:
        before = self.bucket.get(_list_of(kept))
        self.bucket.put(_list_of(kept), json.dumps(every).encode(), before[1] if before else None, changed(kept))

    def _begun_in(self, place: str, kept: str) -> list[Going]:
        """What was begun before and broken off in the folder. Raises ProblemError where the folder lies in what was."""
        others = [one for one in going(self.bucket) if one.id != kept]
        for one in others:
            if place.startswith(f"{one.place}/"):
                raise ProblemError(is_going(place, one.place))
        return [one for one in others if f"{one.place}/".startswith(f"{place}/")]

    def _adopted(self, place: str, kept: str, others: Iterable[Going], found: States) -> dict[str, State]:
        """What has been taken from the folder by somebody who could not end it is kept with the rest of it."""
        every: dict[str, State] = {}
        for other in others:
            below = f"{other.place}/".removeprefix(f"{place}/")
            states = {name: state for name, state in (self._kept(other.id) or {}).items() if below + name not in found}
            there = {name: self._copied(other.id, name, place) for name in states}
            self._copy(there, f"{KEPT}/{other.id}", f"{KEPT}/{kept}/{below}".rstrip("/"))
            every |= {below + name: state for name, state in states.items()}
        return every

    def _copied(self, kept: str, name: str, place: str) -> State:
        there = self.hand.there(f"{KEPT}/{kept}/{name}")
        if there is None:
            raise ProblemError(no_longer_kept(place))
        return there.size, there.mark

    def _copy(self, states: States, source: str, target: str) -> None:
        _at_once(lambda name: self.hand.copy(f"{source}/{name}", f"{target}/{name}", states[name][1]), states)

    def _remove_or_restore(self, place: str, kept: str, states: States) -> None:
        """Where one may not be removed, what has been is put back."""
        try:
            self._remove(place, states)
        except ProblemError:
            try:
                self.bring_back(place, kept)
            except ProblemError:
                raise ProblemError(_half(place)) from None
            raise

    def _remove(self, place: str, states: States) -> None:
        _at_once(lambda name: self._remove_one(f"{place}/{name}", states[name][1]), states)

    def _remove_one(self, key: str, mark: str) -> None:
        """What was changed since it was copied is somebody's, and stays."""
        with told(f"“{key}”"), refused("PreconditionFailed", "NoSuchKey", "404", "412", as_problem=None):
            self.bucket.client.delete_object(**self.hand.at(key), IfMatch=mark, **self.bucket.access.reading())

    @contextmanager
    def _noted(self, one: Going) -> Iterator[None]:
        """From before the first change to the last. Where something is refused before anything was removed, nothing stays noted."""
        key, body = _note_of(one.id), json.dumps({"place": one.place, "what": one.what}).encode()
        before = self.bucket.get(key)
        if before is None or before[0] != body:
            self.bucket.put(key, body, before[1] if before else None, changed(one.place))
        try:
            yield
        except ProblemError:
            if one.what == ASIDE and before is None and self._kept(one.id) is None:
                self.forget(one.id)
            raise
        self.bucket.remove([key])


def going(bucket: Bucket) -> list[Going]:
    """The folders that people move just now, or have begun to. Raises ProblemError."""
    found = []
    for one in bucket.listed(f"{GOING}/"):
        noted = bucket.get(one.key)
        with suppress(ValueError, TypeError, KeyError):
            said = json.loads(noted[0]) if noted else {}
            found.append(Going(one.key.removeprefix(f"{GOING}/").removesuffix(".json"), str(said["place"]), str(said["what"])))
    return found


def require_still(bucket: Bucket, place: str, name: Callable[[str], str]) -> None:
    """Raises ProblemError where a folder that meets this address is moved by hand. To be asked after it was looked what lies there: what
    was listed before is either all there or no longer there to be read."""
    beginning = fixed_part(place)
    for one in _known_to(bucket):
        if f"{one.place}/".startswith(beginning) or f"{beginning}/".startswith(f"{one.place}/"):
            raise ProblemError(is_going(name(place), name(one.place)))


def _known_to(bucket: Bucket) -> list[Going]:
    """Whose key may look at some folders of a root alone is not kept from reading these."""
    try:
        return going(bucket)
    except ProblemError as error:
        if error.problems[0].found not in NOT_ALLOWED:
            raise
    return []


def is_going(place: str, folder: str) -> Problem:
    """Some of it may be elsewhere."""
    return Problem(
        code="input-moving",
        field="inputURI",
        message=f"“{folder}” is being deleted or put back by hand, so “{place}” may not be all there.",
        fix="Wait until it is done. Where it was broken off, delete the folder once more, or put it back from the bin.",
    )


def _is_of(every: States, name: str, there: State, begun: Going | None) -> bool:
    """Whether what lies there is this object of the folder: never touched, or copied by who began to put it back, which changes its etag
    where the storage encrypts."""
    if begun is None or name not in every:
        return False
    return every[name] == there or (begun.what == BACK and every[name][0] == there[0])


def _list_of(kept: str) -> str:
    return f"{KEPT}/{kept}.json"


def _note_of(kept: str) -> str:
    return f"{GOING}/{kept}.json"


def _at_once(do: Callable[[str], None], names: Iterable[str]) -> None:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        try:
            for _ in pool.map(do, names):
                pass
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _taken(place: str) -> Problem:
    return Problem(code="file-exists", message=f"“{place}” is taken: something else lies there.", fix="Rename or delete that first.")


def _half(place: str) -> Problem:
    return Problem(
        code="half-moved",
        message=f"“{place}” could neither be deleted nor left as it was: some of it lies there, and all of it is kept.",
        fix="Look at the connection, then put the folder back from the bin; nobody reads it before.",
    )


def _too_large(place: str) -> Problem:
    return Problem(
        code="folder-too-large",
        message=f"“{place}” holds too much to be deleted by hand: here each file is copied to where it is kept.",
        expected=f"at most {MOST:,} files and {MOST_BYTES // 1000**3} GB",
        fix="Delete its folders and files one by one, or have whoever looks after the storage do it.",
    )
