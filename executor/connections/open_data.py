"""Well-known sets of the AWS Open Data Registry: buckets that everybody may read without an account."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class OpenSet:
    """One set. `root`: where its files lie; `name`: what connection and root are called."""

    name: str
    title: str
    words: str
    region: str
    root: str

    def settings(self) -> dict[str, Any]:
        """Of a connection of the kind s3."""
        return {"service": "amazon", "region": self.region, "sign_in": "nobody"}


OPEN_SETS = (
    OpenSet(
        "nyc_tlc",
        "New York taxi trips",
        "Trips of taxis and for-hire vehicles, as the city's commission publishes them.",
        "us-east-1",
        "s3a://nyc-tlc/",
    ),
    OpenSet(
        "noaa_ghcn",
        "Weather of the world by day",
        "Temperature, rain and snow of weather stations, a CSV for each year since 1763 (NOAA GHCN-D).",
        "us-east-1",
        "s3a://noaa-ghcn-pds/",
    ),
    OpenSet(
        "noaa_hourly",
        "Weather of the world by hour",
        "What weather stations report, hour by hour, as CSV (NOAA ISD).",
        "us-east-1",
        "s3a://noaa-global-hourly-pds/",
    ),
    OpenSet(
        "overture_maps",
        "Overture maps",
        "Places, buildings, roads and borders of the whole world, as GeoParquet.",
        "us-west-2",
        "s3a://overturemaps-us-west-2/release/",
    ),
)
"""Bucket and region as the registry has them. Nothing is asked when a connection is made: its test tells whether the owner still lets
everybody in."""


def open_set(name: str) -> OpenSet | None:
    return next((one for one in OPEN_SETS if one.name == name), None)
