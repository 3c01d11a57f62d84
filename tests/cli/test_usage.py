import asyncio
import json
import time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from support.rented import rent_book
from valkey import Valkey

from router.app.data_dir import LAST_GOOD
from router.cli import main
from router.cli.usage import UsageReport, as_json, as_table
from router.core.cost.net import Account
from router.core.cost.rent import Accrual, Meter, RentEntry, RentState
from router.core.limits.counters import Hold
from router.core.values import Cell, RequestOutcome, Row, Settlement, Usage
from router.ledger.client.group_commit import GroupCommitLedger
from router.ledger.redis_keys import REQUESTS_KEY
from router.ledger.server.embedded import EmbeddedServer

GPU = Cell("gpu", "local", "chat", "search", "app")
CLOUD = Cell("openai", "cloud", "chat", "search", "bot")
NOON = 1_779_271_200.0  # 2026-05-20 in Berlin
BERLIN = ZoneInfo("Europe/Berlin")
THRESHOLD = Path(__file__).parents[2] / "policies" / "threshold.yaml"
RENT = {RentState.BUSY: 600_000_000, RentState.IDLE: 300_000_000}


async def count_two_requests(url: str) -> None:
    ledger = GroupCommitLedger(url, timezone=BERLIN, owned=["local"], clock=lambda: NOON)
    await ledger.start()
    for cell, cost, other in ((GPU, 0, 1_500_000_000), (CLOUD, 250_000_000, 0)):
        hold = Hold(ledger.next_id(NOON, 900.0), cell, NOON, 900.0, 2000, 500, 0, True)
        await ledger.reserve(hold)
        usage = Usage(input=1234, cached=200, output=56)
        ledger.settle(Settlement(hold.id, cell, NOON, usage, cost, other, False, True, local=cell is GPU))
    await ledger.close()
    entries = [RentEntry("2026-05-20", state, 1000, nano) for state, nano in RENT.items()]
    async with rent_book(url) as book:
        await book.accrue({("gpu", 0): Accrual(Meter(), Meter(1), tuple(entries))}, 86_400 * 400)


@pytest.fixture
def data_dir(tmp_path):
    """A data directory with two requests in it; its server does not run."""
    server = EmbeddedServer(tmp_path / "data")
    try:
        asyncio.run(count_two_requests(server.start()))
    finally:
        server.stop()
    return tmp_path / "data"


@pytest.fixture
def url(data_dir):
    """Of the server of that directory, which runs."""
    server = EmbeddedServer(data_dir)
    yield server.start()
    server.stop()


@pytest.fixture
def tagged(url):
    """There, the records of the two requests are lost, and their totals are kept; those of three more are there."""
    with Valkey.from_url(url) as client:
        client.xtrim(REQUESTS_KEY, maxlen=0)
    asyncio.run(count_tagged(url))
    return url


def test_a_table_of_a_day(data_dir, capsys):
    assert main(["usage", "--day", "2026-05-20", "--data-dir", str(data_dir)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "Usage on 2026-05-20 (Europe/Berlin)",
        "",
        "backend     requests  errors  input  cached  output  bought USD  cloud alone USD  rent USD    net USD",
        "gpu                1       0  1,234     200      56    0.000000         1.500000  0.600000   0.900000",
        "openai             1       0  1,234     200      56    0.250000         0.250000  0.000000   0.000000",
        "(not used)                                                                        0.300000  -0.300000",
        "-" * 101,
        "total              2       0  2,468     400     112    0.250000         1.750000  0.900000   0.600000",
    ]


def test_rent_that_was_assumed_is_told(url, capsys):
    asyncio.run(assume(url))
    assert main(["usage", "--day", "2026-05-20", "--redis", url]) == 0
    assert "$0.050000 of the rent is of units that may have been on" in capsys.readouterr().out
    assert main(["usage", "--json", "--day", "2026-05-20", "--redis", url]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["rent_usd"]["assumed"], report["total"]["net_usd"]) == (0.05, 0.55)


async def count_tagged(url: str) -> None:
    """Three requests on the GPU with a hundred tokens each, of which the last one has two tags; the rent of that day is
    as it was."""
    ledger = GroupCommitLedger(url, timezone=BERLIN, owned=["local"], clock=lambda: NOON)
    await ledger.start()
    for tags, endpoint in (((), "chat"), (("phi",), "embeddings"), (("phi", "legal"), "chat")):
        hold = Hold(ledger.next_id(NOON, 900.0), GPU, NOON, 900.0, 2000, 500, 0, True)
        await ledger.reserve(hold)
        said = ("user=u-17",) if tags else ()
        course = RequestOutcome(request="r", tags=tags, endpoint=endpoint, dimensions=said)
        usage = Usage(input=90, output=10)
        ledger.settle(Settlement(hold.id, GPU, NOON, usage, 0, 0, False, True, local=True, course=course))
    await ledger.close()


def test_by_tag_each_has_its_share_of_the_rent_and_what_no_record_tells_of_is_said(tagged, capsys):
    day = ["--by", "tag", "--day", "2026-05-20", "--redis", tagged]
    assert main(["usage", "--json", *day]) == 0
    report = json.loads(capsys.readouterr().out)
    assert {row["tag"]: (row["requests"], row["input"]) for row in report["rows"]} == {
        "(no tag)": (1, 90),
        "(not in the records)": (2, 2468),
        "legal": (1, 90),
        "phi": (2, 180),
    }
    rents = {row["tag"]: row["rent_usd"] for row in report["rows"]}
    own, used = 1234 + 56 + 300, 0.6
    assert rents["phi"] == pytest.approx(used * 200 / own) and rents["legal"] == pytest.approx(used * 100 / own)
    assert rents["(not in the records)"] == pytest.approx(used * 1290 / own)
    assert (report["rent_used_usd"], report["rent_unused_usd"], report["total"]["requests"]) == (0.6, 0.3, 5)
    assert (report["not_in_records"], report["with_several_tags"]) == (2, 1) and report["records_since"]
    assert main(["usage", *day]) == 0
    said = capsys.readouterr().out
    assert "Tags are counted from the request records, which are kept from 20" in said
    assert "2 requests of these days are not in them" in said and "1 requests have several tags" in said


def test_by_tag_without_any_record(url, capsys):
    with Valkey.from_url(url) as client:
        client.delete(REQUESTS_KEY)
    assert main(["usage", "--by", "tag", "--day", "2026-05-20", "--redis", url]) == 0
    said = capsys.readouterr().out
    assert "and none is kept" in said and "(not in the records)         2" in said


def test_by_endpoint_rows_come_from_the_request_records_too(tagged, capsys):
    day = ["--by", "endpoint", "--day", "2026-05-20", "--redis", tagged]
    assert main(["usage", "--json", *day]) == 0
    report = json.loads(capsys.readouterr().out)
    assert {row["endpoint"]: (row["requests"], row["input"]) for row in report["rows"]} == {
        "(not in the records)": (2, 2468),
        "chat": (2, 180),
        "embeddings": (1, 90),
    }
    assert report["not_in_records"] == 2 and report["records_since"] and "with_several_tags" not in report
    assert main(["usage", *day]) == 0
    said = capsys.readouterr().out
    assert "Endpoints are counted from the request records, which are kept from 20" in said
    assert "2 requests of these days are not in them, and their endpoints are not known." in said
    assert "several" not in said


def test_by_user_rows_are_of_whom_requests_said_they_are_for(tagged, capsys):
    assert main(["usage", "--json", "--by", "user", "--day", "2026-05-20", "--redis", tagged]) == 0
    report = json.loads(capsys.readouterr().out)
    assert {row["user"]: row["requests"] for row in report["rows"]} == {
        "(not in the records)": 2, "u-17": 2, "(no user)": 1
    }  # fmt: skip
    with pytest.raises(SystemExit):
        main(["usage", "--by", "colour"])
    assert 'there is no "colour": it is backend, zone, model, team, key, tag, endpoint, user' in capsys.readouterr().err


async def assume(url: str) -> None:
    entry = RentEntry("2026-05-20", RentState.ASSUMED, 1000, 50_000_000)
    async with rent_book(url) as book:
        await book.accrue({("gpu", 0): Accrual(Meter(1), Meter(2), (entry,))}, 86_400 * 400)


@pytest.mark.parametrize(
    ("by", "names"),
    [
        ("backend", ["gpu", "openai"]),
        ("model", ["chat"]),
        ("team", ["search"]),
        ("key", ["app", "bot"]),
        ("zone", ["cloud", "local"]),
    ],
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
            assert (report["total"]["net_usd"], report["rent_unused_usd"]) == (0.6, 0.3)
            assert sum(row["net_usd"] for row in report["rows"]) == pytest.approx(0.9)
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
    [
        ("--day", "tomorrow", "a day is"),
        ("--from", "2999-01-01", "2999-01-01, given with --from, is after today, "),
        ("--timezone", "Europe/Berln", 'usage: there is no time zone "Europe/Berln"; did you mean "Europe/Berlin"?'),
        ("--timezone", "Mars/Olympus", 'there is no time zone "Mars/Olympus"'),
        ("--timezone", "../etc", 'there is no time zone "../etc"'),
        ("--redis", "http://x", "URL"),
    ],
)
def test_a_wrong_argument_is_explained(data_dir, capsys, argument, value, message):
    assert main(["usage", "--data-dir", str(data_dir), argument, value]) == 2
    assert message in capsys.readouterr().err


def test_estimates_unsettled_and_unheld_requests_are_pointed_out():
    rows = [[Row(GPU, requests=5, estimated=2, unsettled=1, unheld=3)]]
    report = UsageReport("UTC", "backend", Account(["2026-05-20"], rows, rows, (), frozenset()))
    assert "2 requests have estimated tokens" in as_table(report)
    assert "1 requests are charged as held" in as_table(report)
    assert "3 requests went on without a hold" in as_table(report)
    total = json.loads(as_json(report))["total"]
    assert (total["unsettled"], total["unheld"]) == (1, 3)


def test_several_days_are_one_report(data_dir, capsys):
    arguments = ["usage", "--from", "2026-05-19", "--to", "2026-05-21", "--data-dir", str(data_dir)]
    assert main([*arguments, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["from"], report["to"], report["total"]["requests"]) == ("2026-05-19", "2026-05-21", 2)
    assert main(arguments) == 0
    assert "Usage on 2026-05-19 to 2026-05-21" in capsys.readouterr().out
    assert main([*arguments, "--day", "today"]) == 2


def test_what_could_not_leave_is_told_by_itself_and_what_has_no_price_is_said():
    rows = [[Row(GPU, requests=2, input=200, cost=3, captive=1, captive_tokens=100, captive_cost=2)]]
    report = UsageReport("UTC", "backend", Account(["2026-05-20"], rows, rows, (), frozenset(["local"])))
    assert "no cloud price to compare" in as_table(report) and "  -" in as_table(report)
    assert "1 requests with 100 tokens could not leave" in as_table(report)
    told = json.loads(as_json(report))
    assert told["total"]["net_usd"] is None
    assert told["could_not_leave"] == {"requests": 1, "tokens": 100, "cost_usd": 2e-9, "rent_usd": 0.0}


def test_it_says_what_goes_past_a_gpu_by_the_policy_that_was_served(tmp_path, capsys):
    data_dir = tmp_path / "data"
    server = EmbeddedServer(data_dir)
    try:
        asyncio.run(bought_just_now(server.start()))
        asked = ["usage", "--data-dir", str(data_dir)]
        assert main(asked) == 0 and "past a GPU" not in capsys.readouterr().out
        assert main([*asked, "--policy", str(THRESHOLD)]) == 0
        assert "in the last 24 hours 1 K, for $2.00" in capsys.readouterr().out
        (data_dir / LAST_GOOD).write_text(THRESHOLD.read_text())
        assert main([*asked, "--json"]) == 0
        assert "in the last 24 hours 1 K, for $2.00" in json.loads(capsys.readouterr().out)["note"]
        (data_dir / LAST_GOOD).write_text("version: [")
        assert main(asked) == 0 and "past a GPU" not in capsys.readouterr().out
        assert main([*asked, "--policy", str(data_dir / LAST_GOOD)]) == 2
    finally:
        server.stop()


async def bought_just_now(url: str) -> None:
    ledger, now = GroupCommitLedger(url, timezone=BERLIN), time.time()
    await ledger.start()
    hold = Hold(ledger.next_id(now, 900.0), CLOUD, now, 900.0, 2000, 500, 0, True)
    await ledger.reserve(hold)
    usage = Usage(input=800, output=200)
    ledger.settle(Settlement(hold.id, CLOUD, now, usage, 2_000_000_000, 0, error=False, eligible=True))
    await ledger.close()
