"""Files that an operator mounts, as containers' secrets are: a folder for each path, a file in it for each field."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, ClassVar

from django.conf import settings
from pydantic import AfterValidator

from executor.connections.base import LONGEST_SECRET
from portal.environments.backends.base import SecretBackend


def _not_ours(text: str) -> str:
    """Raises ValueError where Sluice's own keys and data lie in it, above it or below it."""
    folder, home = Path(text), settings.SLUICE_HOME.resolve()
    if not folder.is_absolute():
        raise ValueError("a folder begins with /")
    real = folder.resolve()
    if real.is_relative_to(home) or home.is_relative_to(real):
        raise ValueError("Sluice's own home is no place for secrets of environments, nor a folder that it lies in")
    return text


class Files(SecretBackend):
    """One secret is one file; the path itself where the field is empty. One line break at its end is not part of it."""

    kind: ClassVar[str] = "files"
    title: ClassVar[str] = "Files"

    folder: Annotated[str, AfterValidator(_not_ours)]

    def read(self, path: str, fields: Collection[str]) -> Mapping[str, str]:
        return {field: text for field in fields if (text := self._text(Path(self.folder, path, field))) is not None}

    def _text(self, file: Path) -> str | None:
        """None where there is no such file. A link must stay within the folder (mounted secrets are links)."""
        try:
            inside, real = Path(self.folder).resolve(strict=True), file.resolve(strict=True)
            if not real.is_relative_to(inside):
                raise self.failed("has a link there that leads out of its folder")
            return self._read(real).decode().removesuffix("\n").removesuffix("\r")
        except (FileNotFoundError, NotADirectoryError):
            return None
        except PermissionError:
            raise self.failed("does not let Sluice read what lies there") from None
        except OSError as error:
            raise self.failed(f"cannot be read ({error.strerror})") from None
        except UnicodeDecodeError:
            raise self.failed("has something there that is no text") from None

    def _read(self, real: Path) -> bytes:
        """A little more than a secret may have, so that one that is too long is noticed. What is looked at is what is read."""
        handle = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            self._require_private(real, os.fstat(handle))
            return os.read(handle, 4 * LONGEST_SECRET + 1)
        finally:
            os.close(handle)

    def _require_private(self, file: Path, about: os.stat_result) -> None:
        if not stat.S_ISREG(about.st_mode):
            raise self.failed("has no file there")
        if about.st_uid not in (0, os.geteuid()) or about.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise self.failed("has a file there that others may change")
        if about.st_mode & stat.S_IROTH and all(folder.stat().st_mode & stat.S_IXOTH for folder in file.parents):
            raise self.failed("has a file there that every user of this machine may read (its mode should be 0400)")
