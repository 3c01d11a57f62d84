"""What is sent, and what must come back: shared by the upstream, the checks and the load generators."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

MODEL = "gpt-4o-mini"
"""The name that clients use, and that every proxy is configured for."""
UPSTREAM_MODEL = "meta-llama/Llama-3.3-70B-Instruct"
"""What proxies that map model names send upstream."""
CHUNKS = 50
INTERVAL = 0.010
"""Seconds between the chunks of a stream."""

_SENTENCE = (
    "A hybrid proxy sends each request where it costs least: own GPUs when they are busy enough "
    "to pay for themselves, a cloud API when they are not, and only where the data may go."
)
_WORDS = _SENTENCE.split()
TOKENS = tuple(f"{_WORDS[i % len(_WORDS)]} " for i in range(CHUNKS))
TEXT = "".join(TOKENS)

_ID = "chatcmpl-3f1c9f0e6a5d4b7c8a9b0c1d2e3f4a5b"
_CREATED = 1_763_800_000
_USAGE = {"prompt_tokens": 83, "completion_tokens": CHUNKS, "total_tokens": 83 + CHUNKS}


def request_body(stream: bool) -> bytes:
    """A usual chat request of about 400 bytes."""
    body: dict[str, Any] = {
        "model": MODEL,
        "messages": [
            {
                "role": "system",
                "content": "You are a concise assistant for an operations team. Answer in one paragraph.",
            },
            {
                "role": "user",
                "content": "Our nightly batch and the search assistant share two GPUs. Explain when it is cheaper to "
                "send their traffic to a cloud API instead, and what else we should look at before we decide.",
            },
        ],
        "temperature": 0.2,
        "max_tokens": 64,
    }
    if stream:
        body["stream"] = True
    return json.dumps(body).encode()


def answer() -> bytes:
    """The body of every answer that is not streamed."""
    message: dict[str, Any] = {"role": "assistant", "content": TEXT, "refusal": None, "tool_calls": []}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    return json.dumps(
        {
            "id": _ID,
            "object": "chat.completion",
            "created": _CREATED,
            "model": UPSTREAM_MODEL,
            "choices": [choice],
            "usage": _USAGE | {"prompt_tokens_details": None},
            "system_fingerprint": None,
        }
    ).encode()


def stream_events(usage: bool, continuous: bool) -> list[bytes]:
    """The events of a stream, as vLLM sends them: the role first, a last chunk with usage only if asked, `[DONE]`.

    `continuous` puts running usage on every chunk (vLLM's `continuous_usage_stats`).
    """
    return [b"data: " + event + b"\n\n" for event in _events(usage, continuous)]


def _events(usage: bool, continuous: bool) -> Iterator[bytes]:
    yield _chunk([_choice({"role": "assistant", "content": ""}, None)], 0 if continuous else None)
    for count, token in enumerate(TOKENS, start=1):
        finish = "stop" if count == CHUNKS else None
        yield _chunk([_choice({"content": token}, finish)], count if continuous else None)
    if usage:
        yield _chunk([], CHUNKS)
    yield b"[DONE]"


def _choice(delta: dict[str, str], finish: str | None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}


def _chunk(choices: list[dict[str, Any]], produced: int | None) -> bytes:
    chunk: dict[str, Any] = {
        "id": _ID,
        "object": "chat.completion.chunk",
        "created": _CREATED,
        "model": UPSTREAM_MODEL,
        "choices": choices,
    }
    if produced is not None:
        chunk["usage"] = {"prompt_tokens": 83, "completion_tokens": produced, "total_tokens": 83 + produced}
    return json.dumps(chunk, separators=(",", ":")).encode()


class WrongAnswerError(Exception):
    """What came back is not what the upstream said."""


def check_answer(body: bytes) -> None:
    """Raises WrongAnswerError unless text, end and usage are the upstream's, whatever else a proxy rewrote."""
    try:
        got = json.loads(body)
        said = (
            got["choices"][0]["message"]["content"],
            got["choices"][0]["finish_reason"],
            {name: got["usage"][name] for name in _USAGE},
        )
    except (ValueError, LookupError, TypeError) as error:
        raise WrongAnswerError(f"not a chat completion ({error!r}): {body[:200]!r}") from None
    if said != (TEXT, "stop", _USAGE):
        raise WrongAnswerError(f"another answer than the upstream's: {body[:200]!r}")


def check_stream(body: bytes) -> int:
    """The number of events; raises WrongAnswerError unless the stream is whole: all text, an end, `[DONE]` last."""
    events = [line[5:].strip() for line in body.split(b"\n") if line.startswith(b"data:")]
    if not events or events[-1] != b"[DONE]":
        raise WrongAnswerError(f"the stream does not end with [DONE]: ...{body[-200:]!r}")
    text, finish = "", None
    for event in events[:-1]:
        for choice in json.loads(event).get("choices", ()):
            text += choice["delta"].get("content") or ""
            finish = choice.get("finish_reason") or finish
    if text != TEXT or finish != "stop":
        raise WrongAnswerError(
            f"the stream is not whole: {len(text)} of {len(TEXT)} characters, finish_reason {finish}"
        )
    return len(events)
