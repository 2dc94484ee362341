"""How the outputs of a run become visible in a bucket: one object of each place is exchanged, in order, noted before, taken back where one
cannot be (docs/decisions/s3-outputs.md)."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from executor.files import tree
from executor.files.facts import facts_in
from executor.files.publish import output_exists
from executor.language.places import place_of
from executor.problems import Problem, ProblemError
from executor.stores import bucket_lists
from executor.stores.base import Commit
from executor.stores.bucket import (
    AT_ONCE,
    LARGEST_POINTER,
    POINTER,
    PUBLISHING,
    VERSIONS,
    Bucket,
    Pointer,
    is_hidden,
    is_scrap,
    kept_of,
    published_meanwhile,
    require_inside,
)
from executor.stores.bucket_lists import BEHIND, CURRENT


@dataclass
class Staged:
    """What a run has written for a place, to be seen by nobody before it is published."""

    place: str
    save_mode: str
    facts: dict[str, Any] = field(default_factory=dict)
    noted: dict[str, Any] = field(default_factory=dict)
    """What the output says of itself besides, for whoever appends to it or reads it (`executor.files.marks`)."""
    columns: str = ""
    """Its columns as SQL declares them, where it has no file that could name them."""


class BucketPublisher:
    """The outputs of one run in a bucket."""

    def __init__(self, bucket: Bucket, run_id: str, keep: int) -> None:
        self.bucket, self.run_id, self.keep = bucket, run_id, keep
        self.outputs: list[Staged] = []
        self.behind: list[Problem] = []
        """Lists of files for other programs that could not be made as what is published."""

    def stage(self, place: str, save_mode: str) -> Staged:
        require_inside(place, "outputURI")
        place = place_of(place)
        pointer, _ = self.bucket.pointer(place)
        if save_mode == "ErrorIfExists" and pointer.files:
            raise ProblemError(output_exists(place))
        if (foreign := self.bucket.foreign(place)) is not None:
            raise ProblemError(_foreign(place, foreign))
        output = Staged(place, save_mode)
        self.outputs.append(output)
        return output

    def publish(self, commit: Commit) -> list[dict[str, Any]]:
        steps = [step for output in self.outputs if (step := self._step(output))]
        facts = [{**output.facts, **({} if output.facts.get("published") is False else {"list": BEHIND})} for output in self.outputs]
        journal = [f"{PUBLISHING}/{self.run_id}.json"] if steps else []
        self._note(journal, steps)
        try:
            for step in steps:
                self.bucket.exchange(step.place, step.after, step.etag)
            commit(facts)
        except BaseException:
            self._take_back(steps)
            self.bucket.remove(journal)
            raise
        listed = {step.place for step in steps if self._list_files(step)}
        with suppress(ProblemError):  # what cannot be removed now stays, seen by nobody
            self.bucket.remove(journal)
        for step in steps:
            if step.place in listed:  # else a list still names the files of before
                with suppress(ProblemError):  # what cannot be removed now stays, seen by nobody
                    self._prune(step)
        for output, fact in zip(self.outputs, facts, strict=True):
            now = next((step.after for step in steps if step.place == output.place), None)
            fact["kept"] = kept_of(now) if now else self.bucket.kept(output.place)
            fact |= {"list": CURRENT} if output.place in listed else {}
        return facts

    def _list_files(self, step: _Step) -> bool:
        try:
            self.bucket.list_files(step.place)
        except ProblemError as error:
            self.behind.append(bucket_lists.behind(step.uri, error))
            return False
        return True

    def _note(self, journal: list[str], steps: list[_Step]) -> None:
        """Whoever dies before the journal is removed leaves it to whoever cleans up."""
        self.bucket.remove(journal)  # who may not remove anything could take nothing back
        noted = [{"place": step.place, "before": step.before.body().decode(), "after": step.after.body().decode()} for step in steps]
        for key in journal:
            self.bucket.put(key, json.dumps(noted).encode(), None, published_meanwhile(key))

    def discard(self) -> None:
        for output in self.outputs:
            with suppress(ProblemError):
                self.bucket.remove_staged(self.run_id, output.place)

    def _step(self, output: Staged) -> _Step | None:
        before, etag = self.bucket.pointer(output.place)
        if before.files and output.save_mode == "Ignore":
            output.facts["published"] = False
            return None
        if before.files and output.save_mode == "ErrorIfExists":
            raise ProblemError(output_exists(output.place))
        here = f"{output.place}/{VERSIONS}/"
        written = [one for one in self.bucket.listed(f"{here}{self.run_id}/") if not is_scrap(one.key.removeprefix(here))]
        files = {one.key.removeprefix(here): one.key.removeprefix(f"{here}{self.run_id}/") for one in written}
        output.facts |= {"files": len(files), "bytes": sum(one.size for one in written)}
        whole = {"files": len(files), "bytes": output.facts["bytes"]}
        if output.save_mode == "Append":
            files = {**before.files, **files}
            whole = {"files": len(files), "bytes": whole["bytes"] + facts_in(before.facts).get("bytes", 0)}
        now = datetime.now(UTC).isoformat(timespec="seconds")
        mark = {"run_id": self.run_id, "published_at": now, **output.facts, **whole, **output.noted}
        kept = (before.as_kept(), *before.kept)[: self.keep] if etag else ()
        output.facts |= {f"whole_{name}": size for name, size in whole.items()}
        return _Step(
            output.place, str(output.facts.get("uri", output.place)), before, Pointer(self.run_id, files, mark, kept, output.columns), etag
        )

    def upload(self, folder: Path, output: Staged, sent: Callable[[], None] = lambda: None) -> None:
        """Brings what was staged in a folder of this machine to where it will be published; `sent` hears of each file. Raises
        ProblemError."""
        here = f"{output.place}/{VERSIONS}/{self.run_id}"
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for _ in pool.map(lambda path: self.bucket.send(folder / path, f"{here}/{path}"), files_of(folder)):
                sent()

    def _take_back(self, steps: list[_Step]) -> None:
        """Also where no answer said whether the exchange had arrived. What somebody has taken back already, or has published there since,
        stays."""
        for step in reversed(steps):
            found = self.bucket.get(f"{step.place}/{POINTER}")
            if found is None or found[0] != step.after.body()[:LARGEST_POINTER]:
                continue
            if step.etag is None:
                self.bucket.remove([f"{step.place}/{POINTER}"])
            else:
                self.bucket.exchange(step.place, step.before, found[1])

    def _prune(self, step: _Step) -> None:
        """Removes the files that neither the present output nor one that is kept has."""
        self.bucket.remove(f"{step.place}/{VERSIONS}/{key}" for key in step.before.every_key - step.after.every_key)


@dataclass(frozen=True)
class _Step:
    place: str
    uri: str
    before: Pointer
    after: Pointer
    etag: str | None


def files_of(folder: Path) -> list[str]:
    """The paths of what is sent of a folder of this machine."""
    walk = tree.Walk(folder) if folder.is_dir() else ()
    return [entry.path for entry in walk if entry.kind == tree.FILE and not is_hidden(entry.path)]


def _foreign(place: str, found: str) -> Problem:
    return Problem(
        code="output-holds-other-things",
        field="outputURI",
        message=f"“{place}” holds other things than an output of a job, so it is not replaced.",
        found=found,
        fix="Write to another folder, or move what is in this one.",
    )
