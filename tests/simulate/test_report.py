from __future__ import annotations

from zoneinfo import ZoneInfo

from support.simulating import POLICY, POWER, ask, plan, played

from router.simulate.figures import outcome_of
from router.simulate.html_report import html_of
from router.simulate.report import SAID, number, text_of, usd

UTC = ZoneInfo("UTC")
KEY = f'\nkeys: [{{name: app, sha256: "{"a" * 64}", budget: {{requests_per_day: 5}}}}]\n'


def test_a_report_says_first_that_it_is_simulated():
    outcome = outcome_of(played(plan(power=POWER), [ask(60.0 * number) for number in range(100)]), "p.yaml")
    text = text_of(outcome, UTC)

    assert text.startswith(f"{SAID} Policy p.yaml")
    assert "100 requests of 2026-05-11 00:00 to 2026-05-11 01:3" in text
    assert "cloud alone      $0.30\n" in text and "0 of all went where they may not" in text
    assert "waited           0\n" in text and "answer ended     half within 1.7" in text


def test_limits_and_names_that_are_not_there_are_told():
    asked = [ask(60.0 * number, key="app" if number < 9 else "other", level="secret") for number in range(10)]
    text = text_of(outcome_of(played(plan(POLICY + KEY), asked), "p.yaml"), UTC)

    assert "ran out          key app: requests_per_day: first on 2026-05-11 00:05; 4 requests, 4 of them" in text
    assert "refused          4: insufficient_quota 4" in text
    assert "cloud alone      $0.00  (without 4 that were refused)" in text
    assert "not in policy    key: other 1" in text and "not in policy    level: secret 10" in text


def test_what_is_guessed_is_told():
    outcome = outcome_of(played(plan(), [ask(), ask(input=0, estimated_input=9)]), "p.yaml")
    assert "length guessed   1 requests, of which nothing was sent" in text_of(outcome, UTC)


def test_what_a_pattern_takes_at_an_assumed_price_is_told():
    taken = POLICY.replace("serves: {chat: {model", 'serves: {"gpt-*": "gpt-*", chat: {model')
    taken = taken.replace("api.example.com", "api.openai.com").replace(
        "models: {", 'models: {"gpt-*": {backends: [api]}, '
    )
    outcome = outcome_of(played(plan(taken), [ask(model="gpt-99"), ask(model="gpt-4o"), ask(model="chat")]), "p.yaml")
    assert outcome.figures["assumed_price"] == 1
    assert "assumed price    1 requests at an assumed price" in text_of(outcome, UTC)


def test_money_and_numbers_are_written_for_people():
    assert (usd(None), usd(-1234.5), usd(0.004), usd(12)) == ("unknown", "-$1,234.50", "$0.00", "$12.00")
    assert (number(None), number(1234567), number(1.25)) == ("none", "1,234,567", "1.2")


def test_records_of_other_versions_are_told_with_what_that_means():
    of = plan()
    asked = [ask(policy="v1"), ask(1, policy="v1"), ask(2, policy="v2"), ask(3, policy=of.version), ask(4)]
    outcome = outcome_of(played(of, asked), "p.yaml")
    text = text_of(outcome, UTC)

    assert (
        "other versions   3 requests were recorded under 2 versions of the policy that are not given here: v1 2, v2 1."
        in text
    )
    assert "detectors and aliases of this policy are not asked anew" in text
    assert "recorded under 2 versions" in html_of(outcome, UTC, None, (), 0)
    alone = outcome_of(played(of, asked[:2]), "p.yaml")
    assert "2 requests were recorded under a version of the policy" in text_of(alone, UTC)
    assert "other versions" not in text_of(outcome_of(played(of, asked[3:]), "p.yaml"), UTC)
