"""Triggers that make the database itself refuse to change or delete an audit event, whoever asks.

What they cannot stop is somebody who owns the database and drops them; `verify_audit` finds what was changed then.
"""

from __future__ import annotations

from django.db.backends.base.schema import BaseDatabaseSchemaEditor

TABLE = "audit_auditevent"
SAYS = "the audit is append-only"
SQLITE = [
    f"CREATE TRIGGER audit_no_update BEFORE UPDATE ON {TABLE} BEGIN SELECT RAISE(ABORT, '{SAYS}'); END",
    f"CREATE TRIGGER audit_no_delete BEFORE DELETE ON {TABLE} BEGIN SELECT RAISE(ABORT, '{SAYS}'); END",
]
POSTGRESQL = [
    f"CREATE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '{SAYS}'; END $$",
    f"CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE ON {TABLE} FOR EACH ROW EXECUTE FUNCTION audit_append_only()",
    f"CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON {TABLE} FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only()",
]


STATEMENTS = {"sqlite": SQLITE, "postgresql": POSTGRESQL}
"""By the database's vendor."""


def install(apps: object, editor: BaseDatabaseSchemaEditor) -> None:
    """Called by the migration."""
    for statement in STATEMENTS[editor.connection.vendor]:
        editor.execute(statement)
