"""Registers a table in a database of the Glue Data Catalog, keeps it as the output is, and takes it out again.

A table is ours when it says which place it is of; what anybody else has registered under its name is never touched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from executor.catalog.hive import Stored, require_name, stored
from executor.catalog.tables import Column, Table
from executor.connections.glue import Glue
from executor.problems import Problem, ProblemError
from executor.stores.s3_access import S3Access

OWNER = "sluice.place"
"""The parameter of a table that says whose it is."""
TRIES = 3
AT_A_TIME, REMOVED_AT_A_TIME = 100, 25
"""Partitions in one request, as Glue takes them."""


class GlueCatalog:
    """One database. Every method raises ProblemError in our words."""

    def __init__(self, connection: Glue, **limits: Any) -> None:
        key, secret = connection.access_key, connection.secret_key
        access = S3Access(
            region=connection.region,
            endpoint=connection.url(),
            key_id=key.get_secret_value() if key else "",
            secret=secret.get_secret_value() if secret else "",
            role=connection.role,
            role_endpoint=connection.role_url(),
            authority=connection.authority,
            **limits,
        )
        self.database, self.client = connection.database, access.client_of("glue")

    def register(self, table: Table, name: str, owner: str, about: Mapping[str, str]) -> dict[str, Any]:
        """Makes it, or makes it as the output is now. `owner`: the place that it is of. Gives database, name, is_new, columns and
        partitions."""
        require_name(name)
        wanted = _table_input(table, name, {**about, OWNER: owner})
        with self._told(name):
            is_new = self._put(wanted, name, owner, table)
            self._match_partitions(table, wanted, name)
        columns = len(wanted["StorageDescriptor"]["Columns"]) + len(wanted["PartitionKeys"])
        return {"database": self.database, "name": name, "is_new": is_new, "columns": columns, "partitions": len(table.partitions)}

    def remove(self, name: str, owner: str) -> bool:
        """Takes it out, if it is ours; whether it was there."""
        with self._told(name):
            if self._found(name, owner) is None:
                return False
            self.client.delete_table(DatabaseName=self.database, Name=name)
            return True

    def require_database(self) -> None:
        with self._told(""):
            self.client.get_database(Name=self.database)

    def tables(self) -> list[str]:
        """Names of the first hundred or so."""
        with self._told(""):
            return [one["Name"] for one in self.client.get_tables(DatabaseName=self.database)["TableList"]]

    def _put(self, wanted: dict[str, Any], name: str, owner: str, table: Table) -> bool:
        for tries_left in reversed(range(TRIES)):
            there = self._found(name, owner)
            try:
                if there is None:
                    self.client.create_table(DatabaseName=self.database, TableInput=wanted)
                    return True
                if there.get("PartitionKeys", []) != wanted["PartitionKeys"]:
                    self._remove_partitions(name, list(self._partitions(name)))
                if _differs(wanted, there):
                    version = {"VersionId": there["VersionId"]} if there.get("VersionId") else {}
                    self.client.update_table(DatabaseName=self.database, TableInput=wanted, SkipArchive=True, **version)
                return False
            except self.client.exceptions.ClientError as error:
                if _code(error) not in ("AlreadyExistsException", "ConcurrentModificationException") or not tries_left:
                    raise
        raise AssertionError

    def _found(self, name: str, owner: str) -> dict[str, Any] | None:
        try:
            there: dict[str, Any] = self.client.get_table(DatabaseName=self.database, Name=name)["Table"]
        except self.client.exceptions.EntityNotFoundException:
            return None
        said = there.get("Parameters", {}).get(OWNER)
        if said != owner:
            raise ProblemError(_taken(self.database, name, said))
        return there

    def _match_partitions(self, table: Table, wanted: Mapping[str, Any], name: str) -> None:
        """New ones first, then those that are otherwise, then those that are gone go."""
        there = self._partitions(name) if wanted["PartitionKeys"] else {}
        inputs = {one.values: _partition_input(wanted, one.values, one.location) for one in table.partitions}
        new = [one for values, one in inputs.items() if values not in there]
        other = [one for values, one in inputs.items() if values in there and _differs(one, there[values])]
        for some in _portions(new, AT_A_TIME):
            self._all_done(self.client.batch_create_partition, name, PartitionInputList=some)
        for some in _portions(other, AT_A_TIME):
            entries = [{"PartitionValueList": one["Values"], "PartitionInput": one} for one in some]
            self._all_done(self.client.batch_update_partition, name, Entries=entries)
        self._remove_partitions(name, [values for values in there if values not in inputs])

    def _partitions(self, name: str) -> dict[tuple[str, ...], dict[str, Any]]:
        pages = self.client.get_paginator("get_partitions").paginate(DatabaseName=self.database, TableName=name)
        return {tuple(one["Values"]): one for page in pages for one in page["Partitions"]}

    def _remove_partitions(self, name: str, gone: Sequence[tuple[str, ...]]) -> None:
        for some in _portions(gone, REMOVED_AT_A_TIME):
            listed = [{"Values": list(values)} for values in some]
            self._all_done(self.client.batch_delete_partition, name, PartitionsToDelete=listed)

    def _all_done(self, ask: Callable[..., Any], name: str, **what: Any) -> None:
        answer = ask(DatabaseName=self.database, TableName=name, **what)
        codes = {str((one.get("ErrorDetail") or {}).get("ErrorCode", "")) for one in answer.get("Errors") or ()}
        codes -= {"AlreadyExistsException", "EntityNotFoundException"}
        if codes:
            raise ProblemError(_problem(f"{self.database}.{name}", sorted(codes)[0]))

    @contextmanager
    def _told(self, name: str) -> Iterator[None]:
        from botocore.exceptions import BotoCoreError, ClientError, SSLError

        where = f"{self.database}.{name}" if name else self.database
        try:
            yield
        except ClientError as error:
            raise ProblemError(_problem(where, _code(error))) from None
        except SSLError:
            raise ProblemError(_problem(where, "TLS")) from None
        except BotoCoreError:
            raise ProblemError(_problem(where, "no answer")) from None


def _table_input(table: Table, name: str, about: Mapping[str, str]) -> dict[str, Any]:
    found = stored(table)
    return {
        "Name": name,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"EXTERNAL": "TRUE", **found.properties, **about},
        "PartitionKeys": _columns(table.folders),
        "StorageDescriptor": _storage(found, table.location),
    }


def _storage(found: Stored, location: str) -> dict[str, Any]:
    return {
        "Columns": _columns(found.columns),
        "Location": location,
        "InputFormat": found.reads,
        "OutputFormat": found.writes,
        "SerdeInfo": {"SerializationLibrary": found.serde, "Parameters": dict(found.settings)},
    }


def _partition_input(wanted: Mapping[str, Any], values: Sequence[str], location: str) -> dict[str, Any]:
    return {"Values": list(values), "StorageDescriptor": {**wanted["StorageDescriptor"], "Location": location}}


def _columns(columns: Sequence[Column]) -> list[dict[str, str]]:
    return [{"Name": one.name, "Type": one.type} | ({"Comment": one.comment} if one.comment else {}) for one in columns]


def _differs(wanted: Any, there: Any) -> bool:
    """Whether what is wanted is not so there; what is there besides is left alone."""
    if isinstance(wanted, dict):
        return not isinstance(there, dict) or any(_differs(value, there.get(name)) for name, value in wanted.items())
    return bool(wanted != there and not (wanted == [] and not there))


def _portions(every: Sequence[Any], size: int) -> Iterator[list[Any]]:
    return (list(every[start : start + size]) for start in range(0, len(every), size))


def _code(error: Any) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


_RIGHTS = "Give the connection's key the rights to get, create, update and delete tables and partitions of this database."
_KEY = "Set the key of the connection anew."
_WORDS = {
    "AccessDeniedException": ("the key may not do this there", _RIGHTS),
    "EntityNotFoundException": ("there is no such database in the catalog", "Make the database, or correct its name in the connection."),
    "UnrecognizedClientException": ("the access key is not known", _KEY),
    "InvalidSignatureException": ("the secret is not the one of the access key", _KEY),
    "ExpiredTokenException": ("the sign-in has expired", _KEY),
    "ThrottlingException": ("it is asked for too much at once", "It is tried again later."),
    "ConcurrentModificationException": ("somebody else changes it at the same moment", "It is tried again later."),
    "OperationTimeoutException": ("the catalog takes too long", "It is tried again later."),
    "InternalServiceException": ("the catalog has failed", "It is tried again later."),
    "ResourceNumberLimitExceededException": ("the catalog is full", "Ask whoever looks after the account to raise its limits."),
    "InvalidInputException": ("the catalog does not take what the table is", "Look at the table's columns; tell whoever runs Sluice."),
    "GlueEncryptionException": ("the catalog's key for encryption may not be used", "Ask whoever looks after the account."),
    "TLS": ("nobody whom this machine trusts vouches for the server", "Ask whoever runs the catalog for its certificate."),
    "no answer": ("the catalog does not answer", "Correct the address of the connection, or wait until it is there again."),
}
_OTHER = ("the catalog refuses it", "Look at the connection; if it is right, ask whoever runs the catalog.")


def _problem(where: str, code: str) -> Problem:
    words, fix = _WORDS.get(code, _OTHER)
    return Problem(code="catalog-refused", message=f"{where}: {words}.", found=code[:60] or None, fix=fix)


def _taken(database: str, name: str, said: str | None) -> Problem:
    whose = f"for {said[:200]}, by Sluice" if said else "by somebody else"
    return Problem(
        code="catalog-taken",
        message=f"{database} has a table “{name}” that was registered {whose}, so it is left as it is.",
        fix="Register this output under another name, or have that table removed there.",
    )
