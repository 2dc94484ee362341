"""Tables as the consoles of databases print them (psql, mysql, SQL*Plus, sqlcmd): dashes below the names, a count of rows at the end."""

from __future__ import annotations

import re
from collections.abc import Sequence

DASHES = "-=─═━"
_LINE = re.compile(rf"[\s|,;:+{DASHES}│┃┼├┤┌┬┐└┴┘╪╞╡╟╢║╔╗╚╝╭╮╰╯┏┳┓┡╇┩]+")
_ONE = re.compile(rf":?[{DASHES}]{{2,}}:?")
_UPRIGHT = re.compile(r"\s*(?:\*{3,} ?\d+\. row ?\*{3,}|-\[ RECORD \d+ \][-+]*)\s*")
"""How each row begins where its values stand below each other."""
COUNT = (
    r"^\s*(\(\d+ [^()]*\)|\d+ rows? (selected|in set|affected|returned|fetched)\b.*|\d+ record\(s\) selected\b.*|no rows selected.*"
    r"|(Elapsed|Time|Zeit|Temps)\s*: .*)\s*$"
)
"""What is printed behind the rows, as a pattern of Python and of Spark."""
FIX = (
    "Better export the table as CSV: psql --csv, mysql --batch, SET MARKUP CSV ON in SQL*Plus, sqlcmd with -s and -W, sqlite3 -csv; or "
    "from the program that you query with."
)


def is_ruler(cells: Sequence[str]) -> bool:
    """Whether the line holds nothing but dashes and what separates columns. `cells`: its values."""
    filled = [cell.strip() for cell in cells if cell.strip()]
    if len(filled) > 1 and all(map(_ONE.fullmatch, filled)):
        return True
    text = "|".join(filled)
    return bool(_LINE.fullmatch(text)) and any(len(run) > 2 for run in re.findall(rf"[{DASHES}]+", text))


def is_upright(cells: Sequence[str]) -> bool:
    """Whether the line begins a row whose values stand below each other."""
    return bool(_UPRIGHT.fullmatch("".join(cells)))
