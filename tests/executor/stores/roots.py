"""Roots of every kind of store, and what tests do in them behind the store's back."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any, Protocol

import pytest

from executor.files.folder import place_of
from executor.problems import ProblemError
from executor.stores.base import Store
from executor.stores.bucket import Bucket
from executor.stores.bucket_publishing import BucketPublisher
from executor.stores.folder import FolderStore
from executor.stores.s3 import S3Store
from executor.stores.s3_access import S3Access

PLACE = "curated/daily"
BESIDES = {"_SUCCESS": "", ".part.crc": "x"}
"""What committers leave beside the data."""
NOTHING_THERE = ("input-missing", "input-hidden", "input-empty")


class Root(Protocol):
    store: Store
    folder: Path
    """Where its files, or their copies, lie."""
    begun: list[Any]
    """Outputs of runs that tests let die."""

    def put(self, key: str, body: str = "a\n1\n") -> None:
        """Somebody else writes a file."""
        ...

    def remove(self, key: str) -> None: ...


class FolderRoot:
    """`own`: the environment's own folder, where this is another one."""

    def __init__(self, folder: Path, own: Path | None = None) -> None:
        self.folder = folder
        self.store: Store = FolderStore(folder, "archive", own=own) if own else FolderStore(folder)
        self.begun: list[Any] = []

    def put(self, key: str, body: str = "a\n1\n") -> None:
        (self.folder / key).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / key).write_text(body)

    def remove(self, key: str) -> None:
        (self.folder / key).unlink()


class S3Root:
    """Below a prefix of a bucket of its own; a neighbour with a longer name lies beside it."""

    def __init__(self, access: S3Access, folder: Path) -> None:
        name = f"b{uuid.uuid4().hex[:12]}"
        access.client().create_bucket(Bucket=name)
        access.client().put_object(Bucket=name, Key="teams/one-more/raw/x.csv", Body=b"not ours")
        self.bucket, self.folder = Bucket(name, "teams/one", access), folder
        self.store: Store = S3Store("archive", self.bucket, folder)
        self.begun: list[Any] = []

    def put(self, key: str, body: str = "a\n1\n") -> None:
        self.bucket.client.put_object(Bucket=self.bucket.bucket, Key=self.bucket.prefix + key, Body=body.encode())

    def remove(self, key: str) -> None:
        self.bucket.remove([key])

    def all_keys(self) -> list[str]:
        return sorted(one.key for one in self.bucket.listed(""))


def texts(root: Root, place: str = PLACE) -> dict[str, str]:
    """What readers find at a place: name of each file in it → content. Nothing where there is nothing."""
    try:
        found = place_of(root.store.read(place, place, "inputURI").path, place).files
    except ProblemError as error:
        if error.problems[0].code in NOTHING_THERE:
            return {}
        raise
    return {file.path.relative_to(root.folder).as_posix().removeprefix(f"{place}/"): file.path.read_text() for file in found}


def places(root: Root, place: str) -> list[str]:
    try:
        found = place_of(root.store.read(place, place, "inputURI").path, place).files
    except ProblemError as error:
        if error.problems[0].code in NOTHING_THERE:
            return []
        raise
    return sorted(file.path.relative_to(root.folder).as_posix() for file in found)


def nothing(*_: Any) -> None:
    """Agrees to all."""


def publish(root: Root, run: str, files: dict[str, str], mode: str = "Overwrite", commit: Any = nothing, place: str = PLACE) -> Any:
    outputs = root.store.outputs(run, None, 2)
    try:
        write(outputs.stage(place, place, mode, 1, "save"), files)
        outputs.send()
        return outputs.publish(commit)
    finally:
        outputs.discard()


def staged(root: Root, run: str, **written: dict[str, str]) -> Any:
    """The outputs of a run that has written to these places (`other` for curated/other)."""
    outputs = root.store.outputs(run, None, 2)
    for index, (place, files) in enumerate(written.items()):
        write(outputs.stage(f"curated/{place}", f"curated/{place}", "Overwrite", index, place), files)
    outputs.send()
    root.begun.append(outputs)
    return outputs


def die(outputs: Any) -> None:
    """The run's process is gone: nobody holds its locks."""
    for lock in getattr(outputs, "_here", outputs)._locks.values():
        lock.close()


def sent(outputs: Any) -> BucketPublisher:
    """Of outputs on S3, what publishes them there."""
    found: BucketPublisher = outputs._there
    return found


def write(folder: Path, files: dict[str, str]) -> None:
    """A load writes to where its output is staged."""
    for name, body in {**files, **BESIDES}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(body)


def code_of(refusal: pytest.ExceptionInfo[ProblemError]) -> str:
    return refusal.value.problems[0].code
