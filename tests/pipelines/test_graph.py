"""Layers, loops and the drawing."""

from __future__ import annotations

from portal.pipelines import graph

DEMO = {
    "load_flights": [],
    "load_weather": [],
    "daily_delays": ["load_flights", "load_weather"],
    "delay_report": ["daily_delays"],
}


def test_a_job_stands_one_layer_behind_the_last_it_runs_after() -> None:
    assert graph.layers_of(DEMO) == [["load_flights", "load_weather"], ["daily_delays"], ["delay_report"]]
    assert graph.layers_of({"a": [], "b": ["a"], "c": ["a", "b"]}) == [["a"], ["b"], ["c"]]


def test_a_loop_is_named_from_end_to_end() -> None:
    assert graph.loop_in(DEMO) is None
    assert graph.loop_in({"a": ["c"], "b": ["a"], "c": ["b"], "d": []}) == ["a", "c", "b", "a"]
    assert graph.loop_in({"a": ["a"]}) == ["a", "a"]


def test_boxes_of_a_drawing_do_not_overlap_and_lines_go_to_the_right() -> None:
    drawing = graph.drawing_of(DEMO)
    places = {(node.x, node.y) for node in drawing.nodes}
    assert len(places) == 4
    for one, other in ((a, b) for a in drawing.nodes for b in drawing.nodes if a.name < b.name and a.x == b.x):
        assert abs(one.y - other.y) >= graph.BOX_HEIGHT
    assert len(drawing.edges) == 3
    assert max(node.x for node in drawing.nodes) + graph.BOX_WIDTH <= drawing.width
    assert max(node.y for node in drawing.nodes) + graph.BOX_HEIGHT <= drawing.height


def test_the_longest_way_is_the_slowest_chain() -> None:
    seconds = {"load_flights": 6.0, "load_weather": 2.0, "daily_delays": 11.0, "delay_report": 3.0}
    assert graph.longest_way(DEMO, seconds) == 20.0
    assert graph.longest_way({}, {}) == 0.0


def test_a_long_name_is_clipped_but_known() -> None:
    node = graph.drawing_of({"a" * 80: []}).nodes[0]
    assert node.name == "a" * 80 and len(node.shown) == graph.LETTERS and node.shown.endswith("…")


def test_two_hundred_jobs_in_a_row_are_drawn() -> None:
    names = [f"job_{number:03}" for number in range(200)]
    chain = {name: names[:index][-1:] for index, name in enumerate(names)}
    assert graph.loop_in(chain) is None
    assert len(graph.layers_of(chain)) == 200
