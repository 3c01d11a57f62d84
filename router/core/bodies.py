"""Shapes of request bodies: what is read of one, and the commonest one as it comes."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Struct

from router.core.policy import Modality
from router.core.values import Label

Span = tuple[int, int]


class Reading(Struct, frozen=True, gc=False):
    """What one body says. Spans are offsets (from, to) in its bytes."""

    model: str
    stream: bool
    include_usage: bool | None
    """`stream_options.include_usage`; None when absent."""
    has_stream_options: bool
    max_output_tokens: int | None
    """The most over all choices and prompts; None when the body sets no limit, 0 for embeddings."""
    input_tokens: int
    """Upper estimate: a third of the text's UTF-8 bytes, token ids exactly, 1500 for an image."""
    modalities: frozenset[Modality]
    unreadable: tuple[str, ...]
    """What detectors cannot read, such as "image" or "token ids"."""
    labels: tuple[Label, ...]
    """From the body's metadata."""
    model_span: Span
    stream_options_span: Span | None
    input_bound: int
    """No tokenizer over bytes makes more of the text: the body's own bytes, and what templates put around them. Media
    count as `reading.MEDIA_BOUND`, which most of them stay far below, but nobody can promise."""
    answers: int
    """Answers asked for: choices times prompts."""
    continuous_usage: bool = False
    """`stream_options.continuous_usage_stats`: the client wants vLLM's running usage on every event."""
    addresses: tuple[str, ...] = ()
    """What a backend would fetch: all that stands where a URL is expected, but for `data:` URLs."""
    service: str = ""
    """The service tier that it asks for, such as "flex"; empty when it names none."""


_Positive = Annotated[int, msgspec.Meta(ge=1)] | None
_Absent = Literal[""] | msgspec.UnsetType


class Message(Struct, gc=False, forbid_unknown_fields=True):
    """A message that is nothing but text."""

    role: str
    content: str


class PlainChat(Struct, gc=False):
    """A conversation of such messages. What else matters must be absent; all the rest is skipped."""

    model: str
    messages: list[Message]
    stream: bool = False
    max_tokens: _Positive = None
    max_completion_tokens: _Positive = None
    n: _Positive = None
    service_tier: str | msgspec.UnsetType | None = msgspec.UNSET
    best_of: _Absent = msgspec.UNSET
    prompt: _Absent = msgspec.UNSET
    input: _Absent = msgspec.UNSET
    suffix: _Absent = msgspec.UNSET
    tools: _Absent = msgspec.UNSET
    functions: _Absent = msgspec.UNSET
    response_format: _Absent = msgspec.UNSET
    modalities: _Absent = msgspec.UNSET
    prompt_embeds: _Absent = msgspec.UNSET
    kv_transfer_params: _Absent = msgspec.UNSET
    ec_transfer_params: _Absent = msgspec.UNSET
    stream_options: _Absent = msgspec.UNSET
    metadata: _Absent = msgspec.UNSET
