"""A bucket and prefix of S3, or of anything that speaks it, with outputs that are exchanged in one step.

S3 knows no rename. So an output lies where nobody looks, and one object says which files it is; exchanging that object is the one step in
which it becomes visible (docs/decisions/s3-outputs.md):

    <prefix>/<place>/.sluice-versions/<run_id>/part-…     what a run has written; never changed
    <prefix>/<place>/.sluice-output.json                  Pointer: the files of the present output, and the earlier ones that are kept
    <prefix>/.sluice-publishing/<run_id>.json             the exchanges of a run, as long as not all are done or taken back
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from executor.files import made_of, marks, other_tables, tree
from executor.files.delta_log import LOG
from executor.files.facts import facts_in
from executor.files.folder import fixed_part
from executor.files.kept import output_gone
from executor.language.places import choices, place_of, visible
from executor.language.uris import uri_problem
from executor.problems import Problem, ProblemError
from executor.stores import bucket_lists
from executor.stores.base import MOST_ENTRIES, Entry, Level, State
from executor.stores.s3_access import NO_S3, S3Access, problem_for, refused, told

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

POINTER, VERSIONS, PUBLISHING = ".sluice-output.json", ".sluice-versions", ".sluice-publishing"
MOST_FILES = 50_000
"""Of one listing."""
LARGEST_POINTER = 8_000_000
"""Bytes."""
MOST_PAGES = 10
"""Of one folder that is browsed: what is hidden in it may be a million."""
AT_ONCE = 8
LOOKS = 3
PIECE = 1 << 20


class Incomplete(ProblemError):
    """A file that an output says it has is not there."""


@dataclass(frozen=True)
class Found:
    """A file that readers see at `place`. `key`: of its object, from the root; `stamp`: what stands for its content, another one after each
    change."""

    place: str
    key: str
    size: int
    stamp: str
    modified: float
    """When it was changed, in seconds since 1970."""


def changed_while_read(place: str) -> Problem:
    """A file is another one than was found, or gone."""
    return Problem(code="input-changed", field="inputURI", message=f"“{place}” was changed while it was read.", fix="Run it again.")


@dataclass(frozen=True)
class Pointer:
    """What an output says of itself. `files`: key of each, from the place's versions, and where it lies in the output; `facts`: what stands
    in the mark of an output in a folder (`executor.files.marks`); `kept`: the same of earlier outputs, the newest first."""

    id: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    kept: tuple[Mapping[str, Any], ...] = ()
    columns: str = ""
    """As SQL declares them, where no file could name them."""

    @staticmethod
    def of(body: bytes) -> Pointer:
        """Raises ProblemError for what is no pointer: whoever can write in the bucket can write one."""
        try:
            said = json.loads(body)
            files = {str(key): str(place) for key, place in said["files"].items()}
            columns = str(said.get("columns", ""))
            pointer = Pointer(str(said["id"]), files, dict(said["facts"]), tuple(map(dict, said["kept"])), columns)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise ProblemError(_no_pointer()) from None
        if any(".." in path.split("/") or path.startswith("/") for pair in files.items() for path in pair):
            raise ProblemError(_no_pointer())
        return pointer

    def body(self) -> bytes:
        return json.dumps(asdict(self), ensure_ascii=False).encode()

    @property
    def every_key(self) -> set[str]:
        """Of the present output and of those that are kept."""
        return {*self.files, *(key for one in self.kept for key in one["files"])}

    def as_kept(self) -> dict[str, Any]:
        return {"id": self.id, "files": dict(self.files), "facts": dict(self.facts), "columns": self.columns}


@dataclass(frozen=True)
class _Object:
    """`key` from the root."""

    key: str
    size: int
    etag: str
    modified: float


@dataclass(frozen=True)
class Seen:
    """What readers see: the files, and by its place what each output among them says of itself."""

    files: list[Found]
    outputs: dict[str, Pointer]
    logs: list[Found]
    """Of Delta tables there, or in which the place lies: only they say which files a table has."""
    beside: list[str]
    """Keys of what tells that files belong to a table of another system (`executor.files.other_tables`)."""
    notes: frozenset[str] = frozenset()
    """Keys of notes of what was unpacked (`executor.files.made_of`)."""

    @property
    def state(self) -> State:
        """What stands for all of it."""
        return tuple((file.place, file.stamp, file.size) for file in (*self.files, *self.logs))


class Bucket:
    """A bucket below a prefix."""

    def __init__(self, bucket: str, prefix: str, access: S3Access) -> None:
        self.bucket, self.prefix, self.access = bucket, f"{prefix.strip('/')}/".lstrip("/"), access

    # --- reading ----------------------------------------------------------------------------------------------------------

    def files(self, place: str) -> list[Found]:
        return self.seen(place).files

    def seen(self, place: str) -> Seen:
        """What readers see at a place, in the order of places. Raises ProblemError."""
        require_inside(place, "inputURI")
        found = self._seen(fixed_part(place).strip("/"))
        wanted = shapes_of(place)
        files = [file for file in found.files if fits(file.place, wanted)]
        return Seen(sorted(files, key=lambda file: file.place), found.outputs, found.logs, found.beside, found.notes)

    def seen_below(self, place: str) -> Seen:
        """As `seen`; "": of the whole root."""
        return self.seen(place) if place else self._seen("")

    def _seen(self, beginning: str) -> Seen:
        """Of the objects whose keys begin so. Between the list and the pointers an output may be published: then files are missing in the
        list, and it is made again."""
        for _ in range(LOOKS - 1):
            with suppress(Incomplete):
                return self._logical(beginning)
        return self._logical(beginning)

    def entries(self, folder: str) -> Level:
        if folder:
            require_inside(folder, "uri")
        beginning = f"{place_of(folder)}/" if folder else ""
        found, hidden, more = self._level(beginning)
        if beginning and (POINTER in hidden or not found):  # in an output the files lie elsewhere than readers see them
            found = [_entry_of(beginning, file) for file in self._seen(beginning).files if file.place.startswith(beginning)]
        return Level.of(found, more=more, is_delta=LOG in hidden)

    def _level(self, beginning: str) -> tuple[list[Entry], set[str], bool]:
        """(what lies there, names that tell what it is and that nobody sees, whether there is more)."""
        found: list[Entry] = []
        hidden: set[str] = set()
        with told(f"s3://{self.bucket}/{self.prefix}{beginning}"):
            pages = self.client.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket, Prefix=self.prefix + beginning, Delimiter="/", **self.access.reading()
            )
            for count, page in enumerate(pages, 1):
                self._require_answer(page, beginning)
                folders = [one["Prefix"].removeprefix(self.prefix + beginning).strip("/") for one in page.get("CommonPrefixes", ())]
                found += [Entry(name, True) for name in folders if name and not tree.is_hidden(name)]
                hidden |= {LOG} & set(folders)
                for one in page.get("Contents", ()):
                    name = one["Key"].removeprefix(self.prefix + beginning)
                    hidden |= {POINTER} & {name}
                    if name and not tree.is_hidden(name):
                        found.append(Entry(name, False, one["Size"], one["LastModified"].timestamp()))
                if len(found) > MOST_ENTRIES or count >= MOST_PAGES:
                    return found, hidden, page.get("IsTruncated", False)
        return found, hidden, False

    def copy(self, file: Found, to: Path) -> None:
        """The content of a file as it was when it was found, with the time of its change. `to`: replaced in one step. Raises ProblemError,
        OSError."""
        fresh = to.with_name(f".{to.name}.sluice-copying"[-200:])
        try:
            with fresh.open("wb") as stream:
                self._fetch(file, stream)
            os.utime(fresh, (file.modified, file.modified))
            fresh.replace(to)
        finally:
            fresh.unlink(missing_ok=True)

    def _fetch(self, file: Found, stream: BinaryIO) -> None:
        """Tries again where the connection breaks in the middle, which the client does not do by itself."""
        from botocore.exceptions import HTTPClientError, IncompleteReadError

        with told(f"“{file.place}”"), refused("PreconditionFailed", "NoSuchKey", as_problem=changed_while_read(file.place)):
            for tries_left in reversed(range(LOOKS)):
                try:
                    stream.seek(0)
                    stream.truncate()
                    answer = self.client.get_object(
                        Bucket=self.bucket, Key=self.prefix + file.key, IfMatch=file.stamp, **self.access.reading()
                    )
                    shutil.copyfileobj(answer["Body"], stream, PIECE)
                    return
                except (HTTPClientError, IncompleteReadError):
                    if not tries_left:
                        raise

    def outputs_beside(self, place: str) -> list[tuple[str, Pointer, float]]:
        """(place, what it says of itself, when it was published) of the newest outputs that lie where this one does."""
        parent = place.rpartition("/")[0]
        depth = place.count("/") + 1
        beside = [
            one
            for one in self.listed(f"{parent}/" if parent else "")
            if one.key.endswith(f"/{POINTER}") and one.key.count("/") == depth and not is_hidden(one.key.removesuffix(POINTER))
        ]
        newest = sorted(beside, key=lambda one: one.modified, reverse=True)[: marks.MOST_READ]
        modified = {one.key: one.modified for one in newest}
        return [(key.removesuffix(f"/{POINTER}"), pointer, modified[key]) for key, pointer in self._pointers(modified)]

    def _logical(self, beginning: str) -> Seen:
        """Of an output its present files, under the places that they have in it. Raises Incomplete."""
        objects = list(self.listed(beginning))
        objects += self._beside_versions(beginning, objects)
        known = {one.key: one for one in objects}
        outputs = {key.removesuffix(f"/{POINTER}"): pointer for key, pointer in self._pointers(known)}
        files = [self._found(key, one) for key, one in known.items() if not (is_hidden(key) or _is_folder(key))]
        for place, pointer in outputs.items():
            for file, inside in pointer.files.items():
                there = known.get(f"{place}/{VERSIONS}/{file}")
                if there is None:
                    raise Incomplete(_incomplete(place, file))
                if not is_hidden(inside):
                    files.append(self._found(f"{place}/{inside}", there))
        logs = [self._found(key, one) for key, one in known.items() if _is_in_log(key)]
        notes = frozenset(key for key in known if key.rpartition("/")[2] in (made_of.NOTE, made_of.UNFINISHED))
        return Seen(files, outputs, logs, list(filter(other_tables.tells, known)), notes)

    def _beside_versions(self, beginning: str, objects: list[_Object]) -> Iterable[_Object]:
        """Where the address is inside an output, its pointer lies above."""
        if any(one.key.endswith(f"/{POINTER}") for one in objects):
            return []
        parts = beginning.split("/")
        for place in ("/".join(parts[:count]) for count in range(len(parts) - 1, 0, -1)):
            if self.get(f"{place}/{POINTER}") is not None:
                return self.listed(f"{place}/.sluice-")
            if log := list(self.listed(f"{place}/{LOG}/")):
                return log
        return []

    def _found(self, place: str, one: _Object) -> Found:
        return Found(place, one.key, one.size, one.etag, one.modified)

    def _pointers(self, known: Iterable[str]) -> Iterator[tuple[str, Pointer]]:
        keys = [key for key in known if key.rpartition("/")[2] == POINTER and not is_hidden(key.removesuffix(POINTER))]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for key, found in zip(keys, pool.map(self.get, keys), strict=True):
                if found is not None:
                    yield key, Pointer.of(found[0])

    def listed(self, beginning: str) -> Iterator[_Object]:
        """The objects whose keys begin so. Raises ProblemError where they are too many."""
        with told(f"s3://{self.bucket}/{self.prefix}{beginning}"):
            pages = self.client.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket, Prefix=self.prefix + beginning, **self.access.reading()
            )
            for count, one in enumerate(item for page in pages for item in self._require_answer(page, beginning).get("Contents", ())):
                if count >= MOST_FILES:
                    raise ProblemError(_too_many(beginning))
                yield _Object(one["Key"].removeprefix(self.prefix), one["Size"], one["ETag"], one["LastModified"].timestamp())

    def holds(self, beginning: str) -> bool:
        """Whether there is an object whose key begins so. Raises ProblemError."""
        with told(f"s3://{self.bucket}/{self.prefix}{beginning}"):
            page = self.client.list_objects_v2(Bucket=self.bucket, Prefix=self.prefix + beginning, MaxKeys=1, **self.access.reading())
            return bool(self._require_answer(page, beginning).get("Contents"))

    def get(self, key: str) -> tuple[bytes, str] | None:
        """(body, etag) of a small object of ours; None where there is none."""
        with told(f"s3://{self.bucket}/{self.prefix}{key}"), refused("NoSuchKey", as_problem=None):
            answer = self.client.get_object(Bucket=self.bucket, Key=self.prefix + key, **self.access.reading())
            if "ETag" not in answer:
                answer["Body"].close()
                raise ProblemError(problem_for(f"s3://{self.bucket}/{self.prefix}{key}", NO_S3))
            return answer["Body"].read(LARGEST_POINTER), answer["ETag"]
        return None

    def _require_answer(self, page: Any, beginning: str) -> Any:
        """A page of a list, if it is one: boto3 takes whatever a web server shows for an empty list. Raises ProblemError."""
        if page.get("Name") != self.bucket:
            raise ProblemError(problem_for(f"s3://{self.bucket}/{self.prefix}{beginning}", NO_S3))
        return page

    @property
    def client(self) -> S3Client:
        return self.access.client()

    # --- writing ----------------------------------------------------------------------------------------------------------

    def foreign(self, place: str) -> str | None:
        """The first object at a place that belongs to no output. Raises ProblemError."""
        return next((one.key for one in self.listed(f"{place}/") if not is_hidden(one.key)), None)

    def remove_staged(self, run_id: str, place: str) -> None:
        """Removes what a run has written for an output, as far as no output has it. Raises ProblemError."""
        used = self.pointer(place)[0].every_key
        here = f"{place}/{VERSIONS}/"
        staged = [one.key for one in self.listed(f"{here}{run_id}/")]
        self.remove(key for key in staged if key.removeprefix(here) not in used)

    def kept(self, place: str) -> list[dict[str, Any]]:
        return kept_of(self.pointer(place)[0])

    def put_back(self, place: str, kept_id: str) -> dict[str, Any]:
        now, etag = self.pointer(place)
        wanted = next((one for one in now.kept if one["id"] == kept_id), None)
        if wanted is None:
            raise ProblemError(output_gone(place))
        others = tuple(one for one in now.kept if one is not wanted)
        earlier = Pointer(wanted["id"], wanted["files"], wanted["facts"], (now.as_kept(), *others), str(wanted.get("columns", "")))
        self.exchange(place, earlier, etag)
        return facts_in(earlier.facts)

    def pointer(self, place: str) -> tuple[Pointer, str | None]:
        """(what the output says of itself, the mark by which it is exchanged); of none an empty one, without a mark."""
        found = self.get(f"{place}/{POINTER}")
        return (Pointer.of(found[0]), found[1]) if found else (Pointer(), None)

    def exchange(self, place: str, pointer: Pointer, etag: str | None) -> str:
        """Makes `pointer` the present one, if nobody has since the one with this mark; gives its mark. Raises ProblemError."""
        return self.put(f"{place}/{POINTER}", pointer.body(), etag, published_meanwhile(place))

    def repair(self, run_id: str, *, is_published: bool) -> None:
        """Ends what a run has begun to publish that is known to live no longer: all of it, or nothing. What another run has published there
        since stays as it is."""
        journal = f"{PUBLISHING}/{run_id}.json"
        found = self.get(journal)
        steps = json.loads(found[0]) if found else ()
        for step in steps:
            before, after = (Pointer.of(step[name].encode()) for name in ("before", "after"))
            now, etag = self.pointer(step["place"])
            left, right = (before, after) if is_published else (after, before)
            if now.id != left.id:
                continue
            if right.id:
                self.exchange(step["place"], right, etag)
            else:
                self.remove([f"{step['place']}/{POINTER}"])
        for step in steps if is_published else ():
            with suppress(ProblemError):  # the run's result says that it may be behind
                self.list_files(step["place"])
        self.remove([journal])

    def list_files(self, place: str) -> None:
        """Makes the lists of an output's files for other programs as it is now. Raises ProblemError."""

        def present() -> tuple[str | None, bucket_lists.Folders]:
            pointer, mark = self.pointer(place)
            return mark, bucket_lists.of_pointer(pointer, f"{place}/{VERSIONS}")

        bucket_lists.refresh(self, place, present)

    def put(self, key: str, body: bytes, etag: str | None, otherwise: Problem) -> str:
        """A small object of ours in place of the one with this mark, None: where there is none; gives its mark. Raises ProblemError,
        `otherwise` where it is another one by now."""
        condition: dict[str, Any] = {"IfMatch": etag} if etag else {"IfNoneMatch": "*"}
        try:
            with (
                told(f"s3://{self.bucket}/{self.prefix}{key}"),
                refused("PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey", as_problem=otherwise),
            ):
                answer = self.client.put_object(Bucket=self.bucket, Key=self.prefix + key, Body=body, **condition, **self.access.writing())
                return answer["ETag"]
        except ProblemError:
            if (mark := self._mark_of(key, body)) is None:
                raise
            return mark

    def _mark_of(self, key: str, body: bytes) -> str | None:
        """The mark of an object that is exactly this one. Then it has arrived, and the answer was lost: the same sent again is refused."""
        with suppress(ProblemError):
            found = self.get(key)
            if found is not None and found[0] == body[:LARGEST_POINTER]:
                return found[1]
        return None

    def send(self, file: Path, key: str) -> None:
        """A file of this machine becomes an object. Raises ProblemError."""
        with told(f"s3://{self.bucket}/{self.prefix}{key}"), file.open("rb") as stream:
            # By its name, boto3 would wrap what S3 refuses into an error of its own that says no code.
            self.client.upload_fileobj(stream, self.bucket, self.prefix + key, ExtraArgs=self.access.writing())

    def remove(self, keys: Iterable[str]) -> None:
        """Removes objects; those that are not there are no matter. Raises ProblemError where one is not removed."""
        waiting = [{"Key": self.prefix + key} for key in keys]
        where = f"s3://{self.bucket}/{self.prefix}"
        for first in range(0, len(waiting), 1000):
            with told(where):
                answer = self.client.delete_objects(Bucket=self.bucket, Delete={"Objects": waiting[first : first + 1000], "Quiet": True})  # type: ignore[typeddict-item]
            if left := answer.get("Errors"):  # the answer as a whole is a good one
                raise ProblemError(problem_for(where, str(left[0].get("Code", "")), act="DeleteObjects"))


def require_inside(place: str, field_name: str) -> None:
    if problem := uri_problem(place, field_name):
        raise ProblemError(problem)


def _entry_of(beginning: str, file: Found) -> Entry:
    """What is seen of a file in the folder above it, or in one above that."""
    name, separator, _ = file.place.removeprefix(beginning).partition("/")
    return Entry(name, True) if separator else Entry(name, False, file.size, file.modified)


def is_hidden(key: str) -> bool:
    return any(map(tree.is_hidden, key.split("/")))


def _is_in_log(key: str) -> bool:
    """Whether it belongs to the log of a Delta table that readers see."""
    place, log, _ = key.partition(f"/{LOG}/")
    return bool(log) and not is_hidden(place) and not _is_folder(key)


def is_scrap(file: str) -> bool:
    """What Spark's committers leave beside the data."""
    return is_hidden(file) or _is_folder(file)


def _is_folder(key: str) -> bool:
    """An object without content by which programs say that there is a folder."""
    return key.endswith("/")


def shapes_of(place: str) -> list[list[str]]:
    """The parts of each path that a place, perhaps a pattern, stands for."""
    return [choice.split("/") for choice in choices(visible(place.strip("/")))]


def fits(place: str, shapes: Iterable[list[str]]) -> bool:
    """Whether a file is at a place that one of the `shapes` means, or in it."""
    parts = place.split("/")
    return any(
        len(parts) >= len(shape) and all(fnmatchcase(part, one) for part, one in zip(parts, shape, strict=False)) for shape in shapes
    )


def kept_of(pointer: Pointer) -> list[dict[str, Any]]:
    """`id` and facts of the earlier outputs that are kept, the newest first."""
    return [{"id": one["id"], **facts_in(one["facts"])} for one in pointer.kept]


# --- problems ---------------------------------------------------------------------------------------------------------------


def _no_pointer() -> Problem:
    return Problem(
        code="output-damaged",
        message="What an output says of itself cannot be read.",
        fix="Run the job again that writes it; if it stays so, tell whoever runs the storage.",
    )


def _incomplete(place: str, file: str) -> Problem:
    return Problem(
        code="output-damaged",
        field="inputURI",
        message=f"A file of “{place}” is gone: somebody has removed it from the bucket.",
        found=file,
        fix="Run the job again that writes it, or put an earlier output back.",
    )


def _too_many(place: str) -> Problem:
    return Problem(
        code="input-folder",
        field="inputURI",
        message=f"“{place}” holds more than {MOST_FILES:,} files.",
        expected=f"at most {MOST_FILES:,} files",
        fix="Read parts of it in stages of their own.",
    )


def published_meanwhile(place: str) -> Problem:
    return Problem(
        code="output-changed-meanwhile",
        field="outputURI",
        message=f"Another run has published at “{place}” meanwhile, so nothing of this one was.",
        found=place,
        fix="Run it again.",
    )
