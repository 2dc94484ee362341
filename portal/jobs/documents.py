"""The text of job documents: judging it, and writing it in one canonical way before it is kept."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from pydantic.fields import FieldInfo

from executor.document import job as judge
from executor.document import kept_files
from executor.document.reading import read_document
from executor.document.suggested_connections import problems_with_connections
from executor.files import tree
from executor.language import credentials, json_text
from executor.language.roots import FOLDER_ONLY, Located, located
from executor.problems import ProblemError
from executor.stages import STAGE_TYPES
from portal.accounts.models import Project
from portal.environments.models import Environment
from portal.environments.reach import judged_by, roots_elsewhere
from portal.errors import PortalError

EMPTY = '{\n  "stages": []\n}\n'
"""What a new job begins with; not right before it has a stage, but a good start for the editor."""
LONGEST_DRAFT = 1_000_000
"""Bytes; as much as a document may have."""
_TOP_LEVEL = ("description", "parameters", "stages", "files")


class DocumentNotRight(PortalError):
    """The document has problems; all of them are named."""

    status = 422
    code = "document-not-right"


def problems_of(document: str | Mapping[str, Any], project: Project) -> list[dict[str, Any]]:
    """Every problem of the document, as dicts; its addresses by the roots of the lowest environment, where drafts run. Starts no Spark."""
    environments = list(project.environments.order_by("rank"))
    names = [environment.name for environment in environments]
    roots, whose = (judged_by(environments[0]), names[0]) if environments else (FOLDER_ONLY, None)
    found = [problem.as_dict() for problem in judge.check(document, environments_known=names, roots=roots, roots_of=whose)]
    return with_connections(found, document)


def require_right(document: str, project: Project) -> None:
    """Raises DocumentNotRight with every problem of the document."""
    found = problems_of(document, project)
    if found:
        count = "a problem" if len(found) == 1 else f"{len(found)} problems"
        raise DocumentNotRight(f"The job has {count}: {found[0]['message']}", fix=found[0].get("fix"), problems=found)


texts_elsewhere: list[Callable[[Environment, list[str]], dict[str, str | None]]] = []
"""Who reads small text files of roots on other machines (None: there is none that can be read): an app above puts its function here. What
it raises is told: a root that does not answer is no reason to keep the text of before."""


def with_files(document: str, project: Project) -> str:
    """The document with the texts of the SQL and schema files it names, as they lie in the lowest environment's roots now: what is saved,
    approved and run is all in it. Raises DocumentNotRight when one is not there. A document that cannot be read stays as it is. Not to be
    called in a transaction, where files may lie elsewhere."""
    try:
        content = read_document(document)
    except ProblemError:
        return document
    environments = list(project.environments.select_related("project").order_by("rank"))
    names = [environment.name for environment in environments]
    texts = _texts(environments[0], list(kept_files.files_named(content, names)[0])) if environments else {}
    filled, problems = kept_files.with_files(content, names, texts.get)
    if problems:
        raise DocumentNotRight(problems[0].message, fix=problems[0].fix, problems=[problem.as_dict() for problem in problems])
    return document if filled == content else json.dumps(filled, ensure_ascii=False)


def _texts(environment: Environment, uris: list[str]) -> dict[str, str | None]:
    """Address → text of the small file there; None where there is no such file."""
    roots, there = judged_by(environment), roots_elsewhere(environment)
    lake = settings.LAKE_DIR / environment.project.slug / environment.name
    at = {uri: where for uri in uris if isinstance(where := located(uri, roots, "uri"), Located)}
    texts = {uri: _text_at(lake, where.place) for uri, where in at.items() if where.root not in there}
    if others := [uri for uri, where in at.items() if where.root in there]:
        for read in texts_elsewhere:
            texts |= read(environment, others)
    return texts


def _text_at(lake: Path, place: str) -> str | None:
    """The text of a small file of the lake; None for anything else. Follows no link."""
    try:
        with os.fdopen(tree.open_below(lake, place), "rb") as file:
            content = file.read(LONGEST_DRAFT + 1)
        return content.decode("utf-8-sig") if 0 < len(content) <= LONGEST_DRAFT else None
    except (OSError, ValueError):
        return None


def shown(text: str) -> str:
    """The document for people and programs to read: without the credentials that somebody wrote into it before that was refused."""
    return _shown(text) if credentials.may_hold(text) else text


@lru_cache(maxsize=256)
def _shown(text: str) -> str:
    try:
        content = json_text.loads(text)
    except ValueError:
        return text
    masked = credentials.masked(content)
    return text if masked == content else json.dumps(masked, ensure_ascii=False, indent=2) + "\n"


def keepable(text: str) -> str:
    """The document as a draft is kept: without the passwords and keys that somebody wrote into it."""
    if not credentials.may_hold(text):
        return text
    try:
        json_text.loads(text)
    except ValueError:
        return credentials.masked_text(text)
    return _shown.__wrapped__(text)


def with_connections(problems: list[dict[str, Any]], document: str | Mapping[str, Any]) -> list[dict[str, Any]]:
    """The problems; those that a connection mends say which one (`executor.document.suggested_connections`)."""
    try:
        return list(problems_with_connections(problems, json_text.loads(document) if isinstance(document, str) else document))
    except ValueError:
        return problems


def holds_credentials(text: str) -> bool:
    """Whether somebody wrote a password or key into it."""
    return shown(text) != text


def credentials_of(document: str) -> list[dict[str, Any]]:
    """One problem for each field of the document, right or not, that holds a password or key."""
    try:
        content = json_text.loads(document)
    except ValueError:
        return []
    return with_connections([problem.as_dict() for problem in credentials.credential_problems(content)], content)


def require_no_credentials(document: str) -> None:
    """Raises DocumentNotRight when the document, right or not, holds a password or key."""
    if found := credentials_of(document):
        others = f" So do {len(found) - 1} more fields." if len(found) > 2 else " So does one more field." if len(found) == 2 else ""
        raise DocumentNotRight(found[0]["message"] + others, fix=found[0].get("fix"), problems=found)


def require_keepable(document: str) -> None:
    """Drafts may be wrong in every way, but not larger than any document could ever be."""
    size = len(document.encode("utf-8", "surrogatepass"))
    if size > LONGEST_DRAFT:
        raise PortalError(
            f"The document is too large: {size / 1_000_000:,.1f} MB; at most {LONGEST_DRAFT // 1_000_000} MB can be kept.",
            code="document-too-large",
            status=413,
            fix="Keep data in files, not in the document; split the job into several.",
        )


def canonical(document: str | Mapping[str, Any]) -> str:
    """The one text that a right document is kept as: two blanks of indentation, keys of stages in the order of their form,
    everything else (also the order of parameters and maps) as people wrote it."""
    content = json_text.loads(document) if isinstance(document, str) else dict(document)
    ordered = {key: content[key] for key in (*_TOP_LEVEL, *content) if key in content}
    ordered["stages"] = [_ordered(stage) for stage in content.get("stages", [])]
    return json.dumps(ordered, ensure_ascii=False, indent=2) + "\n"


def as_text(document: Any) -> str:
    """A document as its doors take it, text or any JSON, as text; what is no job stays what it is, for the check to name it."""
    return document if isinstance(document, str) else json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def sha256_of(text: str) -> str:
    """Of the exact bytes that are kept."""
    return hashlib.sha256(text.encode()).hexdigest()


def content_of(text: str) -> dict[str, Any]:
    """A document that may be anything; empty when it is none."""
    try:
        content = json_text.loads(text)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def stages_of(text: str) -> list[dict[str, Any]]:
    """The stages of a document that may be anything; an empty list when there are none to be found."""
    stages = content_of(text).get("stages")
    return [stage for stage in stages if isinstance(stage, dict)] if isinstance(stages, list) else []


def _ordered(stage: Mapping[str, Any]) -> dict[str, Any]:
    order = _field_order(str(stage.get("type")))
    return {key: stage[key] for key in sorted(stage, key=lambda key: order.get(key, len(order)))}


@lru_cache
def _field_order(stage_type: str) -> dict[str, int]:
    """Document names of a stage type's fields → place: those that are always shown first, then "More fields"."""
    fields = STAGE_TYPES[stage_type].model_fields if stage_type in STAGE_TYPES else {}
    names = sorted(fields, key=lambda name: _is_advanced(fields[name]))
    return {fields[name].alias or name: place for place, name in enumerate(names)}


def _is_advanced(field: FieldInfo) -> bool:
    extra = field.json_schema_extra
    return bool(isinstance(extra, dict) and extra.get("advanced"))
