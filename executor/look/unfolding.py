"""Lists of objects inside JSON objects, each item of which can be a row: where such lists are, and the rows and columns they give."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from executor.look.proposal import Option, Question, Unfolded, UnfoldedColumn

DEEPEST, MOST = 3, 6
"""Objects around a list, and lists that are offered."""
Shape = dict[str, Any]
"""As `executor.look.jsons` makes them: {"type", "fields" of a struct, "items" of an array}."""


def lists_in(fields: Mapping[str, Shape], depth: int = 1) -> Iterator[tuple[str, ...]]:
    """The keys that lead to each list of objects, those of the outermost lists first."""
    structs = {}
    for name, shape in fields.items():
        items = shape.get("items") if shape["type"] == "array" else None
        if items and items["type"] == "struct" and items["fields"]:
            yield (name,)
        elif shape["type"] == "struct" and depth < DEEPEST:
            structs[name] = shape["fields"]
    for name, inner in structs.items():
        for path in lists_in(inner, depth + 1):
            yield (name, *path)


def words_of(path: tuple[str, ...]) -> str:
    """How settings and people call the list."""
    return "/".join(path)


def unfolded(fields: Mapping[str, Shape], path: tuple[str, ...], *, is_wrapper: bool) -> Unfolded:
    """The columns: what stands around the list, then what its items have. `is_wrapper`: there is one object, and it only holds the list."""
    columns: list[UnfoldedColumn] = []
    names: set[str] = set()

    def add(name: str, second: str, place: list[str], *, is_of_item: bool) -> None:
        number, free = 1, name if name.lower() not in names else second
        while free.lower() in names:
            number, free = number + 1, f"{second}_{number + 1}"
        names.add(free.lower())
        columns.append(UnfoldedColumn(name=free, place=place, is_of_item=is_of_item))

    inner: Mapping[str, Shape] = fields
    for depth, step in enumerate(path):
        for name in inner:
            if name != step:
                around = [*path[:depth], name]
                add("_".join(around), "_".join(around), around, is_of_item=False)
        inner = inner[step]["fields"] if depth < len(path) - 1 else inner[step]["items"]["fields"]
    for name in inner:
        add(name, f"{path[-1]}_{name}", [name], is_of_item=True)
    return Unfolded(path=list(path), columns=columns, keeps_empty=not is_wrapper)


def rows_of(record: dict[str, Any], how: Unfolded) -> Iterator[dict[str, Any]]:
    """The rows that a record gives, as the query of the stage makes them."""
    items = _at(record, how.path)
    if not isinstance(items, list) or not items:
        items = [None] if how.keeps_empty else []
    around = {column.name: _at(record, column.place) for column in how.columns if not column.is_of_item}
    inside = [column for column in how.columns if column.is_of_item]
    for item in items:
        yield around | {column.name: _at(item, column.place) for column in inside}


def _at(value: Any, place: list[str]) -> Any:
    """What stands at a place; keys that differ by case alone are one."""
    for step in place:
        if not isinstance(value, dict):
            return None
        value = value[step] if step in value else next((value[name] for name in value if name.lower() == step.lower()), None)
    return value


class Items:
    """How many items each list in the objects has, and how many objects have any."""

    def __init__(self) -> None:
        self.objects = 0
        self.items: Counter[tuple[str, ...]] = Counter()
        self.holders: Counter[tuple[str, ...]] = Counter()

    def take(self, record: Mapping[str, Any]) -> None:
        """One object."""
        self.objects += 1
        self._take(record, ())

    def _take(self, value: Mapping[str, Any], around: tuple[str, ...]) -> None:
        for name, inner in value.items():
            path = (*around, name.lower())
            if isinstance(inner, list) and inner:
                self.items[path] += len(inner)
                self.holders[path] += 1
            elif isinstance(inner, dict) and len(path) < DEEPEST:
                self._take(inner, path)

    def words(self, path: tuple[str, ...]) -> str:
        """What each item of the list would be as a row; an object without items is one, too, unless it is the only one."""
        key = tuple(name.lower() for name in path)
        items, without = self.items[key], self.objects - self.holders[key] if self.objects > 1 else 0
        if not without:
            return _rows(items)
        return f"{_rows(items + without)}: {_many(items, 'item')}, and {_many(without, 'object')} without any"


def _rows(count: int) -> str:
    return _many(count, "row")


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def question(lists: list[tuple[str, ...]], chosen: str, items: Items, *, is_cut: bool) -> Question:
    """What one row shall be. `is_cut`: there are more objects than were looked at."""
    of = f" of the first {_many(items.objects, 'object')}" if is_cut else ""
    options = [
        Option(
            label=f"Each item of “{words_of(path)[:60]}”",
            words=f"{items.words(path)}{of}; what stands around the list is repeated in each",
            settings={"rowsOf": words_of(path)},
            is_chosen=words_of(path) == chosen,
        )
        for path in lists[:MOST]
    ]
    whole = f"{_rows(items.objects)}{of}; lists stay lists"
    options.append(Option(label="The whole object", words=whole, settings={"rowsOf": ""}, is_chosen=not chosen))
    return Question(key="rowsOf", title="What is one row?", words="There are lists of objects inside.", options=options)
