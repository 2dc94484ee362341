"""What the portal says when something cannot be done: plain words, a stable code, and an HTTP status."""

from __future__ import annotations

from typing import Any


class PortalError(Exception):
    """A refusal a person can understand and act on.

    `message` is one plain sentence, `fix` says what to do, `code` is a stable kebab-case word, `status` the HTTP status,
    `problems` a list of executor problems (dicts), `extra` further members of the problem+json answer.
    """

    status = 400
    code = "not-possible"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        status: int | None = None,
        fix: str | None = None,
        problems: list[dict[str, Any]] | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.code
        self.status = status or self.status
        self.fix = fix
        self.problems = problems or []
        self.extra = extra


class Conflict(PortalError):
    """Somebody else changed it first."""

    status = 409
    code = "conflict"


class NotAllowed(PortalError):
    """The person may not do this. Shown exactly like an unknown object (404) and recorded in the audit as a refusal."""

    status = 404
    code = "not-found"

    def __init__(self, action: str, subject: Any = None) -> None:
        super().__init__(NOTHING_HERE)
        self.action = action
        self.subject = subject


NOTHING_HERE = "There is nothing here, or you may not see it."
SIGN_IN_AGAIN = "You are not signed in, or your session has ended."
KEPT = "Sign in again (another tab will do); what you typed and your drafts are kept."
