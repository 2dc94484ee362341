"""`python -m executor check|run|preview|serve|look|unpack|…|table|schema|docs`. Spark is imported where needed."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from executor.lifeline import end_with_stdin

if TYPE_CHECKING:
    from executor.language.roots import Root
    from executor.problems import Problem

GOOD, NOT_RIGHT = 0, 1

file_argument = click.argument("file", type=click.Path(allow_dash=True))
environment_option = click.option("--environment", metavar="E", help="The environment, for instance dev.")
parameter_option = click.option(
    "--param", "parameters", multiple=True, metavar="N=V", help="A parameter of the job; may be given several times."
)
values_option = click.option("--values", type=click.Choice(["-"]), help="Read parameters and secrets from standard input.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--end-with-stdin", "ends_with_stdin", is_flag=True, help="End at once when standard input, a pipe, is closed.")
def main(*, ends_with_stdin: bool) -> None:
    """Checks, previews and runs job documents."""
    if ends_with_stdin:
        end_with_stdin()


@main.command()
@file_argument
@environment_option
@parameter_option
@click.option("--root", "roots", multiple=True, metavar="NAME[=ADDRESS]", help="A root that jobs read and write; several times.")
@click.option("--read-only-root", "read_only", multiple=True, metavar="NAME[=ADDRESS]", help="A root that jobs may only read.")
@click.option("--json", "as_json", is_flag=True, help="Print the problems as one JSON list.")
def check(
    file: str, environment: str | None, parameters: tuple[str, ...], roots: tuple[str, ...], read_only: tuple[str, ...], *, as_json: bool
) -> None:
    """Says everything that is wrong with a job document. Exit 0: it is right; 1: it is not. Starts no Spark.

    Roots are those of the environment that it is to run in: archive, or archive=s3a://acme-lake/prod/ where the document holds whole
    addresses. The root lake is always there."""
    from executor.document.job import check as check_document
    from executor.problems import ProblemError

    try:
        given = pairs(parameters) if parameters or environment else None
        problems = check_document(read(file), environment=environment, parameters=given, roots=roots_named(roots, read_only))
    except ProblemError as error:
        problems = error.problems
    if as_json:
        click.echo(json.dumps([problem.as_dict() for problem in problems], ensure_ascii=False, indent=1))
    else:
        say(file, problems)
    sys.exit(NOT_RIGHT if problems else GOOD)


@main.command()
@file_argument
@environment_option
@parameter_option
@values_option
@click.option("--views", type=click.Path(dir_okay=False), help="Write every view's schema, count and first rows to this file.")
@click.option("--warm", is_flag=True, help="Start Spark first, for the compute profile on the first line of standard input; then read.")
def run(file: str, environment: str | None, parameters: tuple[str, ...], values: str | None, views: str | None, *, warm: bool) -> None:
    """Runs a job. Standard output is events, one JSON line each."""
    from executor import commands

    sys.exit(commands.run(file, environment, parameters, values, views, warm=warm))


@main.command()
@file_argument
@click.option("--to", required=True, metavar="STAGE", help="The stage to show: its name or its index from 0.")
@click.option("--rows", type=click.IntRange(1, 1000), default=50, show_default=True, help="How many rows.")
@environment_option
@parameter_option
@values_option
def preview(file: str, to: str, rows: int, environment: str | None, parameters: tuple[str, ...], values: str | None) -> None:
    """Runs a job up to a stage and shows rows of its view."""
    from executor import commands

    sys.exit(commands.preview(file, to, rows, environment, parameters, values))


@main.command()
@click.option("--connector", "connectors", multiple=True, metavar="NAME", help="What Spark is started with, such as delta.")
def serve(connectors: tuple[str, ...]) -> None:
    """Keeps Spark warm and answers previews, one JSON line each."""
    from executor import commands

    sys.exit(commands.serve(connectors))


@main.command("put-back")
@values_option
def put_back(values: str | None) -> None:
    """Makes an earlier output the present one again: place and kept output stand on standard input. Starts no Spark."""
    from executor.put_back import put_back

    sys.exit(put_back(sys.stdin, sys.stdout))


@main.command()
@values_option
def look(values: str | None) -> None:
    """Looks at a file of the lake and proposes how to read it. Standard output is JSON lines. Starts no Spark."""
    from executor.look import commands

    sys.exit(commands.answer(commands.look))


@main.command("list")
@values_option
def list_folder(values: str | None) -> None:
    """Says what lies in one folder of a root. Standard output is one JSON line. Starts no Spark."""
    from executor.look import commands

    sys.exit(commands.answer(commands.list_folder))


@main.command()
@values_option
def survey(values: str | None) -> None:
    """Says what lies where a document would read and write. Standard output is JSON lines. Starts no Spark."""
    from executor.look import commands
    from executor.running.survey import survey as survey_places

    sys.exit(commands.answer(survey_places))


@main.command()
@values_option
def repair(values: str | None) -> None:
    """Takes back what a run left half published that died while it published. Standard output is one JSON line. Starts no Spark."""
    from executor.look import commands
    from executor.running.repair import repair as repair_lake

    sys.exit(commands.answer(repair_lake))


@main.command()
@values_option
def find(values: str | None) -> None:
    """Says what lies at a place of a root elsewhere, and beside it. Standard output is one JSON line. Starts no Spark."""
    from executor.look import commands
    from executor.running import by_hand

    sys.exit(commands.answer(by_hand.find))


@main.command()
@values_option
def walk(values: str | None) -> None:
    """Says what lies in a root elsewhere, or at a place of it. Standard output is one JSON line. Starts no Spark."""
    from executor.look import commands
    from executor.running import by_hand

    sys.exit(commands.answer(by_hand.walk))


@main.command()
@values_option
def texts(values: str | None) -> None:
    """Reads small text files of roots elsewhere. Standard output is one JSON line. Starts no Spark."""
    from executor.look import commands
    from executor.running import by_hand

    sys.exit(commands.answer(by_hand.texts))


@main.command()
@values_option
def take(values: str | None) -> None:
    """Says what a file of a root elsewhere holds, byte by byte. Standard output is JSON lines. Starts no Spark."""
    from executor.look import commands
    from executor.running import by_hand

    sys.exit(commands.answer(by_hand.take))


@main.command()
@values_option
def bring(values: str | None) -> None:
    """Sends a file that somebody has uploaded to a root elsewhere. Standard output is JSON lines. Starts no Spark."""
    from executor.look import commands
    from executor.running import by_hand

    sys.exit(commands.answer(by_hand.bring))


@main.command()
@values_option
def keep(values: str | None) -> None:
    """Sets a file of a root elsewhere aside, or puts it back. Standard output is one JSON line. Starts no Spark."""
    from executor.look import commands
    from executor.running import by_hand

    sys.exit(commands.answer(by_hand.keep))


@main.command("test-connection")
@values_option
def test_connection(values: str | None) -> None:
    """Tries a connection step by step. Standard output is JSON lines. Starts no Spark."""
    from executor.look import commands
    from executor.trials import try_connection

    sys.exit(commands.answer(lambda given, roots, tell: try_connection(given, roots.lake, commands.say)))


@main.command("test-root")
@values_option
def test_root(values: str | None) -> None:
    """Tries a root in a folder of this machine. Standard output is one JSON line. Starts no Spark."""
    from executor.look import commands
    from executor.trials.folder import try_root

    sys.exit(commands.answer(try_root))


@main.command()
@values_option
def unpack(values: str | None) -> None:
    """Unpacks a zip or an Excel file of the lake into a folder of it. Standard output is JSON lines. Starts no Spark."""
    from executor.look import commands

    sys.exit(commands.answer(commands.unpack))


@main.command()
@values_option
def table(values: str | None) -> None:
    """History, differences, restore, optimize and vacuum of a Delta table. Standard output is one JSON line."""
    from executor.look import commands
    from executor.running.tables import table as work

    sys.exit(commands.answer(work))


@main.command()
@click.argument("uri", required=False)
@click.option("--lake", type=click.Path(file_okay=False, exists=True), default=".", show_default=True, help="The folder of the data.")
@click.option("--address", default="", help="How other programs reach that folder; file:// and its path where it is not said.")
@click.option("--name", default="", help="What the table is to be called; made of the place where it is not said.")
@click.option("--database", default="", help="The database that it is to be in.")
@values_option
def ddl(uri: str | None, lake: str, address: str, name: str, database: str, values: str | None) -> None:
    """Prints the statement by which Hive, Athena and others come to know what a job has published at URI. With --values, URI, name,
    database, roots and connections stand on standard input, and the answer is one JSON line. Starts no Spark."""
    from executor.catalog import commands
    from executor.look import commands as look

    sys.exit(look.answer(commands.describe) if values else commands.show(uri or "", lake, address, name, database))


@main.command("put-back-rows")
@values_option
def put_back_rows(values: str | None) -> None:
    """Puts back what was kept of a table of a database. Standard output is one JSON line."""
    from executor.look import commands as look
    from executor.running.put_back_rows import put_back_rows

    sys.exit(look.answer(put_back_rows))


@main.command()
@values_option
def register(values: str | None) -> None:
    """Registers a table in a catalog, or takes it out again. Standard output is one JSON line. Starts no Spark."""
    from executor.catalog import commands
    from executor.look import commands as look

    sys.exit(look.answer(commands.register))


@main.command()
def schema() -> None:
    """Prints the JSON Schema of job documents."""
    from executor.document.forms import document_schema

    click.echo(json.dumps(document_schema(), ensure_ascii=False, indent=1))


@main.command()
def docs() -> None:
    """Prints the reference of stages in Markdown."""
    from executor.document.reference import reference

    click.echo(reference(), nl=False)


def read(file: str) -> bytes:
    """The document in `file`, or on standard input for “-”. Raises ProblemError when it cannot be read."""
    from executor.problems import Problem, ProblemError

    try:
        with click.open_file(file, "rb") as stream:
            return bytes(stream.read())
    except OSError as error:
        problem = Problem(
            code="document-missing", message=f"The document “{file}” cannot be read.", found=error.strerror, fix="Check the path."
        )
        raise ProblemError(problem) from None


def roots_named(roots: tuple[str, ...], read_only: tuple[str, ...]) -> tuple[Root, ...]:
    """What `--root` and `--read-only-root` say, with the environment's own folder. Raises ProblemError."""
    from executor.language.roots import FOLDER_ONLY, Root, is_root_name
    from executor.problems import Problem, ProblemError

    found = {root.name: root for root in FOLDER_ONLY}
    for text, may_write in (*((one, True) for one in roots), *((one, False) for one in read_only)):
        name, _, address = text.partition("=")
        if not is_root_name(name) or (address and not address.startswith("s3a://")):
            raise ProblemError(
                Problem(code="root-form", message=f"“{text}” is no root.", found=text, expected="NAME, or NAME=s3a://bucket/folder/")
            )
        found[name] = Root(name, address and f"{address.rstrip('/')}/", may_write)
    return tuple(found.values())


def pairs(parameters: tuple[str, ...]) -> dict[str, str]:
    """`N=V` texts as names and values. Raises ProblemError for one without “=”."""
    from executor.problems import Problem, ProblemError

    for text in parameters:
        if "=" not in text:
            raise ProblemError(Problem(code="parameter-form", message=f"“{text}” is not a parameter.", found=text, expected="NAME=VALUE"))
    return dict(text.split("=", 1) for text in parameters)


def say(file: str, problems: list[Problem]) -> None:
    """The problems for a person, one paragraph each."""
    for problem in problems:
        click.echo(f"{problem.place}: {problem.message}" if problem.place else problem.message)
        details = (("found", problem.found), ("expected", problem.expected), ("fix", problem.fix))
        for name, text in details:
            if text:
                click.echo(f"    {name + ':':<10}{text}")
    count = len(problems)
    click.echo(f"{file}: {count} problem{'s' if count != 1 else ''}." if problems else f"{file}: no problems.")
