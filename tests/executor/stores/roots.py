"""Roots of every kind of store, and what tests do in them behind the store's back."""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path
from typing import Any, Protocol

import pytest

from executor.problems import ProblemError
from executor.stores.base import Found, Store
from executor.stores.folder import FolderStore
from executor.stores.s3 import S3Store
from executor.stores.s3_access import S3Access

PLACE = "curated/daily"
BESIDES = {"_SUCCESS": "", ".part.crc": "x"}
"""What committers leave beside the data."""


class Root(Protocol):
    store: Store

    def put(self, key: str, body: str = "a\n1\n") -> None:
        """Somebody else writes a file."""
        ...

    def remove(self, key: str) -> None: ...

    def write(self, address: str, files: dict[str, str]) -> None:
        """A load writes to where its output is staged."""
        ...


class FolderRoot:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store: Store = FolderStore(folder)

    def put(self, key: str, body: str = "a\n1\n") -> None:
        (self.folder / key).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / key).write_text(body)

    def remove(self, key: str) -> None:
        (self.folder / key).unlink()

    def write(self, address: str, files: dict[str, str]) -> None:
        shutil.rmtree(address, ignore_errors=True)
        for name, body in {**files, **BESIDES}.items():
            (Path(address) / name).parent.mkdir(parents=True, exist_ok=True)
            (Path(address) / name).write_text(body)


class S3Root:
    """Below a prefix of a bucket of its own; a neighbour with a longer name lies beside it."""

    def __init__(self, access: S3Access) -> None:
        bucket = f"b{uuid.uuid4().hex[:12]}"
        access.client().create_bucket(Bucket=bucket)
        access.client().put_object(Bucket=bucket, Key="teams/one-more/raw/x.csv", Body=b"not ours")
        self.s3 = S3Store(bucket, "teams/one", access)
        self.store: Store = self.s3

    def put(self, key: str, body: str = "a\n1\n") -> None:
        self.s3.client.put_object(Bucket=self.s3.bucket, Key=self.s3.prefix + key, Body=body.encode())

    def remove(self, key: str) -> None:
        self.s3.remove([key])

    def write(self, address: str, files: dict[str, str]) -> None:
        for name, body in {**files, **BESIDES}.items():
            self.put(f"{address.removeprefix(self.s3.address(''))}/{name}", body)

    def all_keys(self) -> list[str]:
        return sorted(one.key for one in self.s3._listed(""))


def places(root: Root, place: str) -> list[str]:
    return [file.place for file in root.store.files(place)]


def content(root: Root, file: Found) -> str:
    with root.store.open(file) as stream:
        return stream.read().decode()


def texts(root: Root, place: str = PLACE) -> dict[str, str]:
    return {file.place.removeprefix(f"{place}/"): content(root, file) for file in root.store.files(place)}


def nothing(*_: Any) -> None:
    """Agrees to all."""


def publish(root: Root, run: str, files: dict[str, str], mode: str = "Overwrite", commit: Any = nothing) -> Any:
    publisher = root.store.publisher(run, 2)
    try:
        root.write(publisher.stage(PLACE, mode, 1, "save").address, files)
        return publisher.publish(commit)
    finally:
        publisher.discard()


def staged(root: Root, run: str, **outputs: dict[str, str]) -> Any:
    """The publisher of a run that has written to these places (`other` for curated/other)."""
    publisher = root.store.publisher(run, 2)
    for index, (place, files) in enumerate(outputs.items()):
        root.write(publisher.stage(f"curated/{place}", "Overwrite", index, place).address, files)
    return publisher


def code_of(refusal: pytest.ExceptionInfo[ProblemError]) -> str:
    return refusal.value.problems[0].code
