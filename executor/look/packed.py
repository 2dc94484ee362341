"""Zip archives and Excel workbooks: what is in them, and each part as a file of its own. Bounded in number, size and ratio."""

from __future__ import annotations

import csv
import re
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from datetime import time as clock
from decimal import Decimal
from pathlib import Path, PurePosixPath
from typing import IO, Any

from executor.files import lake
from executor.files.tree import is_leftover
from executor.language import file_names
from executor.look.opening import Opened
from executor.look.proposal import Found, Member, Proposal, Said
from executor.look.sheet_layout import layout_of
from executor.look.sheet_notes import Below, Errors, Units, left_out
from executor.problems import Problem, ProblemError

MOST_MEMBERS = 1_000
MOST_BYTES = 4_000_000_000
MOST_RATIO = 200
FREE_OF_RATIO = 10_000_000
OTHER_PROGRAMS = (
    ("xl/workbook.bin", "a binary Excel spreadsheet (.xlsb)"), ("word/document.xml", "a Word document (.docx)"),
    ("ppt/presentation.xml", "a PowerPoint presentation (.pptx)"),
    ("META-INF/manifest.xml", "an OpenDocument spreadsheet or text (.ods, .odt)"),
    ("Index/Document.iwa", "a Numbers or Pages file, no spreadsheet that others read"), ("META-INF/MANIFEST.MF", "a Java program"),
)  # fmt: skip
"""A file that such zips have, and what they are."""
ZIP = b"PK\x03\x04"
ARCHIVES = (b"Rar!", b"7z\xbc\xaf", b"\xfd7zXZ", b"BZh", b"\x28\xb5\x2f\xfd")
MOST_ROWS, MOST_COLUMNS = 1_048_576, 16_384
"""Of a sheet: Excel has no more. A row or column beyond is made up, and every one before it would be gone through."""
STRICT_SIGNS = 10_000
"""Bytes of a workbook's first part that say which form it is of."""
SECONDS = 540
Tell = Callable[[str, int, int], None]


def is_workbook(path: Path) -> bool:
    """Whether a zip is an Excel workbook."""
    try:
        with zipfile.ZipFile(path) as archive:
            return "xl/workbook.xml" in archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError):
        return False


def _begins_as_zip(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(len(ZIP)) == ZIP


def kind_of_zip(path: Path) -> str:
    """xlsx, zip, or words for a file of another program that is a zip inside."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError):
        return "zip"
    if "xl/workbook.xml" in names:
        return "xlsx"
    return next((words for part, words in OTHER_PROGRAMS if part in names), "zip")


def look_at_packed(file: Opened, uri: str) -> Proposal:
    """What is inside; it is read once it has been unpacked."""
    is_book = not file.is_gzip and is_workbook(file.path)
    kind = "Excel, each sheet a table" if is_book else "zip"
    found = [Found(setting="packed", value=True, shown=kind)]
    proposal = Proposal(uri=uri, format="xlsx" if is_book else "zip", bytes=file.bytes, found=found)
    try:
        proposal.members = _sheets(file.path) if is_book else [_member(info) for info in _infos(_archive(file.path))]
        said = "Its sheets become files of their own first." if is_book else "What is inside becomes files of their own first."
        proposal.problems = [Said(code="look-packed", message=said, fix="Unpack it, then look at one of them.")]
    except ProblemError as error:
        proposal.problems = [Said(code=problem.code, message=problem.message, fix=problem.fix) for problem in error.problems]
    return proposal


def unpack(
    lake_folder: Path, uri: str, to: str, tell: Tell, limits: dict[str, int] | None = None, copy: Path | None = None
) -> list[dict[str, Any]]:
    """Writes every part of `uri` into the folder `to` (made when it is not there): [{"uri", "name", "kind", "bytes", "rows"?, "notes"}].
    `copy`: of a file of another root.

    Raises ProblemError, and then nothing of it is left there.
    """
    limits = {"members": MOST_MEMBERS, "bytes": MOST_BYTES, **(limits or {})}
    path = copy or Path(lake.existing(lake_folder, uri, "uri"))
    folder = lake.resolve(lake_folder, to, "to")
    folder.mkdir(parents=True, exist_ok=True)
    work = _Unpacking(path, folder, to.strip("/"), tell, limits)
    try:
        return work.workbook() if is_workbook(path) else work.archive()
    except ProblemError:
        work.forget()
        raise
    except (zipfile.BadZipFile, EOFError, NotImplementedError, OSError, ValueError, LookupError, TypeError, ArithmeticError) as error:
        work.forget()
        if isinstance(error, OSError) and error.errno:
            raise
        raise _broken() from None


class _Unpacking:
    def __init__(self, path: Path, folder: Path, to: str, tell: Tell, limits: dict[str, int]) -> None:
        self.path, self.folder, self.to, self.tell, self.limits = path, folder, to, tell, limits
        self.written: list[Path] = []
        self.bytes = 0
        self.end = time.monotonic() + SECONDS

    def forget(self) -> None:
        for path in self.written:
            path.unlink(missing_ok=True)

    def archive(self) -> list[dict[str, Any]]:
        """The files of a zip."""
        archive, made = _archive(self.path), []
        infos = _infos(archive, self.limits["members"])
        whole = sum(info.file_size for info in infos)
        if whole > self.limits["bytes"]:
            raise _too_large(self.limits["bytes"])
        for info, name in zip(infos, _names_apart([info.filename for info in infos]), strict=True):
            target = self._free(name)
            with archive.open(info) as source:
                self._copy(source, info, target, whole)
            if is_workbook(target):
                made += self._sheets_of(target)
            elif _begins_as_zip(target) and kind_of_zip(target) == "zip":
                raise _nested(info.filename)
            elif target.stat().st_size:
                made.append(self._said(target, info.filename, "file"))
            else:
                self.written.remove(target)
                target.unlink()
        if not made:
            raise ProblemError(Problem(code="input-empty", message="All files in the archive are empty.", fix="Check how it was made."))
        return made

    def _sheets_of(self, book: Path) -> list[dict[str, Any]]:
        """The sheets of a workbook that lay in the archive, within the bounds of the archive."""
        inner = _Unpacking(book, self.folder, self.to, self.tell, self.limits)
        inner.written, inner.bytes, inner.end = self.written, self.bytes, self.end
        made = inner.workbook()
        self.bytes = inner.bytes
        self.written.remove(book)
        book.unlink()
        return [part | {"name": f"{book.name}: {part['name']}"} for part in made]

    def _copy(self, source: Any, info: zipfile.ZipInfo, target: Path, whole: int) -> None:
        with target.open("xb") as out:
            self.written.append(target)
            done = 0
            while part := source.read(1 << 20):
                if not done and part.startswith(ARCHIVES):
                    raise _nested(info.filename)
                done += len(part)
                self._count(len(part), whole)
                if done > FREE_OF_RATIO and done > MOST_RATIO * max(1, info.compress_size):
                    raise _bomb(info.filename)
                out.write(part)

    def _count(self, size: int, whole: int) -> None:
        self.bytes += size
        if self.bytes > self.limits["bytes"]:
            raise _too_large(self.limits["bytes"])
        if time.monotonic() > self.end:
            raise ProblemError(Problem(code="unpack-too-long", message="Unpacking took too long.", fix="Bring the parts one by one."))
        self.tell("unpacked", self.bytes, whole)

    def _free(self, wanted: str) -> Path:
        """A path of that name, as the lake can carry it, that nothing has yet."""
        name = file_names.safe(wanted)
        number, path = 1, self.folder / name
        while path.exists() or any(path.name.casefold() == other.name.casefold() for other in self.written):
            number += 1
            path = self.folder / file_names.numbered(name, number)
        return path

    def _said(self, path: Path, name: str, kind: str, **more: Any) -> dict[str, Any]:
        return {"uri": f"{self.to}/{path.name}", "name": name[-200:], "kind": kind, "bytes": path.stat().st_size, **more}

    def workbook(self) -> list[dict[str, Any]]:
        """Each sheet as CSV: UTF-8, comma, doubled quotes, days and times as ISO writes them, numbers with all their digits."""
        _check_workbook(self.path, self.limits["bytes"])
        _require_usual(self.path)
        with _opened_book(self.path) as book, _opened_book(self.path, values=False) as formulas:
            made = self._sheets(book, formulas)
        if not made:
            raise ProblemError(Problem(code="input-empty", message="All sheets are empty.", fix="Check the workbook."))
        return made

    def _sheets(self, book: Any, formulas: Any) -> list[dict[str, Any]]:
        made: list[dict[str, Any]] = []
        sheets, nothing = book.worksheets, 0
        if len(sheets) > self.limits["members"]:
            raise _too_many(self.limits["members"])
        stem = self.path.name.split(".")[0]
        for sheet in sheets:
            name = stem if len(sheets) == 1 else f"{stem}_{sheet.title}"
            rows, notes = self._sheet(sheet, formulas[sheet.title], name)
            if rows is None:
                nothing += 1
            else:
                made.append(self._said(self.written[-1], sheet.title, "sheet", rows=rows, notes=notes))
        if made and nothing:
            said = "1 sheet is empty and became no file" if nothing == 1 else f"{nothing:,} sheets are empty and became no files"
            made[0]["notes"].append(said)
        return made

    def _sheet(self, sheet: Any, formulas: Any, name: str) -> tuple[int | None, list[str]]:
        """(rows written, what should be known of them); None for a sheet without anything in it."""
        layout = layout_of(sheet, MOST_ROWS, MOST_COLUMNS, lambda: self._count(0, 0))
        if layout is None:
            raise _no_sheet(sheet.title)
        width, last = layout.width, layout.last
        if not last:
            return None, []
        path = self._free(re.sub(r"[./\\]", "_", name) + ".csv")
        rows, empty, without = 0, 0, 0
        below, errors, units = Below(), Errors(), Units()
        with path.open("x", encoding="utf-8", newline="") as out:
            self.written.append(path)
            writer = csv.writer(out, lineterminator="\n")
            for number, (row, others) in enumerate(zip(_rows(sheet), _rows(formulas), strict=False), 1):
                if number > last:
                    break
                layout.take(number, row)
                values = [_text(cell) for cell in row[:width]]
                without += sum(1 for cell, other in zip(row, others, strict=False) if cell.value is None and other.data_type == "f")
                errors.take(row)
                units.take(row)
                if not any(values):
                    empty += 1
                    below.take_empty()
                    continue
                values += [""] * (width - len(values))
                below.take(values, line=rows + 1)
                writer.writerow(values)
                self._count(sum(map(len, values)) + width, 0)
                rows += 1
        return rows, [*below.notes, *layout.notes(sheet.sheet_state), *errors.notes(), *units.notes(), *left_out(empty, without)]


def _rows(sheet: Any) -> Iterator[Any]:
    sheet.reset_dimensions()
    return iter(sheet.iter_rows())


def _text(cell: Any) -> str:
    """A cell as text, with nothing lost."""
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        has_clock = bool(re.search(r"[hs]", re.sub(r'"[^"]*"|\[[^\]]*\]', "", str(cell.number_format or "")), re.IGNORECASE))
        if not has_clock and (value.hour, value.minute, value.second, value.microsecond) == (0, 0, 0, 0):
            return value.date().isoformat()
        return value.isoformat(sep=" ")
    if isinstance(value, date | clock):
        return value.isoformat()
    if isinstance(value, timedelta):
        return _duration(value)
    shown = _number(value) if isinstance(value, float) else str(value)
    return _with_zeros(shown, str(cell.number_format or "")) if isinstance(value, int | float) else shown


def _with_zeros(digits: str, number_format: str) -> str:
    """The digits of a code as Excel shows them, where the format asks for zeros in front: 1234 as 00000 is 01234."""
    mask = re.sub(r"\[[^\]]*\]|[\\\"_]", "", number_format.split(";")[0]).strip()
    if not digits.isdigit() or not re.fullmatch(r"0[0\-/ ()]*0", mask):
        return digits
    left = list(digits.zfill(mask.count("0")))
    shown = [left.pop() if sign == "0" and left else sign for sign in reversed(mask)]
    return "".join([*left, *reversed(shown)])


def _number(value: float) -> str:
    """All digits that tell the number, without a power of ten where that is short enough to read."""
    plain = format(Decimal(repr(value)), "f")
    return plain if len(plain) <= 24 else repr(value)


def _duration(value: timedelta) -> str:
    seconds = int(value.total_seconds())
    return f"{'-' if seconds < 0 else ''}{abs(seconds) // 3600}:{abs(seconds) // 60 % 60:02}:{abs(seconds) % 60:02}"


@contextmanager
def _opened_book(path: Path, *, values: bool = True) -> Iterator[Any]:
    """The workbook; read as a stream, since by its name openpyxl would refuse one that is called otherwise."""
    with path.open("rb") as stream:
        book = _book(stream, values=values)
        try:
            yield book
        finally:
            book.close()


def _book(stream: IO[bytes], *, values: bool) -> Any:
    import warnings
    from xml.etree.ElementTree import ParseError

    import openpyxl
    from defusedxml.common import DefusedXmlException

    warnings.simplefilter("ignore")
    try:
        book = openpyxl.load_workbook(stream, read_only=True, data_only=values, keep_links=False)
        for sheet in book.worksheets:
            sheet._shared_strings = _Texts(sheet._shared_strings)
        return book
    except (ParseError, DefusedXmlException, KeyError, ValueError, TypeError, AttributeError, zipfile.BadZipFile):
        raise _broken() from None


class _Texts(list[str]):
    """The texts that cells name by number. There is none before the first, where Python would take the last one."""

    def __getitem__(self, number: Any) -> Any:
        if number < 0:
            raise IndexError(number)
        return super().__getitem__(number)


def _check_workbook(path: Path, most: int) -> None:
    """A workbook is a zip: its parts are bounded, too."""
    infos = _archive(path).infolist()
    if sum(info.file_size for info in infos) > most:
        raise _too_large(most)
    for info in infos:
        if info.file_size > FREE_OF_RATIO and info.file_size > 4 * MOST_RATIO * max(1, info.compress_size):
            raise _bomb(info.filename)


def _require_usual(path: Path) -> None:
    """Excel can save workbooks in a stricter form, with other words for all parts, which openpyxl takes for empty sheets."""
    with _archive(path) as archive, archive.open("xl/workbook.xml") as part:
        is_strict = b"purl.oclc.org/ooxml" in part.read(STRICT_SIGNS)
    if is_strict:
        message = "The workbook is saved as “Strict Open XML Spreadsheet”, which is not read."
        raise ProblemError(
            Problem(code="sheet-strict", message=message, fix="In Excel, save it as “Excel Workbook (.xlsx)”, and bring that.")
        )


def _sheets(path: Path) -> list[Member]:
    _check_workbook(path, MOST_BYTES)
    with _opened_book(path) as book:
        return [Member(name=sheet.title, kind="sheet" if sheet.sheet_state == "visible" else "hidden sheet") for sheet in book.worksheets]


def _archive(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError):
        raise _broken() from None


def _infos(archive: zipfile.ZipFile, most: int = MOST_MEMBERS) -> list[zipfile.ZipInfo]:
    """The files that count. Raises ProblemError for what is not unpacked at all."""
    found = [info for info in archive.infolist() if not info.is_dir() and not _is_noise(info)]
    if any(info.flag_bits & 0x1 for info in found):
        raise ProblemError(
            Problem(
                code="zip-encrypted", message="The archive needs a password.", fix="Unpack it on your machine, and bring what is inside."
            )
        )
    if len(found) > most:
        raise _too_many(most)
    if not found:
        raise ProblemError(Problem(code="input-empty", message="The archive is empty.", fix="Check how it was made."))
    return found


def _names_apart(paths: list[str]) -> list[str]:
    """What files are called outside of the archive: with the folders that tell those apart that have the same name there."""
    parts = [PurePosixPath(path.replace("\\", "/")).parts for path in paths]
    alike: dict[str, list[tuple[str, ...]]] = {}
    for one in parts:
        alike.setdefault(one[-1].lower(), []).append(one)
    names = []
    for one in parts:
        others, common = alike[one[-1].lower()], 0
        while len(others) > 1 and all(len(other) > common + 1 and other[common] == one[common] for other in others):
            common += 1
        names.append("_".join(one[common:]) if len(others) > 1 else one[-1])
    return names


def _is_noise(info: zipfile.ZipInfo) -> bool:
    """What systems put into archives beside the files, and links."""
    parts = PurePosixPath(info.filename.replace("\\", "/")).parts
    is_link = (info.external_attr >> 16) & 0o170000 == 0o120000
    return (
        is_link
        or any(part == "__MACOSX" or (part.startswith(".") and part not in (".", "..")) for part in parts)
        or any(map(is_leftover, parts[-1:]))
    )


def _member(info: zipfile.ZipInfo) -> Member:
    return Member(name=info.filename[-200:], kind="file", bytes=info.file_size)


def _broken() -> ProblemError:
    return ProblemError(Problem(code="zip-broken", message="The file is broken: it cannot be unpacked.", fix="Save or fetch it again."))


def _too_large(most: int) -> ProblemError:
    message = f"What is inside is larger than {most / 1_000_000_000:g} GB."
    return ProblemError(Problem(code="zip-too-large", message=message, fix="Bring the parts one by one."))


def _too_many(most: int) -> ProblemError:
    return ProblemError(Problem(code="zip-too-many", message=f"There are more than {most:,} parts in it.", fix="Bring fewer at a time."))


def _no_sheet(name: str) -> ProblemError:
    message = f"The sheet “{name[:100]}” says that it has more rows or columns than Excel can have."
    return ProblemError(Problem(code="sheet-too-large", message=message, fix="Save the workbook again with Excel, and bring that."))


def _bomb(name: str) -> ProblemError:
    message = f"“{name[-100:]}” would grow more than {MOST_RATIO} times; such files are made to fill a disk."
    return ProblemError(Problem(code="zip-ratio", message=message, fix="Unpack it on your machine, and bring what is inside."))


def _nested(name: str) -> ProblemError:
    message = f"“{name[-100:]}” is an archive itself."
    return ProblemError(Problem(code="zip-nested", message=message, fix="Unpack the outer one on your machine, and bring the inner one."))
