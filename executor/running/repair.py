"""`python -m executor repair`: takes back what a run left half published that died while it published, and removes what runs left that
were killed before. Starts no Spark.

One JSON object {"lake", "roots", "connections", "run_id", "staged", "published"} on standard input; `staged`, which may be left out:
addresses for which that run had staged its outputs; `published`: whether it is known to have published, though its receipt may be gone. One
event in answer: `repaired`, with `open`: whether that run's exchange is still unfinished (somebody else publishes just now, or a file could
not be moved).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from executor.files import exchange, receipts
from executor.problems import Problem, ProblemError
from executor.stores.base import Store
from executor.stores.folder import FolderStore
from executor.stores.roots import NO_FOLDER, Roots


def repair(given: dict[str, Any], roots: Roots, tell: Callable[[str, int, int], None]) -> dict[str, Any]:
    """See above. Of the environment's own folder all unfinished exchanges are ended, not only that of the run. Raises ProblemError where
    a place cannot be reached now, once all others are in order."""
    run_id = str(given["run_id"])
    is_published = given.get("published") is True or receipts.read(roots.lake, run_id) is not None
    stores: dict[str, tuple[Store, list[str]]] = {"": (FolderStore(roots.lake), [])}
    left: list[Problem] = []
    for uri in given.get("staged", ()):
        try:
            root, place = roots.at(str(uri), "outputURI")
        except ProblemError as error:  # a root that is no longer there holds nothing that could be reached
            left += [problem for problem in error.problems if problem.code == NO_FOLDER]
            continue
        is_own = isinstance(root, FolderStore) and root.is_own
        stores.setdefault("" if is_own else root.name, (root, []))[1].append(place)
    for store, places in stores.values():
        store.clear_after(run_id, places, is_published=is_published)
    if left:
        raise ProblemError(left)
    return {"event": "repaired", "open": exchange.is_open(roots.lake, run_id)}
