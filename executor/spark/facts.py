"""An error as Spark describes it: its class, its parameters, and the piece of SQL it points to."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

DETAIL_LENGTH = 1_500
WRAPPERS = ("FAILED_READ_FILE", "TASK_WRITE_FAILED", "FAILED_EXECUTE_UDF", "_LEGACY_ERROR")
"""Classes that only say where; the cause below them says what. Used when nothing below has a class."""


@dataclass(frozen=True)
class Facts:
    """`condition`: Spark's name of the error, or the empty text. `fragment` stands in the SQL at `start` (from 0)."""

    condition: str
    parameters: dict[str, str] = field(default_factory=dict)
    message: str = ""
    fragment: str = ""
    start: int | None = None

    @property
    def first_line(self) -> str:
        """The message without its class names and codes; never empty."""
        text = re.sub(r"^(\[[A-Z_.]+\]\s*|[\w.]+(Exception|Error):\s*)+|\s*SQLSTATE: \w+", "", self.message.strip())
        return text.splitlines()[0][:300] if text else "Spark stopped without saying why."

    @property
    def detail(self) -> str | None:
        """Spark's words without plans and stack traces."""
        return re.split(r";\n'|\n\tat |\nDriver stacktrace", self.message)[0][:DETAIL_LENGTH] or None

    def words(self) -> dict[str, str]:
        """The parameters as a person writes them: without back-ticks and quotes, types in small letters."""
        plain = {name: bare(value) for name, value in self.parameters.items()}
        return plain | {name: plain[name].lower() for name in plain if name.endswith("Type")} | {"fragment": self.fragment}


def bare(name: str) -> str:
    """`a`.`b` as a.b"""
    return name.replace("`", "").strip().strip('"')


def facts_of(error: BaseException) -> Facts:
    """The facts of the deepest cause that Spark has a class for, or of the error itself."""
    java = getattr(error, "java_exception", None) or getattr(error, "_origin", None)
    if java is not None:
        return _java_facts(java)
    condition = getattr(error, "getCondition", lambda: None)()
    return Facts(condition or "", dict(getattr(error, "getMessageParameters", dict)() or {}), str(error))


def _java_facts(java: Any) -> Facts:
    chain = [java]
    while len(chain) < 20 and chain[-1].getCause() is not None:
        chain.append(chain[-1].getCause())
    named = [(one, condition) for one in chain if (condition := _condition(one))]
    telling = [(one, condition) for one, condition in named if not condition.startswith(WRAPPERS)]
    if not telling:
        return Facts(named[-1][1] if named else "", {}, "\nCaused by: ".join(str(one.toString()) for one in reversed(chain)))
    deepest, condition = telling[-1]
    parameters = deepest.getMessageParameters()
    return Facts(condition, {str(name): str(parameters[name]) for name in parameters}, str(deepest.toString()), *_query_context(deepest))


def _condition(java: Any) -> str | None:
    return java.getCondition() if _has(java, "getCondition") else None


def _has(java: Any, method: str) -> bool:
    return any(one.getName() == method for one in java.getClass().getMethods())


def _query_context(java: Any) -> tuple[str, int | None]:
    contexts = list(java.getQueryContext() or []) if _has(java, "getQueryContext") else []
    if not contexts or str(contexts[0].contextType()) != "SQL":
        return "", None
    return str(contexts[0].fragment()), int(contexts[0].startIndex())
