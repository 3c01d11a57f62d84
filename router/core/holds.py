"""How much a running request holds: the most that it can take, or what requests like it have taken so far.

the body and the model's limits  ->  `worst_tokens`   ->  what is never exceeded
answers that were settled        ->  `Learned.bound`  ->  what 99 in 100 answers stay below
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple, Protocol

from router.core.policy import Policy
from router.core.reading import Reading
from router.core.values import BackendState, ModelPlan, Route

DEFAULT_OUTPUT_TOKENS = 4096
"""Most output of one answer where neither the client, the policy nor a context length bounds it."""


class Tokens(NamedTuple):
    input: int
    output: int


class Bounds(Protocol):
    """What a request holds, out of what it can take at most."""

    def learn(self, model: str, estimated_input: int, real_input: int, real_output: int) -> None:
        """One settled answer, with what its backend reported; not one whose tokens were estimated, nor an error."""

    def bound(self, model: str, estimated_input: int, worst: Tokens) -> Tokens:
        """What a request for `model` holds: never more than `worst`."""


def bounds_of(policy: Policy) -> Bounds:
    """As `ledger.holds` says."""
    raise NotImplementedError


def worst_tokens(
    reading: Reading, model: ModelPlan, routes: Iterable[Route], backends: Mapping[str, BackendState]
) -> Tokens:
    """The most that a request can take on any of `routes`, whose backends report `backends`."""
    raise NotImplementedError
