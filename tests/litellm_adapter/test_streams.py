import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from router.litellm_adapter.failures import CUT_SHORT, ProviderError
from router.litellm_adapter.streams import AnswerStream, ChatStream, MessageStream, ResponseStream


class Dumped:
    def __init__(self, **fields: Any) -> None:
        self._fields = fields

    def model_dump(self, **_: Any) -> dict[str, Any]:
        return self._fields


async def source(*chunks: Any) -> AsyncIterator[Any]:
    for chunk in chunks:
        yield chunk


def named(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()


async def all_of(stream: AnswerStream) -> list[bytes]:
    return [each async for each in stream.events()]


def payloads(parts: list[bytes]) -> list[dict[str, Any]]:
    lines = b"".join(parts).decode().splitlines()
    return [json.loads(line[6:]) for line in lines if line.startswith("data: ")]


START = named("message_start", message={"usage": {"input_tokens": 0, "output_tokens": 0}})
BLOCK = named("content_block_start", index=0)
TEXT = named("content_block_delta", delta={"type": "text_delta", "text": "Hi"})
STOP = named("message_stop")


def ending(**usage: int) -> bytes:
    return named("message_delta", delta={"stop_reason": "end_turn"}, usage=usage)


async def test_a_chat_stream_is_complete_once_every_choice_is() -> None:
    def chunk(index: int, finish: str | None) -> Dumped:
        return Dumped(id="i", choices=[{"index": index, "delta": {"content": "a"}, "finish_reason": finish}])

    stream = ChatStream(source(chunk(0, "stop"), chunk(1, None)), 2, with_usage=False)
    *parts, done = await all_of(stream)
    assert (len(parts), done, stream.complete) == (2, b"data: [DONE]\n\n", False)


async def test_messages_pass_as_they_came_however_they_are_cut() -> None:
    whole = START + named("ping") + BLOCK + TEXT + ending(output_tokens=3) + STOP
    for size in (1, 7, 10_000):
        stream = MessageStream(source(*(whole[at : at + size] for at in range(0, len(whole), size))))
        parts = await all_of(stream)
        assert (b"".join(parts), stream.complete) == (whole, True)
        assert parts[0] == START + named("ping") + BLOCK + TEXT, "what comes before an answer waits for it"


async def test_other_line_ends_are_fine() -> None:
    stream = MessageStream(source((TEXT + STOP).replace(b"\n", b"\r\n")))
    assert len(await all_of(stream)) == 2 and stream.complete


async def test_a_usage_of_nothing_is_left_out() -> None:
    parts = await all_of(MessageStream(source(TEXT, ending(input_tokens=0, output_tokens=0), STOP)))
    assert payloads(parts)[1] == {"type": "message_delta", "delta": {"stop_reason": "end_turn"}}
    parts = await all_of(MessageStream(source(TEXT, ending(input_tokens=3, output_tokens=0), STOP)))
    assert payloads(parts)[1]["usage"] == {"input_tokens": 3, "output_tokens": 0}


@pytest.mark.parametrize("chunks", [(START, TEXT), (START,), ()])
async def test_messages_without_their_end_are_cut_short(chunks: tuple[bytes, ...]) -> None:
    with pytest.raises(ProviderError) as caught:
        await all_of(MessageStream(source(*chunks)))
    assert caught.value.failure is CUT_SHORT


@pytest.mark.parametrize(
    ("kind", "status"), [("overloaded_error", 529), ("rate_limit_error", 429), ("a_new_error", 500)]
)
async def test_an_error_inside_has_the_providers_words(kind: str, status: int) -> None:
    told = named("error", error={"type": kind, "message": "Too much"})
    with pytest.raises(ProviderError) as caught:
        await all_of(MessageStream(source(TEXT, told)))
    failure = caught.value.failure
    assert (failure.status, failure.type, failure.message) == (status, kind, "Too much")


async def test_an_error_that_says_nothing_is_an_early_end() -> None:
    with pytest.raises(ProviderError) as caught:
        await all_of(MessageStream(source(b"event: error\ndata: no JSON\n\n")))
    assert caught.value.failure is CUT_SHORT


async def test_events_of_responses_are_numbered_and_named() -> None:
    usage = {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}
    stream = ResponseStream(
        source(
            Dumped(type="response.created", response={"id": "chatcmpl-1"}),
            Dumped(type="response.output_text.delta", delta="Hi"),
            Dumped(type="response.completed", response={"id": "resp_1", "usage": usage}, sequence_number=1),
        )
    )
    parts = await all_of(stream)
    first, second, last = payloads(parts)
    assert (len(parts), stream.complete) == (2, True)
    assert [each["sequence_number"] for each in (first, second, last)] == [0, 1, 2]
    assert (first["response"]["id"], last["response"]) == ("resp_chatcmpl-1", {"id": "resp_1", "usage": None})
    assert parts[1].startswith(b"event: response.completed\n")


async def test_responses_without_their_end_are_cut_short() -> None:
    with pytest.raises(ProviderError) as caught:
        await all_of(ResponseStream(source(Dumped(type="response.created", response={}))))
    assert caught.value.failure is CUT_SHORT
