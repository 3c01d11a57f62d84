from __future__ import annotations

import pytest

from router.config.litellm_config.deployments import deployments
from router.config.litellm_config.key_names import KeyNames
from router.config.litellm_config.limits import Limits, limits, period_of


@pytest.fixture
def of(reading):
    def make(*params: str, rest: str = "") -> Limits:
        """Deployments of one model."""
        entries = "".join(f"- {{model_name: a, litellm_params: {{model: openai/m, {each}}}}}\n" for each in params)
        reader = reading(f"model_list:\n{entries}{rest}\n")
        return limits(reader, list(deployments(reader, KeyNames(reader), False)))

    return make


def test_limits_of_deployments_add_up_to_that_of_their_model(of):
    found = of("rpm: 60, tpm: 1000", "rpm: 40, tpm: 500")
    assert found.by_model == {"a": (("requests_per_minute", "100"), ("tokens_per_minute", "1500"))}
    assert found.notes == ()


@pytest.mark.parametrize("setting", ["rpm: 60", "tpm: 60", "max_budget: 5, budget_duration: 1d"])
def test_a_model_of_which_one_deployment_has_no_limit_has_none(of, setting):
    found = of(setting, "timeout: 5")
    assert found.by_model == {}
    assert [note.path[-1] for note in found.notes] == [setting.partition(":")[0]]


@pytest.mark.parametrize(
    ("duration", "setting"), [("1d", "day"), ("24h", "day"), ("30d", "month"), ("1mo", "month"), ("1m", "minute")]
)
def test_money_for_a_time_that_there_is_here(of, duration, setting):
    assert of(f"max_budget: 2.5, budget_duration: {duration}").by_model == {"a": ((f"usd_per_{setting}", "2.5"),)}
    rest = f"litellm_settings: {{max_budget: 100, budget_duration: {duration}}}"
    assert of("timeout: 5", rest=rest).whole == ((f"usd_per_{setting}", "100"),)


@pytest.mark.parametrize("duration", ["7d", "12h", "", "soon"])
def test_a_limit_of_another_time_is_not_lost_without_a_word(of, duration):
    found = of("timeout: 5", rest=f"litellm_settings: {{max_budget: 100, budget_duration: '{duration}'}}")
    assert found.whole == () and found.notes[0].todo and "100 USD" in found.notes[0].text
    found = of(f"max_budget: 3, budget_duration: '{duration}'")
    assert found.by_model == {} and found.notes[0].todo


def test_what_may_run_at_the_same_time(of):
    found = of("timeout: 5", rest="general_settings: {global_max_parallel_requests: 40}")
    assert found.whole == (("concurrent_requests", "40"),)


@pytest.mark.parametrize(
    ("text", "period"), [("86400s", "day"), ("1440m", "day"), ("4w", "month"), ("2d", ""), ("1", "")]
)
def test_periods(text, period):
    assert period_of(text) == period
