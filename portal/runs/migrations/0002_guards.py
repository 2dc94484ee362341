"""Rules that the database holds by itself: a final state never changes, and a draft never runs where drafts are not allowed."""

from __future__ import annotations

from typing import Any

from django.db import migrations

FINAL = "'succeeded','succeeded_with_warnings','failed','cancelled','timed_out','skipped'"
NO_DRAFT = "NEW.version_id IS NULL AND NOT (SELECT allows_drafts FROM environments_environment WHERE id = NEW.environment_id)"

SQLITE = [
    f"""CREATE TRIGGER run_final_state_never_changes BEFORE UPDATE OF state ON runs_run
        WHEN OLD.state IN ({FINAL}) AND NEW.state <> OLD.state
        BEGIN SELECT RAISE(ABORT, 'a final state never changes'); END""",
    *(
        f"""CREATE TRIGGER run_of_a_draft_{name} BEFORE {event} ON runs_run WHEN {NO_DRAFT}
            BEGIN SELECT RAISE(ABORT, 'a draft never runs in this environment'); END"""
        for name, event in (("insert", "INSERT"), ("update", "UPDATE OF version_id, environment_id"))
    ),
]
POSTGRESQL = [
    f"""CREATE FUNCTION sluice_guard_run() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          IF TG_OP = 'UPDATE' AND OLD.state IN ({FINAL}) AND NEW.state <> OLD.state THEN
            RAISE EXCEPTION 'a final state never changes' USING ERRCODE = 'check_violation';
          END IF;
          IF (TG_OP = 'INSERT' OR NEW.version_id IS DISTINCT FROM OLD.version_id OR NEW.environment_id <> OLD.environment_id) AND {NO_DRAFT} THEN
            RAISE EXCEPTION 'a draft never runs in this environment' USING ERRCODE = 'check_violation';
          END IF;
          RETURN NEW;
        END $$""",
    "CREATE TRIGGER sluice_guard_run BEFORE INSERT OR UPDATE OF state, version_id, environment_id ON runs_run FOR EACH ROW EXECUTE FUNCTION sluice_guard_run()",
]
UNDO = {
    "sqlite": [f"DROP TRIGGER {name}" for name in ("run_final_state_never_changes", "run_of_a_draft_insert", "run_of_a_draft_update")],
    "postgresql": ["DROP TRIGGER sluice_guard_run ON runs_run", "DROP FUNCTION sluice_guard_run()"],
}


def put_up(apps: Any, schema_editor: Any) -> None:
    for statement in SQLITE if schema_editor.connection.vendor == "sqlite" else POSTGRESQL:
        schema_editor.execute(statement, params=None)


def take_down(apps: Any, schema_editor: Any) -> None:
    for statement in UNDO[schema_editor.connection.vendor]:
        schema_editor.execute(statement, params=None)


class Migration(migrations.Migration):
    dependencies = [("runs", "0001_initial"), ("environments", "0001_initial")]
    operations = [migrations.RunPython(put_up, take_down)]
