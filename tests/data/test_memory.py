"""A large file never lies in the web process's memory, whichever way it comes."""

from __future__ import annotations

import pytest

from bench import upload_memory

MEGABYTES = 192


@pytest.mark.services
@pytest.mark.lake
def test_the_web_process_stays_small() -> None:
    for way, figures in upload_memory.main(MEGABYTES).items():
        assert figures["rss_most_mb"] - figures["rss_before_mb"] < MEGABYTES / 2, (way, figures)
