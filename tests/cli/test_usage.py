import asyncio
import json
from zoneinfo import ZoneInfo

import pytest

from router.cli import main
from router.cli.usage import UsageReport, as_json, as_table, parse_day
from router.core.limits.counters import Hold
from router.core.values import Cell, Row, Settlement, Usage
from router.ledger.client.group_commit import GroupCommitLedger
from router.ledger.server.embedded import EmbeddedServer

GPU = Cell("gpu", "local", "chat", "search", "app")
CLOUD = Cell("openai", "cloud", "chat", "search", "bot")
NOON = 1_779_271_200.0  # 2026-05-20 in Berlin
BERLIN = ZoneInfo("Europe/Berlin")


async def count_two_requests(url: str) -> None:
    ledger = GroupCommitLedger(url, timezone=BERLIN, clock=lambda: NOON)
    await ledger.start()
    for cell, cost, other in ((GPU, 0, 1_500_000_000), (CLOUD, 250_000_000, 0)):
        hold = Hold(ledger.next_id(NOON, 900.0), cell, NOON, 900.0, 2000, 500, 0, True)
        await ledger.reserve(hold)
        usage = Usage(input=1234, cached=200, output=56)
        ledger.settle(Settlement(hold.id, cell, NOON, usage, cost, other, error=False, eligible=True))
    await ledger.close()


@pytest.fixture
def data_dir(tmp_path):
    """A data directory with two requests in it; its server does not run."""
    server = EmbeddedServer(tmp_path / "data")
    try:
        asyncio.run(count_two_requests(server.start()))
    finally:
        server.stop()
    return tmp_path / "data"


def test_a_table_of_a_day(data_dir, capsys):
    assert main(["usage", "--day", "2026-05-20", "--data-dir", str(data_dir)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "Usage on 2026-05-20 (Europe/Berlin)",
        "",
        "backend  requests  errors  input  cached  output  cost USD  other side USD  saved USD",
        "gpu             1       0  1,234     200      56  0.000000        1.500000   1.500000",
        "openai          1       0  1,234     200      56  0.250000        0.000000  -0.250000",
        "-" * 85,
        "total           2       0  2,468     400     112  0.250000        1.500000   1.250000",
    ]


@pytest.mark.parametrize(
    ("by", "names"),
    [("backend", ["gpu", "openai"]), ("model", ["chat"]), ("team", ["search"]), ("key", ["app", "bot"])],
)
def test_json_by_dimension_from_a_running_server(data_dir, capsys, by, names):
    server = EmbeddedServer(data_dir)
    url = server.start()
    try:
        for source in (["--data-dir", str(data_dir)], ["--redis", url]):
            assert main(["usage", "--json", "--by", by, "--day", "2026-05-20", *source]) == 0
            report = json.loads(capsys.readouterr().out)
            assert [row[by] for row in report["rows"]] == names
            assert report["total"]["requests"] == 2
            assert report["total"]["saved_usd"] == 1.25
    finally:
        server.stop()


def test_a_day_without_requests_is_all_zero(data_dir, capsys):
    assert main(["usage", "--day", "2026-05-21", "--json", "--data-dir", str(data_dir)]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["rows"] == []
    assert report["total"]["requests"] == 0


def test_the_time_zone_can_be_chosen(data_dir, capsys):
    assert main(["usage", "--timezone", "Asia/Tokyo", "--json", "--data-dir", str(data_dir)]) == 0
    assert json.loads(capsys.readouterr().out)["timezone"] == "Asia/Tokyo"


def test_an_unused_directory_says_what_to_do(tmp_path, capsys):
    assert main(["usage", "--data-dir", str(tmp_path)]) == 1
    assert "breakeven serve" in capsys.readouterr().err


def test_a_server_that_is_not_there_is_named_without_its_password(capsys):
    assert main(["usage", "--redis", "redis://:hunter2@127.0.0.1:1"]) == 1
    error = capsys.readouterr().err
    assert "127.0.0.1:1" in error
    assert "hunter2" not in error


@pytest.mark.parametrize(
    ("argument", "value", "message"),
    [("--day", "tomorrow", "a day is"), ("--timezone", "Mars/Olympus", "Mars/Olympus"), ("--redis", "http://x", "URL")],
)
def test_a_wrong_argument_is_explained(data_dir, capsys, argument, value, message):
    assert main(["usage", "--data-dir", str(data_dir), argument, value]) == 2
    assert message in capsys.readouterr().err


def test_days_by_name():
    assert parse_day("today", NOON, BERLIN) == "2026-05-20"
    assert parse_day("yesterday", NOON, BERLIN) == "2026-05-19"
    assert parse_day("2026-01-02", NOON, BERLIN) == "2026-01-02"


def test_estimates_unsettled_and_unheld_requests_are_pointed_out():
    rows = [Row(GPU, requests=5, estimated=2, unsettled=1, unheld=3)]
    report = UsageReport("2026-05-20", "UTC", "backend", rows)
    assert "2 requests have estimated tokens" in as_table(report)
    assert "1 requests are charged as held" in as_table(report)
    assert "3 requests went on without a hold" in as_table(report)
    total = json.loads(as_json(report))["total"]
    assert (total["unsettled"], total["unheld"]) == (1, 3)
