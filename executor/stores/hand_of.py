"""How people change files and folders of a root, whichever store it is."""

from __future__ import annotations

from executor.problems import Problem, ProblemError
from executor.stores.base import Store
from executor.stores.by_hand import ByHand
from executor.stores.folder import FolderStore
from executor.stores.folder_by_hand import FolderByHand
from executor.stores.s3 import S3Store


def hand_of(root: Store) -> ByHand | FolderByHand:
    """Raises ProblemError for the environment's own folder."""
    if isinstance(root, S3Store):
        return ByHand(root.bucket)
    if isinstance(root, FolderStore) and not root.is_own:
        return FolderByHand(root)
    raise ProblemError(Problem(code="root-is-here", message="This root is the environment's own folder, which the portal looks at itself."))
