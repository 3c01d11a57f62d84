"""The HTTP surface with a library of our own in litellm's place, which needs no other interpreter."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from router.litellm_adapter.api import _ENDPOINT, _NOTES, _break_off, application
from router.litellm_adapter.backends import AdapterBackend
from router.litellm_adapter.endpoints import CHAT
from router.litellm_adapter.failures import Failure
from router.litellm_adapter.litellm_calls import CallError
from router.litellm_adapter.redact import Redactor
from router.litellm_adapter.repairs import CutShortError
from router.litellm_adapter.serve import serve
from router.surfaces.may_be_billed import HEADER


def is_empty(folder: Path) -> bool:
    return not list(folder.iterdir())


BODY = {"model": "p/m", "messages": [{"role": "user", "content": "Hi"}]}


class Dumped:
    def __init__(self, **fields: Any) -> None:
        self._fields = {"id": "i", "object": "o", "created": 1, "model": "m", **fields}

    def model_dump(self) -> dict[str, Any]:
        return self._fields


def chunk(text: str | None, finish: str | None = None) -> Dumped:
    return Dumped(choices=[{"index": 0, "delta": {"content": text}, "finish_reason": finish}])


class FakeStream:
    """Yields chunks, raises exceptions, waits for ever at an Ellipsis."""

    def __init__(self, *script: Any) -> None:
        self._script = script
        self.closed = asyncio.Event()

    async def __aiter__(self) -> AsyncIterator[Any]:
        for step in self._script:
            if isinstance(step, Exception):
                raise step
            if step is ...:
                await asyncio.Event().wait()
            yield step

    async def aclose(self) -> None:
        self.closed.set()


class FakeLibrary:
    def __init__(self) -> None:
        self.answer: Any = None
        self.calls: list[tuple[AdapterBackend, str, dict[str, Any]]] = []

    async def chat(self, backend: AdapterBackend, model: str, call: dict[str, Any]) -> Any:
        self.calls.append((backend, model, call))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    embed = messages = responses = chat

    def speaks(self, surface: str, backend: AdapterBackend, model: str) -> bool:
        return False


@pytest.fixture
def library() -> FakeLibrary:
    return FakeLibrary()


@pytest.fixture
async def session(library: FakeLibrary, tmp_path: Path) -> AsyncIterator[aiohttp.ClientSession]:
    backends = {
        "b/0": AdapterBackend("b", {"p/m": "p/m"}, "the-secret", "http://h", drop_unsupported=True),
        "b/1": AdapterBackend("b", {"m": "openai/m"}, "the-secret", "http://h"),
    }
    path = str(tmp_path / "s")
    connector = aiohttp.UnixConnector(path=path)
    async with (
        serve(application(backends, library, Redactor(["the-secret"])), path),
        aiohttp.ClientSession("http://a", connector=connector) as made,
    ):
        yield made
    assert is_empty(tmp_path), "the socket is removed"


async def stream(session: aiohttp.ClientSession, **asked: Any) -> list[str]:
    async with session.post("/b/v1/chat/completions", json={**BODY, "stream": True, **asked}) as got:
        lines = []
        try:
            async for line in got.content:
                lines.append(line.decode().strip().removeprefix("data: "))
        except aiohttp.ClientPayloadError:
            lines.append("broken off")
        return [line for line in lines if line]


async def test_the_call_goes_to_the_paths_backend(session: aiohttp.ClientSession, library: FakeLibrary) -> None:
    message = {"role": "assistant", "content": "Hello"}
    library.answer = Dumped(choices=[{"index": 0, "message": message, "finish_reason": "stop"}])
    async with session.post("/b/v1/chat/completions", json={**BODY, "api_base": "http://evil"}) as got:
        assert (await got.json())["choices"][0]["message"] == message
    ((backend, model, call),) = library.calls
    assert (backend.name, model, call) == ("b", "p/m", {"messages": BODY["messages"]})


async def test_a_replica_is_asked_by_its_number(session: aiohttp.ClientSession, library: FakeLibrary) -> None:
    library.answer = Dumped(choices=[{"index": 0, "message": {"content": "Hi"}, "finish_reason": "stop"}])
    async with session.post("/b/replicas/1/v1/chat/completions", json={**BODY, "model": "m"}) as got:
        assert got.status == 200
    assert library.calls[0][1] == "openai/m"
    async with session.post("/b/replicas/2/v1/chat/completions", json={**BODY, "model": "m"}) as got:
        assert (got.status, (await got.json())["error"]["code"]) == (404, "backend_not_found")


async def test_embeddings(session: aiohttp.ClientSession, library: FakeLibrary) -> None:
    library.answer = Dumped(data=[{"embedding": [1.0]}], usage={"prompt_tokens": 1, "total_tokens": 1})
    async with session.post("/b/v1/embeddings", json={"model": "p/m", "input": "a"}) as got:
        assert (await got.json())["data"] == [{"object": "embedding", "index": 0, "embedding": [1.0]}]


async def test_a_stream_ends_with_done(session: aiohttp.ClientSession, library: FakeLibrary) -> None:
    library.answer = FakeStream(chunk("a"), chunk(None, "stop"))
    *parts, done = await stream(session)
    assert [json.loads(part)["choices"][0]["finish_reason"] for part in parts] == [None, "stop"]
    assert done == "[DONE]"
    assert library.answer.closed.is_set()


async def test_a_failure_before_the_first_chunk_keeps_its_status(
    session: aiohttp.ClientSession, library: FakeLibrary
) -> None:
    error = RuntimeError("the-secret is wrong")
    error.status_code = 418  # type: ignore[attr-defined]
    library.answer = FakeStream(error)
    async with session.post("/b/v1/chat/completions", json={**BODY, "stream": True}) as got:
        assert (got.status, (await got.json())["error"]["message"]) == (418, "(hidden) is wrong")
    assert library.answer.closed.is_set()


async def test_a_failure_later_breaks_off(session: aiohttp.ClientSession, library: FakeLibrary) -> None:
    library.answer = FakeStream(chunk("a"), RuntimeError("inside"))
    _, error, end = await stream(session)
    assert json.loads(error)["error"]["code"] == "answer_unread"
    assert end == "broken off"


async def test_a_stream_that_ends_early_is_broken_off(session: aiohttp.ClientSession, library: FakeLibrary) -> None:
    library.answer = FakeStream(chunk("a"), CutShortError())
    _, error, end = await stream(session)
    assert json.loads(error)["error"]["message"] == "The provider's stream ended early."
    assert end == "broken off"


async def test_the_stream_is_closed_when_the_client_leaves(
    session: aiohttp.ClientSession, library: FakeLibrary
) -> None:
    library.answer = FakeStream(chunk("a"), ...)
    async with session.post("/b/v1/chat/completions", json={**BODY, "stream": True}) as got:
        await got.content.readline()
        got.close()
    async with asyncio.timeout(10):
        await library.answer.closed.wait()


async def test_a_failure_after_the_client_left_is_no_stack_in_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    async def gone(self: web.StreamResponse, data: bytes) -> None:
        raise ConnectionResetError("Cannot write to closing transport")

    monkeypatch.setattr(web.StreamResponse, "write", gone)
    request = make_mocked_request("POST", "/b/v1/chat/completions")
    request[_NOTES], request[_ENDPOINT] = {}, CHAT
    response = web.StreamResponse()
    assert await _break_off(request, response, Failure(502, "It broke off.")) is response


async def test_a_bug_is_not_shown(session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeLibrary, "speaks", lambda *_: {}["a secret"])
    async with session.post("/b/v1/chat/completions", json=BODY) as got:
        assert (got.status, (await got.json())["error"]["message"]) == (500, "The adapter failed.")
        assert HEADER not in got.headers


# --- what a failed call may cost all the same


def failed_call(error: Exception, *, at_work: bool) -> CallError:
    failed = CallError(at_work=at_work)
    failed.__cause__ = error
    return failed


ERROR = RuntimeError('{"error": {"message": "The engine broke down."}}')


@pytest.mark.parametrize("asked", [{}, {"stream": True}], ids=["answer", "stream"])
@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (failed_call(TimeoutError(), at_work=False), None),
        (failed_call(TimeoutError(), at_work=True), "all"),
        (failed_call(ValueError("no JSON"), at_work=True), "all"),
        (failed_call(ERROR, at_work=True), "input"),
    ],
    ids=["not sent", "no answer", "half an answer", "an error"],
)
async def test_an_error_says_what_the_provider_may_charge(
    session: aiohttp.ClientSession, library: FakeLibrary, answer: Any, told: str | None, asked: dict[str, Any]
) -> None:
    library.answer = answer
    async with session.post("/b/v1/chat/completions", json=BODY | asked) as got:
        assert got.status >= 500
        assert got.headers.get(HEADER) == told


@pytest.mark.parametrize(
    ("script", "told"),
    [((ERROR,), "input"), ((ValueError("no JSON"),), "all"), ((CutShortError(),), "all")],
    ids=["an error event", "garbage", "a finish that nobody sent"],
)
async def test_so_does_one_in_place_of_a_stream(
    session: aiohttp.ClientSession, library: FakeLibrary, script: tuple[Any, ...], told: str
) -> None:
    library.answer = FakeStream(*script)
    async with session.post("/b/v1/chat/completions", json={**BODY, "stream": True}) as got:
        assert (got.status >= 500, got.headers[HEADER]) == (True, told)


async def test_an_answer_of_another_shape_was_made_all_the_same(
    session: aiohttp.ClientSession, library: FakeLibrary
) -> None:
    library.answer = Dumped(choices=None)
    async with session.post("/b/v1/chat/completions", json=BODY) as got:
        assert (got.status, (await got.json())["error"]["code"], got.headers[HEADER]) == (502, "answer_unread", "all")
    library.answer = Dumped(data=None)
    async with session.post("/b/v1/embeddings", json={"model": "p/m", "input": "a"}) as got:
        assert (got.status, got.headers[HEADER]) == (502, "all")


async def test_what_cannot_be_read_after_every_finish_is_not_missed(
    session: aiohttp.ClientSession, library: FakeLibrary
) -> None:
    library.answer = FakeStream(chunk("a"), chunk(None, "stop"), ValueError("usage with fractions"))
    assert (await stream(session))[-1] == "[DONE]"
    library.answer = FakeStream(chunk("a"), chunk(None, "stop"), ERROR)
    assert (await stream(session))[-1] == "broken off"
    library.answer = FakeStream(chunk("a"), chunk(None, "stop"), ValueError("the other choice"))
    assert (await stream(session, n=2))[-1] == "broken off"
