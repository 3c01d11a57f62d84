from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.limits.estimate import (
    ANSWERS_NEEDED,
    DEFAULT_OUTPUT_TOKENS,
    LONGEST_CONTEXT,
    PRIOR_OUTPUT_TOKENS,
    Learned,
    Tokens,
    WorstCase,
    bounds_of,
    most_tokens,
    replaced,
    worst_tokens,
)
from router.core.policy_fields import EndpointName
from router.core.reading import Reading
from router.core.values import BackendState, ModelPlan, Route
from router.surfaces.registry import SURFACES
from tests.core.conftest import Make

HUGE = Tokens(10**9, 10**9)


def reading(endpoint: EndpointName = "chat", **fields: Any) -> Reading:
    return SURFACES[endpoint].read(json.dumps({"model": "chat", "messages": []} | fields).encode())


def model(*routes: Route, max_output_tokens: int | None = None) -> ModelPlan:
    return ModelPlan("chat", routes, 0.0, False, max_output_tokens)


# --- the worst case


def test_the_client_knows_best_how_long_its_answer_gets(make: Make) -> None:
    asked = reading(max_tokens=100, n=3)
    assert worst_tokens(asked, model(max_output_tokens=50), [make.route("gpu")], {}) == (asked.input_bound, 300)


def test_then_the_policy(make: Make) -> None:
    assert worst_tokens(reading(n=2), model(max_output_tokens=50), [make.route("gpu", context=8192)], {}).output == 100


@pytest.mark.parametrize(
    ("gpu", "openai", "reported", "output"),
    [
        ({"context": 8192}, {"context": 32_768}, 131_072, 32_768),
        ({}, {"longest": 16_384}, 32_768, 32_768),
        ({"longest": 1}, {"longest": 16_384}, 8_192, 16_384),
        ({"context": 1000}, {}, None, DEFAULT_OUTPUT_TOKENS),
        ({}, {}, None, DEFAULT_OUTPUT_TOKENS),
    ],
)
def test_then_the_longest_context_that_is_given_reported_or_published(
    make: Make, gpu: dict[str, int], openai: dict[str, int], reported: int | None, output: int
) -> None:
    routes = [make.route("gpu", **gpu), make.route("openai", **openai)]
    states = {"gpu": BackendState(context=reported)}
    assert worst_tokens(reading(), model(*routes), routes, states).output == output


def test_without_routes_there_is_a_default() -> None:
    assert worst_tokens(reading(n=2), model(), [], {}).output == 2 * DEFAULT_OUTPUT_TOKENS


def test_absurd_numbers_stay_numbers_that_lua_can_add() -> None:
    assert worst_tokens(reading(n=10**12), model(), [], {}).output == 10**9


def test_embeddings_have_no_output(make: Make) -> None:
    asked = SURFACES["embeddings"].read(b'{"model":"embed","input":"Hello"}')
    assert worst_tokens(asked, model(max_output_tokens=50), [make.route("gpu")], {}).output == 0


def test_input_that_is_not_in_the_body_fits_in_the_longest_context(make: Make) -> None:
    asked = reading("responses", input="Hi", previous_response_id="resp_1")
    routes = [make.route("gpu", context=8192), make.route("openai", longest=131_072)]
    assert worst_tokens(asked, model(*routes), routes, {}).input == 131_072
    assert worst_tokens(asked, model(), [make.route("gpu")], {}).input == LONGEST_CONTEXT
    assert 8192 <= most_tokens(asked, routes[0]).input < 16_384
    assert most_tokens(asked, make.route("gpu")).input > LONGEST_CONTEXT


def test_each_call_of_a_tool_at_the_provider_may_take_another_context(make: Make) -> None:
    asked = reading("responses", input="Hi", tools=[{"type": "web_search"}], max_tool_calls=2)
    assert worst_tokens(asked, model(), [make.route("gpu", context=8192)], {}).input == 3 * 8192


# --- what is held of it


def test_the_policy_says_how_much_is_held(make: Make) -> None:
    assert isinstance(bounds_of(make.plan().policy), Learned)
    assert isinstance(bounds_of(make.plan(ledger={"holds": "worst_case"}).policy), WorstCase)


def test_the_worst_case_stays_whatever_was_seen() -> None:
    bounds = WorstCase()
    bounds.learn("chat", 10, 10, 10)
    assert bounds.bound("chat", 10, HUGE) == HUGE


def taught(answers: int, estimated: int = 100, real: int = 100, output: int = 10) -> Learned:
    bounds = Learned()
    for _ in range(answers):
        bounds.learn("chat", estimated, real, output)
    return bounds


@pytest.mark.parametrize("answers", [0, 1, ANSWERS_NEEDED - 1])
def test_before_enough_answers_were_seen_the_prior_holds(answers: int) -> None:
    bounds = taught(answers)
    assert bounds.bound("chat", 333, HUGE) == (333, PRIOR_OUTPUT_TOKENS)
    assert bounds.bound("chat", 333, Tokens(300, 16)) == (300, 16)


def test_then_answers_like_those_that_were_seen_are_expected() -> None:
    bounds = taught(ANSWERS_NEEDED, estimated=100, real=50, output=10)
    assert bounds.bound("chat", 1000, HUGE) == (562, 10)  # 500, rounded up to the bucket's edge
    assert bounds.bound("other", 1000, HUGE) == (1000, PRIOR_OUTPUT_TOKENS)


def test_input_may_turn_out_larger_than_its_estimate() -> None:
    assert taught(ANSWERS_NEEDED, estimated=100, real=200).bound("chat", 100, HUGE).input >= 200


def test_an_estimate_of_nothing_is_no_reason_to_fail() -> None:
    assert taught(ANSWERS_NEEDED, estimated=0, real=0).bound("chat", 0, HUGE) == (0, 10)


def test_one_answer_in_a_hundred_may_exceed_it() -> None:
    bounds = Learned()
    for number in range(ANSWERS_NEEDED + 16 * 20):
        bounds.learn("chat", 100, 100, 5000 if number % 150 == 149 else 10)
    assert bounds.bound("chat", 100, HUGE).output == 10


def test_what_becomes_longer_is_noticed_soon_and_what_becomes_shorter_at_last() -> None:
    bounds = taught(5000, output=10)
    for _ in range(200):
        bounds.learn("chat", 100, 100, 1000)
    assert bounds.bound("chat", 100, HUGE).output >= 1000
    for _ in range(20_000):
        bounds.learn("chat", 100, 100, 10)
    assert bounds.bound("chat", 100, HUGE).output == 10


ANSWERS = st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6)), max_size=200)


@given(answers=ANSWERS, estimated=st.integers(0, 10**7), worst=st.tuples(st.integers(0, 10**7), st.integers(0, 10**7)))
def test_never_more_than_the_worst_case_is_held(
    answers: list[tuple[int, int, int]], estimated: int, worst: tuple[int, int]
) -> None:
    bounds = Learned()
    for answer in answers:
        bounds.learn("chat", *answer)
    input, output = bounds.bound("chat", estimated, Tokens(*worst))
    assert 0 <= input <= worst[0]
    assert 0 <= output <= worst[1]


# --- the histogram


def test_what_was_learned_of_a_name_goes_when_the_name_stands_for_another_model(make: Make) -> None:
    before, after = make.plan(), make.plan([make.route("gpu", upstream_model="other"), make.route("openai")])
    assert replaced(before.models, make.plan(aliases={"gpt": "chat"}).models) == set()
    assert replaced(before.models, after.models) == replaced(before.models, {}) == {"chat"}
    bounds = Learned()
    for _ in range(ANSWERS_NEEDED):
        bounds.learn("chat", 10, 10, 7)
    assert bounds.bound("chat", 10, HUGE).output == 7
    bounds.forget(["chat", "never seen"])
    assert bounds.bound("chat", 10, HUGE).output == PRIOR_OUTPUT_TOKENS
    WorstCase().forget(["chat"])


def test_what_a_report_may_say_is_what_was_asked_for_with_room_for_templates(make: Make) -> None:
    asked = reading(max_tokens=50, n=2)
    most = most_tokens(asked, make.route("gpu"))
    assert most.output == 50 * 2 + 16 * 2 and most.input == asked.input_bound + 4096
    free = reading()
    assert most_tokens(free, make.route("gpu", context=8192)).output == 8192 + 16
    assert most_tokens(free, make.route("gpu", context=None, longest=4000)).output == 4000 + 16
    assert most_tokens(free, make.route("gpu", context=None)).output == 2_000_000 + 16
