"""POST /v1/chat/completions."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from router.core.reading import Reading
from router.core.sensitivity.embedded import has_embedded_file
from router.core.values import Route
from router.surfaces.json_object import MOST_TOKENS
from router.surfaces.openai.answers import Results, begins
from router.surfaces.openai.content import MESSAGE_TOKENS
from router.surfaces.openai.dialect import OpenAI
from router.surfaces.openai.plain_chat import PlainChat
from router.surfaces.openai.read_request import FRAME_TOKENS, LIMITS, MODEL, TEXT_ONLY, read
from router.surfaces.openai.shape import QUOTED
from router.surfaces.openai.stored_objects import id_in, sounds_in
from router.surfaces.openai.stream import StoredChunkScanner
from router.surfaces.openai.usage import service_named
from router.surfaces.openai.vllm_running_usage import hides_running_usage
from router.surfaces.sse import EventScanner


class Chat(OpenAI):
    def __init__(self) -> None:
        super().__init__("chat", "/chat/completions", one_prompt=True, asked_in=("messages",))

    def read(self, body: bytes) -> Reading:
        plain = read_plain(body)
        return read(body) if plain is None else plain

    def example(self, model: str, prompt: str) -> bytes:
        return msgspec.json.encode({"model": model, "messages": [{"role": "user", "content": prompt}]})

    def scanner(self, reading: Reading, route: Route) -> EventScanner:
        if reading.stores and not hides_running_usage(reading, route):
            return StoredChunkScanner(reading.wants_usage is not True)
        return super().scanner(reading, route)

    def stored_id(self, body: bytes) -> str:
        return id_in(body)

    def stored_parts(self, body: bytes) -> tuple[str, ...]:
        return sounds_in(body)

    def has_result(self, answer: Results) -> bool:
        return any(begins(each.message, b"{") for each in answer.choices)


_decode_plain = msgspec.json.Decoder(PlainChat).decode
_PLAIN_NAMES = tuple(QUOTED[name] for name in ("model", "messages", "stream", *LIMITS, "n"))


def read_plain(body: bytes) -> Reading | None:
    """The commonest body, decoded in one pass into what is needed: text messages, and names that matter once each.

    None for any other."""
    try:
        chat = _decode_plain(body)
    except (ValueError, RecursionError):
        return None
    place = MODEL.search(body)
    if place is None or not chat.model or not body.isascii() or body.find(b"\\u00") >= 0:
        return None
    for quoted in _PLAIN_NAMES:
        if body.count(quoted) > 1:
            return None
    if has_embedded_file(body):
        return None
    service = ""
    if chat.service_tier is not msgspec.UNSET:
        if body.count(QUOTED["service_tier"]) > 1:
            return None
        service = service_named(chat.service_tier)
    text_bytes = tokens = 0
    for message in chat.messages:
        text_bytes += len(message.role) + len(message.content)
        tokens += MESSAGE_TOKENS
    limit = chat.max_completion_tokens or chat.max_tokens
    answers = 1 if chat.n is None else min(chat.n, MOST_TOKENS)
    if limit is not None:
        limit = min(max(limit, chat.max_tokens or 1) * answers, MOST_TOKENS)
    tokens += (text_bytes + 2) // 3
    bound = max(tokens, len(body) + FRAME_TOKENS)
    span = place.span(1)
    reading = Reading(
        model=chat.model,
        stream=chat.stream,
        wants_usage=None,
        max_output_tokens=limit,
        input_tokens=tokens,
        modalities=TEXT_ONLY,
        unreadable=(),
        labels=(),
        model_span=span,
        options_span=None,
        input_bound=bound,
        answers=answers,
    )
    return replace(reading, service=service) if service else reading
