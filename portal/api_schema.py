"""What the OpenAPI document says about every operation: how one signs in, Idempotency-Key, and the one shape of errors."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension

PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "RFC 9457. Match on `code`; `detail` and `fix` are sentences for people.",
    "required": ["type", "title", "status", "detail", "code", "problems", "request_id"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string", "examples": ["not-found", "conflict", "invalid-fields"]},
        "fix": {"type": ["string", "null"]},
        "problems": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["code", "message"],
                "properties": {"code": {"type": "string"}, "message": {"type": "string"}},
            },
        },
        "request_id": {"type": "string", "format": "uuid"},
    },
}
KEY: dict[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "A UUID of your own. The same request sent again within a day is done once and answered the same.",
    "schema": {"type": "string", "maxLength": 100},
}
ERROR = {"description": "It was not done", "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}}


class TokenScheme(OpenApiAuthenticationExtension):
    target_class = "portal.accounts.authentication.ApiTokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer", "description": "An API token of your account page: `slc_…`."}


def describe_frame(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """drf-spectacular's last step: adds what every operation shares."""
    result["components"].setdefault("schemas", {})["Problem"] = PROBLEM
    for path in result["paths"].values():
        for method, operation in path.items():
            if not isinstance(operation, dict):
                continue
            operation["responses"].setdefault("default", ERROR)
            if method == "post":
                operation.setdefault("parameters", []).append(KEY)
    return result
