"""Mini bars and sparklines."""

from __future__ import annotations

from portal.ui.pictures import BARS_HEIGHT, LOWEST, mini_bars, sparkline


def test_the_longest_run_is_the_highest_bar_and_stands_on_the_ground() -> None:
    picture = mini_bars([{"state": "succeeded", "seconds": 10}, {"state": "failed", "seconds": 40}])
    assert [bar.tone for bar in picture.bars] == ["ok", "bad"]
    assert picture.bars[1].height == BARS_HEIGHT
    assert LOWEST <= picture.bars[0].height < BARS_HEIGHT
    assert all(round(bar.y + bar.height, 1) == BARS_HEIGHT for bar in picture.bars)


def test_bars_are_also_words() -> None:
    picture = mini_bars([{"state": "succeeded", "seconds": 10}, {"state": "timed_out", "seconds": 40}])
    assert picture.says == "last 2 runs, 1 failed"
    assert picture.bars[1].says == "timed out, 40 s"


def test_a_job_without_runs_has_no_bars_but_words() -> None:
    assert mini_bars([]).says == "never run"


def test_runs_without_a_duration_still_have_a_bar() -> None:
    picture = mini_bars([{"state": "queued", "seconds": None}])
    assert picture.bars[0].height > 0
    assert picture.bars[0].says == "queued"


def test_a_sparkline_of_zeros_is_a_line_of_ticks() -> None:
    assert [bar.height for bar in sparkline([0, 0]).bars] == [1.0, 1.0]
