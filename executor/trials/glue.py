"""A Glue catalog, tried with boto3."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from executor.catalog.glue import GlueCatalog
from executor.connections.glue import Glue
from executor.problems import ProblemError
from executor.trials.trial import Placed, Stopped, Trial, seconds, tls


def test(connection: Glue, trial: Trial, roots: Sequence[Placed]) -> None:
    """TLS, sign-in with a look for the database, and the list of its tables. Raises Stopped."""
    place = connection.endpoints(())[0]
    tls(trial, place.host, place.port, is_on=connection.tls == "verified", authority=connection.authority)
    catalog = GlueCatalog(connection, answer_seconds=seconds(), tries=1)
    with trial.step("Sign-in and database") as step, _in_words():
        catalog.require_database()
        step.good(f"The key is accepted, and the database {connection.database} is there.")
    with trial.step("List tables") as step, _in_words():
        count = len(catalog.tables())
        step.good(f"{count} {'table' if count == 1 else 'tables'} seen." if count else "There is no table yet.")
    trial.untried("Register", "What it says to a new table is not tried: the first run that publishes on S3 tells.")


@contextmanager
def _in_words() -> Iterator[None]:
    try:
        yield
    except ProblemError as error:
        problem = error.problems[0]
        raise Stopped(problem.message, problem.fix or "") from None
