"""Literal credentials in a document: found, told without their value, and masked where documents are shown.

Few and precise patterns of our own. detect-secrets was looked at: what it finds beyond these it finds by entropy, which takes hashes and
column lists for keys, and it would be a library in every executor."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

from executor.language import sql_text
from executor.language.filling import PLACEHOLDER
from executor.problems import Problem

MASK = "•••••"
SHORTEST_QUOTED = 4
"""Characters of a credential that is taken out of a problem's words; what is shorter stands in any sentence."""
MAPS = ("authentication", "params", "options")
"""Free maps of a stage whose keys tell what a value is."""
_SECRET_NAMES = re.compile(
    r"(.*[._-])?(secret(access)?[._-]?key|secret|pass(word|wd|phrase)?|pwd"
    r"|(account|shared|shared_?access|api|access|private|custom|auth)[._-]?key"
    r"|(refresh|access|sas|auth|bearer|api)?_?token|signature|client_?secret|credentials?|account\.key\..+)\Z",
    re.IGNORECASE,
)
_ANYWHERE = re.compile(
    r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"
    r"|\bgh[pousr]_[A-Za-z0-9]{36,}\b|\bgithub_pat_\w{22,}|\bglpat-[\w-]{20,}|\bdapi[0-9a-f]{32}\b|\b[rs]k_live_\w{16,}"
    r"|\bxox[abprs]-[A-Za-z0-9-]{10,}|\bAIza[0-9A-Za-z_-]{35}\b"
    r"|\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
    re.DOTALL,
)
_SIGN = r"(?:[^\s\"'$]|\$(?!\{))"
"""Of a password in an address: no quote, which ends the address in SQL, and no placeholder."""
_IN_ADDRESS = re.compile(
    rf"(?<=://)[^\s/:\"'$]*:(?P<plain>(?:(?![/?#]){_SIGN})+)@"
    # A password written as it is may hold “/” and the like. Digits and “/” behind the colon are a port.
    rf"|(?<=://)[^\s/:\"'$]*:(?!\d{{1,5}}[/?#])(?P<slashed>{_SIGN}+)@"
    rf"|\bjdbc:oracle:[a-z0-9]+:[^\s/:@\"'$]+/(?P<oracle>{_SIGN}+)@",
    re.IGNORECASE,
)
"""`user:password@` in front of a host, as far as the last “@” there."""
_NAMED = re.compile(
    r"(?<![A-Za-z0-9])(?:password|passwd|pwd|aws_secret_access_key|secret|(?:account|shared_?access|api|access)_?key|(?:sas|auth|access)_?token|sig)"
    r"\s?(?:=|:(?=\s?[^\s]*\d))\s?(?P<value>[^\s;&'\"$,(){}\[\]<>|]{4,})",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Found:
    """One credential: the keys that lead to the text it stands in, and where in that text. `in_key`: the text is the last key itself."""

    path: tuple[str | int, ...]
    start: int
    end: int
    in_key: bool = False


_HINTS = re.compile(r"pass|pwd|secret|key|token|sig|AKIA|ASIA|AIza|gh._|pat[_-]|dapi|_live_|xox|eyJ|PRIVATE|://|oracle:", re.IGNORECASE)


def may_hold(text: str) -> bool:
    """False for most texts at once: they hold nothing that any rule here begins with."""
    return bool(_HINTS.search(text))


def credentials_in(content: Any) -> list[Found]:
    """Every literal credential in a document (any JSON)."""
    return [*_defaults_of_secrets(content), *_walk(content, ())]


def credential_problems(content: Any) -> list[Problem]:
    """One problem for each field that holds a literal credential; never with its value."""
    found = credentials_in(content)
    places: dict[tuple[str | int, ...], None] = {one.path[:-1] if one.in_key else one.path: None for one in found}
    return without_credentials([_problem(path, content) for path in places], content, found)


def without_credentials(problems: list[Problem], content: Any, found: list[Found] | None = None) -> list[Problem]:
    """The problems, with a mask for each of the document's credentials that they quote. Where what is found is a whole word or name, other
    rules quote it, too."""
    texts = {_text_of(content, one) for one in (credentials_in(content) if found is None else found)}
    secret = sorted((text for text in texts if len(text) >= SHORTEST_QUOTED), key=len, reverse=True)
    if not secret:
        return problems
    pattern = re.compile("|".join(map(re.escape, secret)))

    def shown(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: shown(item) for key, item in value.items()}
        return pattern.sub(MASK, value) if isinstance(value, str) else value

    return [replace(one, **{name.name: shown(getattr(one, name.name)) for name in fields(one)}) for one in problems]


def _text_of(content: Any, found: Found) -> str:
    for key in found.path[:-1]:
        content = content[key]
    text = str(found.path[-1]) if found.in_key else content[found.path[-1]]
    return str(text)[found.start : found.end]


def masked(content: Any) -> Any:
    """The same JSON with every credential replaced by a mask."""
    return _masked(content, credentials_in(content), ())


_PAIR = re.compile(r'"(?P<key>(?:[^"\\\n]|\\.){1,80})"\s*:\s*"(?P<value>(?:[^"\\\n]|\\.)+)')


def masked_text(text: str) -> str:
    """The same of a text that is no JSON (yet): what its words say to be a password or key, and what looks like one."""
    spans = [
        pair.span("value") for pair in _PAIR.finditer(text) if _SECRET_NAMES.match(pair["key"]) and not PLACEHOLDER.fullmatch(pair["value"])
    ]
    for start, end in reversed(_apart([*spans, *_spans(text, is_sql=False)])):
        text = text[:start] + MASK + text[end:]
    return text


def _defaults_of_secrets(content: Any) -> Iterator[Found]:
    """A parameter that is a secret has no value in the document, whatever its name is."""
    declared = content.get("parameters") if isinstance(content, dict) else None
    for name, words in declared.items() if isinstance(declared, dict) else ():
        default = words.get("default") if isinstance(words, dict) and words.get("type") == "secret" else None
        if isinstance(default, str) and default and not _names_a_secret(path := ("parameters", str(name), "default")):
            yield Found(path, 0, len(default))


def _walk(value: Any, path: tuple[str | int, ...]) -> Iterator[Found]:
    if len(path) > 20:
        return
    if isinstance(value, dict):
        for key, item in value.items():
            yield from (Found((*path, str(key)), start, end, in_key=True) for start, end in _spans(str(key), is_sql=False))
            yield from _walk(item, (*path, str(key)))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _walk(item, (*path, index))
    elif isinstance(value, str) and value.strip() and not PLACEHOLDER.fullmatch(value):
        if _names_a_secret(path):
            yield Found(path, 0, len(value))
        else:
            yield from (Found(path, start, end) for start, end in _spans(value, is_sql=_is_sql(path)))


def _names_a_secret(path: tuple[str | int, ...]) -> bool:
    """Whether the keys say that the value is a secret: in a free map of a stage, or as the default of a parameter."""
    names = [key for key in path if isinstance(key, str)]
    if names[:1] == ["parameters"] and names[2:] == ["default"]:
        return bool(_SECRET_NAMES.match(names[1]))
    return any(name in MAPS for name in names[:-1]) and bool(_SECRET_NAMES.match(names[-1]))


def _is_sql(path: tuple[str | int, ...]) -> bool:
    return path[-1] == "sql" or (path[0] == "files" and str(path[-1]).lower().endswith(".sql"))


def _spans(text: str, *, is_sql: bool) -> list[tuple[int, int]]:
    """Where credentials stand, in order; none overlaps another."""
    found = [one.span() for one in _ANYWHERE.finditer(text)]
    found += [one.span(one.lastgroup or 0) for one in _IN_ADDRESS.finditer(text)]
    # In SQL, `password = x` compares a column: only what stands in quotes or comments can be a connection string.
    parts = [part for part in sql_text.spans(text) if part.kind not in (sql_text.CODE, sql_text.NAME)] if is_sql else []
    for begin, end in [(part.start, part.end) for part in parts] if is_sql else [(0, len(text))]:
        found += [one.span("value") for one in _NAMED.finditer(text, begin, end)]
    return _apart(found)


def _apart(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The same places, those that overlap as one."""
    apart: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if apart and start < apart[-1][1]:
            apart[-1] = (apart[-1][0], max(end, apart[-1][1]))
        else:
            apart.append((start, end))
    return apart


def _masked(value: Any, found: list[Found], path: tuple[str | int, ...]) -> Any:
    if isinstance(value, dict):
        return {_masked_key(key): _masked(item, found, (*path, str(key))) for key, item in value.items()}
    if isinstance(value, list):
        return [_masked(item, found, (*path, index)) for index, item in enumerate(value)]
    spans = sorted((one.start, one.end) for one in found if one.path == path and not one.in_key)
    for start, end in reversed(spans):
        value = value[:start] + MASK + value[end:]
    return value


def _masked_key(key: Any) -> Any:
    for start, end in reversed(_spans(key, is_sql=False)) if isinstance(key, str) else ():
        key = key[:start] + MASK + key[end:]
    return key


def _problem(path: tuple[str | int, ...], content: Any) -> Problem:
    inside = path[2:] if path[:1] == ("stages",) and len(path) > 2 else path
    field = ".".join(str(part) for part in inside)
    index = path[1] if path[:1] == ("stages",) and len(path) > 1 and isinstance(path[1], int) else None
    stage = content["stages"][index] if index is not None else {}
    return Problem(
        code="literal-credential",
        stage_index=index,
        stage=stage.get("name") if isinstance(stage, dict) and isinstance(stage.get("name"), str) else None,
        stage_type=stage.get("type") if isinstance(stage, dict) and isinstance(stage.get("type"), str) else None,
        field=field,
        message=f"“{field}” holds a password or key, which everybody who sees this job could read.",
        expected="no credential in a job",
        fix="Declare a parameter of the type secret, write ${its name} here, and have its value set in each environment. "
        "Change it wherever it is valid: it has been written down here.",
    )
