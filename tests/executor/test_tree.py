"""Folders that somebody made to break whoever lists or removes them."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from executor.files import tree
from executor.files.tree import FILE, FOLDER, LINK, OTHER, Walk

ODD_NAMES = [b"\xff\xfe", b"50%", b"a\nb", b"-rf", b" ", b"a=b", b"\xe2\x80\xae", b"*", b"x" * 255]


def nest(top: Path, levels: int, name: str = "d") -> None:
    """A folder nested so deep that no path leads to its end."""
    folder = os.open(top, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir(name, dir_fd=folder)
        inner = os.open(name, os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = inner
    os.close(os.open("end", os.O_CREAT | os.O_WRONLY, dir_fd=folder))
    os.close(folder)


@pytest.fixture
def top(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "top"
    folder.mkdir()
    yield folder
    tree.remove(folder)  # pytest itself cannot


def paths(walk: Walk) -> list[str]:
    return [entry.path for entry in walk]


@pytest.mark.parametrize(("levels", "name"), [(1_500, "d"), (5_000, "d"), (300, "long" * 50)])
def test_depth_stops_neither_a_walk_nor_removal(top: Path, levels: int, name: str) -> None:
    nest(top, levels, name)
    walk = Walk(top)
    assert len(paths(walk)) == tree.DEEPEST
    assert walk.left_out == {tree.TOO_DEEP}
    tree.remove(top)
    assert not top.exists()


def test_any_name_is_listed_and_removed(top: Path) -> None:
    for name in ODD_NAMES:
        os.mkdir(os.fsencode(top) + b"/" + name)
        Path(os.fsdecode(os.fsencode(top) + b"/" + name + b"/" + name)).write_text("x")
    found = paths(Walk(top))
    assert {os.fsencode(path) for path in found} == {*ODD_NAMES, *(name + b"/" + name for name in ODD_NAMES)}
    assert [path for path in found if "/" not in path and not tree.is_plain_name(path)] == ["a\nb", "\udcff\udcfe"]
    assert all(tree.is_plain_name(tree.shown(path)) for path in found)
    tree.remove(top)
    assert not top.exists()


def test_no_link_is_followed(top: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "kept").write_text("kept")
    (top / "to-folder").symlink_to(tmp_path / "outside")
    (top / "to-file").symlink_to(tmp_path / "outside" / "kept")
    (top / "to-itself").symlink_to("to-itself")
    (top / "up").symlink_to("..")
    assert {entry.kind for entry in Walk(top)} == {LINK}
    assert not paths(Walk(top / "to-folder"))
    with pytest.raises(OSError, match=r"to-folder|loop|Not a directory|symbolic"):
        tree.open_below(top, "to-folder/kept")
    tree.remove(top / "to-folder")
    tree.remove(top)
    assert (tmp_path / "outside" / "kept").read_text() == "kept"


def test_devices_pipes_and_sockets_are_told_and_not_opened(top: Path) -> None:
    os.mkfifo(top / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(top / "socket"))
    assert {entry.kind for entry in Walk(top)} == {OTHER}
    with pytest.raises(OSError, match="neither a file nor a folder"):
        tree.open_below(top, "pipe")
    tree.remove(top)
    assert not top.exists()


def test_a_walk_is_bounded(top: Path) -> None:
    for number in range(20):
        (top / f"{number:02}").mkdir()
        (top / f"{number:02}" / "file").write_text("four")
    most = Walk(top, most=5)
    assert (paths(most), most.left_out) == (["00", "00/file", "01", "01/file", "02"], {tree.TOO_MANY})
    flat = Walk(top, deepest=1)
    assert (len(paths(flat)), flat.left_out) == (20, {tree.TOO_DEEP})
    late = Walk(top, seconds=-1)
    assert (paths(late), late.left_out) == ([], {tree.TOO_LONG})
    chosen = Walk(top, enter=lambda entry: entry.name == "07")
    assert [(entry.kind, entry.size) for entry in chosen if entry.kind == FILE] == [(FILE, 4)]
    assert not chosen.left_out
    assert paths(Walk(top / "not there")) == []


def test_hidden_is_what_readers_leave_out(top: Path) -> None:
    for name in ("_SUCCESS", ".x.crc", "part-0", "_year=2013"):
        (top / name).write_text("")
    assert [entry.name for entry in Walk(top) if not entry.is_hidden] == ["_year=2013", "part-0"]


def test_rights_that_were_taken_away_do_not_keep_a_folder(top: Path) -> None:
    (top / "a" / "b").mkdir(parents=True)
    (top / "a" / "b" / "file").write_text("")
    for folder in (top / "a" / "b", top / "a", top):
        folder.chmod(0)
    tree.remove(top)
    assert not top.exists()


def test_what_cannot_go_is_told_after_the_rest_has_gone(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "stays", "z"):
        (top / name).write_text("")
    real = os.unlink

    def unlink(path: object, **about: object) -> None:
        if path == "stays":
            raise PermissionError(1, "Operation not permitted")
        real(path, **about)

    with monkeypatch.context() as changed, pytest.raises(tree.NotRemoved, match="Operation not permitted") as told:
        changed.setattr(os, "unlink", unlink)
        tree.remove(top)
    assert (told.value.left, os.listdir(top)) == (1, ["stays"])


def test_removing_what_is_not_there_or_is_a_file(top: Path) -> None:
    tree.remove(top / "nothing")
    (top / "file").write_text("")
    tree.remove(top / "file")
    assert os.listdir(top) == []


@pytest.mark.parametrize("relative", ["", "/etc/passwd", "..", "a/../..", "a//b", "./a"])
def test_only_paths_below_are_opened(top: Path, relative: str) -> None:
    with pytest.raises(ValueError, match="is not a path below"):
        tree.open_below(top, relative)


def test_a_file_below_is_opened(top: Path) -> None:
    (top / "a").mkdir()
    (top / "a" / "file").write_text("content")
    with os.fdopen(tree.open_below(top, "a/file")) as stream:
        assert stream.read() == "content"
    assert next(entry for entry in Walk(top)).kind == FOLDER
