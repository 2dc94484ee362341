"""What the pages of a pipeline draw: the graph with each job's state, and the grid of its last runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from django.urls import reverse
from django.utils import timezone

from portal.accounts.models import Project
from portal.pipelines import graph
from portal.pipelines.graph import Node
from portal.pipelines.models import Pipeline, PipelineRun, PipelineRunJob
from portal.ui.states import look
from portal.ui.words import duration

GRID_RUNS = 24
WORDS = 24  # letters of the second line that fit into a box
MARKS = {"succeeded": "✓", "failed": "✕", "running": "▸", "held": "‖", "waiting": "·", "cancelled": "–"}


class Box(NamedTuple):
    """A job in the graph: where, which colour, which words, where a click leads."""

    node: Node
    tone: str
    words: str
    says: str
    url: str


class Cell(NamedTuple):
    """One job in one pipeline run. `mark` says the state without colour."""

    tone: str
    mark: str
    says: str
    url: str


@dataclass(frozen=True)
class Graph:
    drawing: graph.Drawing
    boxes: list[Box]
    layers: int
    longest: float | None = None
    """Seconds of the slowest chain of jobs, once every job has run."""


@dataclass(frozen=True)
class Grid:
    runs: list[PipelineRun]
    rows: list[tuple[str, list[Cell]]]


def graph_of(project: Project, after: graph.Dependencies, places: Mapping[str, PipelineRunJob]) -> Graph:
    """`places` are the jobs' states in the run that is shown, by name; empty before the first."""
    drawing = graph.drawing_of(after)
    boxes = [_box(project, node, places.get(node.name)) for node in drawing.nodes]
    took = {name: _seconds(place) or 0.0 for name, place in places.items() if place.run is not None and place.run.is_final}
    longest = graph.longest_way(after, took) if after and set(after) <= set(took) else None
    return Graph(drawing, boxes, len(graph.layers_of(after)), longest)


def graph_to_be(project: Project, after: graph.Dependencies) -> Graph:
    """The graph while it is being put together: the second line says when each job starts."""
    drawing = graph.drawing_of(after)
    words = {name: "after " + ", ".join(before) if before else "starts first" for name, before in after.items()}
    boxes = [
        Box(node, "", _clipped(words[node.name]), f"{node.name}: {words[node.name]}", _url(project.slug, node.name, None))
        for node in drawing.nodes
    ]
    return Graph(drawing, boxes, len(graph.layers_of(after)))


def places_of(pipeline_run: PipelineRun | None) -> dict[str, PipelineRunJob]:
    if pipeline_run is None:
        return {}
    return {place.job.name: place for place in pipeline_run.job_runs.select_related("job", "run")}


def after_of(places: Mapping[str, PipelineRunJob]) -> dict[str, Sequence[str]]:
    """The dependencies a pipeline run began with."""
    return {name: place.after for name, place in places.items()}


def progress_of(places: Mapping[str, PipelineRunJob]) -> str:
    """7 of 10: how many jobs have succeeded."""
    return f"{sum(place.state == 'succeeded' for place in places.values())} of {len(places)}"


def grid_of(pipeline: Pipeline, environment_id: int, names: Sequence[str]) -> Grid:
    """The last runs in one environment, oldest left; a row for each of `names`."""
    runs = list(pipeline.pipeline_runs.filter(environment_id=environment_id).exclude(state="skipped")[:GRID_RUNS])[::-1]
    found = PipelineRunJob.objects.filter(pipeline_run__in=runs).select_related("job", "run")
    places = {(place.pipeline_run_id, place.job.name): place for place in found}
    project = pipeline.project.slug
    rows = [(name, [_cell(project, pipeline, run, places.get((run.pk, name))) for run in runs]) for name in names]
    return Grid(runs, rows)


def words_of(place: PipelineRunJob | None) -> str:
    """State and, where there is one, how long it took or why it does not run."""
    if place is None:
        return "not run yet"
    seconds = _seconds(place)
    word = look(place.state).word
    if place.state == "held":
        return f"held: {place.note}" if place.note else "held"
    if place.state == "waiting":
        return place.note or "waiting"
    if place.state == "running" and place.run is not None and place.run.started_at is None:
        return look(place.run.state).word
    return f"{word} · {duration(seconds)}" if seconds is not None else word


def _box(project: Project, node: Node, place: PipelineRunJob | None) -> Box:
    whole = words_of(place)
    tone = {"held": "warn", "waiting": "", "cancelled": ""}.get(place.state, look(place.state).tone) if place else ""
    return Box(node, tone, _clipped(whole), f"{node.name}: {whole}", _url(project.slug, node.name, place))


def _cell(project: str, pipeline: Pipeline, run: PipelineRun, place: PipelineRunJob | None) -> Cell:
    if place is None:
        return Cell("none", "", "was not in the pipeline", "")
    tone = {"held": "warn", "waiting": "", "cancelled": ""}.get(place.state, look(place.state).tone)
    says = f"{place.job.name}, {run.created_at:%d %b %H:%M} UTC: {words_of(place)}"
    return Cell(tone, MARKS.get(place.state, ""), says, reverse("pipelines:run", args=[project, pipeline.name, run.pk]))


def _url(project: str, name: str, place: PipelineRunJob | None) -> str:
    if place is not None and place.run_id is not None:
        return reverse("runs:run", args=[project, place.run_id])
    return reverse("jobs:job", args=[project, name])


def _clipped(words: str) -> str:
    return words if len(words) <= WORDS else words[: WORDS - 1] + "…"


def _seconds(place: PipelineRunJob) -> float | None:
    run = place.run
    if run is None or run.started_at is None:
        return None
    return ((run.finished_at or timezone.now()) - run.started_at).total_seconds()
