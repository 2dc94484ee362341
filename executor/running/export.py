"""The rows of a view as a file to take home: CSV, Excel or Parquet, written here and said in pieces.

No cell can act as a formula where a spreadsheet opens it; no number loses a digit: what Excel cannot hold exactly is text there.
"""

from __future__ import annotations

import base64
import re
import shutil
from collections.abc import Callable, Iterator
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from executor.event_writer import EventWriter
from executor.events import Exported, Piece
from executor.language.quoting import name_in_sql
from executor.problems import Problem, ProblemError
from executor.running.cells import called
from executor.running.preview import Cancelled
from executor.stages.bytes_text import base64_text

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame
    from pyspark.sql.types import DataType

FORMS = ("csv", "xlsx", "parquet")
PIECE_BYTES = 192 * 1024
MOST_BYTES = 256 * 1024**2
MOST_ROWS = 10_000_000
EXCEL_ROWS, EXCEL_TEXT, EXCEL_DIGITS = 1_048_575, 32_767, 15
"""Rows below the names, characters of a cell and digits of a number that Excel keeps."""
EXCEL_SMALLEST, EXCEL_LARGEST = 2.2250738585072014e-308, 9.99999999999999e307
EXCEL_BEGINS = date(1900, 3, 1)
"""Before it Excel counts a day that never was."""
_CHECKED_EVERY = 1_000
ONE = {
    "texts have": "text has", "them": "it", "formulas": "a formula", "numbers stand": "number stands",
    "dates and times stand": "date or time stands", "texts were": "text was",
}  # fmt: skip
"""What notes on several say, and those on one."""
SIGNED = "{texts have} a ' before {them}: a spreadsheet would take {them} for {formulas}."
_RISKY = re.compile(r"^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_NUMBER = re.compile(r"^[+-]?\d+(?:[.,]\d+)*(?:[eE][+-]?\d+)?$")
_QUOTED = re.compile(r'[",;\t\r\n]|^\s|\s$')


def export(
    frame: DataFrame,
    *,
    form: str,
    rows: int,
    mark: bool,
    scratch: Path,
    emit: EventWriter,
    is_cancelled: Callable[[], bool],
    names: Any = None,
) -> Exported:
    """Says the first `rows` rows as `piece` events; gives what is to be said of them at the end. `mark`: CSV begins with a byte order
    mark. `names`: what the columns are called in it (`executor.running.cells.called`). Raises ProblemError."""
    kept = [field.name for field in frame.schema.fields if not field.metadata.get("internal")]
    frame = frame.select(*(name_in_sql(name) for name in kept)) if kept and len(set(kept)) == len(kept) else frame
    frame = frame.toDF(*called(names, frame.columns))
    say = _Sayer(emit)
    if form == "parquet":
        count, complete, notes = _parquet(frame, rows, scratch, say)
    elif form == "xlsx":
        count, complete, notes = _xlsx(frame, min(rows, EXCEL_ROWS), scratch, say, is_cancelled)
    else:
        count, complete, notes = _csv(frame, rows, mark, say, is_cancelled)
    say.flush()
    return Exported(rows=count, complete=complete, bytes=say.total, notes=notes)


class _Sayer:
    """Collects bytes and says them in pieces."""

    def __init__(self, emit: EventWriter) -> None:
        self._emit, self._waiting, self.total = emit, bytearray(), 0

    def __call__(self, data: bytes) -> None:
        self.total += len(data)
        if self.total > MOST_BYTES:
            raise ProblemError(
                Problem(
                    code="download-too-large",
                    message="The file would be too large for a download.",
                    found=f"more than {MOST_BYTES // 1024**2} MB",
                    fix="Choose fewer columns or rows, or write it with a load stage.",
                )
            )
        self._waiting += data
        while len(self._waiting) >= PIECE_BYTES:
            self._say(bytes(self._waiting[:PIECE_BYTES]))
            del self._waiting[:PIECE_BYTES]

    def flush(self) -> None:
        if self._waiting:
            self._say(bytes(self._waiting))
            self._waiting.clear()

    def _say(self, data: bytes) -> None:
        self._emit(Piece(data=base64.b64encode(data).decode()))

    def file(self, path: Path) -> None:
        with path.open("rb") as stream:
            while part := stream.read(PIECE_BYTES):
                self(part)


# --- rows ---------------------------------------------------------------------------------------------------------------


def _rows(frame: DataFrame, count: int, cell: Callable[[str, DataType], Column], is_cancelled: Callable[[], bool]) -> Iterator[list[Any]]:
    names = [f"c{index}" for index in range(len(frame.columns))]
    shapes = zip(names, frame.schema.fields, strict=True)
    plain = frame.toDF(*names).select(*(cell(name, field.dataType).alias(name) for name, field in shapes))
    for number, row in enumerate(plain.limit(count).toLocalIterator()):
        if number % _CHECKED_EVERY == 0 and is_cancelled():
            raise Cancelled
        yield list(row)


def let_go_by(frame: DataFrame, form: str, done: Exported) -> None:
    """What counts rows does not see those that were fetched bit by bit, as for CSV and Excel: they go by once more."""
    if form != "parquet":
        taken = frame if done.complete else frame.limit(done.rows)
        taken.write.format("noop").mode("overwrite").save()


def _as_text(name: str, kind: DataType) -> Column:
    from pyspark.sql import functions as F
    from pyspark.sql import types as T

    column = F.col(name)
    if isinstance(kind, T.BinaryType):
        return base64_text(column)
    if isinstance(kind, T.ArrayType | T.MapType | T.StructType | T.VariantType):
        return F.to_json(column, {"ignoreNullFields": "false"})
    return column.cast("string")


def _for_excel(name: str, kind: DataType) -> Column:
    """Numbers and booleans as they are, all else as text. A short float by its digits: as a double 0.1 would be 0.10000000149011612."""
    from pyspark.sql import functions as F
    from pyspark.sql import types as T

    if isinstance(kind, T.FloatType):
        return F.col(name).cast("string").cast("double")
    return F.col(name) if isinstance(kind, T.NumericType | T.BooleanType) else _as_text(name, kind)


def _is_number(kind: DataType) -> bool:
    from pyspark.sql import types as T

    return isinstance(kind, T.NumericType | T.BooleanType | T.DateType | T.TimestampType | T.TimestampNTZType)


def harmless(text: str) -> str:
    """Text that a spreadsheet would take for a formula, with a ' before it. Numbers stay numbers, negative ones too."""
    return f"'{text}" if _RISKY.match(text) and not _NUMBER.match(text) else text


# --- CSV ----------------------------------------------------------------------------------------------------------------


def _csv(frame: DataFrame, rows: int, mark: bool, say: _Sayer, is_cancelled: Callable[[], bool]) -> tuple[int, bool, list[str]]:
    guarded = [not _is_number(field.dataType) for field in frame.schema.fields]
    end = "\r\n" if mark else "\n"
    say(("\ufeff" if mark else "").encode() + (",".join(_cell(harmless(name)) for name in frame.columns) + end).encode())
    count, signed = 0, 0
    for cells in _rows(frame, rows + 1, _as_text, is_cancelled):
        if count == rows:
            return count, False, notes_of({SIGNED: signed})
        signed += sum(guard and cell is not None and harmless(cell) != cell for cell, guard in zip(cells, guarded, strict=True))
        texts = [_csv_cell(cell, guard) for cell, guard in zip(cells, guarded, strict=True)]
        line = ",".join(texts) if len(texts) > 1 else texts[0] or '""'  # an empty line would be skipped by readers
        say((line + end).encode("utf-8", "replace"))
        count += 1
    return count, True, notes_of({SIGNED: signed})


def notes_of(counted: dict[str, int]) -> list[str]:
    """What was written otherwise, with how often; the words in braces change with the number."""
    return [f"{count:,} {_of_one(what) if count == 1 else re.sub('[{}]', '', what)}" for what, count in counted.items() if count]


def _of_one(words: str) -> str:
    """The words, of which those in braces change with the number, about a single one."""
    return re.sub(r"\{([^}]*)\}", lambda found: ONE[found[1]], words)


def _csv_cell(value: str | None, guard: bool) -> str:
    if value is None:
        return ""
    return '""' if value == "" else _cell(harmless(value) if guard else value)


def _cell(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if _QUOTED.search(text) else text


# --- Excel --------------------------------------------------------------------------------------------------------------


def _xlsx(frame: DataFrame, rows: int, scratch: Path, say: _Sayer, is_cancelled: Callable[[], bool]) -> tuple[int, bool, list[str]]:
    import xlsxwriter

    path = scratch / "export.xlsx"
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "tmpdir": str(scratch)}
    book = xlsxwriter.Workbook(str(path), options)
    try:
        sheet = book.add_worksheet("Rows")
        sheet._xml_number_element = partial(_number_element, sheet)
        writer = _Sheet(sheet, book, [field.dataType for field in frame.schema.fields])
        sheet.freeze_panes(1, 0)
        for place, name in enumerate(frame.columns):
            sheet.write_string(0, place, harmless(name)[:EXCEL_TEXT], book.add_format({"bold": True}))
        count, complete = 0, True
        for cells in _rows(frame, rows + 1, _for_excel, is_cancelled):
            if count == rows:
                complete = False
                break
            count += 1
            writer.row(count, cells)
        book.close()
        say.file(path)
    finally:
        path.unlink(missing_ok=True)
    return count, complete, writer.notes()


def _number_element(sheet: Any, number: int | float | Decimal, attributes: list[tuple[str, Any]]) -> None:
    """A number with all its digits: xlsxwriter itself writes 16, of which 0.30000000000000004 would be 0.3."""
    about = "".join(f' {key}="{value}"' for key, value in attributes)
    sheet.fh.write(f"<c{about}><v>{repr(float(number)).removesuffix('.0')}</v></c>")


NOTES = (
    f"{{numbers stand}} as text: Excel keeps {EXCEL_DIGITS} digits of whole and decimal numbers, and no NaN or Infinity.",
    "{dates and times stand} as text: Excel has none before March 1900 and no microseconds.",
    SIGNED,
    f"{{texts were}} cut: a cell of Excel holds {EXCEL_TEXT:,} characters.",
)


class _Sheet:
    """Writes cells as what Excel can hold: exactly, or as text."""

    def __init__(self, sheet: Any, book: Any, kinds: list[DataType]) -> None:
        from pyspark.sql import types as T

        self.sheet, self.cut, self.as_text, self.odd_times, self.signed = sheet, 0, 0, 0, 0
        self._day, self._moment = book.add_format({"num_format": "yyyy-mm-dd"}), book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        self._days = [isinstance(kind, T.DateType) for kind in kinds]
        self._moments = [isinstance(kind, T.TimestampType | T.TimestampNTZType) for kind in kinds]

    def row(self, number: int, cells: list[Any]) -> None:
        for place, value in enumerate(cells):
            if value is not None:
                self._write(number, place, value)

    def _write(self, row: int, place: int, value: Any) -> None:
        if isinstance(value, bool):
            self.sheet.write_boolean(row, place, value)
        elif isinstance(value, int | float | Decimal):
            self._number(row, place, value)
        elif self._days[place] or self._moments[place]:
            self._when(row, place, value)
        else:
            text = harmless(str(value))
            self.signed += text != value
            self._text(row, place, text)

    def _number(self, row: int, place: int, value: int | float | Decimal) -> None:
        if is_exact_in_excel(value):
            self.sheet.write_number(row, place, value)
        else:
            self.as_text += 1
            self._text(row, place, _plain(value))

    def _when(self, row: int, place: int, text: str) -> None:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:  # years that Python does not count
            moment = datetime.min
        if moment.date() < EXCEL_BEGINS or moment.microsecond % 1000:
            self.odd_times += 1
            self._text(row, place, text)
        else:
            self.sheet.write_datetime(row, place, moment, self._day if self._days[place] else self._moment)

    def _text(self, row: int, place: int, text: str) -> None:
        short = cut_for_excel(text)
        self.cut += short != text
        text = short
        self.sheet.write_string(row, place, text)

    def notes(self) -> list[str]:
        return notes_of(dict(zip(NOTES, (self.as_text, self.odd_times, self.signed, self.cut), strict=True)))


def cut_for_excel(text: str) -> str:
    """As much of it as a cell holds, which counts signs beyond the first 65,536 (emoji) as two."""
    if len(text) <= EXCEL_TEXT // 2 or len(text.encode("utf-16-le", "surrogatepass")) // 2 <= EXCEL_TEXT:
        return text
    units = text.encode("utf-16-le", "surrogatepass")[: 2 * (EXCEL_TEXT - 1)]
    return units.decode("utf-16-le", "ignore") + "…"


def is_exact_in_excel(value: int | float | Decimal) -> bool:
    """Whether Excel holds it: any double within its bounds, fifteen digits of others."""
    if isinstance(value, float):
        return value == 0 or EXCEL_SMALLEST <= abs(value) <= EXCEL_LARGEST
    digits = Decimal(value).normalize().as_tuple().digits
    return len(digits) <= EXCEL_DIGITS and abs(value) < 10**EXCEL_DIGITS


def _plain(value: int | float | Decimal) -> str:
    """As the page and CSV show it."""
    if value != value or abs(value) == float("inf"):
        return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    return format(value, "f") if isinstance(value, Decimal) else str(value)


# --- Parquet ------------------------------------------------------------------------------------------------------------


def _parquet(frame: DataFrame, rows: int, scratch: Path, say: _Sayer) -> tuple[int, bool, list[str]]:
    import pyarrow.parquet

    folder = scratch / "export.parquet"
    shutil.rmtree(folder, ignore_errors=True)
    try:
        frame.limit(rows).coalesce(1).write.parquet(str(folder))
        file = next(folder.glob("part-*"))
        count = pyarrow.parquet.read_metadata(file).num_rows
        complete = count < rows or frame.limit(rows + 1).count() <= rows
        say.file(file)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return count, complete, []
