"""Control groups: the kernel ends what takes more memory and refuses more processes, and what it did is told in words."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from portal.runs import groups, launcher, measures
from portal.runs.groups import Found, Group, entering
from tests.runs.stack import until

HUNGRY = "held = []\nwhile True: held.append(bytearray(2**20))"
FORKING = "import os, time\nfor n in range(200):\n  if os.fork() == 0: os.closerange(0, 3); time.sleep(30)\nprint('all')"


def places_to_try() -> list[str]:
    """Folders of this machine in which groups can be made, by hierarchy: two of version 1, or one of version 2; nothing where the machine
    has none for us."""
    lines = [line.split(":", 2) for line in Path("/proc/self/cgroup").read_text().splitlines()]
    first = [
        Path("/sys/fs/cgroup", name, path.lstrip("/"))
        for _, names, path in lines
        for name in names.split(",")
        if name in ("memory", "pids")
    ]
    second = [Path("/sys/fs/cgroup")] if Path("/sys/fs/cgroup/memory.max").exists() else []
    return [",".join(map(str, found)) for found in (first, second) if found and all(os.access(place, os.W_OK) for place in found)]


@pytest.fixture(params=places_to_try())
def place(request: pytest.FixtureRequest, settings: Any) -> Iterator[str]:
    """A setting that names folders of this test's own, in which groups can be made."""
    own = [Path(name) / f"sluice-test-{uuid.uuid4().hex[:8]}" for name in request.param.split(",")]
    for folder in own:
        folder.mkdir()
    groups._tried.cache_clear()
    settings.CGROUP = ",".join(map(str, own))
    yield settings.CGROUP
    groups._tried.cache_clear()
    for folder in own:
        for child in folder.iterdir():
            until(lambda child=child: not child.is_dir() or emptied(child), f"the last process of {child} to be gone")
        folder.rmdir()


def emptied(folder: Path) -> bool:
    try:
        folder.rmdir()
    except OSError as error:
        if error.errno not in (errno.EBUSY, errno.ENOENT):
            raise
        return error.errno == errno.ENOENT
    return True


def run(group: Group | None, script: str) -> subprocess.CompletedProcess[str]:
    command = entering(group, [sys.executable, "-c", script])
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_the_kernel_ends_what_takes_too_much_memory(place: str) -> None:
    group = Group.make(memory_mb=64, processes=20)
    assert group is not None
    done = run(group, HUNGRY)
    assert done.returncode != 0 and group.found().killed >= 1
    group.remove()
    assert group.found().killed >= 1  # known also when the group is gone
    excess = measures.Meter(os.getpid(), 0, None, None, beside_mb=10**6, group=group).told_by_the_kernel()
    assert excess and excess.code == "limit-memory" and excess.fix


def test_the_kernel_refuses_more_processes(place: str) -> None:
    group = Group.make(memory_mb=500, processes=20)
    assert group is not None
    try:
        done = run(group, FORKING)
        assert "all" not in done.stdout and "BlockingIOError" in done.stderr
        assert group.found().refused >= 1
    finally:
        for entrance in group.entrances:
            for pid in Path(entrance).read_text().split():
                os.kill(int(pid), 9)
        group.remove()
    excess = measures.Meter(os.getpid(), 0, None, None, beside_mb=10**6, group=group).told_by_the_kernel()
    assert excess and excess.code == "limit-processes"


def test_what_keeps_to_its_limits_is_not_disturbed(place: str) -> None:
    group = Group.make(memory_mb=200, processes=20)
    done = run(group, "import os; held = bytearray(50 * 2**20); print(len(open('/proc/self/cgroup').read()) > 0)")
    assert (done.returncode, done.stdout) == (0, "True\n")
    assert group is not None and group.found() == Found()
    folders = [Path(entrance).parent for entrance in group.entrances]
    assert all(folder.is_dir() for folder in folders)
    group.remove()
    assert not any(folder.exists() for folder in folders)


def test_groups_of_programs_that_died_are_removed(place: str) -> None:
    gone = subprocess.Popen(["/bin/true"])
    gone.wait()
    left = [Path(name) / f"{groups.PREFIX}{gone.pid}-1" for name in place.split(",")]
    for folder in left:
        folder.mkdir()
    assert groups.status().folders
    assert not any(folder.exists() for folder in left)


@pytest.mark.django_db(transaction=True)
def test_a_run_that_the_kernel_ended_is_told_as_such(
    place: str, queued: Any, work: Any, fake_executor: Path, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    script = f"import sys; sys.stdin.readline()\n{HUNGRY}"
    monkeypatch.setattr(launcher, "command", lambda arguments: [sys.executable, "-c", script])
    monkeypatch.setattr(measures, "use_of", lambda pid, most: measures.Use(1, 1, 0))  # nobody else looks
    settings.RUN_EXTRA_MEMORY_MB = settings.RUN_SHM_MB = 0
    run_of = queued()
    run_of.environment.compute.memory_mb = 100
    run_of.environment.compute.save()
    ended = work(run_of)
    assert (ended.state, ended.problem["code"]) == ("failed", "limit-memory")
    assert "100 MB" in ended.problem["message"]
    assert [child for name in place.split(",") for child in Path(name).iterdir() if child.is_dir()] == []


# --- where there is none ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("asked", "words"), [("off", "switched off"), ("/sys/nowhere", "No control group can be made")])
def test_without_groups_everything_starts_as_before_and_the_page_says_so(asked: str, words: str, settings: Any) -> None:
    settings.CGROUP = asked
    assert Group.make(memory_mb=64, processes=20) is None
    assert entering(None, ["a", "b"]) == ["a", "b"]
    assert words in groups.status().why
    assert ("Control groups", "not in force", groups.status().why) in measures.in_force()


def test_a_folder_that_limits_nothing_is_no_group(tmp_path: Path, settings: Any) -> None:
    settings.CGROUP = str(tmp_path)
    assert groups.status().folders == () and "limits nothing" in groups.status().why
    assert list(tmp_path.iterdir()) == []


def test_a_group_that_cannot_be_entered_starts_nothing(tmp_path: Path) -> None:
    group = Group([tmp_path / "not there"])
    done = subprocess.run(entering(group, ["/bin/echo", "started"]), capture_output=True, text=True, check=False)
    assert done.returncode == 125 and done.stdout == ""


def test_a_kernel_that_refuses_a_group_is_told(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    from portal.errors import PortalError

    def refuse(**limits: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Group, "make", refuse)
    with pytest.raises(PortalError) as refused:
        launcher._group(100)
    assert refused.value.code == "group-refused" and refused.value.fix


# --- version 2 ------------------------------------------------------------------------------------------------------------------


def kernel_folder(folder: Path, **files: str) -> Path:
    """A folder with files as the kernel has them."""
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)
    return folder


def test_version_2_is_limited_by_its_own_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "group"

    def made(folder: Path, **about: Any) -> None:
        if folder.is_dir():
            return
        os.mkdir(folder)
        kernel_folder(folder, memory__max="max", memory__swap__max="max", memory__oom__group="0", pids__max="max")

    monkeypatch.setattr(Path, "mkdir", made)
    group = Group.inside([own], memory_mb=64, processes=20)
    assert (own / "memory.max").read_text() == str(64 * 2**20)
    assert (own / "memory.swap.max").read_text() == "0" and (own / "memory.oom.group").read_text() == "1"
    assert (own / "pids.max").read_text() == str(20 + groups.SPARE_PROCESSES)
    (own / "memory.events").write_text("low 0\nhigh 0\nmax 7\noom 2\noom_kill 1\noom_group_kill 1\n")
    (own / "pids.events").write_text("max 3\n")
    assert group.found() == Found(killed=1, refused=3)


@pytest.mark.parametrize(("attribute", "is_ours"), [(b"1", True), (b"0", False), (None, False)])
def test_only_a_group_that_was_given_to_us_is_divided(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, attribute: bytes | None, is_ours: bool
) -> None:
    kernel_folder(tmp_path, cgroup__procs="", cgroup__subtree_control="", cgroup__type="domain")

    def getxattr(folder: Path, name: str) -> bytes:
        if attribute is None:
            raise OSError(errno.ENODATA, "none")
        return attribute

    monkeypatch.setattr(groups.os, "getxattr", getxattr)
    assert groups.is_ours(tmp_path) is is_ours


def dividable() -> list[Path]:
    """Roots of version 2 in which we may make a group, with a controller to hand down."""
    roots = [Path(line.split()[1]) for line in Path("/proc/self/mounts").read_text().splitlines() if " cgroup2 " in line]
    return [root for root in roots if os.access(root / "cgroup.procs", os.W_OK) and (root / "cgroup.controllers").read_text().split()]


@pytest.mark.parametrize("root", dividable())
def test_the_kernel_lets_a_group_be_divided_when_its_programs_have_moved(root: Path) -> None:
    """With whichever controller this machine has left for version 2: dividing is the same for all of them."""
    controller = (root / "cgroup.controllers").read_text().split()[0]
    is_handed_down = controller in (root / "cgroup.subtree_control").read_text().split()
    (root / "cgroup.subtree_control").write_text(f"+{controller}")
    own = root / f"sluice-test-{uuid.uuid4().hex[:8]}"
    own.mkdir()
    program = subprocess.Popen(["/bin/sleep", "60"])
    try:
        (own / "cgroup.procs").write_text(str(program.pid))
        groups.prepare(own, (controller,))
        assert (own / "cgroup.procs").read_text() == ""
        assert (own / groups.ALL_HERE / "cgroup.procs").read_text().split() == [str(program.pid)]
        (own / "of-a-run").mkdir()
        assert (own / "of-a-run" / f"{controller}.2MB.max").exists() or list((own / "of-a-run").glob(f"{controller}.*"))
        groups.prepare(own, (controller,))  # the next program does the same
    finally:
        program.kill()
        program.wait()
        for folder in (own / "of-a-run", own / groups.ALL_HERE, own):
            if folder.exists():
                folder.rmdir()
        if not is_handed_down:
            (root / "cgroup.subtree_control").write_text(f"-{controller}")
