"""What lies in a root that is no folder of this machine, as a program behind the wall saw it a moment ago. It answers what lists and pages
of tables ask of a `Lake`."""

from __future__ import annotations

import posixpath
import stat
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from asgiref.sync import async_to_sync
from django.db import close_old_connections
from pydantic import BaseModel, ValidationError

from executor.files import tree
from executor.files.delta_log import LOG, latest_in
from executor.language.roots import Located
from portal.data.elsewhere import UNKNOWN
from portal.data.lake import Entry
from portal.environments.models import Environment
from portal.environments.reach import storages_of
from portal.errors import PortalError
from portal.runs import preview_client
from portal.runs.file_programs import NOBODY
from portal.runs.problems import problem_of

SECONDS = 10.0
"""How long it is good for: a page asks for it several times."""
REFUSED_SECONDS = 120.0
"""How long a root that does not answer, or holds too much, is not asked again as a whole: each time takes long."""
REMEMBERED = 50
_File = tuple[str, int, float]
"""(place, bytes, seconds since 1970)"""
_Key = tuple[int, str, str, str]
_known: OrderedDict[_Key, tuple[float, Seen | PortalError]] = OrderedDict()
_asking: dict[_Key, Future[Seen | PortalError]] = {}
_beside = ThreadPoolExecutor(4, thread_name_prefix="roots")
_lock = threading.Lock()


class _Walked(BaseModel):
    files: list[_File]
    outputs: list[str]
    logs: list[_File]


class Seen:
    """`files` as readers see them, and `logs` of Delta tables; `outputs`: places that jobs have published."""

    def __init__(self, files: list[_File], outputs: list[str], logs: list[_File]) -> None:
        self.left_out: set[str] = set()
        self._files, self._outputs, self._logs = files, outputs, logs

    def walk(self) -> Seen:
        return self

    def __iter__(self) -> Iterator[tree.Entry]:
        """As `tree.Walk` gives what lies in a folder."""
        named: set[str] = set()
        for place in self._outputs:
            yield from self._folders(f"{place}/_SUCCESS", named)
            yield _file(f"{place}/_SUCCESS", 0, 0.0)
        for place, _, modified in self._logs:
            log = f"{place.partition(f'/{LOG}/')[0]}/{LOG}"
            yield from self._folders(log, named)
            if log not in named:
                named.add(log)
                yield _folder(log, self.log_ns(posixpath.dirname(log)) or int(modified * 1e9))
        for place, size, modified in self._files:
            yield from self._folders(place, named)
            yield _file(place, size, modified)

    def _folders(self, place: str, named: set[str]) -> Iterator[tree.Entry]:
        parts = place.split("/")[:-1]
        for path in ("/".join(parts[:count]) for count in range(1, len(parts) + 1)):
            if path not in named:
                named.add(path)
                yield _folder(path, 0)

    def find(self, place: str) -> Entry | None:
        for one, size, modified in self._files:
            if one == place:
                return Entry(place, False, size, int(modified * 1e9))
        inside = [one for one, _, _ in (*self._files, *self._logs) if one.startswith(f"{place}/")]
        return Entry(place, True, 0, 0) if inside or place in self._outputs else None

    def files_in(self, place: str) -> list[tree.Entry]:
        """By their paths from the folder, as `Lake.files_in` does."""
        begins = f"{place}/"
        return [_file(one.removeprefix(begins), size, modified) for one, size, modified in self._files if one.startswith(begins)]

    def log_ns(self, place: str) -> int:
        times = [modified for one, _, modified in self._logs if one.startswith(f"{place}/{LOG}/")]
        return int(max(times) * 1e9) if times else 0

    def log_version(self, place: str) -> int | None:
        """As `Lake.log_version`."""
        begins = f"{place}/{LOG}/"
        return latest_in(one.removeprefix(begins) for one, _, _ in self._logs if one.startswith(begins))


def seen(environment: Environment, root: str, below: str = "", patience: float | None = None) -> Seen:
    """`below`: a place in the root, of which alone it is wanted; else all of it. `patience`: how many seconds somebody waits for it; what
    comes later is there for whoever asks next. Raises PortalError where the root cannot be asked, does not answer in that time, or holds
    more than anybody could look through."""
    key = environment.pk, root, storages_of(environment).get(root, ""), below
    with _lock:
        until, known = _known.get(key, (0.0, None))
    if known is None or time.monotonic() > until:
        known = _told(key, environment, root, below) if patience is None else _told_within(patience, key, environment, root, below)
    if isinstance(known, PortalError):
        raise PortalError(known.message, code=known.code, status=known.status, fix=known.fix)
    return known


def _told(key: _Key, environment: Environment, root: str, below: str) -> Seen | PortalError:
    known = _asked(environment, root, below)
    with _lock:
        _known[key] = time.monotonic() + _lasting(known, below), known
        while len(_known) > REMEMBERED:
            _known.popitem(last=False)
    return known


def _told_within(seconds: float, key: _Key, environment: Environment, root: str, below: str) -> Seen | PortalError:
    """A root is asked once, however many wait for it."""
    with _lock:
        asked = _asking.get(key)
        if asked is None:
            asked = _asking[key] = _beside.submit(_told_beside, key, environment, root, below)
    try:
        return asked.result(seconds)
    except TimeoutError:
        words = f"The root “{root}” has not answered yet."
        fix = "What jobs publish there is listed all the same; load the page again for the rest."
        return PortalError(words, code="root-silent", status=503, fix=fix)


def _told_beside(key: _Key, environment: Environment, root: str, below: str) -> Seen | PortalError:
    close_old_connections()
    try:
        return _told(key, environment, root, below)
    finally:
        close_old_connections()
        with _lock:
            _asking.pop(key, None)


def _lasting(found: Seen | PortalError, below: str) -> float:
    is_refused = isinstance(found, PortalError) and found.code not in (*UNKNOWN, "look-busy")
    return REFUSED_SECONDS if is_refused and not below else SECONDS


def _asked(environment: Environment, root: str, below: str) -> Seen | PortalError:
    try:
        return _ask(environment, root, below)
    except PortalError as error:
        return error


def forget(environment: Environment) -> None:
    """Something was changed there."""
    with _lock:
        for key in [key for key in _known if key[0] == environment.pk]:
            del _known[key]


def _ask(environment: Environment, root: str, below: str) -> Seen:
    values = {"uri": str(Located(root, below)) if below else "", "root": root, "place": below}
    event = async_to_sync(preview_client.answer_over_files)("walk", user=NOBODY, environment=environment.pk, values=values)
    if isinstance(event.get("problem"), dict):
        problem = problem_of(event["problem"])
        raise PortalError(problem.message, code=problem.code, status=503, fix=problem.fix)
    try:
        walked = _Walked.model_validate(event)
    except ValidationError:
        raise PortalError("The program that lists files gave no answer.", code="no-answer", status=503, fix="Try again.") from None
    return Seen(walked.files, walked.outputs, walked.logs)


def _file(path: str, size: int, modified: float) -> tree.Entry:
    return tree.Entry(path, tree.FILE, size, int(modified * 1e9), stat.S_IFREG)


def _folder(path: str, modified_ns: int) -> tree.Entry:
    return tree.Entry(path, tree.FOLDER, 0, modified_ns, stat.S_IFDIR)
