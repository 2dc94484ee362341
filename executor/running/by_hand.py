"""`walk`, `find`, `take`, `bring` and `keep`: what people see and do by hand in a root that is not the environment's own folder. Starts no
Spark.

One JSON object {"lake", "roots", "connections", "uri", …} on standard input, one event in answer.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from executor.events import Piece
from executor.files import made_of, tree
from executor.look.commands import say
from executor.problems import ProblemError
from executor.stores.by_hand import ByHand
from executor.stores.folder_by_hand import FolderByHand
from executor.stores.hand_of import hand_of
from executor.stores.hands import changed, nothing, require_inside
from executor.stores.roots import Roots

LONGEST_TEXT = 1_000_000
"""Bytes of an SQL or schema file."""
Tell = Callable[[str, int, int], None]


def find(given: dict[str, Any], roots: Roots, tell: Tell) -> dict[str, Any]:
    """→ `found` with `twin`, `entry` and `names`, and `entries` of those `beside` it (see `Hand.find`); {"noted": names} → also `notes` of
    its folder (see `Hand.notes`)."""
    hand, place = _at(given, roots, writes=False)
    found = {"event": "found", **hand.find(place, list(map(str, given.get("beside", ()))))}
    if (names := given.get("noted")) is not None:
        found["notes"] = hand.notes(place.rpartition("/")[0], list(map(str, names)))
    return found


def walk(given: dict[str, Any], roots: Roots, tell: Tell) -> dict[str, Any]:
    """{"root", "place": "" for all of it} → `walked` with `files` and `logs` as [place, bytes, seconds since 1970], and places of
    `outputs`."""
    found = hand_of(roots.named(str(given["root"]))).seen_below(str(given.get("place", "")))
    files, logs = ([(file.place, file.size, file.modified) for file in part] for part in (found.files, found.logs))
    return {"event": "walked", "files": files, "outputs": sorted(found.outputs), "logs": logs}


def texts(given: dict[str, Any], roots: Roots, tell: Tell) -> dict[str, Any]:
    """{"uris"} → `read` with `texts`: address → text of the small file there, None where there is none."""
    found: dict[str, str | None] = {}
    for uri in map(str, given["uris"]):
        root, place = roots.at(uri, "uri")
        body = hand_of(root).small(place, LONGEST_TEXT)
        with suppress(ValueError):
            found[uri] = body.decode("utf-8-sig") if body else None
    return {"event": "read", "texts": {uri: found.get(uri) for uri in given["uris"]}}


def take(given: dict[str, Any], roots: Roots, tell: Tell) -> dict[str, Any]:
    """→ the file's bytes, each piece said as `piece`, and `taken` with `bytes`."""
    hand, place = _at(given, roots, writes=False)
    require_inside(place)
    if (found := hand.there(place)) is None:
        raise ProblemError(nothing(place))
    size = 0
    for piece in hand.body(place, found):
        say(Piece(data=base64.b64encode(piece).decode()).as_dict())
        size += len(piece)
    if size != found.size:
        raise ProblemError(changed(place))
    return {"event": "taken", "bytes": size}


def bring(given: dict[str, Any], roots: Roots, tell: Tell) -> dict[str, Any]:
    """{"source": an open file that was inherited, "size", "upload", "over"} → `brought` with `before` (see `ByHand.bring`). {"parts"}: see
    `_bring_parts`."""
    if "parts" in given:
        return _bring_parts(given, roots, tell)
    hand, place = _at(given, roots)
    over = given.get("over")
    done = hand.bring(place, int(given["source"]), int(given["size"]), str(given["upload"]), str(over) if over else None, tell)
    return {"event": "brought", **done}


def _bring_parts(given: dict[str, Any], roots: Roots, tell: Tell) -> dict[str, Any]:
    """{"parts": [{"uri", "source": a place in the environment's own folder, "size", "upload", "over"}]} → `brought` with `parts`, what
    `ByHand.bring` gives of each, up to the first that is refused: why is its `problem`."""
    done: list[dict[str, Any]] = []
    for part in given["parts"]:
        hand, place = _at(part, roots)
        over = str(part["over"]) if part.get("over") else None
        try:
            with open(tree.open_below(given["lake"], str(part["source"])), "rb") as file:  # noqa: PTH123 - a descriptor
                done.append(hand.bring(place, file.fileno(), int(part["size"]), str(part["upload"]), over, tell))
        except ProblemError as error:
            return {"event": "brought", "parts": done, "problem": error.problems[0].as_dict()}
        tell("parts", len(done), len(given["parts"]))
    return {"event": "brought", "parts": done}


def keep(given: dict[str, Any], roots: Roots, tell: Tell) -> dict[str, Any]:
    """{"do": settle, set-aside, bring-back, rename, note or forget, "upload", "kept", "aside", "to", "note", "text"} → `kept`, of settle
    with `is_there` and `before`. `to`: a place in the same root; `text`: what a note in the folder says, None: it goes."""
    hand, place = _at(given, roots)
    what, kept, aside = given.get("do"), str(given.get("kept") or ""), str(given.get("aside") or "") or None
    done: dict[str, Any] = {}
    if what == "settle":
        hand.end_parts(place)  # first: a program that is just dying makes nothing visible afterwards
        done = hand.settle(place, str(given["upload"]), kept or None)
    elif what == "set-aside":
        hand.set_aside(place, kept)
    elif what == "bring-back":
        hand.bring_back(place, kept, aside)
    elif what == "rename":
        hand.rename(place, str(given["to"]))
    elif what == "note":
        _write_note(hand, place, str(given["note"]), given.get("text"))
    else:
        hand.forget(kept)
    return {"event": "kept", **done}


def _write_note(hand: ByHand | FolderByHand, place: str, note: str, text: Any) -> None:
    """`place`: a file in the folder that is meant."""
    if note not in (made_of.NOTE, made_of.UNFINISHED):
        raise ValueError(f"{note!r} is no note.")
    require_inside(place)
    hand.write_note(place.rpartition("/")[0], note, None if text is None else str(text))


def _at(given: dict[str, Any], roots: Roots, *, writes: bool = True) -> tuple[ByHand | FolderByHand, str]:
    root, place = roots.at(str(given["uri"]), "uri", writes=writes)
    return hand_of(root), place
