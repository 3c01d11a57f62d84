"""What `breakeven export` writes is read back, all of it that simulations need."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from router.core.cost.preference import Side
from router.core.values import BackendState, Grounds
from router.ledger.record import Record
from router.ledger.record_schema import COUNTS, requests_of
from router.ledger.reports.export import COLUMNS, FORMATS
from router.simulate.readers.malformed import Malformed
from router.simulate.readers.records import COUNTED, RECORDS
from router.simulate.readers.registry import read
from router.simulate.replayed import recorded_decision

GROUNDS = Grounds(
    policy="0123456789ab", estimated_input=120, max_output_tokens=400, seen_input=9000, seen_cached=400, seen_output=7,
    cloud_price=0.42000000001, previous="local", states=("gpu full context=8192",), side="local",
    candidates=("openai", "gpu"), rule="night", decided="spill", waits=True, modalities=("image", "text"),
    quality_floor=0.123456789012, answers=2, fetch="outside", pinned="openai", uses=("hosted tools",),
    key_zones=("cloud", "local"), listed=("gpu",), blocked=("translation",),
)  # fmt: skip
SETTLED = Record(
    "settled", "0296", 1_779_267_600.25, "=app", "search", "chat", "openai", "cloud", 100, 30, 0, 7,
    request="req-1", level="internal", tags=("phi", "eu"), reason="failover from gpu: reset", status=200, stream=True,
    sent=900, first_byte=41_000, duration=880_000, endpoint="chat", version=2,
    **{name: getattr(GROUNDS, name) for name in Grounds.__struct_fields__},
)  # fmt: skip
OLD = Record("unheld", "0297", 1_779_267_601.0, "app", "search", "chat", "gpu", "local", 10, output=3, endpoint="chat")
REFUSED = Record("refused", "", 1_779_267_602.0, "app", "search", "chat", reason="no_capable_backend", endpoint="chat")
NO_REQUESTS = [
    Record("attempt", "", 1.0, "app", "search", "chat", "gpu", "local", 10, endpoint="chat"),
    Record("held", "0298", 1.0, "app", "search", "chat", "gpu", "local", 10, endpoint="chat"),
    Record("lifted", "0298", 1.0, "app", "search", "chat", "gpu", "local", 10, endpoint="chat"),
    Record("settled", "0299", 1.0, "app", "search", "/v1/files", "gpu", "local", endpoint="files"),
]


def exported(folder: Path, form: str, *records: Record) -> Path:
    path = folder / f"records.{form}"
    with path.open("wb") as output:
        writer = FORMATS[form](output)
        writer.write(records)
        writer.close()
    return path


@pytest.mark.parametrize("form", FORMATS)
def test_an_export_is_read_as_it_was_recorded(tmp_path: Path, form: str) -> None:
    settled, old, refused = read(exported(tmp_path, form, SETTLED, OLD, *NO_REQUESTS, REFUSED))
    assert (settled.at, settled.input, settled.output, settled.cached) == (1_779_267_600.25, 100, 7, 30)
    assert (settled.key, settled.team, settled.level, settled.tags) == ("=app", "search", "internal", ("phi", "eu"))
    assert (settled.model, settled.endpoint, settled.decided, settled.id) == ("chat", "chat", "openai", "req-1")
    assert (settled.sent, settled.first_byte, settled.seconds) == (0.0009, 0.041, 0.88)
    assert (settled.policy, settled.rule, settled.limit, settled.quality) == (
        "0123456789ab",
        "night",
        400,
        0.123456789012,
    )
    assert (settled.estimated_input, settled.modalities, settled.stream) == (120, {"image", "text"}, True)
    assert (settled.previous, settled.states) == (Side.LOCAL, {"gpu": BackendState(full=True, context=8192)})
    assert settled.grounds == GROUNDS and recorded_decision(settled).grounds == GROUNDS
    assert (old.decided, old.grounds, old.states, old.previous, old.policy) == ("gpu", None, None, None, "")
    assert (refused.decided, refused.reason, refused.input) == (None, "no_capable_backend", 0)
    assert recorded_decision(old).grounds.policy == ""


@pytest.mark.parametrize("form", FORMATS)
def test_what_a_client_asked_for_beyond_all_models_counts_as_the_most_there_is(tmp_path: Path, form: str) -> None:
    most = (10**8, 10**9, 2**63 - 1)
    asked = [replace(SETTLED, id=f"03{each}", max_output_tokens=each) for each in most]
    busy = replace(SETTLED, seen_input=10**12)
    *found, last = read(exported(tmp_path, form, *asked, busy))
    assert [(each.limit, each.grounds and each.grounds.max_output_tokens) for each in found] == [(10**8, 10**8)] * 3
    assert last.grounds is not None and last.grounds.seen_input == 10**12


def test_every_column_that_is_read_is_one_of_the_export() -> None:
    columns = {column.name for column in COLUMNS}
    assert set(RECORDS.lists()) <= columns
    read_columns = {each.encode_name for each in __import__("msgspec").structs.fields(RECORDS.line)}
    assert read_columns <= columns


def test_kinds_are_those_of_the_ledger() -> None:
    assert {kind: requests_of(kind) for kind in COUNTS} == COUNTED


@pytest.mark.parametrize(
    ("column", "value", "right"),
    [
        ("kind", "settlement", "'settlement' is not a kind of record that is known here: one of settled, unheld, held"),
        ("captive", "maybe", "'maybe' is not true or false"),
        ("eligible", 7, "7 is not true or false"),
        ("cost_micro_usd", "x", "'x' is not an amount of money"),
        ("requests", -1, "-1 is not how many requests a line of kind settled is: 1"),
        ("requests", "many", "'many' is not 1, 0 or -1"),
    ],
)
def test_what_no_export_has_is_told(tmp_path: Path, column: str, value: Any, right: str) -> None:
    """Also in columns of which nothing is played: a file that is wrong there is wrong elsewhere, too."""
    path = exported(tmp_path, "jsonl", SETTLED)
    path.write_text(json.dumps({**json.loads(path.read_text()), column: value}))
    with pytest.raises(Malformed) as caught:
        list(read(path))
    assert f"{path}:1: column {column}: {right}" in str(caught.value)


def test_what_own_backends_could_have_served(tmp_path: Path) -> None:
    records = [replace(SETTLED, id="1", eligible=True), replace(SETTLED, id="2", captive=True), SETTLED]
    assert [each.own for each in read(exported(tmp_path, "jsonl", *records))] == [True, True, False]
