"""The outline of a long answer, for whoever needs to know little of it: what is decoded is bounded, however long it is
and whatever it is full of.

An outline has the members that anybody looks at, where they stood. Of what is long it has the beginning: the first
characters of a text, the first items of a list. What was used stays as it is, and it and what an answer is come before
what it says, whatever order they stood in, so that there is room for them. Most of an answer is skipped, never made
into objects, and its length alone costs little.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final, TypeVar

import msgspec

LONG: Final = 128 * 1024
"""Bytes; what is no longer is its own outline."""
MOST_ITEMS: Final = 256
"""Of a list that are looked at one by one."""
_MOST_CHARACTERS: Final = 10_000
_MOST_CHARACTERS_IN_LISTS: Final = 64
"""Of a text."""
_SHORT: Final = 4096
_SHORT_IN_LISTS: Final = 512
"""Bytes of a value that stays as it is."""
_DEEPEST: Final = 5
_MOST_OBJECTS: Final = 1_500_000
_MOST_QUOTES: Final = 6_000_000
"""Of brackets and of quotes: more are no answer of anybody's, and would take long even to be skipped."""

_USED: Final = ("usage", "meta")
"""What an answer is paid by."""
_NAMES: Final = (
    *(*_USED, "id", "service_tier", "type", "status", "object", "code", "finish_reason", "stop_reason", "index"),
    *("sequence_number", "error", "request_id", "system_fingerprint", "input_tokens", "output_tokens", "duration"),
    *("innererror", "audio", "message", "param", "msg", "detail", "error_description"),
    *("file", "output_file_id", "error_file_id", "result_files"),
    *("response", "choices", "data", "output", "results", "content", "tokens"),
    *("prompt", "text", "embedding", "probs", "score", "delta", "reasoning", "thinking"),
    *("reasoning_content", "partial_json", "tool_calls", "b64_json"),
)
"""In the order in which there is room for them."""
_NAMES_IN_USED: Final = (
    *("prompt_tokens", "completion_tokens", "total_tokens", "input_tokens", "output_tokens", "seconds", "type"),
    *("prompt_tokens_details", "completion_tokens_details", "input_tokens_details", "input_token_details"),
    *("output_tokens_details", "cached_tokens", "cache_write_tokens", "cache_creation_tokens", "audio_tokens"),
    *("image_tokens", "cache_creation_token_details", "ephemeral_1h_input_tokens", "cache_read_input_tokens"),
    *("cache_creation_input_tokens", "cache_creation", "prompt_cache_hit_tokens", "service_tier", "speed"),
    *("inference_geo", "server_tool_use", "web_search_requests", "billed_units", "search_units", "iterations"),
)
NOTHING: Final = msgspec.Raw(b"null")
Item = TypeVar("Item")


class _Named:
    """Decodes these members of an object, in this order, and skips all others."""

    def __init__(self, names: tuple[str, ...]) -> None:
        fields = [(name, msgspec.Raw, NOTHING) for name in names]
        kind: Any = msgspec.defstruct("_Members", fields, gc=False)
        self._names: Final = names
        self._decode: Final = msgspec.json.Decoder(kind).decode

    def of(self, value: bytes | msgspec.Raw) -> list[tuple[str, msgspec.Raw]]:
        found = zip(self._names, msgspec.structs.astuple(self._decode(value)), strict=True)
        return [(name, each) for name, each in found if each is not NOTHING]


_MEMBERS: Final = _Named(_NAMES)
_MEMBERS_OF_USED: Final = _Named(_NAMES_IN_USED)


def first_items(items: msgspec.Raw, item: type[Item]) -> list[Item]:
    """`MOST_ITEMS` of a list, and one more where there are more, each decoded as `item`; all others are skipped. Raises
    msgspec.DecodeError for what is no such list."""
    kind: Any = item
    return [each for each in msgspec.structs.astuple(_decoder_of(kind)(items)) if each is not None]


@lru_cache(maxsize=16)
def _decoder_of(item: Any) -> Any:
    """Made once it is needed, which takes some milliseconds: hardly any answer is long."""
    fields: list[Any] = [(f"item_{place}", item, None) for place in range(MOST_ITEMS + 1)]
    return msgspec.json.Decoder(msgspec.defstruct("_FirstItems", fields, array_like=True, gc=False)).decode


_decode = msgspec.json.Decoder().decode
_decode_raw = msgspec.json.Decoder(msgspec.Raw).decode
_encode = msgspec.json.Encoder().encode


def outline(body: bytes) -> bytes:
    """Of a body, or of the data of an event: what readers of the whole would find in it, itself where it is short. Of
    what is no JSON, or too full to be read, what is none either, and begins alike."""
    if len(body) <= LONG:
        return body
    if is_crowded(body):
        return _beginning(body)
    return _outline_of(body) or _outline_of(_without_surrogates(body)) or _beginning(body)


def _outline_of(body: bytes) -> bytes:
    try:
        return _Outline().of_top(body)
    except (ValueError, RecursionError):
        return b""


def _without_surrogates(body: bytes) -> bytes:
    """With other characters in the place of halves, among others: quicker than to look for them, see
    `lone_surrogates`."""
    return body.replace(b"\\ud", b"\\uf").replace(b"\\uD", b"\\uF")


def is_crowded(body: bytes) -> bool:
    """Whether it is so full of objects, lists and texts that nobody reads it."""
    return body.count(b"{") + body.count(b"[") > _MOST_OBJECTS or body.count(b'"') > _MOST_QUOTES


def _beginning(body: bytes) -> bytes:
    begin = body.lstrip()[:_MOST_CHARACTERS]
    return begin[:1] if begin.startswith((b"{", b"[", b'"')) else begin


class _Outline:
    """`_room` are the bytes that are left for what is being written."""

    def __init__(self) -> None:
        self._room = LONG
        self._named = _MEMBERS

    def of_top(self, body: bytes) -> bytes:
        if not body.startswith(b"{"):
            return self._of(_decode_raw(body), 1, in_list=False)
        parts = []
        for name, value in _MEMBERS.of(body):
            self._room = LONG
            parts.append(self._member(name, value, 1, in_list=False))
        return b"{" + b",".join(parts) + b"}"

    def _member(self, name: str, value: msgspec.Raw, depth: int, *, in_list: bool) -> bytes:
        paid = name in _USED and not in_list and self._named is _MEMBERS
        shown = self._used(value) if paid else self._of(value, depth, in_list=in_list)
        return b'"%b":%b' % (name.encode(), shown)

    def _used(self, value: msgspec.Raw) -> bytes:
        """It takes no room of anything else, and is hardly ever longer than some hundred bytes."""
        if len(value) <= LONG:
            return bytes(value)
        room, self._room, self._named = self._room, LONG, _MEMBERS_OF_USED
        shown = self._of(value, 1, in_list=False)
        self._room, self._named = room, _MEMBERS
        return shown

    def _of(self, value: msgspec.Raw, depth: int, *, in_list: bool) -> bytes:
        if len(value) <= (_SHORT_IN_LISTS if in_list else _SHORT):
            self._room -= len(value)
            return bytes(value)
        sign = memoryview(value)[0]
        if sign == _QUOTE:
            return self._text(value, _MOST_CHARACTERS_IN_LISTS if in_list else _MOST_CHARACTERS)
        if sign == _BRACE:
            return b"{}" if depth == _DEEPEST else self._object(value, depth, in_list=in_list)
        if sign == _BRACKET:
            return b"[]" if depth == _DEEPEST else self._list(value, depth)
        return b"null"

    def _text(self, value: msgspec.Raw, most: int) -> bytes:
        told = _encode(_decode(value)[:most])
        self._room -= len(told)
        return told

    def _object(self, value: msgspec.Raw, depth: int, *, in_list: bool) -> bytes:
        parts = []
        for name, each in self._named.of(value):
            if self._room > 0:
                parts.append(self._member(name, each, depth + 1, in_list=in_list))
        return b"{" + b",".join(parts) + b"}"

    def _list(self, value: msgspec.Raw, depth: int) -> bytes:
        """Each item has its share of the room, and what those before it left."""
        parts: list[bytes] = []
        items = first_items(value, msgspec.Raw)
        for place, each in enumerate(items):
            if self._room <= 0:
                break
            share = self._room // (len(items) - place)
            rest, self._room = self._room - share, share
            parts.append(self._of(each, depth + 1, in_list=True))
            self._room += rest
        return b"[" + b",".join(parts) + b"]"


_QUOTE, _BRACE, _BRACKET = b'"{['
