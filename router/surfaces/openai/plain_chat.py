"""The shape of the commonest body."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Struct

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
    store: Literal[False] | msgspec.UnsetType | None = msgspec.UNSET
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
    audio: _Absent = msgspec.UNSET
    voice: _Absent = msgspec.UNSET
