"""Totals by a few dimensions, added up by the server."""

from __future__ import annotations

import asyncio
import itertools
from types import SimpleNamespace

import msgspec
import pytest
from msgspec import structs
from support.totals import packed_totals

from router.core.values import Cell, Row
from router.ledger.errors import LedgerUnavailable
from router.ledger.redis_keys import pack_cell
from router.ledger.reports.periods import HOUR_SUMS, days_before
from router.ledger.reports.totals import merge, open_report
from router.ledger.reports.totals_by_dimension import KEPT_LOOKS, PIECE_WORK, Look, Tally, all_names, looks_at_once

GPU = Row(Cell("gpu", "local", "chat", "search", "app"), 1, 0, 10, 1, 5, 0, 300, 1, 0)
API = Row(Cell("api", "cloud", "chat", "search", "100%|<b>"), 2, 1, 20, 2, 6, 400, 0, 0, 1, 4)
BOT = Row(Cell("api", "cloud", "small", "sales", "bot"), 5, 0, 1, 1, 1, 10, 20, 0, 0, 0)
DAY, NEXT = "2026-05-20", "2026-05-21"
KEPT = "be:{ledger}:summed:" + DAY
CELLS = 2000
"""Of a large day."""


def write(server, place: str, *rows: Row) -> None:
    for row in rows:
        figures = packed_totals(structs.astuple(row)[1:])
        server.client.hset(f"be:{{ledger}}:{place}", pack_cell(row.cell), figures)


def write_keys(server, number: int, models: int = 1) -> None:
    """A day of so many keys, each with a cell for each model."""
    figures = packed_totals(structs.astuple(GPU)[1:])
    cells = [structs.replace(named_cell(f"key{n}"), model=f"m{m}") for n in range(number) for m in range(models)]
    server.client.hset(f"be:{{ledger}}:day:{DAY}", mapping={pack_cell(cell): figures for cell in cells})


def calls_of(server) -> int:
    """Pieces that were asked for, and what was kept of them."""
    return server.client.info("commandstats")["cmdstat_eval"]["calls"]


def named_cell(key: str) -> Cell:
    return structs.replace(GPU.cell, key=key)


def named(row: Row, **names: str) -> Row:
    """The row with these names alone."""
    return structs.replace(row, cell=structs.replace(Cell("", row.cell.zone, "", "", ""), **names))


def only(**wanted: str | set[str]) -> dict[str, frozenset[str]]:
    return {name: frozenset({names} if isinstance(names, str) else names) for name, names in wanted.items()}


@pytest.fixture
async def look(server):
    """Rows of a day, in the order of their names."""

    async def ask(*by, day: str = DAY, today: str = DAY, **wanted: str | set[str]) -> list[Row]:
        async with open_report(server.url) as report:
            (tally,) = await report.days_by(Look(by, only(**wanted)), [day], today)
        return sorted(tally.rows, key=lambda row: structs.astuple(row.cell))

    return ask


async def test_rows_have_the_zone_and_the_names_that_were_looked_for(server, look):
    write(server, f"day:{DAY}", GPU, API, BOT)
    assert await look("key") == [named(API, key="100%|<b>"), named(BOT, key="bot"), named(GPU, key="app")]
    assert await look("model", "team", key="app") == [named(GPU, model="chat", team="search")]
    assert await look("zone", zone="nowhere") == []


async def test_rows_of_one_name_are_added_up(server, look):
    write(server, f"day:{DAY}", GPU, API, BOT)
    assert await look("backend") == [
        Row(Cell("api", "cloud", "", "", ""), 7, 1, 21, 3, 7, 410, 20, 0, 1, 4),
        named(GPU, backend="gpu"),
    ]


async def test_totals_from_before_the_last_column_count_nothing_in_it(server, look):
    old = msgspec.msgpack.encode(structs.astuple(GPU)[1:10])
    server.client.hset(f"be:{{ledger}}:day:{DAY}", pack_cell(GPU.cell), old)
    row = structs.replace(named(GPU, backend="gpu"), counterfactual=1000 * GPU.counterfactual)  # was micro-USD
    for today in (DAY, NEXT):
        assert await look("backend", today=today) == [row]


@pytest.mark.parametrize("by", ["backend", "zone", "model", "team", "key"])
@pytest.mark.parametrize(
    "wanted",
    [
        *({}, {"zone": "cloud"}, {"team": "search"}, {"model": "chat"}, {"key": "100%|<b>"}),
        *({"team": {"search", "sales"}}, {"key": {"app", "bot"}, "zone": {"local", "nowhere"}}),
    ],
)
async def test_a_past_day_says_the_same_whether_it_was_added_up_before_or_not(by, wanted, server, look):
    write(server, f"day:{DAY}", GPU, API, BOT)

    def shown(rows) -> list[Row]:
        """What is kept may be told apart by more."""
        return merge(named(row, **{by: getattr(row.cell, by)}) for row in rows)

    now = shown(await look(by, **wanted))
    assert now and [shown(await look(by, today=NEXT, **wanted)) for _ in range(2)] == [now, now]


@pytest.mark.parametrize("today", [DAY, NEXT])
async def test_a_larger_day_is_added_up_in_pieces(server, look, today):
    write_keys(server, CELLS)
    server.client.config_resetstat()
    (row,) = await look("team", today=today)
    assert (row.requests, row.output, row.counterfactual) == (CELLS, CELLS * GPU.output, CELLS * GPU.counterfactual)
    assert calls_of(server) == pytest.approx(2 * CELLS / PIECE_WORK, abs=2)


@pytest.mark.parametrize("session_server", ["valkey", "redis"], indirect=True)  # others send replicas the same again
@pytest.mark.parametrize("keys", [100, 300])
async def test_rows_of_a_day_that_is_kept_are_right_whether_they_were_left_or_sent(keys, server, look):
    """Each key has twenty models, so that its row is made of several pieces; those of many keys are not left."""
    write_keys(server, keys, models=20)
    before = server.client.info("stats")["total_net_output_bytes"]
    rows = await look("key", today=NEXT)
    sent = server.client.info("stats")["total_net_output_bytes"] - before
    assert {row.cell.key: row.requests for row in rows} == {f"key{n}": 20 for n in range(keys)}
    (kept,) = [len(value) for name, value in server.client.hgetall(KEPT).items() if name == b"bk"]
    assert (sent < 3 * kept) == (keys == 100)
    assert not server.client.keys("*:left:*")


async def test_what_was_left_and_is_gone_is_no_row_less(server):
    """It was not gone on with for longer than it is kept."""
    write_keys(server, 100, models=20)
    async with open_report(server.url) as report:
        call = report._connection.call

        async def forget_and_call(*words):
            for name in server.client.keys("*:left:*"):
                server.client.delete(name)
            return await call(*words)

        report._connection = SimpleNamespace(call=forget_and_call, call_all=report._connection.call_all)
        with pytest.raises(LedgerUnavailable, match="gone"):
            await report.days_by(Look(("backend",)), [DAY], NEXT)


async def test_a_piece_of_many_rows_is_smaller(server, look):
    write_keys(server, CELLS)
    server.client.config_resetstat()
    assert len(await look("key")) == CELLS
    assert calls_of(server) == pytest.approx(3 * CELLS / PIECE_WORK, abs=2)


async def test_a_piece_of_many_views_is_smaller(server):
    """Every key is a row in two of them."""
    write_keys(server, CELLS)
    server.client.config_resetstat()
    async with open_report(server.url) as report:
        await report.add_up(KEPT_LOOKS, days_before(NEXT, [DAY]))
    assert calls_of(server) - len(["keep"]) >= (1 + len(KEPT_LOOKS) + 2) * CELLS / (PIECE_WORK * 1.2)


@pytest.fixture
def all_at_once(server):
    """The server keeps hashes of up to 512 fields in one piece, as some are set up to."""
    usual = server.client.config_get("hash-max-listpack-*")
    server.client.config_set("hash-max-listpack-entries", 512, "hash-max-listpack-value", 1000)
    yield
    server.client.config_set(*(word for each in usual.items() for word in each))


@pytest.mark.usefixtures("all_at_once")
async def test_a_day_that_the_server_reads_at_once_is_added_up_a_few_views_at_a_time(server, look):
    small = 200
    write_keys(server, small)
    assert server.client.object("encoding", f"be:{{ledger}}:day:{DAY}") == b"listpack"
    server.client.config_resetstat()
    async with open_report(server.url) as report:
        await report.add_up(KEPT_LOOKS, days_before(NEXT, [DAY]))
        passes = server.client.info("commandstats")["cmdstat_hscan"]["calls"]
    assert passes == len(KEPT_LOOKS) / looks_at_once(small) > 1
    write(server, f"day:{DAY}", BOT)  # which is not seen: all is kept
    for by in (("backend", "model", "team"), ("team", "key"), ("backend",)):
        assert sum(row.requests for row in await look(*by, today=NEXT)) == small
    async with open_report(server.url) as report:
        (tally,) = await report.days_by(Look(("team",)), [DAY], NEXT)
    assert len(tally.names["key"]) == small


@pytest.mark.parametrize("today", [DAY, NEXT])
async def test_only_rows_of_a_day_travel(server, look, today):
    write_keys(server, CELLS)
    cells = sum(map(len, itertools.chain(*server.client.hgetall(f"be:{{ledger}}:day:{DAY}").items())))
    before = server.client.info("stats")["total_net_output_bytes"]
    for _ in range(2):
        await look("team", today=today)
    assert server.client.info("stats")["total_net_output_bytes"] - before < cells


async def test_a_day_that_is_corrected_while_it_is_added_up_is_not_kept(server, ledger, hold_of, settlement_of, look):
    """Another view of it, which was kept before, is forgotten, too."""
    write_keys(server, CELLS)
    await look("model", today=NEXT)

    async def correct() -> None:
        hold = hold_of(ledger)
        ledger.record(settlement_of(hold), hold.counters)
        await ledger.flush()

    async with open_report(server.url) as report:
        call = report._connection.call

        async def call_and_correct(*words):
            answer = await call(*words)
            if words[0] == "EVAL" and isinstance(answer, list) and answer[2] == b"0":
                await correct()
            return answer

        report._connection = SimpleNamespace(call=call_and_correct, call_all=report._connection.call_all)
        await report.days_by(Look(("team",)), [DAY], NEXT)
    assert not server.client.exists(KEPT)
    for by in ("team", "model"):
        assert sum(row.requests for row in await look(by, today=NEXT)) == CELLS + 1


async def test_two_who_add_up_a_day_at_once_both_keep_it(server, look):
    write_keys(server, CELLS)
    rows = await asyncio.gather(*(look(by, today=NEXT) for by in ("team", "model", "team")))
    assert [sum(row.requests for row in each) for each in rows] == [CELLS] * 3
    assert {b"bt", b"bm", b"names"} <= set(server.client.hkeys(KEPT))


async def test_a_past_day_is_added_up_once(server, look):
    write(server, f"day:{DAY}", GPU)
    server.client.expire(f"be:{{ledger}}:day:{DAY}", 1000)
    await look("team", today=NEXT)
    write(server, f"day:{DAY}", BOT)
    assert [row.cell.team for row in await look("team", today=NEXT)] == ["search"]
    assert 0 < server.client.ttl(KEPT) <= 1000


async def test_several_views_of_a_day_are_added_up_in_one_pass(server, look):
    write_keys(server, CELLS)
    server.client.config_resetstat()
    async with open_report(server.url) as report:
        await report.add_up([Look(("team",)), Look(("model",)), Look(("model", "key"))], days_before(NEXT, [DAY, NEXT]))
    passes = server.client.info("commandstats")["cmdstat_hscan"]["calls"]
    assert set(server.client.hkeys(KEPT)) == {b"begun", b"bt", b"bm", b"names"}
    for by in ("team", "model"):
        assert sum(row.requests for row in await look(by, today=NEXT)) == CELLS
    assert server.client.info("commandstats")["cmdstat_hscan"]["calls"] == passes


async def test_what_is_there_is_not_added_up_again(server, look):
    write(server, f"day:{DAY}", GPU)
    await look("team", today=NEXT)
    write(server, f"day:{DAY}", BOT)
    async with open_report(server.url) as report:
        await report.add_up([Look(("team",)), Look(("model",))], days_before(NEXT, [DAY]))
    assert [row.cell.team for row in await look("team", today=NEXT)] == ["search"]
    assert {row.cell.model for row in await look("model", today=NEXT)} == {"chat", "small"}


@pytest.mark.parametrize("by", ["backend", "zone", "model", "team", "key"])
@pytest.mark.parametrize("wanted", [{}, {"model": "chat"}, {"key": "100%|<b>"}])
async def test_a_team_apart_says_the_same_and_is_kept_without_the_others(by, wanted, server, look):
    other = structs.replace(BOT, cell=structs.replace(BOT.cell, team="100%|<t>"))
    write(server, f"day:{DAY}", GPU, API, BOT, other)
    for team in ("search", "100%|<t>"):
        apart = Look((by,), only(team=team, **wanted), names=False, apart=True)
        expected = await look(by, team=team, **wanted)
        for today in (DAY, NEXT, NEXT):
            async with open_report(server.url) as report:
                (tally,) = await report.days_by(apart, [DAY], today)
            assert sums_by(by, tally.rows) == sums_by(by, expected)
    kept = [name.decode() for name in server.client.hkeys(KEPT)]
    assert all(name == "begun" or "@" in name for name in kept), kept
    assert not any(b"bot" in value for name, value in server.client.hgetall(KEPT).items() if name.endswith(b"@search"))


@pytest.mark.parametrize("by", ["backend", "zone", "model", "team", "key"])
async def test_several_teams_apart_are_the_union_of_what_each_of_them_is(by, server, look):
    """A key of this name is there in two of the teams, and a cell of each is counted once."""
    teams = {"search", "100%|<t>", "nobody"}
    namesake = structs.replace(GPU, cell=structs.replace(GPU.cell, team="100%|<t>"))
    write(server, f"day:{DAY}", GPU, API, BOT, namesake)
    expected = await look(by, team=teams)
    apart = Look((by,), only(team=teams), names=False, apart=True)
    for today in (DAY, NEXT, NEXT):
        async with open_report(server.url) as report:
            (tally,) = await report.days_by(apart, [DAY], today)
        assert sums_by(by, tally.rows) == sums_by(by, expected)
        assert sum(row.requests for row in tally.rows) == GPU.requests + API.requests + namesake.requests
    kept = {name.decode() for name in server.client.hkeys(KEPT)} - {"begun"}
    assert {name.partition("@")[2] for name in kept} == {"search", "100%25%7C<t>", "nobody"}


async def test_what_is_kept_of_a_team_is_taken_for_it_together_with_others(server, look):
    """It was added up for the one alone; what others have is made in one pass more, for as many as there are."""
    write(server, f"day:{DAY}", GPU, API, BOT)
    looks = [Look((by,), only(team={"search", "sales"}), names=False, apart=True) for by in ("backend", "key")]
    async with open_report(server.url) as report:
        await report.days_by(Look(("key",), only(team="search"), names=False, apart=True), [DAY], NEXT)
        server.client.config_resetstat()
        for _ in range(2):
            await report.add_up(looks, days_before(NEXT, [DAY]))
        assert server.client.info("commandstats")["cmdstat_hscan"]["calls"] == 1
        for each in looks:
            (tally,) = await report.days_by(each, [DAY], NEXT)
            assert sum(row.requests for row in tally.rows) == GPU.requests + API.requests + BOT.requests
        assert server.client.info("commandstats")["cmdstat_hscan"]["calls"] == 1
    assert {b"b@search", b"b@sales", b"bk@search", b"bk@sales", b"begun"} == set(server.client.hkeys(KEPT))


async def test_thousands_of_teams_apart_are_kept(server, look):
    teams = {f"team-{n}" for n in range(5000)}
    write(server, f"day:{DAY}", structs.replace(GPU, cell=structs.replace(GPU.cell, team="team-7")), BOT)
    async with open_report(server.url) as report:
        (tally,) = await report.days_by(Look(("key",), only(team=teams), names=False, apart=True), [DAY], NEXT)
    assert [(row.cell.team, row.requests) for row in tally.rows] == [("team-7", 1)]
    assert server.client.hlen(KEPT) == 5001


def sums_by(by: str, rows) -> list[tuple]:
    sums: dict[str, int] = {}
    for row in rows:
        name = getattr(row.cell, by)
        sums[name] = sums.get(name, 0) + row.requests
    return sorted(sums.items())


async def test_a_day_that_is_open_or_empty_is_not_kept(server, look):
    assert await look("team", today=NEXT) == []
    write(server, f"day:{DAY}", GPU)
    assert await look("team") and not server.client.exists(KEPT)


async def test_models_of_a_key_are_never_kept(server, look):
    write(server, f"day:{DAY}", GPU, API)
    assert await look("model", key="app", today=NEXT) == [named(GPU, model="chat")]
    assert not server.client.exists(KEPT)


async def test_a_late_correction_forgets_what_was_added_up(server, ledger, hold_of, settlement_of, look):
    write(server, f"day:{DAY}", GPU)
    await look("team", today=NEXT)
    hold = hold_of(ledger)
    ledger.record(settlement_of(hold), hold.counters)
    await ledger.flush()
    assert sum(row.requests for row in await look("team", today=NEXT)) == 2


async def test_what_an_earlier_version_added_up_too_early_is_not_believed(server, look):
    """Its counting forgot nothing, so that a day which a clock had called over too early stayed as it was then."""
    write(server, f"day:{DAY}", GPU)
    await look("team", today=NEXT)
    server.client.rename(KEPT, f"be:{{ledger}}:sums:{DAY}")
    write(server, f"day:{DAY}", BOT)
    assert {row.cell.team for row in await look("team", today=NEXT)} == {"search", "sales"}


async def test_a_day_that_was_called_over_too_early_is_right_whoever_counts_in_it(
    server, ledger, hold_of, settlement_of, look
):
    write(server, f"day:{DAY}", GPU)
    for number in (1, 2, 3):
        assert sum(row.requests for row in await look("team", today=NEXT)) == number
        assert server.client.exists(KEPT)
        hold = hold_of(ledger)
        await ledger.reserve(hold)
        ledger.settle(settlement_of(hold))
        await ledger.flush()


async def test_a_charged_hold_forgets_it_too(server, ledger, hold_of, clock, look):
    await ledger.reserve(hold_of(ledger))
    write(server, f"day:{DAY}", GPU)
    await look("team", today=NEXT)
    clock.now += 86_400
    await ledger.sweep()
    assert sum(row.unsettled for row in await look("team", today=NEXT)) == 1


async def test_so_does_a_request_that_came_before_midnight_and_ends_after_it(
    server, ledger, hold_of, settlement_of, look
):
    hold = hold_of(ledger)
    await ledger.reserve(hold)
    write(server, f"day:{DAY}", GPU)
    await look("team", today=NEXT)
    ledger.settle(settlement_of(hold))
    await ledger.flush()
    assert sum(row.requests for row in await look("team", today=NEXT)) == 2


async def test_hours(server):
    write(server, "hour:7", GPU, BOT)
    for present in (7, 8, 8):
        async with open_report(server.url) as report:
            seven, eight = await report.hours_by(Look(("team",)), [7, 8], present)
        assert sorted(row.cell.team for row in seven.rows) == ["sales", "search"] and list(eight.rows) == []


async def test_hours_of_some_names_are_not_kept_but_those_of_a_team_apart_are(server):
    write(server, "hour:7", GPU, BOT)
    wanted = only(team="sales")
    for look, kept in ((Look(("team",), wanted), 0), (Look(("team",), wanted, names=False, apart=True), 1)):
        for _ in range(2):
            async with open_report(server.url) as report:
                seven, eight = await report.hours_by(look, [7, 8], 8)
            assert (sums_by("team", seven.rows), list(eight.rows)) == ([("sales", BOT.requests)], [])
        assert server.client.exists(HOUR_SUMS + "7") == kept


async def test_an_hour_that_is_over_is_added_up_once(server):
    write(server, "hour:7", GPU)
    for _ in range(2):
        async with open_report(server.url) as report:
            (seven,) = await report.hours_by(Look(names=False), [7], 8)
        assert list(seven.rows) == [named(GPU, backend="gpu")]
        write(server, "hour:7", API)


@pytest.mark.parametrize("ends", ["settled", "corrected", "charged"])
async def test_a_request_that_ends_in_a_later_hour_forgets_what_was_added_up(
    ends, server, ledger, hold_of, settlement_of, clock
):
    hold = hold_of(ledger)
    hour = int(hold.at // 3600)
    await ledger.reserve(hold)
    write(server, f"hour:{hour}", GPU)

    async def requests() -> int:
        async with open_report(server.url) as report:
            (tally,) = await report.hours_by(Look(), [hour], hour + 1)
        return sum(row.requests for row in tally.rows)

    before = await requests()
    if ends == "settled":
        ledger.settle(settlement_of(hold))
    elif ends == "corrected":
        ledger.record(settlement_of(hold), hold.counters)
    else:
        clock.now += 86_400
        await ledger.sweep()
    await ledger.flush()
    assert (before, await requests()) == (1, 2)


async def test_names_are_of_all_cells_whatever_is_looked_for(server):
    write(server, f"day:{DAY}", GPU)
    write(server, f"day:{NEXT}", API)
    async with open_report(server.url) as report:
        for wanted in ({}, {"key": "app"}):
            tallies = await report.days_by(Look(("team",), only(**wanted)), [DAY, NEXT], NEXT)
            assert all_names(tallies) == {
                "backend": ["api", "gpu"],
                "zone": ["cloud", "local"],
                "model": ["chat"],
                "team": ["search"],
                "key": ["100%|<b>", "app"],
            }
    assert all_names([Tally()])["key"] == []


async def test_days_one_by_one(server):
    write(server, f"day:{DAY}", GPU)
    async with open_report(server.url) as report:
        assert await report.each_day(["2026-05-19", DAY]) == [[], [GPU]]


async def test_the_volume_by_quarter(server, ledger, hold_of, settlement_of):
    hold = hold_of(ledger)
    await ledger.reserve(hold)
    ledger.settle(settlement_of(hold))
    await ledger.flush()
    async with open_report(server.url) as report:
        volume = await report.volume()
        assert {quarter: mix.total for quarter, mix in volume.items()} == {int(hold.at // 900): pytest.approx(107)}


async def test_an_open_day_is_added_up_once_for_all_that_is_asked_at_once(server):
    write(server, f"day:{DAY}", GPU)
    async with open_report(server.url) as report:

        async def ask(names: bool) -> tuple[int, Tally]:
            (tally,) = await report.days_by(Look(("team",), names=names), [DAY], DAY)
            return server.client.info("commandstats")["cmdstat_eval"]["calls"], tally

        answers = [await ask(names) for names in (False, True, True, False)]
        assert [calls for calls, _ in answers] == [1, 2, 2, 2]
        assert answers[1][1].names["team"] == ["search"]
        write(server, f"day:{DAY}", API)
        report.look_anew()
        _, tally = await ask(names=True)
        assert sum(row.requests for row in tally.rows) == GPU.requests + API.requests
