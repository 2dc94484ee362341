"""A column that is not there, or there twice: what may have been meant, written as SQL takes it."""

from __future__ import annotations

import itertools
import re
import unicodedata
from typing import Any

from executor.plain import nearest
from executor.spark.facts import Context, Facts

PLAIN = re.compile(r"[A-Za-z_]\w*", re.ASCII)
MOST_LISTED = 20


def unknown_column(facts: Facts, columns: list[str]) -> dict[str, Any]:
    """The words for a column that Spark does not find. `columns`: those of the views that the query may read."""
    asked = parts(_first(facts, "objectName", "colName"))
    name, offered = ".".join(asked), [parts(one) for one in _listed(_first(facts, "proposal", "suggestion"))]
    known = list(dict.fromkeys([*(one[-1] for one in offered if one), *columns]))
    words: dict[str, Any] = {"code": "column-unknown", "found": name, "expected": _shown(offered, columns)}
    hidden = _written_otherwise(asked, known, facts.context)
    if hidden is not None:
        return words | _meant(name, hidden)
    joined = _joined(facts.context, known)
    if joined is not None:
        start, end, column = joined
        shown = facts.context.sql[start:end]
        message = f"There is no column “{name}” here: “{shown}” is read as more than one name."
        return words | {"message": message, "fix": f"Did you mean “{written(column)}”?", "edit": _change(start, end, written(column))}
    meant = _near(asked, offered, known)
    if meant is None:
        return words | {"message": f"There is no column “{name}” here.", "fix": "Check the name against the columns of the view."}
    ticks = " The back-ticks belong to it." if "`" in meant else ""
    at, fragment = facts.context.start, facts.context.fragment
    edit = _change(at, at + len(fragment), meant) if at is not None and parts(fragment) == asked else None
    return words | {"message": f"There is no column “{name}” here.", "fix": f"Did you mean “{meant}”?{ticks}", "edit": edit}


def _change(start: int, end: int, text: str) -> dict[str, Any]:
    return {"start": start, "end": end, "text": text, "says": f"Write {text}" if len(text) <= 40 else "Write this name"}


_RUN = re.compile(r"\w+(?:(?:[ \t]?[-./][ \t]?|[ \t])\w+)+")
"""Names with a hyphen, a point, a slash or a blank between them, as they may stand for one column: dep-delay, dep delay."""


def _joined(context: Context, known: list[str]) -> tuple[int, int, str] | None:
    """(start, end, column): the piece of the query around what Spark points to that is a column but for the signs between its words."""
    if context.start is None:
        return None
    columns = {_letters(column): column for column in known}
    line = context.sql.rfind("\n", 0, context.start) + 1
    run = next((one for one in _RUN.finditer(context.sql, line) if one.end() > context.start), None)
    if run is None or run.start() > context.start:
        return None
    pieces = list(re.finditer(r"\w+", run.group()))[:MOST_LISTED]
    at = context.start - run.start()
    behind = at + len(context.fragment)
    for first, last in itertools.combinations(range(len(pieces)), 2):
        start, end = pieces[first].start(), pieces[last].end()
        column = columns.get(_letters(run.group()[start:end])) if start < behind and end > at else None
        if column is not None and len(_letters(column)) > 1:
            return run.start() + start, run.start() + end, column
    return None


def _letters(name: str) -> str:
    """The name without the signs between its words."""
    return re.sub(r"[\W_]+", "", _bare(name))


def ambiguous_column(facts: Facts, columns: list[str]) -> dict[str, Any]:
    """The words for a name that more than one column has: of several views, or of one, where no view's name in front tells them apart."""
    name = facts.name("name")
    found = [".".join(parts(one)) for one in _listed(_first(facts, "referenceNames").strip("[]"))]
    if found and len({one.casefold() for one in found}) == 1:
        fix = "Rename one with AS where it is made, or do not select it twice."
        return {"code": "column-twice", "message": f"Two columns have the name “{name}”.", "found": name, "fix": fix}
    return {
        "code": "column-ambiguous",
        "message": f"“{name}” could mean more than one column.",
        "found": name,
        "expected": " or ".join(found),
        "fix": f"Write the view's name before it, as in “f.{name}”.",
    }


def cut_column(rest: str, asked: str, columns: list[str]) -> dict[str, Any] | None:
    """The words for what looks like the call of a function and is the beginning of a column's name, as in total (EUR). `rest`: the query
    from there on. None where it is no column."""
    column = _begun(rest, columns, len(asked))
    return {"code": "column-unknown", "found": asked, "expected": _shown([], columns)} | _meant(asked, column) if column else None


def _meant(asked: str, column: str) -> dict[str, Any]:
    ticks = written(column)
    return {
        "message": _message(asked, column),
        "fix": f"Write “{ticks}” in back-ticks, or give it a plain name in a stage before: “SELECT {ticks} AS {_plain(column)}”.",
    }


def _message(asked: str, column: str) -> str:
    if "." in column and asked.casefold().endswith(column.casefold()):
        return f"Without back-ticks, “{asked}” asks for a part of a column; there is “{column}” itself."
    return f"There is no column “{asked}”; there is “{column}”{_difference(asked, column)}."


def parts(name: str) -> list[str]:
    """`a`.`b.c` as [a, b.c]; a back-tick in a name is written twice."""
    found = re.findall(r"`((?:[^`]|``)*)`|([^`.]+)", name)
    return [quoted.replace("``", "`") if quoted or not bare else bare.strip() for quoted, bare in found]


def written(name: str) -> str:
    """The name as it stands in SQL: in back-ticks unless it is plain."""
    return name if PLAIN.fullmatch(name) else f"`{name.replace('`', '``')}`"


def _first(facts: Facts, *parameters: str) -> str:
    return next((facts.parameters[one].text for one in parameters if facts.parameters.get(one)), "")


def _listed(text: str) -> list[str]:
    """Spark's list of names, each in back-ticks or plain; a comma may stand in a name."""
    return [one.strip() for one in re.findall(r"(?:`(?:[^`]|``)*`|[^`,])+", text) if one.strip()]


def _shown(offered: list[list[str]], columns: list[str]) -> str | None:
    names = list(dict.fromkeys([*(".".join(one) for one in offered)] or columns))
    return ", ".join(names[:MOST_LISTED]) + (" …" if len(names) > MOST_LISTED else "") if names else None


def _written_otherwise(asked: list[str], known: list[str], context: Context) -> str | None:
    """The column that is meant, where it only cannot be written so: it differs by blanks, case or signs that are not seen, or Spark took a
    part of it for something else, as in a.b or per-cent."""
    endings = [".".join(asked[place:]) for place in range(len(asked))]
    for column in known:
        if column != asked[-1] and _bare(column) and _bare(column) in map(_bare, endings):
            return column
    return _begun(context.sql[context.start :], known, len(asked[-1])) if context.start is not None else None


def _begun(rest: str, columns: list[str], length: int) -> str | None:
    """The column that the query writes here without back-ticks, of which only `length` characters were read."""
    return next(
        (one for one in columns if not PLAIN.fullmatch(one) and len(one) > length and rest.casefold().startswith(one.casefold())), None
    )


def _bare(name: str) -> str:
    """The name without what is not seen: blanks around it, case, signs without width."""
    seen = "".join(sign for sign in unicodedata.normalize("NFKC", name) if unicodedata.category(sign) not in ("Cf", "Cc"))
    return seen.strip().casefold()


def _difference(asked: str, column: str) -> str:
    """In what the column is written otherwise, for the sentence that names both."""
    where = " and ".join(part for part, sign in (("before", column[0]), ("behind", column[-1])) if sign.isspace())
    if where:
        return f" with a blank {where}"
    if any(unicodedata.category(sign) in ("Cf", "Cc") for sign in column):
        return " with a sign that cannot be seen"
    return (
        ": without back-ticks only its beginning is read"
        if column.casefold().startswith(asked.casefold())
        else (" with another blank or in other letters")
    )


def _near(asked: list[str], offered: list[list[str]], known: list[str]) -> str | None:
    """The near column as SQL takes it, with the view's name where one was written."""
    near = nearest(asked[-1], known) if asked else None
    view = next((one[:-1] for one in offered if one[-1] == near), []) if len(asked) > 1 else []
    if near is None or [*view, near] == asked[-len(view) - 1 :]:  # the same name cannot be what was meant
        return None
    return ".".join([*map(written, view), written(near)])


def _plain(name: str) -> str:
    return re.sub(r"\W+", "_", _bare(name)).strip("_") or "name"
