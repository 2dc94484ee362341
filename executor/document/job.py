"""The job document: what people write, judged without Spark.

`check` answers with every problem at once; `parse` gives the job that a run works on, or raises all problems.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from pydantic import ValidationError

from executor.document import only_new
from executor.document.job_problems import (
    MAX_STAGES,
    parameter_name_problems,
    placed,
    said_twice,
    stages_problems,
    top_level_problems,
    unknown_environment,
    unknown_type,
    unused_parameters,
    wrong_kind,
)
from executor.document.kept_files import files_in, kept_text
from executor.document.places import Address, Judge, addresses, place_problems
from executor.document.reading import read_document
from executor.document.views import view_problems
from executor.language import schema
from executor.language.credentials import credential_problems, may_hold, without_credentials
from executor.language.filling import PLACEHOLDER, Filler, inject_sql_params
from executor.language.parameters import SECRET, Parameter, resolve
from executor.language.roots import FOLDER_ONLY, Located, Root
from executor.plain import problems_of
from executor.problems import Problem, ProblemError
from executor.stages import STAGE_TYPES, Stage, StageTypes
from executor.stages.base import SPARK_SQL
from executor.stages.file_kinds import one_of
from executor.stages.kinds import flat_map

Document = str | bytes | Mapping[str, Any]


@dataclass(frozen=True)
class Job:
    """A document that is right, with its parameters filled in.

    `values` are the parameters as JSON (number, boolean or text), without secrets; `sha256` is that of the document before parameters.
    """

    stages: tuple[Stage, ...]
    parameters: Mapping[str, Parameter]
    values: Mapping[str, Any]
    sha256: str
    environment: str | None = None
    description: str | None = None
    files: Mapping[str, str] | None = None
    """Texts of the files it names (SQL, schemas), kept in the document; None: they are read where they lie."""
    addresses: tuple[Address, ...] = ()
    """Where the stages that take part read and write."""
    asked: Mapping[str, str] = field(default_factory=dict)
    """What stages that read only what is new ask for, as it is written (`executor.document.only_new.asked_in`)."""

    def takes_part(self, stage: Stage) -> bool:
        """Whether `stage` runs in the job's environment."""
        return stage.takes_part_in(self.environment)


def parse(
    document: Document,
    *,
    environment: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    run_id: str | None = None,
    environments_known: Collection[str] | None = None,
    secrets: Mapping[str, str] | None = None,
    roots: Iterable[Root] = FOLDER_ONLY,
    types: StageTypes = STAGE_TYPES,
) -> Job:
    """The job to run. `parameters` are this run's values; None means nobody runs it yet, and stand-ins take the place of missing ones.
    `secrets` None: they are not at hand, and stand-ins take their places. `roots`: those of the environment. Raises ProblemError with every
    problem."""
    judge = Judge(tuple(roots), environment)
    reader = _Reader(environment, parameters, run_id, environments_known, types, judge, secrets=secrets)
    job = reader.read(document)
    if job is None or reader.problems:
        raise ProblemError(_in_order(reader.problems))
    return job


def check(
    document: Document,
    *,
    environment: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    environments_known: Collection[str] | None = None,
    secrets: Collection[str] | None = None,
    roots: Iterable[Root] = FOLDER_ONLY,
    roots_of: str | None = None,
    types: StageTypes = STAGE_TYPES,
) -> list[Problem]:
    """Every problem of the document, in its order; an empty list when it is right. Starts no Spark. `secrets`: names of those that are set
    where it is to run; None: that is not asked. `roots`: those of the environment, or of `roots_of` where none is given: when a job is
    saved it belongs to none yet, and stages that take part elsewhere only are judged by the form of their addresses."""
    known = None if secrets is None else dict.fromkeys(secrets, SECRET)
    judge = Judge(tuple(roots), environment or roots_of)
    reader = _Reader(environment, parameters, None, environments_known, types, judge, judges_credentials=True, secrets=known)
    reader.read(document)
    return _in_order(without_credentials(reader.problems, reader.suspect) if reader.suspect else reader.problems)


def places_written(
    document: Document,
    *,
    environment: str,
    parameters: Mapping[str, Any] | None,
    run_id: str | None = None,
    roots: Iterable[Root] = FOLDER_ONLY,
    types: StageTypes = STAGE_TYPES,
) -> list[Located]:
    """Where the document publishes in `environment` with these values; of a document with problems, what can be told."""
    job = _Reader(environment, parameters, run_id, None, types, Judge(tuple(roots), environment)).read(document)
    return [address.at for address in job.addresses if address.writes] if job else []


def warnings_about(document: Document, *, environment: str, roots: Iterable[Root] = FOLDER_ONLY) -> list[Problem]:
    """What stops nobody and may be wrong all the same, of the stages that are right: loads that take what is new for all rows there are."""
    job = _Reader(environment, None, None, None, STAGE_TYPES, Judge(tuple(roots), environment)).read(document)
    return list(only_new.problems_of(job.stages, environment)) if job else []


def _in_order(problems: list[Problem]) -> list[Problem]:
    """First those of the whole document, then stage by stage."""
    return sorted(problems, key=lambda problem: -1 if problem.stage_index is None else problem.stage_index)


def digest(document: Mapping[str, Any]) -> str:
    """sha256 of the document, the same however it was indented or its keys were ordered."""
    text = json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass
class _Reader:
    environment: str | None
    given: Mapping[str, Any] | None
    run_id: str | None
    environments_known: Collection[str] | None
    types: StageTypes
    judge: Judge
    problems: list[Problem] = field(default_factory=list)
    addresses: list[Address] = field(default_factory=list)
    files: Mapping[str, str] | None = None
    secrets: Mapping[str, str] | None = None
    judges_credentials: bool = False
    """What is written, saved, promoted or started may hold no credential. What was kept before that was refused can still be looked at."""
    suspect: Mapping[str, Any] | None = None
    """The document, where it may hold a credential: no problem quotes one."""

    def read(self, document: Document) -> Job | None:
        """The job, also where only some stages are right; None when there is nothing to judge."""
        try:
            content = read_document(document)
        except ProblemError as error:
            self.problems += error.problems
            return None
        self.problems += top_level_problems(content)
        self.files = files_in(content)
        if self.judges_credentials and may_hold(str(content)):
            self.problems += credential_problems(content)
            self.suspect = content
        declared = self._declared(content.get("parameters"))
        values, wrong = resolve(declared, self.given, environment=self.environment, run_id=self.run_id, secrets=self.secrets)
        self.problems += wrong
        stages = self._stages(content.get("stages"), Filler(values, self._declared_names(content)))
        description = content.get("description")
        return Job(
            stages=tuple(stages),
            parameters=declared,
            values={name: value.json for name, value in values.items() if name in declared and value.type != SECRET},
            sha256=digest(content),
            environment=self.environment,
            description=description if isinstance(description, str) else None,
            files=self.files,
            addresses=tuple(self.addresses),
            asked=only_new.asked_in(content.get("stages")),
        )

    def _declared_names(self, content: Mapping[str, Any]) -> Collection[str]:
        given = content.get("parameters")
        return list(given) if isinstance(given, dict) else []

    def _declared(self, given: Any) -> dict[str, Parameter]:
        if given is None:
            return {}
        if not isinstance(given, dict):
            self.problems.append(wrong_kind("parameters", given, "an object of names and declarations", "parameters"))
            return {}
        declared: dict[str, Parameter] = {}
        for name, words in given.items():
            self.problems += parameter_name_problems(name)
            try:
                declared[name] = Parameter.model_validate(words)
            except ValidationError as error:
                self.problems += problems_of(error, Parameter, f"parameters.{name}")
        return declared

    def _stages(self, given: Any, filler: Filler) -> list[Stage]:
        if not isinstance(given, list) or not given or len(given) > MAX_STAGES:
            self.problems += stages_problems(given)
            return []
        indexed: dict[int, Stage] = {}
        for index, words in enumerate(given):
            stage, wrong = self._stage(words, filler)
            self.problems += [placed(problem, index, words) for problem in wrong]
            if stage is not None:
                indexed[index] = stage
        self.problems += unused_parameters(filler, given)
        self.problems += said_twice(given, "name", "stage-name-twice", "Two stages have the name")
        self.problems += said_twice(given, "id", "stage-id-twice", "Two stages have the id")
        self.problems += self._environment_problems(given)
        self.problems += view_problems(indexed, self.environment, [_view_names(words) for words in given])
        self.addresses = addresses(indexed, self.environment, self.judge)
        self.problems += place_problems(self.addresses)
        return list(indexed.values())

    def _stage(self, words: Any, filler: Filler) -> tuple[Stage | None, list[Problem]]:
        if not isinstance(words, dict):
            return None, [wrong_kind("stage", words, "an object with type and name", None)]
        name = words.get("type")
        if not isinstance(name, str) or name not in self.types:
            return None, [unknown_type(name, self.types)]
        cls = self.types[name]
        if {"sql", "inputURI"} <= words.keys() and {"sql", "inputURI"} <= document_names(cls):
            return None, [one_of(["sql", "inputURI"])]
        before, unfilled = len(filler.problems), filler.unfilled
        filled = fill_stage(words, cls, filler, self.files)
        if self.files is not None and isinstance(uri := filled.get("schemaURI"), str):
            kept_text(self.files, uri, "schemaURI", filler.problems)
        wrong = filler.problems[before:] + self._address_problems(words, filled, cls, filler)
        if foreign := cls.foreign_problems(filled):
            return None, wrong + foreign
        try:
            stage = cls.model_validate(filled)
        except ValidationError as error:
            return None, wrong + problems_of(error, cls, tagged=schema.COLUMN_TYPES)
        told_already = filler.unfilled > unfilled
        return stage, wrong + [problem for problem in stage.problems() if not (told_already and problem.code == "sql-left-over")]

    def _address_problems(self, words: Mapping[str, Any], filled: Mapping[str, Any], cls: type[Stage], filler: Filler) -> list[Problem]:
        """Addresses among a stage's words that lead to no place in a root, or whose root hangs on a value from outside."""
        found = []
        for key, does in sorted(cls.address_fields().items()):
            uri = filled.get(key)
            if not isinstance(uri, str) or PLACEHOLDER.search(uri):
                continue
            at = self.judge.located(uri, key, does, _environments(words))
            fixed = self.judge.located(filler.without_values_from_outside(words[key]), key, does, _environments(words))
            if isinstance(at, Problem):
                found.append(at)
            elif not isinstance(fixed, Located) or fixed.root != at.root:
                found.append(_root_from_outside(uri, key))
        return found

    def _environment_problems(self, given: list[Any]) -> list[Problem]:
        named = [(index, name) for index, words in enumerate(given) for name in _environments(words)]
        if self.environments_known is not None:
            known = list(self.environments_known)
            return [
                placed(unknown_environment(name, known, "environments"), index, given[index]) for index, name in named if name not in known
            ]
        everywhere = any(not _environments(words) for words in given)
        mentioned = sorted({name for _, name in named})
        if self.environment is None or everywhere or self.environment in mentioned:
            return []
        return [unknown_environment(self.environment, mentioned, "environment")]


def _root_from_outside(uri: str, key: str) -> Problem:
    return Problem(
        code="root-from-outside",
        field=key,
        message=f"“{uri[:200]}”: the value of a parameter that comes with a run would choose the root.",
        found=uri[:200],
        expected="the root's name in the job itself, such as archive:${folder}/x.csv",
        fix="Write the root's name out, or give the parameter choices, which are a part of the job.",
    )


def fill_stage(words: Mapping[str, Any], cls: type[Stage], filler: Filler, files: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The stage's words with `${name}` replaced: typed literals in its SQL fields, checked names in its addresses, values elsewhere.
    `files`: the texts that the document keeps of files it names; then it reads no others."""
    in_sql, paths = sql_fields(cls), fields_of_widget(cls, "uri")
    filled = {
        key: filler.path(value, key) if key in paths else filler.value(value, key)
        for key, value in words.items()
        if key not in in_sql and key != "sqlParams"
    }
    own = words.get("sqlParams")
    if in_sql and files is not None and isinstance(uri := filled.get("inputURI"), str):
        text = kept_text(files, uri, "inputURI", filler.problems)
        return filled | _filled_sql({"sql": text or ""}, own, filler, "inputURI", cls)
    sql = {key: words[key] for key in words if key in in_sql}
    return filled | _filled_sql(sql, own, filler, None, cls)


def _filled_sql(given: Mapping[str, Any], own: Any, filler: Filler, field: str | None, cls: type[Stage]) -> dict[str, Any]:
    """The SQL fields with the stage's own texts (`sqlParams`) put in first, and the job's parameters as literals after that. The texts are
    gone then, except where there is no SQL yet to put them in."""
    texts = {} if own is None else flat_map(own)
    if not isinstance(texts, dict):
        return {**given, "sqlParams": own}  # which is told as a field of the wrong kind
    filled: dict[str, Any] = {}
    for key, value in given.items():
        if isinstance(value, str):
            value, unused = inject_sql_params(value, texts, field or key)
            filler.problems += unused
            put = filler.sql if cls.marked("dialect").get(key, SPARK_SQL) == SPARK_SQL else filler.database_sql
            value = put(value, field or key)
        filled[key] = value
    is_done = own is None or any(isinstance(value, str) for value in given.values())
    return filled if is_done else {**filled, "sqlParams": own}


@cache
def document_names(cls: type[Stage]) -> set[str]:
    """Names of all fields of a stage type, as in documents."""
    return {info.alias or name for name, info in cls.model_fields.items()}


def sql_fields(cls: type[Stage]) -> set[str]:
    """Names, as in documents, of the fields that hold SQL."""
    return fields_of_widget(cls, "sql")


@cache
def fields_of_widget(cls: type[Stage], widget: str) -> set[str]:
    """Names, as in documents, of the fields that are drawn as `widget`."""
    return {
        info.alias or name
        for name, info in cls.model_fields.items()
        if isinstance(info.json_schema_extra, dict) and info.json_schema_extra.get("widget") == widget
    }


def _environments(words: Any) -> list[str]:
    given = words.get("environments") if isinstance(words, dict) else None
    return [name for name in given if isinstance(name, str)] if isinstance(given, list) else []


def _view_names(words: Any) -> list[str]:
    made = words.get("outputView") if isinstance(words, dict) else None
    return [made] if isinstance(made, str) else []
