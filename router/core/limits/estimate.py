"""How much a running request holds: the most that it can take, or what requests like it have taken so far::

    the body, the policy, context lengths  ->  worst_tokens  ->  what no answer exceeds
    answers that were settled              ->  Bounds.bound  ->  what is held of that

What is left between the two is the risk: limits can be overrun by that much at most, and only by requests that run
at the same time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple, Protocol

from router.core.histogram import REMEMBERED, FadingHistogram
from router.core.policy import Policy
from router.core.reading import Reading
from router.core.values import BackendState, ModelPlan, Route

DEFAULT_OUTPUT_TOKENS = 4096
"""Most output of one answer where neither the client, the policy nor a context length bounds it."""
PRIOR_OUTPUT_TOKENS = 1024
"""Output held for a request of a model of which fewer than `ANSWERS_NEEDED` answers were seen."""
ANSWERS_NEEDED = 50

LONGEST_CONTEXT = 2_000_000
"""Tokens that are believed of one answer where nothing bounds them: longer than any context that is offered."""

_MOST_TOKENS = 1_000_000_000
_TEMPLATE_TOKENS = 4096
"""Of instructions that a provider puts before a request and charges."""
_STOP_TOKENS = 16
"""That some servers count beyond the limit."""
_ANSWERS_BETWEEN = 16
_ANSWERS_PASSED = 3
_RATIO_UNIT = 1024


class Tokens(NamedTuple):
    input: int
    output: int


def worst_tokens(
    reading: Reading, model: ModelPlan, routes: Iterable[Route], backends: Mapping[str, BackendState]
) -> Tokens:
    """The most that a request can take on any of `routes`; `backends` says what context lengths these report.

    Output is what the client allows, else what the policy says of the model, else the longest context of the routes,
    where one that is unknown counts as `DEFAULT_OUTPUT_TOKENS`; it is multiplied by the answers asked for.

    Input that is not in the body fits in the longest context, where one that is unknown counts as `LONGEST_CONTEXT`.
    """
    output = reading.max_output_tokens
    if output is None:
        longest = model.max_output_tokens or _longest(routes, backends, DEFAULT_OUTPUT_TOKENS)
        output = min(longest * reading.answers, _MOST_TOKENS)
    if reading.contexts:
        return Tokens(_input_of(reading, _longest(routes, backends, LONGEST_CONTEXT)), output)
    return Tokens(reading.input_bound, output)


def most_tokens(reading: Reading, route: Route) -> Tokens:
    """What no report of one answer of `route` can truly exceed: more than that is not believed.

    Unlike `worst_tokens` it is no guess where neither the client nor a context length bounds the output.
    """
    output = reading.max_output_tokens
    if output is None:
        output = min((route.context or route.longest or LONGEST_CONTEXT) * reading.answers, _MOST_TOKENS)
    input = reading.input_bound
    if reading.contexts:
        input = _input_of(reading, route.context or route.longest or LONGEST_CONTEXT)
    return Tokens(input + _TEMPLATE_TOKENS, output + _STOP_TOKENS * reading.answers)


def _input_of(reading: Reading, context: int) -> int:
    return max(reading.input_bound, min(reading.contexts * context, _MOST_TOKENS))


def _longest(routes: Iterable[Route], backends: Mapping[str, BackendState], unknown: int) -> int:
    longest = 0
    for route in routes:
        state = backends.get(route.backend)
        context = route.context or (state.context if state is not None else None) or route.longest
        longest = max(longest, context or unknown)
    return longest or unknown


class Bounds(Protocol):
    """What requests hold, out of what they can take at most."""

    def learn(self, model: str, estimated_input: int, real_input: int, real_output: int) -> None:
        """One settled answer as its backend reported it; never an error, nor an answer whose tokens were estimated.

        `estimated_input` is the request's `Reading.input_tokens`.
        """

    def bound(self, model: str, estimated_input: int, worst: Tokens) -> Tokens:
        """What a request for `model` (the policy's name) holds: never more than `worst`."""

    def unlimited(self, estimated_input: int, worst: Tokens) -> Tokens:
        """What one without limits does: nothing but what it is charged with if nobody ever settles it."""

    def forget(self, models: Iterable[str]) -> None:
        """These names stand for something else from now on, see `replaced`."""


class WorstCase:
    """Holds all that a request can take by itself: only what a provider adds of its own can overrun a limit."""

    def learn(self, model: str, estimated_input: int, real_input: int, real_output: int) -> None:
        """There is nothing to learn."""

    def bound(self, model: str, estimated_input: int, worst: Tokens) -> Tokens:
        return worst

    def unlimited(self, estimated_input: int, worst: Tokens) -> Tokens:
        return worst

    def forget(self, models: Iterable[str]) -> None:
        """There was nothing to learn."""


class Learned:
    """Holds what 99 in 100 recent answers of the same model stay within.

    Of the output that is a number of tokens; of the input it is how real tokens compare with their estimate, since
    that is known of each request. Both are rounded up, by an eighth at most. Until enough answers were seen it is
    `PRIOR_OUTPUT_TOKENS`, and the estimate itself. Answers count less the longer ago they were.
    """

    def __init__(self) -> None:
        self._seen: dict[str, _Answers] = {}

    def learn(self, model: str, estimated_input: int, real_input: int, real_output: int) -> None:
        seen = self._seen.get(model)
        if seen is None:
            seen = self._seen[model] = _Answers()
        seen.add(estimated_input, real_input, real_output)

    def bound(self, model: str, estimated_input: int, worst: Tokens) -> Tokens:
        seen = self._seen.get(model)
        if seen is None:
            input, output = estimated_input, PRIOR_OUTPUT_TOKENS
        else:
            input, output = -(-estimated_input * seen.ratio // _RATIO_UNIT), seen.output
        return Tokens(min(input, worst.input), min(output, worst.output))

    def unlimited(self, estimated_input: int, worst: Tokens) -> Tokens:
        return Tokens(estimated_input, min(worst.output, DEFAULT_OUTPUT_TOKENS))

    def forget(self, models: Iterable[str]) -> None:
        for model in models:
            self._seen.pop(model, None)


def replaced(before: Mapping[str, ModelPlan], after: Mapping[str, ModelPlan]) -> set[str]:
    """Models of one policy whose names mean other models in the next: what was learned of them says nothing there."""
    return {
        model.name
        for model in before.values()
        if model.name not in after or _behind(model) != _behind(after[model.name])
    }


def _behind(model: ModelPlan) -> set[str]:
    return {route.upstream_model for route in model.routes}


class _Answers:
    """The answers of one model."""

    __slots__ = ("_due", "_outputs", "_passed", "_ratios", "_seen", "output", "ratio")

    def __init__(self) -> None:
        self.output = PRIOR_OUTPUT_TOKENS
        self.ratio = _RATIO_UNIT
        """Real input tokens for `_RATIO_UNIT` estimated ones."""
        self._outputs = FadingHistogram()
        self._ratios = FadingHistogram()
        self._due = ANSWERS_NEEDED
        self._seen = self._passed = 0

    def add(self, estimated_input: int, real_input: int, real_output: int) -> None:
        """Where there are many answers, some of them say as much as all."""
        if self._seen < REMEMBERED:
            self._seen += 1
        elif self._passed < _ANSWERS_PASSED:
            self._passed += 1
            return
        self._passed = 0
        self._outputs.add(real_output)
        self._ratios.add(-(-real_input * _RATIO_UNIT // max(1, estimated_input)))
        self._due -= 1
        if self._due == 0:
            self._due = _ANSWERS_BETWEEN
            self.output = self._outputs.upper()
            self.ratio = self._ratios.upper()


def bounds_of(policy: Policy) -> Bounds:
    """As `ledger.holds` says."""
    return Learned() if policy.ledger.holds == "learned" else WorstCase()
