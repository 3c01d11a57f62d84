import asyncio
import csv
import io
import json
import subprocess
import sys

import pyarrow.parquet
import pytest
from support.rented import rent_book

from router.cli import NOBODY_READS, main
from router.core.cost.rent import Accrual, Meter, RentEntry, RentState
from router.core.values import Cell

NOON = 1_779_271_200.0
GPU = Cell("gpu", "local", "chat", "search", "app")
CLOUD = Cell("openai", "cloud", "chat", "sales", "bot")


@pytest.fixture
def three(books):
    books.settle(GPU)
    books.settle(CLOUD, NOON + 60, cost=1_250_000)
    books.settle(CLOUD, NOON + 86_400)
    return books


@pytest.fixture
def lines(three, capsys):
    """Runs the command and decodes its lines."""

    def run(*arguments: str) -> list[dict]:
        assert main(["export", "--redis", three.url, *arguments]) == 0
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    return run


def test_all_records_as_json_lines(lines):
    first, second, third = lines()
    assert (first["time"], first["backend"], first["request_id"]) == (
        "2026-05-20T10:00:00.000000Z",
        "gpu",
        "req-1779271200",
    )
    assert (second["cost_micro_usd"], second["cost_usd"]) == (1_250_000, 1.25)
    assert third["time"] == "2026-05-21T10:00:00.000000Z"


@pytest.mark.parametrize(
    ("arguments", "backends"),
    [
        (["--key", "app"], ["gpu"]),
        (["--team", "sales"], ["openai", "openai"]),
        (["--team", "sales", "--team", "search"], ["gpu", "openai", "openai"]),
        (["--backend", "openai", "--to", "2026-05-20"], ["openai"]),
        (["--model", "other"], []),
        (["--from", "2026-05-21"], ["openai"]),
        (["--from", "2026-05-20", "--to", "2026-05-20"], ["gpu", "openai"]),
    ],
)
def test_some_records(lines, arguments, backends):
    assert [line["backend"] for line in lines(*arguments)] == backends


def test_a_name_that_nothing_has_is_told_where_nothing_was_found(three, capsys):
    command = ["export", "--redis", three.url, "--from", "2026-05-20"]
    assert main([*command, "--backend", "gpuu", "--team", "search"]) == 0
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == (
        'breakeven export: nothing was counted of the backend "gpuu"; did you mean "gpu"? there are: gpu, openai\n'
    )
    assert main([*command, "--backend", "gpu", "--team", "sales"]) == 0
    assert capsys.readouterr().err == ""
    assert main([*command, "--format", "focus", "--team", "nobody"]) == 0
    assert 'nothing was counted of the team "nobody"; there are: sales, search' in capsys.readouterr().err


def test_a_csv_file(three, tmp_path, capsys):
    file = tmp_path / "records.csv"
    assert main(["export", "--redis", three.url, "--format", "csv", "--output", str(file)]) == 0
    rows = list(csv.DictReader(io.StringIO(file.read_bytes().decode(), newline="")))
    assert [row["cost_usd"] for row in rows] == ["0.000250", "1.250000", "0.000250"]
    assert capsys.readouterr().out == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "records.csv"]


def test_a_file_that_is_there_is_replaced_only_where_that_is_said(three, tmp_path, capsys):
    file = tmp_path / "records.jsonl"
    file.write_text("before")
    command = ["export", "--redis", three.url, "--output", str(file)]
    assert main(command) == 1 and file.read_text() == "before"
    assert "records.jsonl: is there already" in capsys.readouterr().err
    assert main([*command, "--force"]) == 0 and file.read_text().count("\n") == 3


def export(*arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "router", "export", *arguments]
    return subprocess.run(command, capture_output=True, timeout=60)


def test_parquet_through_a_pipe(three):
    done = export("--redis", three.url, "--format", "parquet")
    assert (done.returncode, done.stderr) == (0, b"")
    table = pyarrow.parquet.read_table(io.BytesIO(done.stdout))
    assert table.column("cost_micro_usd").to_pylist() == [250, 1_250_000, 250]


def test_a_reader_that_has_seen_enough_ends_it_quietly(books):
    for n in range(300):
        books.settle(GPU, NOON + n)
    command = f"{sys.executable} -m router export --redis {books.url} | head -n 1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, timeout=60)
    assert (done.returncode, done.stderr) == (NOBODY_READS, b"")
    assert done.stdout.count(b"\n") == 1


def test_a_file_is_left_as_it_was_when_the_export_fails(three, tmp_path, capsys):
    file = tmp_path / "records.csv"
    file.write_text("before")
    three.client.delete("be:{ledger}:requests")
    three.client.set("be:{ledger}:requests", "not a stream")
    assert main(["export", "--redis", three.url, "--output", str(file), "--force"]) == 1
    assert "WRONGTYPE" in capsys.readouterr().err
    assert file.read_text() == "before"
    assert list(tmp_path.glob("*records.csv*")) == [file]


def test_a_missing_package_is_named(three, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert main(["export", "--redis", three.url, "--format", "parquet"]) == 1
    assert "breakeven[parquet]" in capsys.readouterr().err


def test_what_cannot_be_read_is_said(three, capsys):
    three.client.xadd("be:{ledger}:requests", {"x": "y"})
    assert main(["export", "--redis", three.url]) == 0
    captured = capsys.readouterr()
    assert captured.out.count("\n") == 3
    assert "1 entries could not be read" in captured.err


def test_a_wrong_day_is_explained(three, capsys):
    assert main(["export", "--redis", three.url, "--from", "someday"]) == 2
    assert "a day is" in capsys.readouterr().err


def test_a_folder_that_is_not_there_is_named(three, tmp_path, capsys):
    assert main(["export", "--redis", three.url, "--output", str(tmp_path / "no" / "such.jsonl")]) == 1
    assert "such.jsonl: cannot be written, since there is no folder" in capsys.readouterr().err


def test_focus_has_the_rent_of_its_days_unless_requests_are_left_out(three, capsys):
    entries = tuple(RentEntry(day, RentState.IDLE, 1000, 500_000_000) for day in ("2026-05-20", "2026-05-21"))
    asyncio.run(rented(three.url, entries))

    def lines(*arguments: str) -> list[dict[str, str]]:
        assert main(["export", "--redis", three.url, "--format", "focus", *arguments]) == 0
        return list(csv.DictReader(io.StringIO(capsys.readouterr().out, newline="")))

    days = ("--from", "2026-05-20", "--to", "2026-05-21")
    assert [row["ServiceName"] for row in lines(*days)] == ["chat", "chat", "chat", "gpu", "gpu"]
    assert [row["x_RentState"] for row in lines("--to", "2026-05-20", "--from", "2026-05-20")] == ["", "", "idle"]
    assert all(row["x_RentState"] == "" for row in lines(*days, "--team", "sales"))
    assert all(row["x_RentState"] == "" for row in lines(*days, "--backend", "openai"))


async def rented(url: str, entries: tuple[RentEntry, ...]) -> None:
    async with rent_book(url) as book:
        await book.accrue({("gpu", 0): Accrual(Meter(), Meter(1), entries)}, 86_400)
