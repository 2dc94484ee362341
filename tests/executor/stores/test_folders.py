"""Roots in folders of this machine beside the environment's own: what a run publishes there and here is visible together or not at all,
and no address, link or hand leads out of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from executor.files import exchange, receipts
from executor.problems import ProblemError
from executor.running.outputs import Outputs
from executor.running.repair import repair
from executor.stores import folder_by_hand
from executor.stores.folder_by_hand import ARRIVING, FolderByHand
from executor.stores.hands import KEPT
from executor.stores.roots import RootGiven, Roots, roots_given
from tests.executor.stores.roots import FolderRoot, code_of

ADDRESSES = {"daily": "curated/daily", "archive": "archive:2013/daily", "other": "other:daily"}


class Machine:
    """Three folders: the environment's own, and two roots."""

    def __init__(self, home: Path) -> None:
        self.home = home
        for name in ("lake", "archive", "other"):
            (home / name).mkdir()

    @property
    def roots(self) -> Roots:
        given = {name: RootGiven(folder=str(self.home / name)) for name in ("archive", "other")}
        return Roots(self.home / "lake", given=given)

    def outputs(self, run: str) -> Outputs:
        outputs = Outputs(run, self.roots, places=None, keep=2)
        for index, uri in enumerate(ADDRESSES.values()):
            staged = outputs.stage(uri, "Overwrite", index, uri)
            staged.mkdir()
            (staged / "part-0").write_text(run)
        outputs.send()
        return outputs

    def publish(self, run: str) -> None:
        outputs = self.outputs(run)
        try:
            outputs.publish(lambda facts: receipts.write(self.home / "lake", run, "published"))
        finally:
            outputs.discard()

    def seen(self) -> dict[str, str]:
        """What lies at each place, by whom it was written."""
        roots, found = self.roots, {}
        for name, uri in ADDRESSES.items():
            root, place = roots.at(uri, "inputURI")
            path = root.path(place, "inputURI") / "part-0"
            found[name] = path.read_text() if path.exists() else ""
        return found

    def left(self) -> list[str]:
        """Whatever of a run lies about that readers do not see."""
        names = (exchange.FOLDER, ".sluice-staging")
        every = (path for path in self.home.rglob("*") if any(part in names for part in path.relative_to(self.home).parts))
        return sorted(str(path) for path in every if path.is_file() and path.name != "lock")


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_what_a_run_publishes_in_several_folders_is_seen_together(machine: Machine) -> None:
    machine.publish("r1")
    assert machine.seen() == dict.fromkeys(ADDRESSES, "r1")

    def refuse(facts: Any) -> None:
        assert machine.seen() == dict.fromkeys(ADDRESSES, "r2")
        raise RuntimeError("no")

    outputs = machine.outputs("r2")
    with pytest.raises(RuntimeError):
        outputs.publish(refuse)
    outputs.discard()
    assert machine.seen() == dict.fromkeys(ADDRESSES, "r1") and machine.left() == []


def test_nothing_is_seen_while_a_run_waits_for_another(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.publish("r1")
    monkeypatch.setattr("executor.files.exchange.locked.__wrapped__.__kwdefaults__", {"seconds": 0.3})
    monkeypatch.setattr(exchange.Step, "do", lambda self: pytest.fail("an output was made visible"))
    for name in ("lake", "archive", "other"):
        outputs = machine.outputs("r2")
        with exchange.locked(machine.home / name), pytest.raises(ProblemError) as busy:
            outputs.publish(_refused)
        outputs.discard()
        assert code_of(busy) == "publishing-busy"
    assert machine.seen() == dict.fromkeys(ADDRESSES, "r1")


def test_what_fails_after_the_commit_takes_nothing_back(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise OSError(5, "tidying failed")

    monkeypatch.setattr("executor.files.kept.listing", broken)
    machine.publish("r1")
    assert machine.seen() == dict.fromkeys(ADDRESSES, "r1")


POINTS = [(what, after, number) for what in ("do", "commit", "unlink") for after in (False, True) for number in (1, 2, 3)]


def dies_at(machine: Machine, run: str, what: str, after: bool, number: int) -> bool:
    """A process that publishes and is gone at the `number`-th step of this kind. False where it came to its end."""
    child = os.fork()
    if child == 0:
        counted = 0

        def last(original: Callable[..., Any]) -> Callable[..., Any]:
            def step(*arguments: Any, **words: Any) -> Any:
                nonlocal counted
                is_ours = what != "unlink" or str(arguments[0]).endswith(f"{run}.json")
                counted += is_ours
                if is_ours and counted == number and not after:
                    os._exit(9)
                done = original(*arguments, **words)
                if is_ours and counted == number:
                    os._exit(9)
                return done

            return step

        target, name = {"do": (exchange.Step, "do"), "commit": (receipts, "write"), "unlink": (Path, "unlink")}[what]
        setattr(target, name, last(getattr(target, name)))
        machine.publish(run)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


@pytest.mark.parametrize("who", ["the portal", "the next run"])
@pytest.mark.parametrize(("what", "after", "number"), POINTS)
def test_a_run_that_dies_while_it_publishes_is_seen_everywhere_or_nowhere(
    machine: Machine, what: str, after: bool, number: int, who: str
) -> None:
    machine.publish("r1")
    died = dies_at(machine, "r2", what, after, number)
    assert died or (what, number) == ("commit", number)
    has_published = receipts.read(machine.home / "lake", "r2") is not None
    if who == "the portal":
        given = {"run_id": "r2", "staged": list(ADDRESSES.values()), "published": has_published}
        assert repair(given, machine.roots, lambda *said: None)["open"] is False
        assert machine.left() == []
    else:  # one that fails in the end: what it finds is put in order before it publishes
        outputs = machine.outputs("r3")
        with pytest.raises(RuntimeError):
            outputs.publish(_refused)
        outputs.discard()
    assert machine.seen() == dict.fromkeys(ADDRESSES, "r2" if has_published else "r1")


def _refused(facts: Any) -> None:
    raise RuntimeError("no")


def test_what_cannot_be_ended_yet_is_told(machine: Machine) -> None:
    machine.publish("r1")
    assert dies_at(machine, "r2", "do", True, 1)
    given = {"run_id": "r2", "staged": ["archive:2013/daily"]}
    with exchange.locked(machine.home / "archive"), pytest.raises(ProblemError) as busy:
        repair(given, machine.roots, lambda *said: None)
    assert code_of(busy) == "publishing-busy"
    repair(given, machine.roots, lambda *said: None)
    assert machine.seen() == dict.fromkeys(ADDRESSES, "r1")


# --- no way out -------------------------------------------------------------------------------------------------------


OUT = ["archive:../lake/x.csv", "archive:2013/../../lake/x.csv", "archive:/etc/passwd", "archive:.sluice-kept/x", "archive:", "archive:."]
OUT += ["archive:s3a://b/x", "archive:file:///etc/passwd", "file:///etc/passwd", "/etc/passwd", "archive:other:x", "archive:a\\..\\b"]


@pytest.mark.parametrize("uri", OUT)
@pytest.mark.parametrize("writes", [False, True])
def test_no_address_leads_out_of_a_root(machine: Machine, uri: str, writes: bool) -> None:
    with pytest.raises(ProblemError):
        root, place = machine.roots.at(uri, "uri", writes=writes)
        if writes:
            root.outputs("r1", None, 2).stage(place, uri, "Overwrite", 0, "save")
        else:
            root.read(place, uri, "inputURI")


@pytest.mark.parametrize("link", ["2013", "2013/deep", "link.csv", "2013/flights.csv"])
@pytest.mark.parametrize("to", ["../lake", "../other", "/etc"])
def test_a_link_in_a_root_leads_nowhere(machine: Machine, link: str, to: str) -> None:
    (machine.home / "lake/secret.csv").write_text("a\n1\n")
    (machine.home / "other/secret.csv").write_text("a\n1\n")
    place = machine.home / "archive" / link
    place.parent.mkdir(parents=True, exist_ok=True)
    target = to if to.startswith("/") else os.path.relpath(machine.home / to.removeprefix("../"), place.parent)
    place.symlink_to(target if not link.endswith(".csv") else f"{target}/secret.csv" if to != "/etc" else "/etc/passwd")
    root = machine.roots.named("archive")
    uris = [link, link.partition("/")[0], "*", f"{link}/secret.csv", f"{link}/passwd"]
    for uri in uris:
        with pytest.raises(ProblemError):
            root.read(uri, f"archive:{uri}", "inputURI")
    with pytest.raises(ProblemError):
        root.outputs("r1", None, 2).stage(f"{link}/daily", f"archive:{link}/daily", "Overwrite", 0, "save")
    assert root.entries("").entries == () or all(one.name != link for one in root.entries("").entries)


def test_only_what_was_handed_over_is_there(machine: Machine) -> None:
    given = roots_given({"archive": {"folder": "", "may_write": True}, "gone": {"folder": str(machine.home / "nowhere")}})
    roots = Roots(machine.home / "lake", given=given)
    for name in ("archive", "gone"):
        with pytest.raises(ProblemError) as refusal:
            roots.at(f"{name}:x.csv", "inputURI")
        assert code_of(refusal) == "root-without-folder"
    with pytest.raises(ProblemError) as read_only:
        Roots(machine.home / "lake", given=roots_given({"archive": {"folder": str(machine.home / "archive")}})).at(
            "archive:x", "uri", writes=True
        )
    assert code_of(read_only) == "root-read-only"


# --- by hand ----------------------------------------------------------------------------------------------------------

PLACE, BODY = "2013/flights 50%&ü.csv", b"a\n" + b"1\n" * 1_000_000


@pytest.fixture
def root(machine: Machine) -> FolderRoot:
    return FolderRoot(machine.home / "archive", own=machine.home / "lake")


@pytest.fixture
def hand(root: FolderRoot) -> FolderByHand:
    return FolderByHand(root.store)  # type: ignore[arg-type]


@pytest.fixture
def source(tmp_path: Path) -> Iterator[int]:
    (tmp_path / "arrived").write_bytes(BODY)
    yield (handle := os.open(tmp_path / "arrived", os.O_RDONLY))
    os.close(handle)


def silent(what: str, done: int, whole: int) -> None:
    pass


def body(root: FolderRoot, key: str) -> bytes | None:
    path = root.folder / key
    return path.read_bytes() if path.is_file() else None


def arriving(root: FolderRoot) -> list[str]:
    return [name for name in os.listdir(root.folder / ARRIVING) if not name.endswith(".json")]


def test_a_file_is_there_when_it_is_whole_and_is_known_again(root: FolderRoot, hand: FolderByHand, source: int) -> None:
    told: list[int] = []
    done = hand.bring(PLACE, source, len(BODY), "u1", None, lambda what, sent, whole: told.append(sent))
    assert done == {"is_there": True, "before": None} and body(root, PLACE) == BODY and told[-1] == len(BODY)
    assert hand.bring(PLACE, source, len(BODY), "u1", None, silent) == done, "its answer was lost, and it was asked for again"
    with pytest.raises(ProblemError) as taken:
        hand.bring(PLACE, source, len(BODY), "u2", None, silent)
    assert code_of(taken) == "file-exists" and arriving(root) == []
    with pytest.raises(ProblemError) as cut:
        hand.bring("x.csv", source, len(BODY) + 1, "u3", None, silent)
    assert code_of(cut) == "upload-lost" and arriving(root) == [] and body(root, "x.csv") is None


def test_what_it_takes_the_place_of_is_kept_and_put_back(root: FolderRoot, hand: FolderByHand, source: int) -> None:
    root.put(PLACE, "old")
    done = hand.bring(PLACE, source, len(BODY), "u1", "old-one", silent)
    assert done["before"]["size"] == 3 and body(root, PLACE) == BODY and body(root, f"{KEPT}/old-one") == b"old"
    assert hand.settle(PLACE, "u1", "old-one")["before"]["size"] == 3
    assert [file.place for file in hand.seen_below("").files] == [PLACE], "what is kept is seen by no reader"
    hand.bring_back(PLACE, "old-one", "new-one")
    assert body(root, PLACE) == b"old" and body(root, f"{KEPT}/new-one") == BODY and body(root, f"{KEPT}/old-one") is None
    hand.set_aside(PLACE, "old-one")
    hand.set_aside(PLACE, "old-one")
    assert hand.seen_below("").files == [] and body(root, f"{KEPT}/old-one") == b"old"
    hand.bring_back(PLACE, "old-one", None)
    assert body(root, PLACE) == b"old"
    with pytest.raises(ProblemError) as gone:
        hand.bring_back(PLACE, "old-one", "x")
    assert code_of(gone) == "no-longer-kept" and body(root, PLACE) == b"old"
    hand.forget("new-one")
    hand.forget("new-one")
    assert body(root, f"{KEPT}/new-one") is None


class Killed(BaseException):
    """The end of a process: nothing is tidied up after it."""


@pytest.mark.parametrize("step", ["_receive", "_keep", "os.replace"])
@pytest.mark.parametrize("is_done", [False, True])
def test_who_is_killed_leaves_the_old_file_or_the_new_one(
    root: FolderRoot, hand: FolderByHand, source: int, monkeypatch: pytest.MonkeyPatch, step: str, is_done: bool
) -> None:
    root.put(PLACE, "old")
    owner: Any = folder_by_hand.os if step == "os.replace" else FolderByHand
    original = getattr(owner, step.removeprefix("os."))

    def dies(*arguments: Any, **words: Any) -> Any:
        if is_done:
            original(*arguments, **words)
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(owner, step.removeprefix("os."), dies)
        patched.setattr(FolderByHand, "_give_up", lambda *_: None)
        with pytest.raises(Killed):
            hand.bring(PLACE, source, len(BODY), "u1", "old-one", silent)
    is_there = (step, is_done) == ("os.replace", True)
    assert body(root, PLACE) == (BODY if is_there else b"old")
    settled = hand.settle(PLACE, "u1", "old-one")
    assert settled["is_there"] is is_there and arriving(root) == []
    assert body(root, f"{KEPT}/old-one") == (b"old" if is_there else None)
    assert not is_there or settled["before"]["size"] == 3
    assert hand.bring(PLACE, source, len(BODY), "u1", "old-one", silent)["is_there"] and body(root, PLACE) == BODY
    assert body(root, f"{KEPT}/old-one") == b"old"


def test_no_hand_reaches_through_a_link_or_into_an_output(machine: Machine, root: FolderRoot, hand: FolderByHand, source: int) -> None:
    (machine.home / "lake/secret.csv").write_text("secret")
    (root.folder / "out").symlink_to(machine.home / "lake")
    (root.folder / "out.csv").symlink_to(machine.home / "lake/secret.csv")
    for place in ("out/x.csv", "out.csv"):
        with pytest.raises(ProblemError):
            hand.bring(place, source, len(BODY), "u1", "k", silent)
        with pytest.raises((ProblemError, OSError)):
            hand.set_aside(place, "k")
    root.put("mine.csv", "mine")
    for place, to in (("out.csv", "in.csv"), ("out/secret.csv", "in.csv"), ("mine.csv", "out/in.csv"), ("mine.csv", ".sluice-kept/x")):
        with pytest.raises((ProblemError, OSError)):
            hand.rename(place, to)
    assert body(root, "mine.csv") == b"mine"
    root.remove("mine.csv")
    assert hand.small("out/secret.csv", 1000) is None and hand.small("out.csv", 1000) is None
    assert sorted(os.listdir(machine.home / "lake")) == ["secret.csv"] and hand.seen_below("").files == []
    for place in ("../x.csv", "/etc/x", ".sluice-kept/x", "a/.hidden"):
        with pytest.raises(ProblemError):
            hand.bring(place, source, len(BODY), "u1", None, silent)
    machine.publish("r1")
    with pytest.raises(ProblemError) as output:
        hand.find("2013/daily/mine.csv")
    assert code_of(output) == "is-an-output"


def test_a_file_is_given_as_it_was_found(root: FolderRoot, hand: FolderByHand) -> None:
    root.put("a.csv", "12345" * 100_000)
    found = hand.there("a.csv")
    assert found is not None and b"".join(hand.body("a.csv", found)) == b"12345" * 100_000
    root.put("a.csv", "other")
    with pytest.raises(ProblemError) as other:
        list(hand.body("a.csv", found))
    assert code_of(other) == "file-changed"
    root.remove("a.csv")
    with pytest.raises((ProblemError, OSError)):
        list(hand.body("a.csv", found))


def test_a_file_is_renamed_in_one_step_and_never_over_anything(root: FolderRoot, hand: FolderByHand) -> None:
    root.put("a.csv", "a")
    root.put("b.csv", "b")
    for to in ("b.csv", "b.csv/c.csv"):
        with pytest.raises(ProblemError):
            hand.rename("a.csv", to)
    assert (body(root, "a.csv"), body(root, "b.csv")) == (b"a", b"b")
    hand.rename("a.csv", "2013/deep/c.csv")
    assert (body(root, "a.csv"), body(root, "2013/deep/c.csv")) == (None, b"a")
    with pytest.raises(ProblemError) as gone:
        hand.rename("a.csv", "d.csv")
    assert code_of(gone) == "nothing-there"


def test_what_lies_there_is_found_however_it_is_written(root: FolderRoot, hand: FolderByHand) -> None:
    root.put("Raw/Öl.csv", "12345")
    found = hand.find("raw/O\u0308L.csv")
    assert found["twin"] == "Raw/Öl.csv" and found["entry"]["size"] == 5
    assert hand.find("Raw/x.csv") == {"twin": None, "entry": None, "names": ["Öl.csv"], "entries": {}}
    assert hand.find("none/x.csv") == {"twin": None, "entry": None, "names": [], "entries": {}}
    with pytest.raises(ProblemError):
        hand.find("Raw/Öl.csv/x")
    root.put("tables/t/_delta_log/00000000000000000000.json", "{}")
    root.put("tables/t/part-0.parquet", "1234")
    seen = hand.seen_below("tables/t")
    assert [one.place for one in seen.files] == ["tables/t/part-0.parquet"] and len(seen.logs) == 1
