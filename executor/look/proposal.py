"""What a look at a file answers: the file's form, its columns, what does not fit, what only a person can say. Descriptions only."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from executor.files.encodings import Encoding

FIRST_SIGNS = 2_000
"""Signs of one line of the file as it is."""


def short(text: str, most: int) -> str:
    """At most so many signs, and … where there are more."""
    return text if len(text) <= most else f"{text[:most]}…"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class ColumnChoice(_Part):
    """What a person says of one column, by its place from 0. None: as found. `decimal`: the sign before decimals, where the column may have
    another one than the file."""

    name: str | None = Field(default=None, max_length=128, pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,127}$")
    type: Literal["string", "boolean", "integer", "long", "double", "decimal", "date", "time", "timestamp"] | None = None
    decimal: Literal[".", ","] | None = None


class Settings(_Part):
    """How a file is read. None: to be found out. `columns` by place from 0 (as text, since JSON has no other keys)."""

    format: Literal["delimited", "json", "jsonl", "parquet"] | None = None
    encoding: Encoding | None = None
    separator: str | None = Field(default=None, min_length=1, max_length=1)
    quote: Literal['"', "'", ""] | None = None
    escape: Literal['"', "\\", ""] | None = None
    header: bool | None = None
    skip_lines: int | None = Field(default=None, alias="skipLines", ge=0, le=1000)
    skip_last_lines: int | None = Field(default=None, alias="skipLastLines", ge=0, le=1000)
    comment: str | None = Field(default=None, max_length=1)
    other_widths: Literal["stop", "pad", "drop", "fit", "reject", "keep"] | None = Field(default=None, alias="otherWidths")
    """As DelimitedExtract's field; keep: cells without a name get one (column_21)."""
    other_headers: Literal["stop", "fill"] | None = Field(default=None, alias="otherHeaders")
    """As DelimitedExtract's field."""
    other_separators: Literal["stop", "own"] | None = Field(default=None, alias="otherSeparators")
    """As DelimitedExtract's field."""
    fill_down: bool | None = Field(default=None, alias="fillDown")
    """Whether empty cells of columns that name groups get the value above them; None: nobody has said."""
    totals: Literal["keep", "leave-out"] | None = None
    """What becomes of rows that sum up others, under a name such as All in a column; None: nobody has said."""
    empty_rows: Literal["keep", "leave-out"] | None = Field(default=None, alias="emptyRows")
    """What becomes of rows without any value; None: they are left out."""
    backslashes: Literal["codes", "text"] | None = None
    """As DelimitedExtract's field; None: to be found out."""
    decimal: Literal[".", ","] | None = None
    day_first: bool | None = Field(default=None, alias="dayFirst")
    null_values: list[str] | None = Field(default=None, alias="nullValues", max_length=20)
    time_zone: str | None = Field(default=None, alias="timeZone", max_length=60)
    trim_names: bool | None = Field(default=None, alias="trimNames")
    rows_of: str | None = Field(default=None, alias="rowsOf", max_length=400)
    """Of JSON: the list whose items are the rows, its keys with / between them; empty: the objects themselves."""
    columns: dict[str, ColumnChoice] = {}


class Found(_Part):
    """One thing that was found. `shown` is the value for people, `words` why; not `sure`: a person should say."""

    setting: str
    value: Any = None
    shown: str
    words: str = ""
    sure: bool = True


class Fix(_Part):
    """A way out for one value: read it as `value` (None: as no value)."""

    label: str
    value: str | None = None


class Misfit(_Part):
    """A value that does not fit its column's type. `line` counts from 1 in the file (0: not known). `file`: of a folder, the one that it
    stands in, where it is not the one that is shown."""

    line: int
    file: str = ""
    column: str
    index: int
    value: str
    why: str
    fix: Fix | None = None


class ProposedColumn(_Part):
    """One column. `type` is a column of a typing schema (Arc's format); `fits` of `rows` values fit it, nulls counted as fitting."""

    index: int
    name: str
    raw_name: str
    type: dict[str, Any]
    words: str
    sure: bool = True
    rows: int
    fits: int
    nulls: int | None = None
    """None: not known."""
    distinct: int | None = None
    lowest: str | None = None
    highest: str | None = None
    range_words: str = ""
    samples: list[str] = []
    histogram: list[int] = []
    dropped: bool = False
    fixed: bool = False
    """Its type comes with the file and is not typed again."""
    is_of_folders: bool = False
    """The names of folders give it."""


class Option(_Part):
    """One answer to a question: what it is called, what it means, and the settings it stands for."""

    label: str
    words: str
    settings: dict[str, Any]
    is_chosen: bool = False


class Question(_Part):
    """What the file does not tell."""

    key: str
    title: str
    words: str
    options: list[Option]
    must_be_answered: bool = False
    """Whether each answer gives other numbers, and nothing in the file speaks for one of them."""


class Said(_Part):
    """Something wrong, in the words of a problem."""

    code: str
    message: str
    fix: str | None = None
    line: int | None = None


class UnfoldedColumn(_Part):
    """A column of unfolded rows: `place`, the keys that lead to it, from the list's item or from the whole object."""

    name: str
    place: list[str]
    is_of_item: bool


class Unfolded(_Part):
    """The list at `path` whose items are the rows. `keeps_empty`: an object without items is a row, too."""

    path: list[str]
    columns: list[UnfoldedColumn]
    keeps_empty: bool

    def item_name(self) -> str:
        """What a query calls an item: not as a column around the list is called."""
        around = {self.path[0].lower(), *(column.place[0].lower() for column in self.columns if not column.is_of_item)}
        return next(name for name in ("item", "list_item", *(f"item_{number}" for number in range(2, 9_999))) if name not in around)


class Member(_Part):
    """One part of a packed file: a sheet, or a file in a zip."""

    name: str
    kind: str
    bytes: int | None = None
    rows: int | None = None


class TotalRows(_Part):
    """Rows that say one of `words` in the column at the place `index`."""

    index: int
    words: list[str]


class Cut(_Part):
    """One column of a text of fixed width: its name, the sign it begins with (from 1, as SQL counts), and how many it has (None: to the
    end of the line)."""

    name: str
    begin: int
    length: int | None = None


class Proposal(_Part):
    """The answer. `rows` None: not counted. `rows_judged` rows were looked at value by value, the first ones of the file."""

    uri: str
    format: Literal["delimited", "json", "jsonl", "parquet", "xlsx", "zip", "empty", "unknown"]
    packed: Literal["", "gzip"] = ""
    bytes: int = 0
    unpacked_bytes: int | None = None
    rows: int | None = None
    rows_judged: int = 0
    rows_fit: int | None = None
    files: int = 1
    """Files of a folder; `rows` are those of the one that is shown, while first rows of the others are judged, too."""
    seconds: float = 0
    settings: Settings = Settings()
    found: list[Found] = []
    header_width: int | None = None
    header: list[str] = []
    """The cells of the line that holds the names, as written."""
    is_end_chosen: bool = False
    """A person has said how many rows at the end are none."""
    last_rows_hold: list[str] = []
    """A word of each row that is left out at the end."""
    header_line: int = 0
    """The line that holds the names, 0 when there is none."""
    widths: dict[int, int] = {}
    columns: list[ProposedColumn] = []
    misfits: list[Misfit] = []
    misfits_total: int = 0
    first_rows: list[list[Any]] = []
    first_lines: list[str] = []
    first_lines_are_all: bool = False
    """The whole file is shown, each line to its end."""
    questions: list[Question] = []
    problems: list[Said] = []
    members: list[Member] = []
    multi_line: bool = False
    unfolded: Unfolded | None = None
    groups: list[int] = []
    """Places of columns that name a group in its first row only."""
    total_rows: list[TotalRows] = []
    strange_files: list[str] = []
    """Files of the folder that a run cannot read as part of the table."""
    cuts: list[Cut] = []
    """Of a text whose columns nothing separates: each line is read as one text, which a query cuts here."""
    empty_rows: int = 0
    """Rows without any value, among those that were looked at."""
    no_rows: list[str] = []
    """Lines that are no rows of it, as the console of a database prints them; its count of rows is none either."""
