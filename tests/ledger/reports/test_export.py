import csv
import io
import json
from datetime import UTC, datetime

import pyarrow.parquet
import pytest

from router.ledger.record import Record
from router.ledger.reports.export import COLUMNS, FORMATS, Csv, JsonLines, MissingPackageError, Parquet

SETTLED = Record(
    *("settled", "02965446aa1", 1_779_267_600.25, "app", "search", "chat", "openai", "cloud"),
    *(100, 30, 10, 7, True, 250_000, 1_500_000_000, False, True),
    *("req-1", "internal", ("phi", "eu"), "spill", 200, True, 2, 900, 41_000, 880_000, "gpu: full"),
    endpoint="chat", service="flex", cache_write_1h=4,
    audio_input=40, milliseconds=27_500, images=2, image_kind="hd 1024x1792", searches=3,
    policy="0123456789ab", estimated_input=120, seen_input=9000, cloud_price=0.123456789012, previous="local",
    states=("gpu full context=8192",), side="local", candidates=("openai",), quality_floor=0.8,
)  # fmt: skip
REFUSED = Record("refused", "", 0.0, "app", "search", "chat", reason="no_room", status=503)


def written(make, *records: Record) -> bytes:
    output = io.BytesIO()
    writer = make(output)
    writer.write(records[:1])
    writer.write(records[1:])
    writer.close()
    return output.getvalue()


def test_a_line_of_json_has_every_column():
    first, second = map(json.loads, written(JsonLines, SETTLED, REFUSED).splitlines())
    assert list(first) == [column.name for column in COLUMNS]
    assert first == {
        "time": "2026-05-20T09:00:00.250000Z",
        "kind": "settled",
        "requests": 1,
        "request_id": "req-1",
        "reservation_id": "02965446aa1",
        "key": "app",
        "team": "search",
        "model": "chat",
        "backend": "openai",
        "zone": "cloud",
        "sensitivity": "internal",
        "tags": ["phi", "eu"],
        "reason": "spill",
        "status": 200,
        "stream": True,
        "attempts": 2,
        "input_tokens": 100,
        "cached_tokens": 30,
        "cache_write_tokens": 10,
        "output_tokens": 7,
        "estimated": True,
        "cost_micro_usd": 250,
        "cost_usd": 0.00025,
        "counterfactual_micro_usd": 1_500_000,
        "counterfactual_usd": 1.5,
        "error": False,
        "eligible": True,
        "sent_us": 900,
        "first_byte_us": 41_000,
        "duration_us": 880_000,
        "detail": "gpu: full",
        "captive": False,
        "local": False,
        "endpoint": "chat",
        "service_tier": "flex",
        "cache_write_1h_tokens": 4,
        "audio_input_tokens": 40,
        "audio_cached_tokens": 0,
        "audio_output_tokens": 0,
        "image_input_tokens": 0,
        "image_cached_tokens": 0,
        "image_output_tokens": 0,
        "sound_ms": 27_500,
        "characters": 0,
        "images": 2,
        "image_kind": "hd 1024x1792",
        "searches": 3,
        "policy_version": "0123456789ab",
        "estimated_input_tokens": 120,
        "max_output_tokens": None,
        "seen_input_tokens": 9000,
        "seen_cached_tokens": 0,
        "seen_output_tokens": 0,
        "cloud_price_micro_usd_per_token": 0.123456789012,
        "previous_side": "local",
        "states": ["gpu full context=8192"],
        "side": "local",
        "candidates": ["openai"],
        "rule": "",
        "decided": "",
        "waits": False,
        "modalities": [],
        "quality_floor": 0.8,
        "answers": 1,
        "fetch": "",
        "pinned": "",
        "uses": [],
        "key_zones": [],
        "listed": [],
        "blocked": [],
        "dimensions": [],
        "via": "",
    }
    assert (second["time"], second["requests"], second["cost_usd"]) == ("1970-01-01T00:00:00.000000Z", 0, 0)


def test_csv_has_a_header_and_plain_numbers():
    header, row = csv.reader(io.StringIO(written(Csv, SETTLED).decode(), newline=""))
    line = dict(zip(header, row, strict=True))
    assert header == [column.name for column in COLUMNS]
    assert (line["time"], line["tags"], line["stream"]) == ("2026-05-20T09:00:00.250000Z", "phi,eu", "true")
    assert (line["cost_micro_usd"], line["cost_usd"]) == ("250", "0.000250")
    assert (line["cloud_price_micro_usd_per_token"], line["max_output_tokens"]) == ("0.123456789012", "")


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\uff1d1"])
def test_a_spreadsheet_sees_no_formula(name):
    record = Record("settled", "x", 0.0, name, "search", "chat", detail=name, tags=(name,))
    (row,) = csv.DictReader(io.StringIO(written(Csv, record).decode(), newline=""))
    assert (row["key"], row["detail"], row["tags"]) == (f"'{name}", f"'{name}", f"'{name}")


def test_what_was_taken_back_is_negative_so_that_columns_can_be_summed():
    held, lifted = (
        Record(kind, "x", 0.0, "a", "t", "m", input=5, output=3, cost=40_000, images=2) for kind in ("held", "lifted")
    )
    lines = [json.loads(line) for line in written(JsonLines, held, lifted).splitlines()]
    for column in ("requests", "input_tokens", "output_tokens", "cost_micro_usd", "cost_usd", "images"):
        assert lines[0][column] == -lines[1][column] != 0
    assert b",-40,-0.000040," in written(Csv, lifted)


def test_a_failed_attempt_is_no_request_and_has_all_that_its_cost_was_made_of():
    record = Record("attempt", "", 0.0, "a", "t", "m", input=50, cached=20, cache_write=10, cache_write_1h=5, images=1)
    (line,) = map(json.loads, written(JsonLines, record).splitlines())
    assert (line["requests"], line["input_tokens"], line["cached_tokens"], line["images"]) == (0, 50, 20, 1)
    assert (line["cache_write_tokens"], line["cache_write_1h_tokens"]) == (10, 5)


def test_parquet_has_types():
    table = pyarrow.parquet.read_table(io.BytesIO(written(Parquet, SETTLED, REFUSED)))
    row, refused = table.to_pylist()
    assert row["time"] == datetime(2026, 5, 20, 9, 0, 0, 250_000, UTC)
    assert (row["tags"], row["cost_micro_usd"], row["counterfactual_usd"]) == (["phi", "eu"], 250, 1.5)
    assert (row["stream"], refused["stream"], refused["tags"]) == (True, False, [])
    assert str(table.schema.field("time").type) == "timestamp[us, tz=UTC]"


def test_parquet_is_written_in_groups():
    output = io.BytesIO()
    writer = Parquet(output)
    for _ in range(25):
        writer.write([SETTLED] * 1000)
    writer.close()
    groups = pyarrow.parquet.ParquetFile(io.BytesIO(output.getvalue())).metadata
    assert [groups.row_group(n).num_rows for n in range(groups.num_row_groups)] == [10_000, 10_000, 5_000]


@pytest.mark.parametrize("format", ["jsonl", "csv"])
def test_text_is_written_as_it_comes(format):
    output = io.BytesIO()
    writer = FORMATS[format](output)
    writer.write([SETTLED])
    assert b"req-1" in output.getvalue()


@pytest.mark.parametrize("format", FORMATS)
def test_no_records_are_a_file_all_the_same(format):
    output = io.BytesIO()
    writer = FORMATS[format](output)
    writer.close()
    assert not output.closed
    if format == "parquet":
        assert pyarrow.parquet.read_table(io.BytesIO(output.getvalue())).num_rows == 0
    else:
        assert output.getvalue().count(b"\n") == (format == "csv")


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(MissingPackageError, match=r"breakeven\[parquet\]"):
        Parquet(io.BytesIO())
