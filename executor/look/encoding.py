"""Which encoding a text file has: its mark, its zero bytes, whether all of it is UTF-8, and else a library's guess."""

from __future__ import annotations

import codecs
import logging
import re
import time
from contextlib import suppress
from typing import get_args

from executor.files.encodings import UTF8_LETTER, Encoding, marked_encoding
from executor.look.opening import Opened, python_encoding
from executor.look.proposal import Found, Said

KNOWN = {codecs.lookup(python_encoding(name)).name: name for name in get_args(Encoding) if name != "UTF-8"}
MIXED = "some lines are UTF-8, and the others are not"
SHOWN = {
    "MacRoman": "Mac (Roman)",
    "windows-1252": "Windows-1252",
    "UTF-16LE": "UTF-16 (little end first)",
    "UTF-16BE": "UTF-16 (big end first)",
}


def encoding_of(file: Opened, seconds: float) -> Found:
    """The file's encoding; at most `seconds` are spent on looking whether all of it is UTF-8."""
    marked = marked_encoding(file.head)
    if marked:
        return found(marked, "the file's first bytes say so")
    zeros = looks_like_utf16(file.head)
    if zeros:
        return found(zeros, "every second byte is zero; the file has no mark", sure=True)
    utf8 = _as_utf8(file, seconds)
    return found("UTF-8", utf8) if isinstance(utf8, str) else _of_lines(utf8)


def _of_lines(strange: bytes) -> Found:
    """Of lines that are not all UTF-8: those that are say nothing of the others."""
    lines = strange.splitlines()
    others = [line for line in lines if not (UTF8_LETTER.search(line) and _is_utf8(line))]
    guess = _guess(b"\n".join(others) or strange)
    return found(str(guess.value), MIXED, sure=False) if 0 < len(others) < len(lines) else guess


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def found(name: str, words: str, *, sure: bool = True) -> Found:
    return Found(setting="encoding", value=name, shown=SHOWN.get(name, name), words=words, sure=sure)


def mixed_told(encoding: Found) -> list[Said]:
    """What to say of a file whose lines are not of one encoding."""
    if encoding.words != MIXED:
        return []
    message = f"Some lines of the file are UTF-8, the others {encoding.shown}: no reading is right for all. “ü” comes as “Ã¼” in the first."
    fix = "Save all of it in one encoding, and upload it again; or upload its parts as files of one folder."
    return [Said(code="look-encoding-mixed", message=message, fix=fix)]


def looks_like_utf16(head: bytes) -> str | None:
    """UTF-16 without a mark: text of this part of the world has a zero in every second byte."""
    part = head[:4000]
    even, odd = part[0::2].count(0), part[1::2].count(0)
    if len(part) < 4 or max(even, odd) < len(part) * 0.2 or min(even, odd) > max(even, odd) * 0.1:
        return None
    return "UTF-16BE" if even > odd else "UTF-16LE"


def is_utf32(head: bytes) -> bool:
    """Text whose signs take four bytes each: two of them are always zero."""
    bare = head.removeprefix(b"\xff\xfe\0\0").removeprefix(b"\0\0\xfe\xff")[:4000]
    part = bare[: len(bare) // 4 * 4]
    for zeros, name in ((part[2::4] + part[3::4], "utf-32-le"), (part[0::4] + part[1::4], "utf-32-be")):
        if len(part) >= 8 and not any(zeros):
            with suppress(UnicodeDecodeError):
                return bool(part.decode(name))
    return False


def _as_utf8(file: Opened, seconds: float) -> str | bytes:
    """Words on why it is UTF-8, or lines that are not."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    end = time.monotonic() + seconds
    before, is_plain = b"", True
    try:
        for block in file.blocks():
            decoder.decode(block)
            is_plain = is_plain and block.isascii()
            before = block
            if time.monotonic() > end:
                return "as far as it was looked at"
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        return _strange_lines(before[-2000:] + error.object)
    return "plain letters only" if is_plain else "all letters can be read"


def _strange_lines(block: bytes) -> bytes:
    """Lines with bytes beyond ASCII: only these tell encodings apart."""
    lines = [line for line in block.splitlines() if not line.isascii()]
    return b"\n".join(lines[:400])[:60_000] or block[:60_000]


def _guess(strange: bytes) -> Found:
    if _is_western(strange):
        return found("windows-1252", "letters as Windows of western Europe writes them", sure=_has_words(strange))
    if _is_of_mac(strange):
        return found("MacRoman", "letters as an old Mac, or Excel on one, writes them", sure=False)
    from charset_normalizer import from_bytes

    logging.getLogger("charset_normalizer").setLevel(logging.ERROR)
    best = from_bytes(strange, cp_isolation=list(KNOWN)).best()
    name = KNOWN.get(codecs.lookup(best.encoding).name) if best else None
    if name and strange.decode(best.encoding, "replace") == strange.decode("cp1252", "replace"):  # type: ignore[union-attr]
        return found("windows-1252", "its letters are the same in several encodings, of which this is the usual one", sure=False)
    if name is None:
        return found("windows-1252", "it is not UTF-8, and nothing fits better", sure=False)
    return found(name, "it is not UTF-8; this fits its letters best", sure=False)


def _is_western(strange: bytes) -> bool:
    """Whether nearly all bytes beyond ASCII are letters of western Europe among plain letters, or its signs, which stand within no word."""
    high = list(re.finditer(rb"[\x80-\xff]+", strange))
    if not high or re.search(rb"[\x81\x8d\x8f\x90\x9d]", strange):
        return False
    return sum(_is_western_run(strange, run) for run in high) >= 0.9 * len(high)


def _is_of_mac(strange: bytes) -> bool:
    """Whether nearly all bytes beyond ASCII within words are small letters of western Europe as a Mac wrote them."""
    within = re.findall(rb"(?<=[a-z])[\x80-\xff]{1,2}(?=[a-z])", strange)
    return bool(within) and sum(_is_small_mac(run) for run in within) >= 0.9 * len(within)


def _is_small_mac(run: bytes) -> bool:
    return all(sign in WESTERN_LETTERS and sign.islower() for sign in run.decode("mac_roman"))


WESTERN_LETTERS = "äöüßÄÖÜéèêëàâáçñóòôúùûíìîïåæøÅÆØÉÈÀÁÇÑÓÚÍãõ"
WESTERN_SIGNS = "€£§°´’‘“”„–—…«»®©²³½ªº¿¡"


def _is_western_run(strange: bytes, run: re.Match[bytes]) -> bool:
    """A letter such as the “ł” of Białystok would be a sign within a word."""
    text = run[0].decode("cp1252", "replace")
    letters = [sign for sign in text if sign in WESTERN_LETTERS]
    is_within = strange[run.start() - 1 : run.start()].isalpha() and strange[run.end() : run.end() + 1].isalpha()
    known = WESTERN_LETTERS + ("´’" if is_within else WESTERN_SIGNS)
    return len(letters) <= 2 and all(sign in known for sign in text)


def _has_words(strange: bytes) -> bool:
    """At least one such letter between plain letters, as in Müller."""
    return bool(re.search(rb"[A-Za-z][\xc0-\xff][a-z]", strange))
