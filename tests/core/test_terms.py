"""What the holds of one decision and key have in common."""

from __future__ import annotations

import pytest

from router.core.bill import BOTH, CLOUD, LOCAL
from router.core.terms import terms_of
from router.core.values import Candidate, Cell, Decision

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
    terms = terms_of(Decision("chat", "", (), frozenset(), candidates), make.key(), make.model(routes))
    assert (terms.sides, terms.cell, terms.local_cell) == (sides, cell, local_cell)
    assert terms.local_steps == (((0, 0.0, 0.0, 0.0),) if sides != CLOUD else ())
