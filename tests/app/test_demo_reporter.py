"""What the demo says while the day passes."""

from __future__ import annotations

import pytest

from router.app.demo_policy import demo_policy, make_senders
from router.app.demo_reporter import HEADING, HOUR, DemoReporter
from router.config.load import load
from router.simulate.replay import Answered
from router.simulate.traffic import Ask, Sender

URLS = {"local": "http://127.0.0.1:1/v1", "cloud": "http://127.0.0.1:2/v1"}


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def narrator(tmp_path, said) -> DemoReporter:
    path = tmp_path / "policy.yaml"
    path.write_text(demo_policy(URLS, make_senders()))
    return DemoReporter(load(path), said.append)


def answer(hour: float, zone: str = "cloud", reason: str = "breakeven-below", **fields) -> Answered:
    ask = Ask(hour * HOUR, Sender("one", "k", "chat"), {}, {})
    given = {"status": 200, "level": "internal", "input": 500_000, "output": 500_000}
    return Answered(ask, zone=zone, reason=reason, **(given | fields))


def test_a_line_for_every_hour_with_what_went_where(narrator, said):
    narrator.begin()
    for each in (answer(0.1), answer(0.5, "local", "only-permitted", level="restricted"), answer(1.5), answer(2.5)):
        narrator.hear(each)
    assert said[0] == HEADING
    assert said[1].split() == ["1:00", "2", "M", "3.03", "M", "1", "1", "1"]
    assert said[2].split() == ["2:00", "3", "M", "3.03", "M", "1", "0", "0"]


def test_that_the_gpu_was_switched_on_is_said_once(narrator, said):
    narrator.hear(answer(1.1, reason="gpu-off"))
    for hour in (1.25, 1.5):
        narrator.hear(answer(hour, "local", "gpu-on", input=1_600_000, output=600_000))
    told = [line for line in said if "SWITCHED ON" in line]
    assert len(told) == 1 and narrator.switched_on
    assert told[0].startswith(
        " 1:15  SWITCHED ON after 3.2 M tokens: from now on the GPU answers what may go either way"
    )


def test_the_end_says_what_the_gpu_is_worth(narrator, said):
    narrator.hear(answer(3, input=4_000_000, output=4_000_000))
    narrator.end()
    assert sum(line[3:5] == "00" for line in said) == 24
    assert "1 requests answered" in said[-2] and "the GPU costs $31 a day less than the cloud would" in said[-2]
    assert said[-1] == "No restricted request left the GPU."


def test_a_restricted_request_that_left_would_be_said(narrator, said):
    narrator.hear(answer(3, "cloud", level="restricted"))
    narrator.end()
    assert said[-1] == "1 restricted requests LEFT THE GPU."


def test_requests_without_an_answer_are_counted(narrator, said):
    for status in (0, 503, 503):
        narrator.hear(answer(1, status=status))
    narrator.end()
    assert said[-1] == "Not answered: 1 with no answer, 2 with 503."
    assert narrator.answers == 0
