"""What the holds of one decision and key have in common."""

from __future__ import annotations

import math

import pytest

from router.core.cost.timeline import DAY, built
from router.core.limits.counters import BOTH, CLOUD, LOCAL
from router.core.limits.terms import cell_of, terms_of
from router.core.values import Candidate, Cell, Decision, PriceTier, Tariff

GPU = Cell("gpu", "local", "chat", "search", "app")
API = Cell("openai", "cloud", "chat", "search", "app")


@pytest.mark.parametrize(
    ("backends", "sides", "cell", "local_cell"),
    [
        (["gpu"], LOCAL, GPU, None),
        (["openai"], CLOUD, API, None),
        (["gpu", "openai"], BOTH, GPU, None),
        (["openai", "gpu"], BOTH, API, GPU),
    ],
)
def test_the_first_candidate_is_charged_and_the_first_own_one_where_only_that_is_left(
    make, backends, sides, cell, local_cell
):
    routes = [make.route(name) for name in backends]
    candidates = tuple(Candidate(route, "", "") for route in routes)
    terms = terms_of(Decision("chat", "", (), frozenset(), candidates), make.model(routes), 0, 600)
    local = None if terms.local is None else cell_of(terms.local, "chat", make.key())
    assert (terms.sides, cell_of(terms.routes[0], "chat", make.key()), local) == (sides, cell, local_cell)
    assert terms.local_steps == (((0, 0.0, 0.0, 0.0),) if sides != CLOUD else ())


def test_prices_that_begin_before_the_last_attempt_may_are_held_too(make):
    """And terms hold until another price may count for such an attempt, or the first of them counts no more."""
    rates = {0: make.free, DAY: make.gpt_4o_mini}
    prices = built(0, [DAY], [], lambda now: Tariff((PriceTier(0, rates[int(now)]),)))
    route = make.route("openai", prices=prices)
    decision = Decision("chat", "", (), frozenset(), (Candidate(route, "", ""),))
    free, mini = (0, 0.0, 0.0, 0.0), (0, 0.15, 0.6, 0.0)
    for now, steps, until in (
        (DAY - 601, (free,), DAY - 600),
        (DAY - 600, (mini,), DAY),
        (DAY, (mini,), math.inf),
    ):
        terms = terms_of(decision, make.model([route]), now, 600)
        assert (terms.steps, terms.until) == (steps, until)
