"""What would be started as an executor, and what it is started with; `portal.runs.launcher` makes it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from executor.connections.base import Endpoint
from portal.environments.mounts import Mount
from portal.runs.egress import Egress, Reached
from portal.runs.groups import Group
from portal.runs.sandbox import DEFAULT_MEMORY_MB
from portal.runs.scratch import Scratch


@dataclass(frozen=True)
class Equipment:
    """What an executor is started with beside its environment, and keeps to its end."""

    endpoints: tuple[Endpoint, ...] = ()
    """What it may reach on other machines."""
    connectors: tuple[str, ...] = ()
    """What its Spark can reach besides files: keys of `executor.spark.connectors.TITLES`, in order."""
    folders: tuple[Mount, ...] = ()
    """Folders of this machine that it sees as roots."""

    def covers(self, other: Equipment) -> bool:
        """Whether what is started with this has all that `other` asks for."""
        own = {(one.host, one.port): set(one.networks) for one in self.endpoints}
        places = [(own.get((one.host, one.port)), set(one.networks)) for one in other.endpoints]
        reaches = all(there is not None and networks <= there for there, networks in places)
        return reaches and set(other.connectors) <= set(self.connectors) and set(other.folders) <= set(self.folders)


@dataclass(frozen=True)
class Launch:
    """How to start one executor. `lake` is the data folder as the executor sees it."""

    argv: list[str]
    environment: dict[str, str]
    lake: str
    sandbox: str
    scratch: Scratch | None = None
    is_warm: bool = False
    """Started before there was a run for it."""
    data: Path | None = None
    """The data folder outside the wall."""
    folders: tuple[Mount, ...] = ()
    """Roots in folders of this machine, besides."""
    memory_mb: int = DEFAULT_MEMORY_MB
    """Spark's heap; 0 for a program without Spark."""
    writes: bool = False
    """Whether it may write into the data folder."""
    beside_mb: int = 0
    """Memory beside the heap."""
    group: Group | None = None
    """What the kernel holds to these limits, where it does."""
    egress: Egress | None = None
    """Its ways to other machines; None: no network."""
    source: int | None = None
    """A file from outside the wall, open to be read."""

    @property
    def written_folders(self) -> list[Path]:
        """The folders of roots that it may write in, outside the wall."""
        return [Path(one.path) for one in self.folders if one.writable]

    @property
    def descriptors(self) -> tuple[int, ...]:
        """Open files that the program is to inherit."""
        return (*((self.egress.descriptor,) if self.egress else ()), *((self.source,) if self.source is not None else ()))

    @property
    def reached(self) -> Reached:
        """What it could and did reach on other machines so far."""
        return self.egress.reached if self.egress else Reached()

    def started(self) -> None:
        """Call it as soon as the program runs."""
        if self.egress:
            self.egress.serve()

    def clear(self) -> None:
        """Removes what was made for this start; once every process of it is gone."""
        if self.source is not None:
            os.close(self.source)
        if self.egress:
            self.egress.close()
        if self.group:
            self.group.remove()
        if self.scratch:
            self.scratch.remove()
