"""Arc's `authentication` objects: which methods there are and which keys each needs."""

from __future__ import annotations

from collections.abc import Mapping

from executor.plain import did_you_mean
from executor.problems import Problem

METHODS: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    name: (frozenset(required.split()), frozenset(optional.split()))
    for name, required, optional in (
        ("AmazonAccessKey", "accessKeyID secretAccessKey", "endpoint sslEnabled"),
        ("AmazonAnonymous", "", ""),
        ("AmazonEnvironmentVariable", "", ""),
        ("AmazonIAM", "", "encryptionAlgorithm kmsArn customKey"),
        ("AzureSharedKey", "accountName signature", ""),
        ("AzureSharedAccessSignature", "accountName container token", ""),
        ("AzureDataLakeStorageToken", "clientID refreshToken", ""),
        ("AzureDataLakeStorageGen2AccountKey", "accountName accessKey", ""),
        ("AzureDataLakeStorageGen2OAuth", "clientID secret directoryID", ""),
        ("GoogleCloudStorageKeyFile", "projectID keyFilePath", ""),
    )
}


_KEYS_OF_SECRETS = ("accessKey", "customKey", "refreshToken", "secret", "secretAccessKey", "signature", "token")
SECRETS = frozenset(f"authentication.{key}" for key in _KEYS_OF_SECRETS)
"""Fields that hold a password or key: they take secrets only."""
CREDENTIALS = SECRETS | {"authentication.accessKeyID", "authentication.clientID"}
"""Fields that a secret may stand in: what is in them is used to sign in, and written nowhere."""


def authentication_problems(given: Mapping[str, str]) -> list[Problem]:
    """What is wrong with an `authentication` object; an empty one means none and is right."""
    if not given:
        return []
    method = given.get("method", "")
    if method not in METHODS:
        return [
            Problem(
                code="authentication",
                field="authentication.method",
                message=f"Unable to parse authentication method: '{method}'.",
                found=method or None,
                expected="one of " + ", ".join(METHODS),
                fix=did_you_mean(method, METHODS) or "Choose one of these.",
            )
        ]
    required, optional = METHODS[method]
    missing = [_problem(key, f"“{key}” is missing.", f"Add “{key}”; {method} needs it.") for key in sorted(required - given.keys())]
    known = required | optional | {"method"}
    unknown = [
        _problem(key, f"{method} has no “{key}”.", did_you_mean(key, known) or "Take it out.") for key in sorted(given.keys() - known)
    ]
    return missing + unknown


def _problem(key: str, message: str, fix: str) -> Problem:
    return Problem(code="authentication", field=f"authentication.{key}", message=message, fix=fix)
