"""A day of requests to replay: when, whose, and how many tokens; where it comes from is in data/SOURCE.md."""

from __future__ import annotations

import csv
import gzip
from importlib.resources import files

from msgspec import Struct

DAY_SECONDS = 86_400.0


class Recorded(Struct, frozen=True):
    """One request of the day, without a word of it."""

    at: float
    """Seconds since midnight."""
    client: int
    input: int
    output: int


def recorded_day() -> tuple[Recorded, ...]:
    """In the order of time."""
    packed = files("router.simulate").joinpath("data/servegen-day.csv.gz").read_bytes()
    rows = csv.DictReader(gzip.decompress(packed).decode().splitlines())
    return tuple(
        Recorded(float(row["t_s"]), int(row["client_id"]), int(row["input_tokens"]), int(row["output_tokens"]))
        for row in rows
    )
