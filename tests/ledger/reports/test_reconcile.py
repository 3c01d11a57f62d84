from zoneinfo import ZoneInfo

import msgspec
import pytest

from router.core.values import Cell, Row
from router.ledger.redis_keys import pack_cell
from router.ledger.reports.provider_export import Figures, Invoice
from router.ledger.reports.reconcile import (
    Line,
    Ours,
    Tolerance,
    beyond,
    match_models,
    plain_name,
    read_ours,
    reconcile,
)
from router.ledger.reports.totals import open_report

UTC, BERLIN = ZoneInfo("UTC"), ZoneInfo("Europe/Berlin")
DAY = "2026-11-20"
NOTHING = Row(Cell("", "", "", "", ""))
ALL = ("requests", "input", "cached", "output", "cost")
EXACT = Tolerance(0.0, 0)
MIDNIGHT = 1_795_132_800 // 3600
"""2026-11-20 00:00 UTC, as an hour since the epoch."""


def compared(theirs, ours, measures=ALL, tolerance=EXACT, days=(DAY,)):
    return reconcile(Invoice("generic", measures, theirs), Ours(ours, NOTHING), tolerance, days)


def test_figures_that_agree():
    figures = Figures(3, 1000, 100, 50, 2_000_000)
    result = compared({(DAY, "m"): figures}, {(DAY, "m"): figures})
    assert result.lines == [Line(DAY, "m", figures, figures, ())]
    assert (result.theirs, result.ours) == (figures, figures)


@pytest.mark.parametrize("measure", ["input", "cached", "output", "cost"])
def test_every_measure_that_differs_is_named(measure):
    (line,) = compared({(DAY, "m"): Figures()}, {(DAY, "m"): Figures(**{measure: 1})}).lines
    assert line.beyond == (measure,)


def test_requests_are_shown_but_not_judged():
    (line,) = compared({(DAY, "m"): Figures(requests=3)}, {(DAY, "m"): Figures(requests=5)}).lines
    assert line.beyond == ()


def test_what_one_side_lacks_is_zero_there():
    result = compared({(DAY, "a"): Figures(output=1)}, {(DAY, "b"): Figures(output=2), (DAY, "c"): Figures()})
    assert [(line.model, line.theirs.output, line.ours.output) for line in result.lines] == [("a", 1, 0), ("b", 0, 2)]


def test_only_the_days_asked_for_are_compared():
    assert compared({("2026-11-19", "a"): Figures(output=1)}, {}).lines == []


def test_without_models_days_are_compared_as_a_whole():
    ours = {(DAY, "a"): Figures(cost=1), (DAY, "b"): Figures(cost=2)}
    (line,) = compared({(DAY, ""): Figures(cost=3)}, ours, measures=("cost",)).lines
    assert (line.model, line.ours.cost, line.beyond) == ("", 3, ())


def test_snapshots_of_a_model_are_summed():
    theirs = {(DAY, "gpt-4o-2024-08-06"): Figures(output=3), (DAY, "gpt-4o-2024-11-20"): Figures(output=4)}
    (line,) = compared(theirs, {(DAY, "gpt-4o"): Figures(output=7)}).lines
    assert (line.model, line.beyond) == ("gpt-4o", ())


@pytest.mark.parametrize(
    ("theirs", "ours", "percent", "nano_usd", "found"),
    [
        (Figures(output=1000), Figures(output=1010), 1.0, 0, ()),
        (Figures(output=1000), Figures(output=1011), 1.0, 0, ("output",)),
        (Figures(output=1000), Figures(output=989), 1.0, 0, ("output",)),
        (Figures(cost=100), Figures(cost=10_100), 1.0, 10_000, ()),
        (Figures(cost=100), Figures(cost=10_101), 1.0, 10_000, ("cost",)),
        (Figures(cost=10_000_000), Figures(cost=10_100_000), 1.0, 10_000, ()),
        (Figures(input=1), Figures(input=2), 1.0, 10_000, ("input",)),
    ],
)
def test_the_tolerance(theirs, ours, percent, nano_usd, found):
    assert beyond(theirs, ours, ALL, Tolerance(percent, nano_usd)) == found


@pytest.mark.parametrize(
    "name",
    ["claude-haiku-4-5", "claude-haiku-4-5-20251001", "claude-haiku-4-5-2025-10-01", "claude-haiku-4-5-latest"],
)
def test_a_model_has_one_name_whatever_its_date(name):
    assert plain_name(name) == plain_name(f"anthropic/{name}") == plain_name("Claude Haiku 4.5") == "claude-haiku-4-5"


@pytest.mark.parametrize(
    ("theirs", "ours", "found"),
    [
        ("gpt-4o", ["gpt-4o", "gpt-4o-2024-08-06"], "gpt-4o"),
        ("gpt-4o-2024-08-06", ["gpt-4o", "gpt-4o-2024-08-06"], "gpt-4o-2024-08-06"),
        ("gpt-4o-2024-11-20", ["gpt-4o", "gpt-4o-2024-08-06"], "gpt-4o"),
        ("gpt-4o", ["gpt-4o-2024-05-13", "gpt-4o-2024-08-06"], "gpt-4o"),
        ("gpt-4o", ["gpt-4o-2024-05-13"], "gpt-4o-2024-05-13"),
        ("gpt-4o-mini", ["gpt-4o"], "gpt-4o-mini"),
    ],
)
def test_the_closest_name_is_meant(theirs, ours, found):
    assert match_models([theirs], ours) == {theirs: found}


@pytest.mark.parametrize(
    ("timezone", "outputs"),
    [(UTC, {"2026-11-19": 1, "2026-11-20": 2 + 4 + 8}), (BERLIN, {"2026-11-20": 1 + 2 + 4, "2026-11-21": 8 + 16})],
)
async def test_our_days_are_cut_as_the_provider_cuts_them(server, timezone, outputs):
    for n, hour in enumerate((MIDNIGHT - 1, MIDNIGHT, MIDNIGHT + 1, MIDNIGHT + 23, MIDNIGHT + 24)):
        for backend, figures in (("openai", [1, 0, 0, 0, 2**n, 0, 0, 1, 1]), ("gpu", [9] * 9)):
            field = pack_cell(Cell(backend, "z", "chat", "t", "k"))
            server.client.hset(f"be:{{ledger}}:hour:{hour}", field, msgspec.msgpack.encode(figures))
    async with open_report(server.url) as report:
        name_of = {("openai", "chat"): "gpt-4o-mini"}.get
        ours = await read_ours(report, outputs, timezone, lambda backend, model: name_of((backend, model)))
    assert {day: figures.output for (day, model), figures in ours.sums.items()} == outputs
    assert {model for _, model in ours.sums} == {"gpt-4o-mini"}
    assert ours.everything.estimated == ours.everything.unsettled == ours.everything.requests
