"""What people do by hand in a root on S3: bring a file, set one aside for the bin, put it back; the same of folders (`bucket_folders`).

    <prefix>/<place>                  the file, visible as soon as the last of these steps is done, and whole
    <prefix>/.sluice-kept/<id>        what was replaced or thrown away there, seen by no reader

A file is sent in parts that nobody sees. One request makes an object of them, and only while there lies what was found before; what breaks
off leaves no object, and parts that were left are ended by whoever comes next. The object says of which upload it is, so one whose answer
was lost is known again.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from executor.files.delta_log import LOG
from executor.files.made_of import State
from executor.problems import ProblemError
from executor.stores.bucket import LOOKS, POINTER, Bucket, Seen
from executor.stores.bucket_folders import FolderMoves
from executor.stores.hands import (
    KEPT,
    MOST_NAMES,
    PIECE,
    Hand,
    Tell,
    There,
    changed,
    in_an_output,
    no_longer_kept,
    pieces,
    require_id,
    require_inside,
    taken,
    too_many,
)
from executor.stores.s3_access import refused, told

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

UPLOAD = "sluice-upload"
"""Name of what an object says of itself."""
PART, MOST_PARTS, PARTS_AT_ONCE = 16 << 20, 9_000, 3
"""Bytes of a part that is sent; a file of more than MOST_PARTS of them is sent in larger ones."""


class ByHand(Hand):
    """Of one root."""

    def __init__(self, bucket: Bucket) -> None:
        self.bucket = bucket
        self._folders = FolderMoves(self)

    # --- looking ----------------------------------------------------------------------------------------------------------

    def names_in(self, beginning: str) -> dict[str, bool]:
        """Name → whether it is a folder, of what lies in one; also what readers do not see, which is in the way as well."""
        found: dict[str, bool] = {}
        at = self.bucket.prefix + beginning
        with told(f"s3://{self.bucket.bucket}/{at}"):
            pages = self.bucket.client.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket.bucket, Prefix=at, Delimiter="/", **self.bucket.access.reading()
            )
            for page in pages:
                found |= {one["Key"].removeprefix(at): False for one in page.get("Contents", ()) if one["Key"] != at}
                found |= {one["Prefix"].removeprefix(at).rstrip("/"): True for one in page.get("CommonPrefixes", ())}
                if POINTER in found or LOG in found:
                    raise ProblemError(in_an_output(beginning))
                if len(found) > MOST_NAMES:
                    raise ProblemError(too_many(beginning))
        return {name: is_folder for name, is_folder in found.items() if name}

    def there(self, key: str) -> There | None:
        with told(self._where(key)), refused("404", "NoSuchKey", as_problem=None):
            said = self.bucket.client.head_object(**self.at(key), **self.bucket.access.reading())
            upload = said.get("Metadata", {}).get(UPLOAD, "")
            return There(said["ContentLength"], said["ETag"], said["LastModified"].timestamp(), upload)
        return None

    def body(self, place: str, found: There) -> Iterator[bytes]:
        with told(self._where(place)), refused("PreconditionFailed", "NoSuchKey", "412", as_problem=changed(place)):
            said = self.bucket.client.get_object(**self.at(place), IfMatch=found.mark, **self.bucket.access.reading())
            with closing(said["Body"]) as stream:
                yield from stream.iter_chunks(PIECE)

    def seen_below(self, place: str) -> Seen:
        """What lies at a place, or in it, as readers see it. Raises ProblemError."""
        return self.bucket.seen_below(place)

    def small(self, place: str, most: int) -> bytes | None:
        """What a file as readers see it holds; None where there is none, or a larger one. Raises ProblemError."""
        found = [file for file in self.bucket.files(place) if file.place == place and file.size <= most]
        if not found:
            return None
        with tempfile.TemporaryDirectory() as folder:
            self.bucket.copy(found[0], path := Path(folder) / "text")
            return path.read_bytes()

    def states(self, folder: str, names: Collection[str]) -> dict[str, State]:
        beginning = f"{folder}/".lstrip("/")
        return {
            name: (one.size, one.etag)
            for one in (self.bucket.listed(beginning) if names else ())
            if (name := one.key.removeprefix(beginning)) in names
        }

    def noted(self, folder: str, note: str) -> bytes | None:
        found = self.bucket.get(f"{folder}/{note}".lstrip("/"))
        return found[0] if found else None

    def write_note(self, folder: str, note: str, text: str | None) -> None:
        key = f"{folder}/{note}".lstrip("/")
        if text is None:
            self.bucket.remove([key])
        else:
            found = self.bucket.get(key)
            self.bucket.put(key, text.encode(), found[1] if found else None, changed(key))

    # --- bringing ---------------------------------------------------------------------------------------------------------

    def bring(self, place: str, source: int, size: int, upload: str, over: str | None, tell: Tell) -> dict[str, Any]:
        """Makes the first `size` bytes of the open file `source` visible at `place`. `over`: what lies there is kept under this id first;
        None: nothing may lie there. Gives `before`, what was kept. Brought once already, it is told again. Raises ProblemError."""
        require_inside(place)
        self.end_parts(place)
        done = self.settle(place, upload, over)
        if done["is_there"]:
            return done
        begun = self._begin(place, upload)
        try:
            parts = self._send(place, begun, source, size, tell)
            before = self.there(place)
            if before and over is None:
                raise ProblemError(taken(place))
            if before and over:
                self.copy(place, f"{KEPT}/{over}", before.mark)
            self._show(place, begun, parts, before)
        except BaseException:
            self._end(place, begun)
            raise
        return {"is_there": True, "before": before.as_dict() if before else None}

    def settle(self, place: str, upload: str, over: str | None) -> dict[str, Any]:
        """Whether what an upload has brought lies there: `is_there`, and `before` as `bring` gives it. Raises ProblemError."""
        there = self.there(place)
        if there is None or there.upload != upload:
            return {"is_there": False, "before": None}
        before = self.there(f"{KEPT}/{over}") if over else None
        return {"is_there": True, "before": before.as_dict() if before else None}

    def end_parts(self, place: str) -> None:
        """Ends what was being sent to a place by somebody who is gone. Where the key may not look for that, it stays, seen by nobody."""
        with suppress(ProblemError), told(self._where(place)):
            key = self.bucket.prefix + place
            pages = self.bucket.client.get_paginator("list_multipart_uploads").paginate(Bucket=self.bucket.bucket, Prefix=key)
            for one in [one for page in pages for one in page.get("Uploads", ()) if one["Key"] == key]:
                self._end(place, one["UploadId"])

    def _begin(self, place: str, upload: str) -> str:
        with told(self._where(place)):
            about = {**self.bucket.access.writing(), "Metadata": {UPLOAD: upload}}
            return self.bucket.client.create_multipart_upload(**self.at(place), **about)["UploadId"]

    def _send(self, place: str, begun: str, source: int, size: int, tell: Tell) -> list[CompletedPartTypeDef]:
        each = max(PART, -(-size // MOST_PARTS))
        starts = list(range(0, size, each)) or [0]

        def send(number: int, start: int) -> CompletedPartTypeDef:
            body = _read(source, start, min(each, size - start))
            answer = self.bucket.client.upload_part(
                **self.at(place), UploadId=begun, PartNumber=number, Body=body, **self.bucket.access.reading()
            )
            return {"ETag": answer["ETag"], "PartNumber": number}

        sent: list[CompletedPartTypeDef] = []
        with told(self._where(place)), ThreadPoolExecutor(PARTS_AT_ONCE) as pool:
            try:
                for part in pool.map(send, range(1, len(starts) + 1), starts):
                    sent.append(part)
                    tell("sending", min(len(sent) * each, size), size)
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
        return sent

    def _show(self, place: str, begun: str, parts: list[CompletedPartTypeDef], before: There | None) -> None:
        condition: dict[str, Any] = {"IfMatch": before.mark} if before else {"IfNoneMatch": "*"}
        otherwise = changed(place) if before else taken(place)
        with told(self._where(place)), refused("PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey", as_problem=otherwise):
            self.bucket.client.complete_multipart_upload(
                **self.at(place), UploadId=begun, MultipartUpload={"Parts": parts}, **condition, **self.bucket.access.reading()
            )

    def _end(self, place: str, begun: str) -> None:
        """Never raises: what stays is ended by whoever brings a file there next."""
        with suppress(Exception):
            for _ in range(LOOKS):  # a part that was under way may arrive after the first
                self.bucket.client.abort_multipart_upload(**self.at(place), UploadId=begun)

    # --- the bin ----------------------------------------------------------------------------------------------------------

    def set_aside(self, place: str, kept: str) -> dict[str, Any]:
        """Takes a file or folder from its place; it is kept under this id. Done once already, it is done. Raises ProblemError."""
        there = self.there(place)
        if there is None:
            if self.there(f"{KEPT}/{kept}") is None:
                self._folders.set_aside(place, kept)
            return {}
        self.copy(place, f"{KEPT}/{kept}", there.mark)
        with told(self._where(place)), refused("PreconditionFailed", as_problem=changed(place)):
            self.bucket.client.delete_object(**self.at(place), IfMatch=there.mark, **self.bucket.access.reading())
        return {}

    def bring_back(self, place: str, kept: str, aside: str | None) -> dict[str, Any]:
        """Puts what is kept under this id to a place, and what lies there under `aside`; None: nothing may lie there. Raises
        ProblemError."""
        source, there = self.there(f"{KEPT}/{kept}"), self.there(place)
        if source is None and there is None and self._folders.is_kept(kept):
            self._folders.bring_back(place, kept)
            return {}
        if source is None:
            raise ProblemError(no_longer_kept(place))
        if there and aside is None:
            raise ProblemError(taken(place))
        if there and aside:
            self.copy(place, f"{KEPT}/{aside}", there.mark)
        self.copy(f"{KEPT}/{kept}", place, source.mark)
        self.forget(kept)
        return {}

    def forget(self, kept: str) -> None:
        """Removes what is kept under this id, for good. Raises ProblemError."""
        require_id(kept)
        self.bucket.remove([f"{KEPT}/{kept}"])
        self._folders.forget(kept)

    def copy(self, source: str, target: str, mark: str) -> None:
        """Of one object, inside the storage; `target` is replaced in one step. Raises ProblemError where the source is no longer as it was
        found."""
        about = {**self.bucket.access.writing(), "CopySourceIfMatch": mark}
        with told(self._where(source)), refused("PreconditionFailed", "NoSuchKey", "404", "412", as_problem=changed(source)):
            self.bucket.client.copy(
                {"Bucket": self.bucket.bucket, "Key": self.bucket.prefix + source},
                self.bucket.bucket,
                self.bucket.prefix + target,
                ExtraArgs=about,
            )

    def at(self, key: str) -> Any:
        """An object, as requests name it."""
        return {"Bucket": self.bucket.bucket, "Key": self.bucket.prefix + key}

    def _where(self, key: str) -> str:
        return f"s3://{self.bucket.bucket}/{self.bucket.prefix}{key}"


def _read(source: int, start: int, count: int) -> bytes:
    return b"".join(pieces(source, start, count, count))
