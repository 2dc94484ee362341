"""A document that keeps no texts yet (a draft, a job run by hand) reads SQL and schema files where they lie: once, before it is judged."""

from __future__ import annotations

from typing import Any

from executor.document.kept_files import FILES, files_named, with_files
from executor.document.reading import read_document
from executor.files.inputs import read_text
from executor.problems import ProblemError
from executor.stores.roots import Roots


def with_lake_texts(document: bytes | dict[str, Any], roots: Roots, environment: str | None) -> bytes | dict[str, Any]:
    """The document with the texts of the files it names; as it is where it keeps them, names none, or not all of them are there (a stage
    may make one; else its reader says what is missing)."""
    try:
        content = read_document(document)
    except ProblemError:
        return document
    environments = [environment] if environment else []
    if FILES in content or not files_named(content, environments)[0]:
        return document

    def read(uri: str) -> str | None:
        try:
            root, place = roots.at(uri, "inputURI")
            return read_text(root.read(place, uri, "inputURI").path, uri)
        except ProblemError:
            return None

    filled, problems = with_files(content, environments, read)
    return document if problems else filled
