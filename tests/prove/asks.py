"""Requests as data: what they ask, what makes them restricted and how that is hidden; and the bytes that say so.

Each request carries a word of its own (`canary`), next to whatever makes it restricted and in its headers. Finding
that word in what a machine received means that the request's text was there.
"""

from __future__ import annotations

import base64
import gzip
import json
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_CANARY = re.compile(rb"kanarek([a-z]{5})q")
_ESCAPE = re.compile(rb"\\+u00([0-9a-fA-F]{2})")
_MOST_LEVELS = 5

FINDINGS = {
    "credit_card": "4111 1111 1111 1111",
    "us_ssn": "078-05-1120",
    "iban": "DE89 3704 0044 0532 0130 00",
}
PLACES = (
    "message",
    "part",
    "earlier turn",
    "tool arguments",
    "tool result",
    "schema",
    "response format",
    "unknown member",
    "member name",
    "first of two equal names",
    "field given twice",
)
HEADERS = (
    "user-agent",
    "idempotency-key",
    "tracestate",
    "baggage",
    "openai-organization",
    "openai-project",
    "openai-beta",
    "anthropic-beta",
    "x-stainless-os",
    "cookie",
)
"""Those that carry the canary of every request; as a place, one of them carries what makes a request restricted."""
DISGUISES = ("plain", "escaped", "escaped twice", "full-width digits", "escaped names")
FRAMINGS = ("length", "chunked", "gzip", "deflate")
UNREADABLE = ("", "image", "audio", "token ids", "data URL in the text")
OUTSIDE = "image outside"
"""An image that lies on somebody else's host: whoever fetches it tells that host."""
_FETCHED = re.compile(rb"https?:[\\\\]*/[\\\\]*/(kanarek[a-z]{5}q)\.example")


@dataclass(frozen=True)
class Label:
    """What a request says of itself. `levels` and `tags` are what that means; "?" is no level or tag at all."""

    headers: tuple[tuple[str, str], ...] = ()
    metadata: Any = None
    levels: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


_LEVEL, _TAGS = "x-breakeven-sensitivity", "X-Breakeven-Tags"
LABELS = (
    Label(),
    Label(((_LEVEL, "restricted"),), levels=("restricted",)),
    Label(((_LEVEL, "public"),), levels=("public",)),
    Label(((_LEVEL, "internal"),), levels=("internal",)),
    Label(((_LEVEL, " public , restricted "),), levels=("public", "restricted")),
    Label(((_LEVEL, "restricted"), (_LEVEL, "public")), levels=("public", "restricted")),
    Label(((_LEVEL, "RESTRICTED"),), levels=("?",)),
    Label(((_LEVEL, "PUBLIC"),), levels=("?",)),
    Label(((_LEVEL, ""),), levels=("?",)),
    Label(((_LEVEL, "rest\u00advicted\u00ff"),), levels=("?",)),
    Label(metadata={"sensitivity": "restricted"}, levels=("restricted",)),
    Label(((_LEVEL, "public"),), {"sensitivity": "restricted"}, levels=("public", "restricted")),
    Label(metadata={" Sensitivity ": "restricted", "sensitivity": "public"}, levels=("public", "restricted")),
    Label(metadata={"sensitivity": 5}, levels=("?",)),
    Label(metadata={"sensitivity": None}, levels=("?",)),
    Label(metadata={"sensitivity": ["public"]}, levels=("?",)),
    Label(metadata="restricted", levels=("?",)),
    Label(metadata=["public"], levels=("?",)),
    Label(((_TAGS, "phi"),), tags=("phi",)),
    Label(((_TAGS, "eu, phi"), (_LEVEL, "public")), levels=("public",), tags=("eu", "phi")),
    Label(((_TAGS, "eu"),), tags=("eu",)),
    Label(((_TAGS, "PHI"), (_LEVEL, "public")), levels=("public",), tags=("?",)),
    Label(metadata={"tags": ["phi"]}, tags=("phi",)),
    Label(metadata={"TAGS": "eu,phi", "sensitivity": "public"}, levels=("public",), tags=("eu", "phi")),
    Label(metadata={"tags": [5], "sensitivity": "public"}, levels=("public",), tags=("?",)),
    Label(metadata={"tags": {"phi": True}}, tags=("?",)),
)


@dataclass(frozen=True)
class Ask:
    endpoint: str = "chat"
    stream: bool = False
    key: int = 0
    label: Label = LABELS[0]
    finding: str = ""
    """A kind of `FINDINGS`, or nothing."""
    unreadable: str = ""
    place: str = "message"
    disguise: str = "plain"
    framing: str = "length"

    @property
    def path(self) -> str:
        return {"chat": "/v1/chat/completions"}.get(self.endpoint, f"/v1/{self.endpoint}")

    @property
    def has_unreadable(self) -> bool:
        return bool(self._part("") or self._token_ids())

    @property
    def in_header(self) -> bool:
        """Its body says nothing of what a header says: a gateway may let the body pass and keep the header."""
        return self.place in HEADERS

    def _part(self, canary: str) -> dict[str, Any] | None:
        pixels = base64.b64encode(bytes(range(90))).decode()
        if self.endpoint != "chat":
            return None
        if self.unreadable == "image":
            return {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{pixels}"}}
        if self.unreadable == OUTSIDE:
            return {"type": "image_url", "image_url": {"url": f"https://{canary}.example/a.png"}}
        if self.unreadable == "audio":
            return {"type": "input_audio", "input_audio": {"data": pixels, "format": "wav"}}
        if self.unreadable == "data URL in the text":
            return {"type": "text", "text": f"data:text/plain;base64,{pixels}"}
        return None

    def _token_ids(self) -> list[int] | None:
        return [1, 2, 3] if self.unreadable == "token ids" and self.endpoint != "chat" else None


@dataclass
class Request:
    """An `Ask` on its way: with its canary, its bytes, and what became of it."""

    number: int
    ask: Ask
    canary: str = field(init=False)
    sent: bool = False
    sent_in: int = 0
    """Position in the history of policies when it was first sent."""
    ended_in: int = 0
    ledger_change: int = -1
    """Which loss of the ledger it began in; -1 for none."""
    ledger_lost: bool = False
    """From its beginning to its end."""
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    answer: bytes = b""

    def __post_init__(self) -> None:
        self.canary = canary(self.number)

    def wire(self) -> bytes:
        """The whole request. Its canary is in several headers too, as a user's name might be."""
        ask = self.ask
        body, framing = _framed(self.body(), ask.framing)
        lines = [f"POST {ask.path} HTTP/1.1", "host: x", f"authorization: Bearer token-{ask.key}", *framing]
        told = dict.fromkeys(HEADERS, self.canary)
        if ask.in_header:
            told = {ask.place: f"{self.canary} {FINDINGS.get(ask.finding, '')} {self.canary}"}
        lines += [f"{name}: {value}" for name, value in told.items()]
        lines += [f"{name}: {value}" for name, value in ask.label.headers]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body

    def body(self) -> bytes:
        ask = self.ask
        text = f"{self.canary} {FINDINGS.get(ask.finding, 'nothing special')} {self.canary}"
        data: dict[str, Any] = {"model": "chat", "user": self.canary}
        if ask.in_header:
            text, data = "a header says more", {"model": "chat"}
        if ask.stream:
            data["stream"] = True
        if ask.label.metadata is not None:
            data["metadata"] = ask.label.metadata
        if ask.endpoint in _TURNS:
            data = {name: value for name, value in data.items() if name != "user"} | _TURNS[ask.endpoint](
                text, self.canary
            )
        else:
            data |= _chat(ask, text, self.canary) if ask.endpoint == "chat" else _prompt(ask, text)
        return _disguised(json.dumps(data), text, ask).encode()


def _chat(ask: Ask, text: str, canary: str) -> dict[str, Any]:
    # A body's message says the canary wherever else it is: members that an adapter does not know, it leaves out.
    now = "and now?" if ask.in_header else f"and now, {canary}?"
    user, turn = {"role": "user", "content": now}, {"role": "user", "content": text}
    call = {"name": "f", "arguments": json.dumps({"patient": text, "notes": json.dumps({"deep": [text]})})}
    part = ask._part(canary)
    extra = {"role": "user", "content": [part]} if part else user
    made: dict[str, dict[str, Any]] = {
        "part": {"messages": [{"role": "user", "content": [{"type": "text", "text": text}]}, extra]},
        "earlier turn": {"messages": [turn, {"role": "assistant", "content": "yes"}, extra]},
        "tool arguments": {
            "messages": [
                {"role": "assistant", "tool_calls": [{"id": "1", "type": "function", "function": call}]},
                extra,
            ]
        },
        "tool result": {"messages": [{"role": "tool", "tool_call_id": "1", "content": json.dumps([text])}, extra]},
        "schema": {
            "messages": [extra],
            "tools": [{"type": "function", "function": {"name": "f", "parameters": {"enum": [text]}}}],
        },
        "response format": {"messages": [extra], "response_format": {"json_schema": {"properties": {text: {}}}}},
        "unknown member": {"messages": [extra], "x_note": {"a": [[text]]}},
        "member name": {"messages": [extra], text: 1},
    }
    return made.get(ask.place, {"messages": [turn, extra]})


_TURNS: dict[str, Callable[[str, str], dict[str, Any]]] = {
    "messages": lambda text, canary: {"max_tokens": 50, "system": text, "messages": [_asking(canary)]},
    "responses": lambda text, canary: {"max_output_tokens": 50, "instructions": text, "input": [_asking(canary)]},
}
"""Surfaces that others translate for."""


def _asking(canary: str) -> dict[str, str]:
    return {"role": "user", "content": f"and now, {canary}?"}


def _prompt(ask: Ask, text: str) -> dict[str, Any]:
    """For completions and embeddings; with token ids the text stands beside them."""
    name = "prompt" if ask.endpoint == "completions" else "input"
    if ask._token_ids():
        return {name: ask._token_ids(), "x_note": text}
    if ask.place == "part":
        return {name: ["first", text]}
    return {name: text, "suffix": text} if ask.place == "earlier turn" else {name: text}


def _disguised(body: str, text: str, ask: Ask) -> str:
    if ask.place == "first of two equal names" and ask.endpoint == "chat":
        body = body.replace(f'"content": "{text}"', f'"content": "{text}", "content": "hello"')
    if ask.place == "field given twice":
        body = body.replace("{", f'{{"messages": "{text}", "messages": [], ', 1)
    if ask.disguise == "escaped":
        return body.replace(text, "".join(f"\\u{ord(char):04x}" for char in text))
    if ask.disguise == "escaped twice" and ask.place in ("tool arguments", "tool result"):
        return body.replace(text, "".join(f"\\\\u{ord(char):04X}" for char in text))
    if ask.disguise == "full-width digits":
        wide = text.translate({ord(digit): 0xFF10 + int(digit) for digit in "0123456789"})
        return body.replace(text, wide)
    if ask.disguise == "escaped names":
        return body.replace('"metadata"', '"\\u006detadata"').replace('"sensitivity"', '"s\\u0065nsitivity"')
    return body


def _framed(body: bytes, framing: str) -> tuple[bytes, list[str]]:
    if framing == "chunked":
        cuts = [0, len(body) // 3, len(body) // 2, len(body)]
        chunks = [body[a:b] for a, b in pairwise(cuts)]
        return b"".join(b"%x\r\n%b\r\n" % (len(c), c) for c in (*chunks, b"")), ["transfer-encoding: chunked"]
    lines = []
    if framing != "length":
        body = gzip.compress(body, 1) if framing == "gzip" else zlib.compress(body)
        lines = [f"content-encoding: {framing}"]
    return body, [*lines, f"content-length: {len(body)}"]


def canary(number: int) -> str:
    letters = ""
    for _ in range(5):
        number, rest = divmod(number, 26)
        letters += _LETTERS[rest]
    return f"kanarek{letters}q"


def canaries(recording: bytes) -> set[str]:
    """All canaries in a recording of raw bytes: as they are, behind escapes of any depth, or compressed."""
    found: set[bytes] = set()
    seen = bytes(recording) + b"".join(_inflated(bytes(recording)))
    for _ in range(_MOST_LEVELS):
        found.update(_CANARY.findall(seen))
        plain = _ESCAPE.sub(lambda match: bytes([int(match[1], 16)]), seen)
        if plain == seen:
            break
        seen = plain
    return {f"kanarek{letters.decode()}q" for letters in found}


def fetched(recording: bytes) -> set[str]:
    """Canaries of requests by which a machine was told to fetch something from a host outside."""
    seen = bytes(recording) + b"".join(_inflated(bytes(recording)))
    return {canary.decode() for canary in _FETCHED.findall(seen)}


def _inflated(recording: bytes) -> list[bytes]:
    """Whatever is compressed in it, wherever it starts."""
    parts = []
    for start in re.finditer(rb"\x1f\x8b\x08|\x78[\x01\x5e\x9c\xda]", recording):
        try:
            parts.append(zlib.decompressobj(47).decompress(recording[start.start() :]))
        except zlib.error:
            continue
    return parts
