"""Delta tables in a bucket. A run works on the copy of a table on this machine, as it does where the table lies here; the new files are
sent to their places, where nobody looks, and one object that must not be there yet makes the version.

<prefix>/<place>/_delta_log/00000000000000000007.json     the version; refused where somebody else was quicker
<prefix>/.sluice-publishing/<run_id>.tables.json          the versions that a run is about to make, as long as it has not ended
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from executor.files import delta_commit, kept
from executor.files.delta_commit import StagedTable, Taken, changed_meanwhile, files_of, name_of, not_taken_back
from executor.files.delta_log import LOG, Log, is_table, require_writable
from executor.files.delta_vacuum import Plan, Wish, commit_of, plan
from executor.files.publish import TRIES, Publisher, TableOutput
from executor.problems import Problem, ProblemError
from executor.stores import bucket_lists
from executor.stores.bucket import AT_ONCE, LARGEST_POINTER, PUBLISHING, Bucket
from executor.stores.bucket_lists import BEHIND, CURRENT
from executor.stores.bucket_logs import bring_files, bring_log, data_files

if TYPE_CHECKING:
    from executor.stores.s3 import S3Store


@dataclass(frozen=True)
class _Version:
    """One more version of the table at `place`, and how people call that."""

    place: str
    uri: str
    number: int
    content: bytes


class BucketTables:
    """The tables that one run writes in a root. `here`: stages them."""

    def __init__(self, root: S3Store, here: Publisher, run_id: str) -> None:
        self._root, self._here, self._journal = root, here, _journal_of(run_id)
        self.places: dict[str, TableOutput] = {}
        self.behind: list[Problem] = []
        """Lists of files for other programs that could not be made as what is published."""
        self._sent: dict[str, list[str]] = {}
        """Keys of what was sent, by place."""

    def stage(self, place: str, uri: str, save_mode: str, stage_index: int, stage: str, *, appends: bool, label: str | None) -> StagedTable:
        """See `executor.files.publish.Publisher.stage_table`."""
        target = self._root.path(place, "outputURI") if place in self.places else self._root.table(place, uri)
        table = self._here.stage_table(uri, target, save_mode, stage_index, stage, appends=appends, label=label)
        found = self._here.find(target)
        if isinstance(found, TableOutput):
            self.places[place] = found
            if not appends:
                self._bring(place, found)
        return table

    def bring_base(self, path: Path) -> None:
        """What a table already had that this run has written, for whoever reads it, or something in it. Raises ProblemError."""
        for place, output in self.places.items():
            if path.is_relative_to(output.target):
                self._bring(place, output)

    def _bring(self, place: str, output: TableOutput) -> None:
        if output.table and output.table.base:
            bring_files(self._root, place, files_of(output.table.base.files.values()))

    def count(self) -> int:
        """How many files `send` brings to their places."""
        return sum(len(_new_files(output)) for output in self.places.values())

    def send(self, sent: Callable[[], None] = lambda: None) -> None:
        """Brings the new files to their places; `sent` hears of each. Raises ProblemError."""
        for place, output in self.places.items():
            files = _new_files(output)
            self._sent[place] = [f"{place}/{file}" for file in files]
            if output.table and output.table.base is None:
                # Until it is there, its files would be taken for Parquet files by themselves.
                self._sent[place].append(_begun(place))
                _note(self._root.bucket, _begun(place), [])
            with ThreadPoolExecutor(AT_ONCE) as pool:
                for _ in pool.map(self._root.bucket.send, [output.staged / file for file in files], self._sent[place][: len(files)]):
                    sent()
            self._send_checkpoint(place, output)

    def _send_checkpoint(self, place: str, output: TableOutput) -> None:
        """One that was made here of the table as it lies there, so that nobody has to read every commit. It says what they say, so it does
        no harm where the run then publishes nothing; and nothing is wrong where it does not get there."""
        known = {log.key for log in self._root.bucket.seen(place).logs}
        log = output.target / LOG
        for file in [*sorted(log.glob("*.checkpoint*.parquet")), log / "_last_checkpoint"]:
            key = f"{place}/{LOG}/{file.name}"
            if file.is_file() and (key not in known or file.name.startswith("_")):
                with suppress(ProblemError):
                    self._root.bucket.send(file, key)

    def publish(self, commit: Callable[[], None]) -> None:
        """Makes all versions and then calls `commit`; what that raises takes them back, as an error of ours does. Raises ProblemError."""
        for _ in range(TRIES - 1):
            with suppress(Taken):
                return self._publish_now(commit)
        return self._publish_now(commit)

    def _publish_now(self, commit: Callable[[], None]) -> None:
        bucket, versions = self._root.bucket, [version for place in self.places if (version := self._version(place))]
        if not versions:
            return commit()
        noted = [{"place": one.place, "uri": one.uri, "number": one.number, "content": one.content.decode()} for one in versions]
        _note(bucket, self._journal, noted)
        begun: list[_Version] = []
        try:
            for version in versions:
                begun.append(version)  # before it is known: an answer that is lost does not say whether it is there
                _put(bucket, version)
            commit()
        except BaseException as error:
            left = _taken_back(self._root, begun)
            bucket.remove([self._journal])
            if left:
                raise ProblemError([*(error.problems if isinstance(error, ProblemError) else ()), *left]) from error
            raise
        for version in versions:
            self._list_files(version)
        with suppress(ProblemError):  # what cannot be removed now stays, seen by nobody
            bucket.remove([self._journal])
        for version in versions:
            self._sent.pop(version.place, None)
            if version.number == 0:
                with suppress(ProblemError):
                    bucket.remove([_begun(version.place)])

    def _list_files(self, version: _Version) -> None:
        output = self.places[version.place]
        try:
            if output.is_listed:
                list_files(self._root, version.place, version.uri)
                output.facts["list"] = CURRENT
            elif bucket_lists.are_there(self._root.bucket, version.place):
                output.facts["list"] = BEHIND
                self.behind.append(bucket_lists.not_asked_for(version.uri))
        except ProblemError as error:
            self.behind.append(bucket_lists.behind(version.uri, error))

    def _version(self, place: str) -> _Version | None:
        output = self.places[place]
        self._root.table(place, output.uri)  # as it is now: others may have written it
        made = self._here.version_of(output)
        if made and output.is_listed:
            output.facts["list"] = BEHIND
        return _Version(place, output.uri, *made) if made else None

    def facts(self, output: TableOutput) -> dict[str, Any]:
        """Of a table that was published."""
        place = next(place for place, one in self.places.items() if one is output)
        with suppress(ProblemError):
            return output.as_dict() | {"kept": kept.listing(self._root.table(place, output.uri))}
        return output.as_dict()

    def discard(self) -> None:
        """Removes what was sent for versions that were not made. Never raises."""
        for place, keys in self._sent.items():
            with suppress(ProblemError):
                table = self._root.table(place, place)
                log = Log.of(table, place) if is_table(table) else None
                known = {f"{place}/{file}" for version in log.commits for file in files_of(_added(log, version))} if log else set()
                self._root.bucket.remove(key for key in keys if key not in known)


def _new_files(output: TableOutput) -> list[str]:
    change = output.change()
    return files_of(change.added) if change else []


def _added(log: Log, version: int) -> Iterable[dict[str, Any]]:
    return [action["add"] for action in log.actions(version) if "add" in action]


def put_back(root: S3Store, place: str, kept_id: str, uri: str, by: str) -> dict[str, Any]:
    """See `executor.files.kept.put_back`; the version is made here first."""
    table = bring_log(root, place, uri, "uri", None)
    told = kept.restored(table, kept_id, uri, by, data_files(root, place).__contains__)
    number = Log.of(table, uri).latest
    _put(root.bucket, _Version(place, uri, number, _read(table, number)))
    return told | _list_beside(root, place, uri)


def list_files(root: S3Store, place: str, uri: str) -> None:
    """Makes the lists of a table's files for other programs as it is now. Raises ProblemError."""

    def present() -> tuple[int, bucket_lists.Folders]:
        state = Log.of(bring_log(root, place, uri, "outputURI", 0), uri).state()
        return state.version, bucket_lists.of_table(state, place, files_of, uri)

    bucket_lists.refresh(root.bucket, place, present)


def _list_beside(root: S3Store, place: str, uri: str) -> dict[str, Any]:
    """Makes the lists anew where there are some; gives what the facts say of them."""
    try:
        if not bucket_lists.are_there(root.bucket, place):
            return {}
        list_files(root, place, uri)
    except ProblemError:
        return {"list": BEHIND}
    return {"list": CURRENT}


def clean_up(root: S3Store, place: str, uri: str, wish: Wish, *, only_look: bool) -> Plan:
    """See `executor.files.delta_vacuum`: the commit is made first there, too, so whoever has put back a version meanwhile was quicker,
    and all is looked at anew; whoever comes later is told."""
    for _ in range(TRIES):
        log = Log.of(bring_log(root, place, uri, "uri", None), uri)
        require_writable(log.state(), uri)
        found = plan(log, data_files(root, place), wish)
        if only_look or not found.files:
            return found
        if bucket_lists.are_there(root.bucket, place):
            list_files(root, place, uri)  # one that was behind may name what goes
        with suppress(Taken):
            _put(root.bucket, _Version(place, uri, log.latest + 1, commit_of(log, found, wish)))
            root.bucket.remove(f"{place}/{file}" for file in found.files)
            return found
    raise ProblemError(changed_meanwhile(uri))


def repair(root: S3Store, run_id: str, *, is_published: bool) -> None:
    """Ends what a run has begun to publish that is known to live no longer. Raises ProblemError where a version cannot be taken back."""
    found = root.bucket.get(_journal_of(run_id))
    if found is None:
        return
    versions = [_Version(one["place"], one["uri"], one["number"], one["content"].encode()) for one in json.loads(found[0])]
    left = [] if is_published else _taken_back(root, versions)
    for version in versions if is_published else ():
        _list_beside(root, version.place, version.uri)
    root.bucket.remove([_journal_of(run_id)])
    if left:
        raise ProblemError(left)


def _journal_of(run_id: str) -> str:
    return f"{PUBLISHING}/{run_id}.tables.json"


def _begun(place: str) -> str:
    """What lies in the log of a table that is about to come, and that no reader of logs knows."""
    return f"{place}/{LOG}/_sluice-begun"


def _note(bucket: Bucket, key: str, noted: list[dict[str, Any]]) -> None:
    bucket.remove([key])
    bucket.put(key, json.dumps(noted, ensure_ascii=False).encode(), None, changed_meanwhile(key))


def _put(bucket: Bucket, version: _Version) -> None:
    """Raises Taken where somebody else has made a version of this number."""
    key = f"{version.place}/{LOG}/{name_of(version.number)}"
    taken = changed_meanwhile(version.uri)
    try:
        bucket.put(key, version.content, None, taken)
    except ProblemError as error:
        if error.problems != [taken]:
            raise
        raise Taken(taken) from None


def _is_there(bucket: Bucket, version: _Version) -> bool:
    found = bucket.get(f"{version.place}/{LOG}/{name_of(version.number)}")
    return found is not None and found[0] == version.content[:LARGEST_POINTER]


def _taken_back(root: S3Store, versions: list[_Version]) -> list[Problem]:
    """Takes them back; gives what could not be."""
    left: list[Problem] = []
    for version in reversed(versions):
        try:
            _take_back(root, version)
        except ProblemError as error:
            left += error.problems
    return left


def _take_back(root: S3Store, version: _Version) -> None:
    if not _is_there(root.bucket, version):
        return
    table = root.table(version.place, version.uri)
    before = Log.of(table, version.uri).latest
    if version.number == 0:
        if before > 0:
            raise ProblemError(not_taken_back(version.uri))
        root.bucket.remove([f"{version.place}/{LOG}/{name_of(0)}"])
        return
    delta_commit.take_back(table, version.number, version.content, version.uri, data_files(root, version.place).__contains__)
    after = Log.of(table, version.uri).latest
    if after > before:
        content = _read(table, after)
        try:
            _put(root.bucket, _Version(version.place, version.uri, after, content))
        except Taken:
            raise ProblemError(not_taken_back(version.uri)) from None


def _read(table: Path, version: int) -> bytes:
    return (table / LOG / name_of(version)).read_bytes()
