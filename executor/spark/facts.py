"""An error as Spark describes it: its class, its parameters, the piece of SQL it points to, and the file it met."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from executor.problems import Foreign
from executor.spark import conditions

DETAIL_LENGTH = 1_500
WRAPPERS = ("FAILED_READ_FILE", "TASK_WRITE_FAILED", "FAILED_EXECUTE_UDF", "_LEGACY_ERROR")
"""Classes that only say where; the cause below them says what. Used when nothing below has a class."""


@dataclass(frozen=True)
class Context:
    """The piece of a query that Spark points to: `fragment` stands in `sql` at `start` (from 0). SQL is a document's, not data."""

    fragment: str = ""
    start: int | None = None
    sql: str = ""


@dataclass(frozen=True)
class Facts:
    """`condition`: Spark's name of the error, or the empty text. Whatever Spark has put into words is foreign."""

    condition: str
    parameters: Mapping[str, Foreign] = field(default_factory=dict)
    message: Foreign = Foreign("")
    context: Context = Context()
    path: Foreign = Foreign("")
    """The file that was being read, where Spark says so."""

    @property
    def first_line(self) -> Foreign:
        """The message without its class names and codes; never empty."""
        text = re.sub(r"^(\[[A-Z_.]+\]\s*|[\w.]+(Exception|Error):\s*)+|\s*SQLSTATE: \w+", "", self.message.text.strip())
        return Foreign(text.splitlines()[0][:300] if text else "Spark stopped without saying why.")

    @property
    def detail(self) -> Foreign | None:
        """Spark's words without plans and stack traces."""
        text = re.split(r";\n'|\n\tat |\nDriver stacktrace", self.message.text)[0][:DETAIL_LENGTH]
        return Foreign(text) if text else None

    @property
    def sql_state(self) -> str:
        """Five signs of the SQL standard's list, or the empty text."""
        whole = conditions.states()
        return whole.get(self.condition) or whole.get(self.condition.partition(".")[0], "")

    def says(self, pattern: str) -> bool:
        """Whether Spark's words hold this."""
        return re.search(pattern, self.message.text) is not None

    def name(self, *parameters: str) -> str:
        """The first of these parameters as a name: of a column, a view, a function, a type. Use it for nothing else, and in “quotes”:
        whoever may not see data sees it only if it stands in the document."""
        return next((bare(self.parameters[one].text) for one in parameters if self.parameters.get(one)), "")

    def names(self, *parameters: str) -> list[str]:
        """The first of these parameters as a list of names."""
        text = next((self.parameters[one].text for one in parameters if self.parameters.get(one)), "")
        return [bare(one) for one in re.split(r",\s?", text) if one.strip()]

    def data(self) -> dict[str, str]:
        """Every parameter as a person writes it (no back-ticks and quotes, types in small letters), for the fields that may hold data."""
        plain = {name: bare(value.text).strip() for name, value in self.parameters.items()}
        return plain | {name: plain[name].lower() for name in plain if name.endswith("Type")} | {"fragment": self.context.fragment}


def bare(name: str) -> str:
    """`a`.`b` as a.b; blanks inside of back-ticks stay."""
    return (name if "`" in name else name.strip()).replace("`", "").strip('"')


def facts_of(error: BaseException) -> Facts:
    """The facts of the deepest cause that Spark has a class for, or of the error itself."""
    java = getattr(error, "java_exception", None) or getattr(error, "_origin", None)
    if java is not None:
        return _java_facts(java)
    condition = getattr(error, "getCondition", lambda: None)()
    return Facts(conditions.known(condition or ""), _foreign(getattr(error, "getMessageParameters", dict)() or {}), Foreign(str(error)))


def _java_facts(java: Any) -> Facts:
    chain = [java]
    while len(chain) < 20 and chain[-1].getCause() is not None:
        chain.append(chain[-1].getCause())
    named = [(one, condition) for one in chain if (condition := conditions.known(_condition(one) or ""))]
    telling = [(one, condition) for one, condition in named if not condition.startswith(WRAPPERS)]
    path = next((path for one, condition in named if (path := _path(one, condition))), Foreign(""))
    context = next((found for one in reversed(chain) if (found := _query_context(one)).start is not None), Context())
    if not telling:
        words = "\nCaused by: ".join(str(one.toString()) for one in reversed(chain))
        return Facts(named[-1][1] if named else "", {}, Foreign(words), context, path)
    deepest, condition = telling[-1]
    return Facts(condition, _foreign(_parameters(deepest)), Foreign(str(deepest.toString())), context, path)


def _foreign(parameters: dict[str, Any]) -> dict[str, Foreign]:
    return {str(name): Foreign(str(value)) for name, value in parameters.items()}


def _parameters(java: Any) -> dict[str, Any]:
    found = java.getMessageParameters()
    return {name: found[name] for name in found}


def _path(java: Any, condition: str) -> Foreign:
    """The file that one error of the chain names."""
    parameters = _parameters(java)
    text = next((str(parameters[one]) for one in ("path", "filePath", "currentFile", "fileName") if parameters.get(one)), "")
    return Foreign(text) if condition.startswith(("FAILED_READ_FILE", "CANNOT_READ", "PATH_NOT_FOUND")) or "/" in text else Foreign("")


def _condition(java: Any) -> str | None:
    return java.getCondition() if _has(java, "getCondition") else None


def _has(java: Any, method: str) -> bool:
    return any(one.getName() == method for one in java.getClass().getMethods())


def _query_context(java: Any) -> Context:
    contexts = list(java.getQueryContext() or []) if _has(java, "getQueryContext") else []
    if not contexts or str(contexts[0].contextType()) != "SQL":
        return Context()
    first = contexts[0]
    text = first.sqlText() if _has(first, "sqlText") else None
    return Context(str(first.fragment()), int(first.startIndex()), str(text.get()) if text is not None and text.isDefined() else "")
