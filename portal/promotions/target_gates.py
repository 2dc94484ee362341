"""The rules that look at the environment a version goes to: are its inputs there, with the columns it knows; can it write its outputs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from executor.document.job import parse
from executor.problems import ProblemError
from executor.stages.base import Stage
from portal.data.rights import who_may
from portal.data.uses import WRITES, Uses
from portal.environments.reach import judged_by
from portal.jobs import places
from portal.promotions import good_run
from portal.promotions.candidate import Candidate, Finding, Gate, Verdict
from portal.promotions.columns import Comparison, compare
from portal.promotions.leads import changed, leads_of
from portal.promotions.target import TargetLook
from portal.runs.problems import hidden, names_in, problem_of, quotes_only_names
from portal.ui.words import plural

_COUNT_ALL = re.compile(r"count\s*\(\s*\*\s*\)", re.IGNORECASE)
NOTHING_THERE = ("input-missing", "input-empty")


def inputs_there(it: Candidate) -> Gate:
    """What it reads lies in the target, and can be read."""
    name = f"Inputs are there in {it.target.name}"
    if it.look.refusal:
        return Gate(name, "stop", f"{it.target.name} could not be looked at: {it.look.refusal}")
    wrong = [(one, one["problem"]) for one in it.look.inputs if isinstance(one.get("problem"), dict)]
    count = len(it.look.inputs)
    if not wrong:
        return Gate(name, "ok", f"{count} of {count}" if count else "it reads no files")
    uses = Uses(it.target)
    findings = tuple(finding for one, problem in wrong for finding in _why_not(it, one, problem, uses))
    if any(_is_brought(it, one, problem, uses) for one, problem in wrong):
        findings = (*findings, Finding(f"Files come there on the page Data of {it.target.name}. {who_may(it.target)}", is_open=True))
    first = findings[0].words if findings[0].is_open else f"“{wrong[0][0]['uri']}” cannot be read"
    more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
    return Gate(name, "stop", f"{first}{more}", findings=findings)


def _is_brought(it: Candidate, one: dict[str, Any], stored: dict[str, Any], uses: Uses) -> bool:
    """Whether nothing lies there, and no job would write it."""
    return problem_of(stored).code in NOTHING_THERE and not _writers(it, one, uses)


def _writers(it: Candidate, one: dict[str, Any], uses: Uses) -> list[str]:
    return [job for job in uses.jobs(str(one["uri"]), WRITES) if job != it.job.name]


def _why_not(it: Candidate, one: dict[str, Any], stored: dict[str, Any], uses: Uses) -> Iterator[Finding]:
    problem = problem_of(stored)
    if problem.code in NOTHING_THERE:
        writers = _writers(it, one, uses)
        made = f": {writers[0]} writes it; run that first" if writers else f"; no job that is live in {it.target.name} writes it"
        yield Finding(f"nothing at “{one['uri']}” in {it.target.name}{made}", is_open=True)
        return
    words = hidden(stored, it.version.document).message
    found = f"Found: {problem.found}." if isinstance(problem.found, str) else None
    yield Finding(" ".join(filter(None, (problem.message, found, problem.fix))), is_open=False)
    if words == problem.message:
        yield Finding(words, is_open=True)


def columns_as_read(it: Candidate) -> Gate:
    """Each input has the columns that the good run has met: what the run proves, it proves for such columns only."""
    name = f"Columns in {it.target.name} as in the good run"
    if it.look.refusal:
        return Gate(name, "stop", f"{it.target.name} could not be looked at: {it.look.refusal}")
    known, stages = good_run.noted(it.run, "read"), _stages(it)
    found = [_compared(it, one, known, _order_matters(one.get("stage_index"), stages)) for one in it.look.inputs]
    if not found:
        return Gate(name, "ok", "it reads no files")
    return _summed(name, found, f"{len(found)} of {len(found)}")


def _compared(it: Candidate, one: dict[str, Any], known: dict[int, Any], order_matters: bool) -> tuple[Verdict, str, list[Finding]]:
    uri, there, before = str(one.get("uri")), one.get("columns"), known.get(int(one.get("stage_index", -1)))
    if not isinstance(there, dict):
        problem = one.get("problem")
        is_there = not isinstance(problem, dict) or problem_of(problem).code not in NOTHING_THERE
        why = "it could not be read" if is_there else f"there is nothing in {it.target.name}"
        return "stop", f"“{uri}” cannot be compared: {why}", []
    if before is None:
        return "unseen", f"“{uri}” was not compared: {_why_unknown(it)}", []
    return _judged(it, uri, compare(before, there, order_matters=order_matters))


def _judged(it: Candidate, uri: str, found: Comparison) -> tuple[Verdict, str, list[Finding]]:
    names = names_in(it.version.document)
    findings = [Finding(f"{uri}: {one.words}", is_open=quotes_only_names(one.words, names)) for one in found.differences]
    hard = [one for one in found.differences if not one.is_harmless]
    if hard:
        return "stop", f"“{uri}” differs: {plural(len(hard), 'difference', 'differences')}", findings
    if findings:
        return "warn", f"“{uri}” differs in capital letters only", findings
    if not found.is_whole:
        return "unseen", f"“{uri}” was not looked at to its end", []
    return "ok", uri, []


def _why_unknown(it: Candidate) -> str:
    if it.run is None:
        return f"there is no good run in {it.source.name}"
    return f"the good run in {it.source.name} did not note its columns; run it there again"


def _summed(name: str, found: list[tuple[Verdict, str, list[Finding]]], good: str) -> Gate:
    """One gate of several places: the worst of them speaks."""
    for verdict in ("stop", "unseen", "warn"):
        said = [words for one, words, _ in found if one == verdict]
        if said:
            more = f" (and {len(said) - 1} more)" if len(said) > 1 else ""
            findings = tuple(finding for _, _, some in found for finding in some)
            return Gate(name, verdict, f"{said[0]}{more}", findings=findings)
    return Gate(name, "ok", good)


def _stages(it: Candidate) -> list[Stage]:
    try:
        return list(parse(it.version.document, environment=it.target.name, roots=judged_by(it.target)).stages)
    except ProblemError:
        return []


def _order_matters(index: Any, stages: list[Stage]) -> bool:
    """Whether somebody takes the columns by their place: a TypingTransform, or a query that takes all of them as they come. Where nobody
    is found who reads them, it is not known."""
    if not isinstance(index, int) or index >= len(stages):
        return True
    views = {view.casefold() for view in stages[index].writes()}
    readers = [stage for stage in stages if views & {view.casefold() for view in stage.reads()}]
    return not readers or any(not stage.queries() or any(_takes_all(query.text) for query in stage.queries()) for stage in readers)


def _takes_all(query: str | None) -> bool:
    """Whether a query, which may stand in a file, takes all columns as they come."""
    return query is None or "*" in _COUNT_ALL.sub("", query)


def outputs_can_be_written(it: Candidate) -> Gate:
    """Each place is free, or the job's own there; the folder takes files; rows that stay have the same columns."""
    name = f"Outputs can be written in {it.target.name}"
    if it.look.refusal:
        return Gate(name, "stop", f"{it.target.name} could not be looked at: {it.look.refusal}")
    known = good_run.noted(it.run, "wrote")
    found = [_writable(it, one, known) for one in it.look.outputs]
    if not found:
        return Gate(name, "ok", "it writes no files")
    return _summed(name, found, f"{len(found)} of {len(found)}")


def _writable(it: Candidate, one: dict[str, Any], known: dict[int, Any]) -> tuple[Verdict, str, list[Finding]]:
    uri = str(one.get("uri"))
    if isinstance(one.get("problem"), dict):
        problem = problem_of(one["problem"])
        return "stop", f"“{uri}” cannot be written", [Finding(f"{uri}: {problem.message}", is_open=False)]
    if not one.get("holds"):
        return "ok", uri, []
    mode = one.get("save_mode")
    if mode == "ErrorIfExists":
        return "stop", f"something lies at “{uri}”, and the job stops where something does (ErrorIfExists)", []
    if mode == "Ignore":
        return "warn", f"something lies at “{uri}”, and the job leaves it as it is (Ignore)", []
    place = places.known_at(it.target, uri)
    if place is None or place.owner_id != it.job.pk:
        return "stop", f"something lies at “{uri}” that this job has not published; take the place over, or write to another", []
    if one.get("foreign") and not place.may_replace:
        finding = Finding(f"{uri}: “{one['foreign']}” is nothing that a load writes", is_open=False)
        return "stop", f"other things than outputs lie at “{uri}”; take the place over, or tidy up", [finding]
    return _appended(it, one, known) if mode == "Append" else ("ok", uri, [])


def _appended(it: Candidate, one: dict[str, Any], known: dict[int, Any]) -> tuple[Verdict, str, list[Finding]]:
    uri, there, own = str(one.get("uri")), one.get("columns"), known.get(int(one.get("stage_index", -1)))
    if not isinstance(there, dict) and not one.get("unreadable"):
        return "ok", uri, []  # there are files, but no rows in them
    if not isinstance(there, dict):
        return "stop", f"rows are appended at “{uri}”, and those that lie there cannot be read", []
    if own is None:
        return "unseen", f"“{uri}” was not compared: {_why_unknown(it)}", []
    return _judged(it, uri, compare(own, there, order_matters=False))


def target_as_asked(it: Candidate) -> Gate:
    """What lay in the target when it was asked for lies there now: other rows, but the same places and columns, and where they were."""
    name = f"{it.target.name.capitalize()} as when it was asked for"
    if it.asked is None or it.asked.refusal:
        return Gate(name, "unseen", "it was asked for before this was noted; ask again to have it compared")
    if it.look.refusal:
        return Gate(name, "stop", f"{it.target.name} could not be looked at: {it.look.refusal}")
    if it.asked.leads is not None and (moved := changed(it.asked.leads, leads_of(it.version.document, it.target))):
        more = f" (and {len(moved) - 1} more)" if len(moved) > 1 else ""
        return Gate(name, "stop", f"“{moved[0]}” leads elsewhere by now{more}; look at it, and ask again")
    before, now = _by_place(it.asked), _by_place(it.look)
    others = sorted(
        uri for uri, stage, does in before.keys() | now.keys() if _is_other(before.get((uri, stage, does)), now.get((uri, stage, does)))
    )
    if not others:
        return Gate(name, "ok", "the same places and columns")
    more = f" (and {len(others) - 1} more)" if len(others) > 1 else ""
    return Gate(name, "stop", f"“{others[0]}” is not as it was{more}; look at it, and ask again")


def _by_place(look: TargetLook) -> dict[tuple[str, str, str], dict[str, Any]]:
    told = [*(("reads", one) for one in look.inputs), *(("writes", one) for one in look.outputs)]
    return {(str(one.get("uri")), str(one.get("stage")), does): one for does, one in told}


def _is_other(before: dict[str, Any] | None, now: dict[str, Any] | None) -> bool:
    """Another address, something that has come or gone, other columns. What the job itself has published since is no change."""
    if before is None or now is None:
        return True
    if bool(before.get("problem")) != bool(now.get("problem")) or before.get("foreign") != now.get("foreign"):
        return True
    if "save_mode" in now or not before.get("columns") or not now.get("columns"):
        return False
    return bool(compare(before["columns"], now["columns"], order_matters=True).differences)
