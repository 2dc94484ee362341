"""How `${name}` in a stage is replaced by the parameter's value: once, in one pass, as fits the place it stands in."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from executor.language import sql_text
from executor.language.authentication import CREDENTIALS, SECRETS
from executor.language.parameters import RESERVED, SECRET, Value
from executor.language.quoting import escaped
from executor.plain import did_you_mean
from executor.problems import Problem

PLACEHOLDER = re.compile(r"\$\{([^{}\n]{0,100})\}")


@dataclass
class Filler:
    """Replaces `${name}` in one stage after another and remembers which names were used, what was wrong, and how often nothing
    could be put in place."""

    values: Mapping[str, Value]
    declared: Collection[str]
    used: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)
    unfilled: int = 0

    def value(self, value: Any, field_name: str) -> Any:
        """`value` (any JSON) of a field that is not SQL. A text that is only `${name}` becomes the typed value."""
        if isinstance(value, dict):
            return {key: self.value(item, f"{field_name}.{key}") for key, item in value.items()}
        if isinstance(value, list):
            return [self.value(item, f"{field_name}[{index}]") for index, item in enumerate(value)]
        if not isinstance(value, str) or "${" not in value:
            return value
        whole = PLACEHOLDER.fullmatch(value)
        if whole:
            found = self._lookup(whole, value, field_name, takes_secrets=field_name in CREDENTIALS)
            if found and found.type != SECRET and field_name in SECRETS:
                self.problems.append(_not_a_secret(whole, field_name))
            return found.json if found else value
        return PLACEHOLDER.sub(lambda sign: self._text(sign, value, field_name), value)

    def path(self, value: Any, field_name: str) -> Any:
        """`value` of a field that holds an address. A value from outside of the document names files and folders there, and cannot lead
        upwards, elsewhere, or to many at once."""
        if not isinstance(value, str) or "${" not in value:
            return value
        return PLACEHOLDER.sub(lambda sign: self._in_path(sign, value, field_name), value)

    def without_values_from_outside(self, text: str) -> str:
        """The text of an address with the document's own values, and “-” for each that comes from outside of it."""

        def put(sign: re.Match[str]) -> str:
            found = self.values.get(sign.group(1).strip())
            return sign.group() if found is None else found.text if found.is_own and not found.is_stand_in else "-"

        return PLACEHOLDER.sub(put, text)

    def _in_path(self, sign: re.Match[str], text: str, field_name: str) -> str:
        found = self._lookup(sign, text, field_name)
        if found is None:
            return sign.group()
        if not found.is_own and (why := why_not_in_path(found.text)):
            self.problems.append(
                Problem(
                    code="parameter-in-path",
                    field=field_name,
                    message=f"The value of the parameter “{sign.group(1).strip()}” {why}, which cannot stand in a path.",
                    found=sign.group(),
                    expected="names of letters, digits, - and _, with / between them",
                    fix="Give the parameter another value.",
                )
            )
            return sign.group()
        return found.text

    def sql(self, text: str, field_name: str) -> str:
        """`text` with literals that fit the place they stand in."""
        if "${" not in text:
            return text
        pieces = []
        for part in sql_text.spans(text):
            write = _WRITERS[part.kind]
            mark = text[part.start + 1] if part.kind == sql_text.RAW_STRING else text[part.start]

            def put(sign: re.Match[str], write: _Writer = write, mark: str = mark, kind: str = part.kind) -> str:
                found = self._lookup(sign, text, field_name)
                if found and kind == sql_text.RAW_STRING and (mark in found.text or "${" in found.text):
                    self.problems.append(_quote_in_raw_string(sign, text, field_name))
                return write(found, mark, sign) if found else sign.group()

            pieces.append(_replaced(text, part, put))
        return "".join(pieces)

    def database_sql(self, text: str, field_name: str) -> str:
        """`text` in the SQL of a database, which Sluice does not read. A value stands in code as a literal, or inside of '…': only where
        all databases read a text alike it is sure that this is where it stands."""
        if "${" not in text:
            return text
        odd = _READ_IN_TWO_WAYS.search(text)
        pieces = []
        for part in sql_text.spans(text):
            is_plain = part.kind == sql_text.CODE or (part.kind == sql_text.STRING and text[part.start] == "'")

            def put(sign: re.Match[str], kind: str = part.kind, is_plain: bool = is_plain) -> str:
                found = self._lookup(sign, text, field_name)
                if found is None:
                    return sign.group()
                if odd or not is_plain or _IN_TWO_WAYS.search(found.text):
                    self.unfilled += 1
                    self.problems.append(_not_in_database_sql(sign, text, field_name, odd.group() if odd else None))
                    return sign.group()
                return _database_literal(found) if kind == sql_text.CODE else found.text.replace("'", "''")

            pieces.append(_replaced(text, part, put))
        return "".join(pieces)

    def _text(self, sign: re.Match[str], text: str, field_name: str) -> str:
        found = self._lookup(sign, text, field_name)
        return found.text if found else sign.group()

    def _lookup(self, sign: re.Match[str], text: str, field_name: str, *, takes_secrets: bool = False) -> Value | None:
        """The parameter's value; None, with a problem, when there is none, or when it is a secret and would be written out here."""
        name = sign.group(1).strip()
        self.used.add(name)
        found = self.values.get(name)
        if found and found.type == SECRET and not takes_secrets:
            self.problems.append(_secret_out_of_place(sign, text, field_name))
            self.unfilled += 1
            return None
        if found:
            return found
        if name not in self.declared:
            line, column = sql_text.place(text, sign.start())
            known = [*self.declared, *RESERVED]
            self.problems.append(
                Problem(
                    code="parameter-undeclared",
                    field=field_name,
                    line=line,
                    column=column,
                    message=f"The job has no parameter “{name}”.",
                    found=sign.group(),
                    expected="one of " + ", ".join(known),
                    fix=did_you_mean(name, known) or f"Declare “{name}” in the job's parameters.",
                )
            )
        self.unfilled += 1
        return None


def _secret_out_of_place(sign: re.Match[str], text: str, field_name: str) -> Problem:
    line, column = sql_text.place(text, sign.start())
    return Problem(
        code="secret-out-of-place",
        field=field_name,
        line=line,
        column=column,
        message=f"The secret “{sign.group(1).strip()}” cannot stand here: its value would become text, data or part of an address.",
        found=sign.group(),
        expected="a secret only as the whole value of a credential: " + ", ".join(sorted(CREDENTIALS)),
        fix="Take it out, or use a parameter that is no secret.",
    )


def _not_a_secret(sign: re.Match[str], field_name: str) -> Problem:
    name = sign.group(1).strip()
    return Problem(
        code="credential-not-secret",
        field=field_name,
        message=f"“{field_name}” takes a password or key, and the value of “{name}” can be read by everybody who sees a run.",
        found=sign.group(),
        expected="a parameter of the type secret",
        fix=f"Declare “{name}” with the type secret and have it set in each environment.",
    )


def why_not_in_path(text: str) -> str | None:
    """What is wrong with a text that is to become a part of a path."""
    if not text:
        return "is empty"
    if text.startswith("/"):
        return "begins with /"
    if set(text) & set("*?[]{}\\:") or any(ord(sign) < 32 for sign in text):
        return "holds a sign that no file name has"
    if any(name in ("", ".", "..") or name.startswith(".") for name in text.removesuffix("/").split("/")):
        return "leads to another folder, or to a hidden one"
    return None


_READ_IN_TWO_WAYS = re.compile(r"\\|#|\$(?!\{)|/\*.*/\*", re.DOTALL)
_IN_TWO_WAYS = re.compile(r"[\\\x00-\x1f\x7f]|\$\{")


def _database_literal(value: Value) -> str:
    """As every database reads it: numbers in parentheses where they are negative, moments and texts in quotes, names as they are."""
    if value.type == "identifier":
        return value.text
    if isinstance(value.python, bool):
        return "(1 = 1)" if value.python else "(1 = 0)"
    if isinstance(value.python, int | Decimal):
        return f"({value.text})" if value.text.startswith("-") else value.text
    return " '" + value.text.replace("'", "''") + "'"


def _not_in_database_sql(sign: re.Match[str], text: str, field_name: str, odd: str | None) -> Problem:
    line, column = sql_text.place(text, sign.start())
    return Problem(
        code="parameter-in-database-sql",
        field=field_name,
        line=line,
        column=column,
        message="A parameter cannot stand here: not every database would read the query as it is meant.",
        found=f"{sign.group()} in a query with {odd[:1]}" if odd else sign.group(),
        expected="a parameter as a value or inside of '…', in a query without \\, #, $ and comments in comments; its value without \\",
        fix="Write the query without these signs, or without the parameter.",
    )


_Writer = Callable[[Value, str, re.Match[str]], str]


def _replaced(text: str, part: sql_text.Span, put: Callable[[re.Match[str]], str]) -> str:
    pieces, position = [], part.start
    for sign in PLACEHOLDER.finditer(text, part.start, part.end):
        pieces += [text[position : sign.start()], put(sign)]
        position = sign.end()
    return "".join([*pieces, text[position : part.end]])


def _in_code(value: Value, mark: str, sign: re.Match[str]) -> str:
    """A literal; kept apart from a letter before it, so that it cannot become part of a prefix such as r'…'."""
    before = sign.string[sign.start() - 1 : sign.start()]
    apart = " " if value.literal.endswith("'") and (before.isalnum() or before in ("_", "'")) else ""
    return apart + value.literal


def _quote_in_raw_string(sign: re.Match[str], text: str, field_name: str) -> Problem:
    line, column = sql_text.place(text, sign.start())
    return Problem(
        code="parameter-in-raw-string",
        field=field_name,
        line=line,
        column=column,
        message="The parameter's value holds a quote or ${, which a raw string (r'…') cannot hold.",
        found=sign.group(),
        fix="Use an ordinary string.",
    )


_WRITERS: dict[str, _Writer] = {
    sql_text.CODE: _in_code,
    sql_text.STRING: lambda value, mark, sign: escaped(value.text, mark),
    sql_text.RAW_STRING: lambda value, mark, sign: value.text,
    sql_text.NAME: lambda value, mark, sign: value.text.replace("`", "``"),
    sql_text.COMMENT: lambda value, mark, sign: re.sub(r"[^\w .:-]", " ", value.text),
}


def inject_sql_params(text: str, params: Mapping[str, str], field_name: str = "sql") -> tuple[str, list[Problem]]:
    """Arc's `sqlParams`: `${key}`, with blanks and an ignored `=default` allowed, becomes the value as the document has it, unquoted.
    `${parameters}` in such a value are filled in afterwards, by `Filler.sql`, as everywhere in SQL.

    A key without a place is a problem; a place without a key stays and is found by `sql_text.sql_problems`.
    """
    problems = []
    for key, value in params.items():
        pattern = re.compile(r"\$\{\s*" + re.escape(key) + r"\s*(?:=[^}]*)?\}")
        text, count = pattern.subn(lambda sign, value=value: value, text)  # type: ignore[misc]
        if not count:
            problems.append(
                Problem(
                    code="sql-parameter-unused",
                    field="sqlParams",
                    message=f"No placeholder found for parameter: '{key}'.",
                    expected=f"${{{key}}} in {field_name}",
                    fix="Use the parameter in the SQL or take it out.",
                )
            )
    return text, problems
