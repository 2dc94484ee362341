"""Jobs in layers: which loop a wrong pipeline has, which layer each job is in, and where each box of the drawing stands. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

Dependencies = Mapping[str, Sequence[str]]
"""Job's name → names of the jobs it runs after."""

BOX_WIDTH, BOX_HEIGHT = 170, 42
COLUMN, ROW, MARGIN = 270, 56, 12
LETTERS = 21  # of a name that fit into a box


class Node(NamedTuple):
    """A job's box. x, y in SVG units; `name` whole, `shown` as far as it fits."""

    name: str
    shown: str
    x: int
    y: int

    @property
    def text_x(self) -> int:
        return self.x + 12

    @property
    def name_y(self) -> int:
        return self.y + 18

    @property
    def sub_y(self) -> int:
        return self.y + 33


class Drawing(NamedTuple):
    width: int
    height: int
    nodes: list[Node]
    edges: list[str]
    """SVG paths, one for each dependency."""


def loop_in(after: Dependencies) -> list[str] | None:
    """The first loop found, as names that each run after the next (a, b, a); None when there is none."""
    done: set[str] = set()
    for start in sorted(after):
        found = _walk(start, after, [], done)
        if found:
            return found
    return None


def all_before(after: Dependencies, name: str) -> set[str]:
    """The jobs that have ended before this one begins."""
    found: set[str] = set()
    waiting = list(after.get(name, ()))
    while waiting:
        if (one := waiting.pop()) not in found:
            found.add(one)
            waiting += after.get(one, ())
    return found


def _walk(name: str, after: Dependencies, way: list[str], done: set[str]) -> list[str] | None:
    if name in way:
        return [*way[way.index(name) :], name]
    if name in done:
        return None
    for before in after.get(name, ()):
        found = _walk(before, after, [*way, name], done)
        if found:
            return found
    done.add(name)
    return None


def layers_of(after: Dependencies) -> list[list[str]]:
    """Jobs by layer; a job stands one layer behind the last of those it runs after. Needs a pipeline without loops."""
    depth: dict[str, int] = {}

    def depth_of(name: str) -> int:
        if name not in depth:
            depth[name] = 1 + max((depth_of(before) for before in after.get(name, ())), default=-1)
        return depth[name]

    layers: list[list[str]] = []
    for name in sorted(after, key=lambda name: (depth_of(name), name)):
        while len(layers) <= depth[name]:
            layers.append([])
        layers[depth[name]].append(name)
    return layers


def longest_way(after: Dependencies, seconds: Mapping[str, float]) -> float:
    """Seconds that the slowest chain of jobs takes, from the first layer to the last: no run can be quicker."""
    until: dict[str, float] = {}
    for layer in layers_of(after):
        for name in layer:
            until[name] = seconds.get(name, 0.0) + max((until[before] for before in after[name]), default=0.0)
    return max(until.values(), default=0.0)


def drawing_of(after: Dependencies) -> Drawing:
    """Boxes and lines, layers from left to right, each layer centred."""
    layers = layers_of(after)
    tallest = max((len(layer) for layer in layers), default=0)
    height = 2 * MARGIN + max(tallest - 1, 0) * ROW + BOX_HEIGHT
    nodes: dict[str, Node] = {}
    for column, layer in enumerate(layers):
        ordered = sorted(layer, key=lambda name: (_middle(after[name], nodes), name))
        top = (height - (len(layer) - 1) * ROW - BOX_HEIGHT) // 2
        for row, name in enumerate(ordered):
            nodes[name] = Node(name, _clipped(name), MARGIN + column * COLUMN, top + row * ROW)
    edges = [_edge(nodes[before], nodes[name]) for name in nodes for before in after[name]]
    width = 2 * MARGIN + max(len(layers) - 1, 0) * COLUMN + BOX_WIDTH
    return Drawing(width, height, list(nodes.values()), edges)


def _middle(before: Sequence[str], nodes: Mapping[str, Node]) -> float:
    """Mean height of what a job runs after: keeps lines short and few of them crossed."""
    heights = [nodes[name].y for name in before if name in nodes]
    return sum(heights) / len(heights) if heights else 0.0


def _edge(start: Node, end: Node) -> str:
    x1, y1 = start.x + BOX_WIDTH, start.y + BOX_HEIGHT // 2
    x2, y2 = end.x, end.y + BOX_HEIGHT // 2
    bend = min(60, (x2 - x1) // 2)
    return f"M{x1} {y1} C{x1 + bend} {y1} {x2 - bend} {y2} {x2} {y2}"


def _clipped(name: str) -> str:
    return name if len(name) <= LETTERS else name[: LETTERS - 1] + "…"
