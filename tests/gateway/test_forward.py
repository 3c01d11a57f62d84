"""Attempts: which follow which, when, and what each of them left behind."""

from __future__ import annotations

from typing import Any

import pytest
from support.scripted import DONE, answer, event, stream

from router.gateway.endings import Endings
from router.gateway.forward import Forwarding
from router.gateway.job import Attempt

ASK = {"model": "chat", "messages": [{"role": "user", "content": "hello"}]}


@pytest.fixture
def attempts(monkeypatch: pytest.MonkeyPatch) -> list[Attempt]:
    """The failed attempts of every request that a backend answered after all."""
    seen: list[Attempt] = []
    answered = Endings.answered

    def keep(self: Endings, *given: Any) -> None:
        seen.extend(next(each for each in given if isinstance(each, Forwarding)).attempts)
        answered(self, *given)

    monkeypatch.setattr(Endings, "answered", keep)
    return seen


async def test_a_failed_attempt_tells_where_it_went_and_what_came_of_it(gateway, backends, attempts):
    backends["gpu"].script.append(answer(500, b'{"error":{"message":"no"}}'))
    assert (await gateway.post(ASK))[0] == 200
    [failed] = attempts
    assert (failed.backend, failed.outcome.status, failed.written, failed.size) == ("gpu", 500, True, 26)
    assert failed.candidate.route.upstream_model == "tiny-llama"


async def test_an_attempt_that_never_got_a_connection_has_written_nothing(gateway, backends, attempts):
    await backends["gpu"].stop()
    assert (await gateway.post(ASK))[0] == 200
    [failed] = attempts
    assert (failed.written, failed.size, failed.events) == (False, 0, 0)


async def test_events_of_a_stream_that_failed_before_the_client_saw_any_are_counted(gateway, backends, attempts):
    backends["gpu"].script.append(stream(b'data: {"error":{"message":"no"}}\n\n'))
    backends["api"].default = stream(event("Paris", "stop"), DONE)
    assert (await gateway.post(ASK | {"stream": True}))[0] == 200
    [failed] = attempts
    assert (failed.written, failed.events) == (True, 1)
