"""What is taken out of logs, events and errors: the values of secrets in every form in which programs print them."""

from __future__ import annotations

import base64
import html
import json
import random
import time
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest

from portal.runs.redaction import MASK, SHORTEST, Redactor

PEM = "-----BEGIN THING-----\nMIIc4naryLine0123456789+/abcdefghijklmnop\nAbCdEfGhIjKlMnOpQrStUv==\n-----END THING-----"
SECRETS = {
    "a plain one": "xK7vQ2mZ9pLw4RtY",
    "signs that are escaped": 'p&s\'s "wörd" <x>/%+~ü\t!',
    "the shortest": "12345678",
    "one letter": "aaaaaaaaaaaa",
    "an address": "jdbc:thing://ana:Tr0ub4dor&3@db.example.org:5432/shop?a=b",
    "another alphabet": "пароль-секрет",
    "a key of several lines": PEM,
}


def _shifted(raw: bytes, before: int) -> str:
    return base64.b64encode(b"x" * before + raw + b"yz").decode()


def _go(text: str) -> str:
    return json.dumps(text)[1:-1].replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


ENCODINGS: dict[str, Callable[[str], str]] = {
    "as it is": lambda text: text,
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 without padding": lambda text: base64.b64encode(text.encode()).decode().rstrip("="),
    "base64 for addresses": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "base64, one byte in": lambda text: _shifted(text.encode(), 1),
    "base64, two bytes in": lambda text: _shifted(text.encode(), 2),
    "base64 for addresses, two bytes in": lambda text: _shifted(text.encode(), 2).translate({43: "-", 47: "_"}),
    "basic authentication": lambda text: base64.b64encode(f"u:{text}".encode()).decode(),
    "percent": lambda text: quote(text, safe=""),
    "percent, lower hex": lambda text: "".join(f"%{byte:02x}" if chr(byte) not in SAFE else chr(byte) for byte in text.encode()),
    "a form, + for blanks": quote_plus,
    "percent, path": quote,
    "encodeURIComponent": lambda text: quote(text, safe="!'()*"),
    "percent, one byte a letter": lambda text: quote(text.encode("latin-1", "replace"), safe=""),
    "JSON": lambda text: json.dumps(text)[1:-1],
    "JSON, letters as they are": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "JSON of Java": lambda text: "".join(f"\\u{ord(sign):04X}" if ord(sign) > 126 else json.dumps(sign)[1:-1] for sign in text),
    "JSON, slashes escaped": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "JSON for pages": _go,
    "JSON in JSON": lambda text: json.dumps(json.dumps(text))[3:-3],
    "HTML": html.escape,
    "HTML, numbers": lambda text: html.escape(text).replace("&quot;", "&#34;").replace("&#x27;", "&#39;"),
    "hex": lambda text: text.encode().hex(),
    "HEX": lambda text: text.encode().hex().upper(),
    "Python": lambda text: repr(text)[1:-1],
    "bytes of Python": lambda text: repr(text.encode())[2:-1],
    "SQL": lambda text: text.replace("'", "''"),
}
SAFE = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-~"


def _beside(encoding: str) -> int:
    """Signs of base64 that tell of what stands beside the secret, too, and stay."""
    return 7 if "bytes in" in encoding or "byte in" in encoding or "basic" in encoding else 0


def _cannot_be(secret: str, encoding: str) -> bool:
    return encoding == "percent, one byte a letter" and secret == SECRETS["another alphabet"]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("kind", SECRETS)
def test_a_secret_is_hidden_in_every_form(kind: str, encoding: str) -> None:
    secret = SECRETS[kind]
    if _cannot_be(secret, encoding):
        return
    told = ENCODINGS[encoding](secret)
    left = Redactor(SECRETS.values())(f"before: {told} :after")
    assert left.startswith("before: ") and left.endswith(" :after") and MASK in left
    assert max(len(part) for part in left[8:-7].split(MASK)) <= _beside(encoding), left


@pytest.mark.parametrize("encoding", ["as it is", "base64", "base64, two bytes in", "percent", "JSON", "HTML", "hex"])
@pytest.mark.parametrize("kind", ["signs that are escaped", "an address"])
def test_a_secret_that_is_cut_in_two_is_hidden_wherever_the_cut_is(kind: str, encoding: str) -> None:
    """Only less than SHORTEST characters of it are left, as they could not be told from ordinary text."""
    told, redact = ENCODINGS[encoding](SECRETS[kind]), Redactor(SECRETS.values())
    for place in range(1, len(told)):
        pieces = f"before: {told[:place]}", f"{told[place:]} :after"
        together = f"{pieces[0]}\n{pieces[1]}"
        for left in (*map(redact, pieces), *redact(together).split("\n"), redact(f"{pieces[0]}… (1,234 more characters are not kept)")):
            rest = left.removeprefix("before: ").removesuffix(" :after").removesuffix("… (1,234 more characters are not kept)")
            assert max(len(part) for part in rest.split(MASK)) < SHORTEST + _beside(encoding), (place, left)


@pytest.mark.parametrize("dots", ["…", "..."])
@pytest.mark.parametrize("encoding", ["as it is", "base64", "percent", "JSON"])
@pytest.mark.parametrize("kind", SECRETS)
def test_a_secret_that_a_sentence_quotes_in_part_is_hidden_wherever_it_is_cut(kind: str, encoding: str, dots: str) -> None:
    """Programs quote the first or last characters of a value, and say with dots that there are more."""
    told, redact = ENCODINGS[encoding](SECRETS[kind]), Redactor(SECRETS.values())
    pieces = {told[start : start + SHORTEST] for start in range(len(told) - SHORTEST + 1)}
    for place in range(SHORTEST, len(told) - SHORTEST + 1):
        for part in (f"{told[:place]}{dots}", f"{dots}{told[place:]}"):
            for left, right in (("“", "”"), ("'", "'"), ("", "")):
                said = redact(f"The value {left}{part}{right} is none.")
                assert said.startswith("The value ") and said.endswith(" is none.") and MASK in said
                assert not [piece for piece in pieces if piece in said], (place, said)


@pytest.mark.parametrize("width", [64, 76])
def test_lines_out_of_the_middle_of_a_long_key_are_hidden(width: int) -> None:
    """base64 is printed in lines of 64 or 76 characters, each of which may be a line of the log."""
    letters = base64.b64encode(random.Random(4).randbytes(960)).decode()
    key = "-----BEGIN KEY-----\n" + "\n".join(letters[start : start + 64] for start in range(0, len(letters), 64))
    told, redact = base64.b64encode(key.encode()).decode(), Redactor([key])
    lines = [told[start : start + width] for start in range(0, len(told), width)]
    for line in lines[:-1]:
        assert redact(line) == MASK and redact(f"  {line}") == f"  {MASK}" and redact(f"key: {line}") == f"key: {MASK}"
    assert redact("\n".join(lines[:-1])) == "\n".join([MASK] * (len(lines) - 1))
    assert redact("\\n".join(lines[:-1])) == "\\n".join([MASK] * (len(lines) - 1))
    assert redact(key) == MASK and redact(key.replace("\n", "")) == MASK and redact(key.replace("\n", "\r\n")) == MASK
    assert redact(f"half of it: {key[: len(key) * 2 // 3]}… and so on") == f"half of it: {MASK}… and so on"


@pytest.mark.parametrize(
    ("secrets", "said", "left"),
    [
        (["abcdefgh12", "gh12345678"], "x abcdefgh12345678 y", f"x {MASK} y"),  # overlapping
        (["correct-horse", "correct-horse-battery"], "x correct-horse-battery correct-horse y", f"x {MASK} {MASK} y"),  # one in another
        (["battery-staple", "horse-battery-staple-1"], "horse-battery-staple-1", MASK),
        (["abcabcabc"], "abcabcabcabc!", f"{MASK}!"),  # it overlaps itself
        (["first-one", "second-one"], "first-onesecond-one", MASK),
        (["•••••••••"], "•••••••••", MASK),
        (["database"], "the database answers", f"the {MASK} answers"),  # a common word: said in docs/decisions/secrets.md
        (["Database"], "the database answers", "the database answers"),
        (["12345678"], "row 12345 of 123456789", f"row 12345 of {MASK}9"),
    ],
)
def test_secrets_that_share_signs(secrets: list[str], said: str, left: str) -> None:
    assert Redactor(secrets)(said) == left


def test_ordinary_text_stays_as_it_is() -> None:
    redact = Redactor(SECRETS.values())
    for text in (
        "",
        "a",
        "SELECT a FROM b -- 7,623 rows",
        "jdbc",
        "shop",
        "aaaaa",
        "the user ana asks db.example.org for shop",
        "\n\n",
        "é" * 50,
    ):
        assert redact(text) == text
        assert redact.json({text: [text, 1, None, 2.5, True]}) == {text: [text, 1, None, 2.5, True]}


def test_what_only_looks_like_a_credential_is_hidden_without_any_secret() -> None:
    redact = Redactor()
    assert redact("password=hunter22 user=x") == f"password={MASK} user=x"
    assert redact("AKIAABCDEFGHIJKLMNOP") == MASK and redact("asiaabcdefghijklmnop") == MASK
    assert redact("IQoJb3JpZ2luX2VjEHUaDGV1LWNlbnRyYWwtMSJHMEUCI: x") == f"{MASK}: x"
    assert redact("X-Vault-Token: hvs.CAESIJ3Dq0vX0Zs8yq1m9kQ7x") == f"X-Vault-Token: {MASK}"
    assert redact("https://ana:hunter22@host/") == f"https://ana:{MASK}@host/"
    assert redact.known("password=hunter22") == "password=hunter22"


def test_a_hundred_lines_of_log_take_a_moment_with_twenty_secrets() -> None:
    """It took half a second. What is allowed here is twenty times what is needed, so that a busy machine does not fail it."""
    redact = Redactor([*SECRETS.values(), *(random.Random(number).randbytes(15).hex() for number in range(13))])
    line = "2026-11-29T22:31:19Z INFO TaskSetManager: Finished task 3.0 in stage 7.0 (TID 31) in 145 ms on localhost (4/8) " * 2
    began = time.process_time()
    for _ in range(100):
        redact(line)
    assert time.process_time() - began < 0.05
    worst = "a" * 12_000  # each place of it begins a secret
    began = time.process_time()
    assert redact(worst) == MASK
    assert time.process_time() - began < 2
