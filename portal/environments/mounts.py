"""Folders of this machine as programs behind the wall see them."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass

FOLDERS = "/roots"
"""Where the folders of roots are seen."""
OF_FOLDERS = "folder "
"""How it begins where it is said in which storage a root lies, and that is a folder of this machine."""


@dataclass(frozen=True)
class Mount:
    """A folder that a program is to see as the root `name`. `device`, `inode`: by which it is known that it is still the same one."""

    name: str
    path: str
    writable: bool
    device: int
    inode: int

    @property
    def place(self) -> str:
        """Where a program sees it."""
        return f"{FOLDERS}/{self.name}"

    @property
    def is_there(self) -> bool:
        """Whether it lies still where it was found."""
        with suppress(OSError):
            there = os.lstat(self.path)
            return (there.st_dev, there.st_ino) == (self.device, self.inode)
        return False
