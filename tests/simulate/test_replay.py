"""Sending a day: every request once, in order, and what came back is heard."""

from __future__ import annotations

from aiohttp import web

from router.simulate.day import DAY_SECONDS, Recorded
from router.simulate.replay import MOST_AT_ONCE, Answered, replay
from router.simulate.serve import serve
from router.simulate.traffic import Sender, asks

SENDERS = (Sender("one", "bk-1", "m"),)


def a_day(count: int) -> list[Recorded]:
    return [Recorded(DAY_SECONDS * n / count, 0, 20 + n, 30) for n in range(count)]


async def heard(url: str, count: int) -> list[Answered]:
    answers: list[Answered] = []
    await replay(url, asks(a_day(count), SENDERS), 0.05, answers.append)
    return answers


async def test_usage_is_heard_of_whole_answers_and_of_streams(start_openai):
    answers = await heard(await start_openai(), 8)
    sizes = sorted((answer.input, answer.output) for answer in answers)
    assert sizes == [(20 + n, 30) for n in range(8)]
    assert sum(answer.ask.body.get("stream", False) for answer in answers) == 2
    assert {answer.status for answer in answers} == {200}


async def test_the_gateways_headers_are_heard_and_keys_are_sent():
    keys = []

    async def answer(request: web.Request) -> web.Response:
        keys.append(request.headers["authorization"])
        said = {"zone": "local", "reason": "breakeven-above", "sensitivity": "internal"}
        return web.json_response(
            {"usage": None}, headers={f"x-breakeven-{name}": value for name, value in said.items()}
        )

    async with serve(_application(answer)) as url:
        (one,) = await heard(url, 1)
    assert (one.zone, one.reason, one.level) == ("local", "breakeven-above", "internal")
    assert keys == ["Bearer bk-1"]


async def test_no_more_than_so_many_at_once():
    running, most = 0, 0

    async def answer(request: web.Request) -> web.Response:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await request.read()
        running -= 1
        return web.json_response({})

    async with serve(_application(answer)) as url:
        answers = await heard(url, 3 * MOST_AT_ONCE)
    assert len(answers) == 3 * MOST_AT_ONCE and most <= MOST_AT_ONCE


async def test_errors_are_heard_and_end_nothing():
    async def refuse(request: web.Request) -> web.Response:
        return web.json_response({"error": {}}, status=503)

    async with serve(_application(refuse)) as url:
        assert {answer.status for answer in await heard(url, 5)} == {503}
    assert {answer.status for answer in await heard(url, 5)} == {0}, "nobody listens any more"


async def test_nobody_sends_it_elsewhere():
    """A day holds what may not leave."""

    async def elsewhere(request: web.Request) -> web.Response:
        raise web.HTTPTemporaryRedirect("/elsewhere")

    async with serve(_application(elsewhere)) as url:
        assert {answer.status for answer in await heard(url, 3)} == {307}


def _application(handler) -> web.Application:
    app = web.Application()
    app.router.add_post("/v1/chat/completions", handler)
    return app
