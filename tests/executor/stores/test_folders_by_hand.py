"""Whole folders that people rename, delete and put back by hand: the same on every store, but for what S3 cannot do."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from executor.files import exchange
from executor.problems import ProblemError
from executor.stores import bucket_folders, folder_by_hand
from executor.stores.bucket import Bucket
from executor.stores.bucket_folders import FolderMoves
from executor.stores.by_hand import ByHand
from executor.stores.folder_by_hand import FolderByHand
from executor.stores.hand_of import hand_of
from executor.stores.hands import KEPT
from tests.executor.stores.conftest import SERVERS
from tests.executor.stores.roots import FolderRoot, S3Root, code_of, publish, texts, write

pytestmark = [pytest.mark.services, pytest.mark.lake]
FILES = {"a.csv": "a\n1\n", "b 50%&ü.csv": "a\n2\n", "deep/er/c.csv": "a\n3\n", "_hidden.csv": "h", ".sluice-made-of.json": "{}"}
SEEN = {name: body for name, body in FILES.items() if not name.startswith((".", "_"))}
AnyRoot = FolderRoot | S3Root


@pytest.fixture(params=["folder", *SERVERS])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> AnyRoot:
    if request.param == "folder":
        for name in ("archive", "lake"):
            (tmp_path / name).mkdir()
        made: AnyRoot = FolderRoot(tmp_path / "archive", own=tmp_path / "lake")
    else:
        made = S3Root(request.getfixturevalue("moto" if request.param == "moto" else "versity"), tmp_path)
    for name, body in FILES.items():
        made.put(f"in/2013/{name}", body)
    made.put("in/2014/x.csv")
    return made


@pytest.fixture
def hand(root: AnyRoot) -> ByHand | FolderByHand:
    return hand_of(root.store)


def everything(root: AnyRoot) -> dict[str, str]:
    """Whatever lies in the root, without what stands for locks."""
    if isinstance(root, S3Root):
        client, bucket = root.bucket.client, root.bucket
        return {key: client.get_object(Bucket=bucket.bucket, Key=bucket.prefix + key)["Body"].read().decode() for key in root.all_keys()}
    found = [path for path in root.folder.rglob("*") if path.is_file() and exchange.FOLDER not in path.parts]
    return {path.relative_to(root.folder).as_posix(): path.read_text() for path in found}


def below(root: AnyRoot, place: str) -> dict[str, str]:
    return {name.removeprefix(f"{place}/"): body for name, body in everything(root).items() if name.startswith(f"{place}/")}


def test_a_folder_goes_into_the_bin_as_a_whole_and_comes_back(root: AnyRoot, hand: Any) -> None:
    before = everything(root)
    for _ in range(2):
        hand.set_aside("in/2013", "k1")  # its answer may be lost, and it is asked for again
        assert texts(root, "in/2013") == {} and texts(root, "in") == {"2014/x.csv": "a\n1\n"}
        assert below(root, f"{KEPT}/k1") == FILES
    hand.bring_back("in/2013", "k1", None)
    assert everything(root) == before and texts(root, "in/2013") == SEEN
    with pytest.raises(ProblemError) as gone:
        hand.bring_back("in/2013", "k1", None)
    assert code_of(gone) in ("no-longer-kept", "file-exists") and everything(root) == before


def test_what_is_in_the_bin_is_removed_for_good(root: AnyRoot, hand: Any) -> None:
    hand.set_aside("in/2013", "k1")
    hand.set_aside("in/2014", "k2")
    for _ in range(2):
        hand.forget("k1")
    assert below(root, f"{KEPT}/k1") == {} and below(root, f"{KEPT}/k2") == {"x.csv": "a\n1\n"}
    for wrong in ("", ".", "..", "k2/x.csv"):
        with pytest.raises(ValueError, match="is no id"):
            hand.forget(wrong)
    hand.bring_back("in/2014", "k2", None)
    assert list(everything(root)) == ["in/2014/x.csv"]


def test_nothing_is_put_where_something_lies(root: AnyRoot, hand: Any) -> None:
    hand.set_aside("in/2013", "k1")
    root.put("in/2013/a.csv", "by somebody else")
    before = everything(root)
    for aside in (None, "k2"):
        with pytest.raises(ProblemError):
            hand.bring_back("in/2013", "k1", aside)
        assert everything(root) == before
    root.remove("in/2013/a.csv")
    if isinstance(root, FolderRoot):
        (root.folder / "in/2013").rmdir()
        root.put("in/2013", "a file")
        with pytest.raises(ProblemError) as taken:
            hand.bring_back("in/2013", "k1", "k2")
        assert code_of(taken) == "file-exists"


def of_a_job(root: AnyRoot) -> str:
    publish(root, "run-1", {"part-0": "x"}, place="in/2013/out")
    return "is-an-output"


def of_a_job_itself(root: AnyRoot) -> str:
    for name in FILES:
        root.remove(f"in/2013/{name}")
    if isinstance(root, FolderRoot):
        exchange_folder = root.folder / "in/2013"
        for path in sorted(exchange_folder.rglob("*"), reverse=True):
            path.rmdir()
        exchange_folder.rmdir()
    publish(root, "run-1", {"part-0": "x"}, place="in/2013")
    return "is-an-output"


def delta_table(root: AnyRoot) -> str:
    root.put("in/2013/t/_delta_log/00000000000000000000.json", "{}")
    return "is-an-output"


def another_roots(root: AnyRoot) -> str:
    root.put("in/2013/team/.sluice-kept/x", "of another root")
    return "is-in-use"


@pytest.mark.parametrize("made", [of_a_job, of_a_job_itself, delta_table, another_roots])
def test_what_is_not_peoples_alone_stays(root: AnyRoot, hand: Any, made: Callable[[AnyRoot], str]) -> None:
    code = made(root)
    before = everything(root)
    with pytest.raises(ProblemError) as refused:
        hand.set_aside("in/2013", "k1")
    assert code_of(refused) == code and everything(root) == before
    with pytest.raises(ProblemError) as refused:
        hand.set_aside("in", "k1")
    assert code_of(refused) == code and everything(root) == before
    if isinstance(root, FolderRoot):
        with pytest.raises(ProblemError) as refused:
            hand.rename("in/2013", "in/2015")
        assert code_of(refused) == code and everything(root) == before


def test_what_a_run_has_staged_stays(root: AnyRoot, hand: Any) -> None:
    outputs = root.store.outputs("run-1", None, 2)
    write(outputs.stage("in/2013/out", "in/2013/out", "Overwrite", 0, "save"), {"part-0": "x"})
    outputs.send()
    with pytest.raises(ProblemError) as staged:
        hand.set_aside("in", "k1")
    outputs.discard()
    assert code_of(staged) == "is-in-use" and below(root, "in/2013") == FILES


@pytest.mark.parametrize("place", ["in/2015", "gone", "in/2013/a.csv/x", "in/20"])
def test_what_is_not_there_is_told(root: AnyRoot, hand: Any, place: str) -> None:
    before = everything(root)
    with pytest.raises(ProblemError) as nothing:
        hand.set_aside(place, "k1")
    assert code_of(nothing) == "nothing-there" and everything(root) == before


def test_where_a_folder_may_be_renamed_it_is_in_one_step_and_never_over_anything(root: AnyRoot, hand: Any) -> None:
    before = everything(root)
    if isinstance(root, S3Root):
        with pytest.raises(ProblemError) as refused:
            hand.rename("in/2013", "in/2015")
        assert code_of(refused) == "not-renamed" and everything(root) == before
        return
    (root.folder / "empty").mkdir()
    for to, code in (
        ("in/2014", "file-exists"),
        ("empty", "file-exists"),
        ("in/2014/x.csv", "file-exists"),
        ("in/2013/deep/new", "bad-place"),
        ("../out", "uri-outside-lake"),
        (".sluice-kept/x", "uri-outside-lake"),
        ("a/.hidden", "bad-place"),
    ):
        with pytest.raises(ProblemError) as wrong:
            hand.rename("in/2013", to)
        assert code_of(wrong) == code and everything(root) == before, to
    hand.rename("in/2013", "new/deep/2013")
    assert below(root, "new/deep/2013") == FILES and below(root, "in/2013") == {}


# --- in a folder of this machine ----------------------------------------------------------------------------------------------


@pytest.fixture
def here(tmp_path: Path) -> FolderRoot:
    for name in ("archive", "lake"):
        (tmp_path / name).mkdir()
    made = FolderRoot(tmp_path / "archive", own=tmp_path / "lake")
    for name, body in FILES.items():
        made.put(f"in/2013/{name}", body)
    return made


def test_no_link_is_taken_for_a_folder_or_followed(here: FolderRoot, tmp_path: Path) -> None:
    hand = hand_of(here.store)
    (tmp_path / "lake/raw").mkdir()
    (tmp_path / "lake/raw/secret.csv").write_text("secret")
    (here.folder / "out").symlink_to(tmp_path / "lake")
    for place in ("out", "out/raw"):
        for act in (lambda at: hand.set_aside(at, "k1"), lambda at: hand.rename(at, "in/stolen")):
            with pytest.raises((ProblemError, OSError)):
                act(place)
    with pytest.raises((ProblemError, OSError)):
        hand.rename("in/2013", "out/raw/mine")
    (here.folder / "in/2013/link").symlink_to(tmp_path / "lake/raw")
    hand.set_aside("in/2013", "k1")
    hand.forget("k1")
    assert os.listdir(tmp_path / "lake/raw") == ["secret.csv"] and not (here.folder / KEPT / "k1").exists()


def test_nothing_moves_while_a_run_publishes(here: FolderRoot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder_by_hand, "WAIT_SECONDS", 0.1)
    hand, before = hand_of(here.store), everything(here)
    with exchange.locked(here.folder):
        for act in (lambda: hand.set_aside("in/2013", "k1"), lambda: hand.rename("in/2013", "in/2015")):
            with pytest.raises(ProblemError) as busy:
                act()
            assert code_of(busy) == "publishing-busy" and everything(here) == before
    hand.rename("in/2013", "in/2015")


def test_what_is_half_unpacked_is_not_renamed_and_may_be_deleted(here: FolderRoot) -> None:
    hand = hand_of(here.store)
    here.put("in/2013/.sluice-unpacking.json", "{}")
    with pytest.raises(ProblemError) as busy:
        hand.rename("in", "out")
    assert code_of(busy) == "is-being-unpacked"
    hand.set_aside("in", "k1")
    assert everything(here).keys() == {f"{KEPT}/k1/2013/{name}" for name in (*FILES, ".sluice-unpacking.json")}


# --- on S3: killed on the way -------------------------------------------------------------------------------------------------


class Killed(BaseException):
    """The end of a process: nothing is tidied up after it."""


@pytest.fixture
def there(moto: Any, tmp_path: Path) -> S3Root:
    made = S3Root(moto, tmp_path)
    for name, body in FILES.items():
        made.put(f"in/2013/{name}", body)
    return made


def killed_after(monkeypatch: pytest.MonkeyPatch, steps: int, act: Callable[[], None]) -> bool:
    """Whether it was killed, after so many requests that change anything."""
    monkeypatch.setattr(bucket_folders, "AT_ONCE", 1)
    left = [steps]

    def counted(real: Any) -> Any:
        def step(self: Any, *given: Any, **named: Any) -> Any:
            if left[0] == 0:
                raise Killed
            left[0] -= 1
            return real(self, *given, **named)

        return step

    with monkeypatch.context() as patch:
        for owner, name in ((Bucket, "put"), (Bucket, "remove"), (ByHand, "copy"), (FolderMoves, "_remove_one")):
            patch.setattr(owner, name, counted(getattr(owner, name)))
        try:
            act()
        except Killed:
            return True
    return False


def seen_by_readers(root: S3Root) -> dict[str, str] | None:
    """None: nobody reads it now."""
    try:
        return texts(root, "in/2013")
    except ProblemError as error:
        assert error.problems[0].code == "input-moving"
        return None


def kept_or_there(root: S3Root) -> bool:
    found = everything(root)
    return all(any(body == found.get(f"{at}/{name}") for at in ("in/2013", f"{KEPT}/k1", f"{KEPT}/k2")) for name, body in FILES.items())


RECOVERIES: dict[str, Callable[[Any], None]] = {
    "the same again": lambda hand: hand.set_aside("in/2013", "k1"),
    "by another hand": lambda hand: hand.set_aside("in/2013", "k2"),
    "put back": lambda hand: hand.bring_back("in/2013", "k1", None),
}


@pytest.mark.parametrize("recovery", RECOVERIES)
def test_who_is_killed_while_it_goes_loses_nothing_and_nobody_reads_half(
    there: S3Root, monkeypatch: pytest.MonkeyPatch, recovery: str
) -> None:
    hand, tried = hand_of(there.store), 0
    while killed_after(monkeypatch, tried, lambda: hand.set_aside("in/2013", "k1")):
        assert seen_by_readers(there) in (None, SEEN, {}) and kept_or_there(there), tried
        is_whole = seen_by_readers(there) == SEEN
        if recovery != "put back" or not is_whole:
            RECOVERIES[recovery](hand)
        kept = "k2" if f"{KEPT}/k2.json" in everything(there) else "k1"
        if f"{KEPT}/{kept}.json" in everything(there):
            assert seen_by_readers(there) == {}, tried
            hand.bring_back("in/2013", kept, None)
        assert below(there, "in/2013") == FILES and seen_by_readers(there) == SEEN, tried
        assert not [key for key in everything(there) if not key.startswith("in/")], tried
        tried += 1
    assert tried >= 12


def test_who_is_killed_while_it_comes_back_loses_nothing_and_nobody_reads_half(there: S3Root, monkeypatch: pytest.MonkeyPatch) -> None:
    hand, tried = hand_of(there.store), 0
    hand.set_aside("in/2013", "k1")
    while killed_after(monkeypatch, tried, lambda: hand.bring_back("in/2013", "k1", None)):
        assert seen_by_readers(there) in (None, SEEN, {}) and kept_or_there(there), tried
        if tried % 2 or seen_by_readers(there) == SEEN:
            hand.set_aside("in/2013", "k2")  # somebody else would rather have it gone
            hand.bring_back("in/2013", "k2", None)
        else:
            hand.bring_back("in/2013", "k1", None)
        assert below(there, "in/2013") == FILES and seen_by_readers(there) == SEEN, tried
        assert not [key for key in everything(there) if key.startswith(bucket_folders.GOING)], tried
        hand.forget("k1")
        hand.set_aside("in/2013", "k1")
        tried += 1
    assert tried >= 8


def test_a_file_that_is_changed_meanwhile_stays(there: S3Root, monkeypatch: pytest.MonkeyPatch) -> None:
    hand, note = hand_of(there.store), FolderMoves._note_kept

    def meanwhile(self: FolderMoves, *given: Any) -> None:
        note(self, *given)
        there.put("in/2013/a.csv", "newer")
        there.put("in/2013/new.csv", "new")

    monkeypatch.setattr(FolderMoves, "_note_kept", meanwhile)
    hand.set_aside("in/2013", "k1")
    assert below(there, "in/2013") == {"a.csv": "newer", "new.csv": "new"} and below(there, f"{KEPT}/k1") == FILES


@pytest.mark.parametrize("is_second", [False, True])
def test_what_may_not_be_removed_is_as_it_was(there: S3Root, monkeypatch: pytest.MonkeyPatch, is_second: bool) -> None:
    from botocore.exceptions import ClientError

    monkeypatch.setattr(bucket_folders, "AT_ONCE", 1)
    hand, client, before, removed = hand_of(there.store), there.bucket.client, everything(there), []
    real = client.delete_object

    def refused(**given: Any) -> Any:
        removed.append(given["Key"])
        if is_second and len(removed) == 1:
            return real(**given)
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "DeleteObject")

    monkeypatch.setattr(client, "delete_object", refused)
    with pytest.raises(ProblemError) as no:
        hand.set_aside("in/2013", "k1")
    assert code_of(no) == "storage-refused" and everything(there) == before


def test_a_folder_that_is_too_large_is_left_alone(there: S3Root, monkeypatch: pytest.MonkeyPatch) -> None:
    for most in ("MOST", "MOST_BYTES"):
        with monkeypatch.context() as patch:
            patch.setattr(bucket_folders, most, 3)
            before = everything(there)
            with pytest.raises(ProblemError) as large:
                hand_of(there.store).set_aside("in/2013", "k1")
            assert code_of(large) == "folder-too-large" and everything(there) == before


@pytest.mark.parametrize("address", ["in/2013", "in/2013/a.csv", "in", "in/*/a.csv", "in/2013/deep/er", "in/20*"])
def test_nobody_reads_what_meets_a_folder_that_is_moved(there: S3Root, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    there.put("in/2014/a.csv")
    killed_after(monkeypatch, 1, lambda: hand_of(there.store).set_aside("in/2013", "k1"))
    with pytest.raises(ProblemError) as moving:
        there.store.read(address, address, "inputURI")
    assert code_of(moving) == "input-moving"
    with pytest.raises(ProblemError):
        there.store.state(address)
    assert texts(there, "in/2014") == {"a.csv": "a\n1\n"}, "its neighbour is read as ever"
