"""Connections for tests, made as an administrator makes them."""

from __future__ import annotations

from typing import Any

from portal.accounts.models import User
from portal.environments import connections
from portal.environments.models import Connection, Environment, Root

KEYS = {"access_key": "AKIAIOSFODNN7CANARY1", "secret_key": "s3cr/t+canary=“ü”&<x> 77"}
PASSWORD = {"password": "pgp@ss/w0rd canary %41 '\"\\"}
S3: dict[str, Any] = {"region": "eu-central-1"}
DATABASE: dict[str, Any] = {"host": "db.example.org", "database": "shop", "user": "sluice"}


def make_s3(ada: User, environment: Environment, name: str = "lake_s3", **settings: Any) -> Connection:
    return connections.add_connection(actor=ada, environment=environment, name=name, kind="s3", settings=S3 | settings, secrets=KEYS)


def make_database(ada: User, environment: Environment, name: str = "shop", **settings: Any) -> Connection:
    settings = DATABASE | settings
    return connections.add_connection(actor=ada, environment=environment, name=name, kind="postgresql", settings=settings, secrets=PASSWORD)


def make_root(
    ada: User, connection: Connection, name: str = "raw", address: str = "s3a://acme-landing/flights/", may_write: bool = False
) -> Root:
    return connections.add_root(
        actor=ada, environment=connection.environment, name=name, connection=connection.name, address=address, may_write=may_write
    )
