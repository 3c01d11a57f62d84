"""Requests as data: what they ask, what makes them restricted and how that is hidden; and the bytes that say so.

Each request carries a word of its own (`canary`), next to whatever makes it restricted and in its headers. Finding
that word in what a machine received means that the request's text was there.
"""

from __future__ import annotations

import gzip
import re
import zlib
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from support.samples.registry import SAMPLES
from support.samples.sample import BOUNDARY, Fields, Sample

from router.surfaces.registry import SURFACES

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_CANARY = re.compile(rb"kanarek([a-z]{5})q")
_ESCAPE = re.compile(rb"\\+u00([0-9a-fA-F]{2})")
_MOST_LEVELS = 5

BUILT_IN = {
    "credit_card": "4111 1111 1111 1111",
    "us_ssn": "078-05-1120",
    "iban": "DE89 3704 0044 0532 0130 00",
}
OWN = {"project": r"PRJ-\d{6}"}
"""Patterns of policies, by the names of what they find."""
FINDINGS = {**BUILT_IN, "project": "PRJ-204917"}
"""What makes a request restricted, by the name of the detector."""
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
TWICE = ("first of two equal names", "field given twice")
"""Disguises that most bodies are refused for."""
FRAMINGS = ("length", "chunked", "gzip", "deflate")
OUTSIDE = "image outside"
"""A kind of samples' `outside`: an image that lies on somebody else's host; whoever fetches it tells that host."""
_FETCHED = re.compile(rb"https?:[\\\\]*/[\\\\]*/(kanarek[a-z]{5}q)\.example")


def detectors(**effect: str) -> list[dict[str, Any]]:
    """Of a policy that looks for all findings."""
    own = [{"pattern": pattern, "name": name, **effect} for name, pattern in OWN.items()]
    return [{"find": sorted(BUILT_IN), **effect}, *own]


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
    """A surface's name; what it may say, its sample says."""
    stream: bool = False
    key: int = 0
    label: Label = LABELS[0]
    finding: str = ""
    """A kind of `FINDINGS`, or nothing."""
    unreadable: str = ""
    """A kind of its sample's `unreadable` or `outside`, or nothing."""
    model: str = "chat"
    place: str = ""
    """One of its sample's, which are its plainest, or one of `HEADERS`."""
    disguise: str = "plain"
    framing: str = "length"

    @property
    def sample(self) -> Sample:
        return sample_of(self.endpoint)

    @property
    def path(self) -> str:
        return SURFACES[self.endpoint].paths[0]

    @property
    def has_unreadable(self) -> bool:
        return self.sample.sealed or bool(self.unreadable)

    @property
    def in_header(self) -> bool:
        """Its body says nothing of what a header says: a gateway may let the body pass and keep the header."""
        return self.place in HEADERS

    @property
    def kind(self) -> str:
        """Of its sample's bodies: the plainest where the place is a header, or what its label is said in."""
        if self.unreadable:
            return self.unreadable
        taken = self.label.metadata is not None and "metadata" in self.sample.places.get(self.place, ())
        return self.sample.plainest if self.in_header or taken or not self.place else self.place


def sample_of(endpoint: str) -> Sample:
    assert endpoint in SAMPLES, f"{endpoint} has no sample: every surface needs one in tests/support/samples"
    return SAMPLES[endpoint]


@dataclass
class Request:
    """An `Ask` on its way: with its canary, its bytes, and what became of it."""

    number: int
    ask: Ask
    adapted: bool = False
    """An adapter may write it anew, and its answer. As that leaves out what it does not know, its last words have its
    canary, too."""
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
        lines += [f"content-type: {ask.sample.content_type}"] if ask.sample.form else []
        told = dict.fromkeys(HEADERS, self.canary)
        if ask.in_header:
            told = {ask.place: f"{self.canary} {FINDINGS.get(ask.finding, '')} {self.canary}"}
        lines += [f"{name}: {value}" for name, value in told.items()]
        lines += [f"{name}: {value}" for name, value in ask.label.headers]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body

    def body(self) -> bytes:
        ask, sample = self.ask, self.ask.sample
        text = f"{self.canary} {FINDINGS.get(ask.finding, 'nothing special')} {self.canary}"
        more: dict[str, Any] = {}
        if (ask.unreadable or self.adapted) and not ask.in_header:
            more = _saying(sample.fields(ask.kind), self.canary) or ({"x_canary": text} if ask.unreadable else {})
        if ask.stream:
            more |= [*sample.streamed.items()][:1]
        if ask.label.metadata is not None:
            more["metadata"] = ask.label.metadata
        if ask.in_header:
            text = "a header says more"
        said = self.canary if ask.kind in sample.outside else text
        body = sample.body(ask.kind, said, model=ask.model, **more)
        return _form_disguised(body, text, ask) if sample.form else _disguised(body.decode(), text, ask).encode()


def _saying(fields: Fields, canary: str) -> dict[str, Any]:
    """Of these fields the one with what is said, and this word behind it; nothing where none can be added."""
    for name in ("messages", "input"):
        said = fields.get(name)
        if isinstance(said, str):
            return {name: f"{said} {canary}"}
        if isinstance(said, list) and isinstance(said[-1], dict) and (name == "messages" or "role" in said[-1]):
            return {name: [*said, {"role": "user", "content": f"And {canary}?"}]}
    return {}


def _disguised(body: str, text: str, ask: Ask) -> str:
    if ask.disguise == "first of two equal names":
        return re.sub(f'("[^"\\\\]+": )"{text}"', rf'\1"{text}", \1"hello"', body)
    if ask.disguise == "field given twice":
        name = next(iter(_plainest(ask)))
        return body.replace("{", f'{{"{name}": "{text}", "{name}": [], ', 1)
    if ask.disguise == "escaped" or (ask.disguise == "escaped twice" and f'\\"{text}\\"' not in body):
        return body.replace(text, "".join(f"\\u{ord(char):04x}" for char in text))
    if ask.disguise == "escaped twice":
        return body.replace(text, "".join(f"\\\\u{ord(char):04X}" for char in text))
    if ask.disguise == "full-width digits":
        return body.replace(text, _wide(text))
    if ask.disguise == "escaped names":
        return body.replace('"metadata"', '"\\u006detadata"').replace('"sensitivity"', '"s\\u0065nsitivity"')
    return body


def _form_disguised(body: bytes, text: str, ask: Ask) -> bytes:
    """What else there is to hide in JSON is no disguise in a form."""
    if ask.disguise in TWICE:
        first = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="prompt"\r\n\r\n{text}\r\n'
        return first.encode() + body
    if ask.disguise == "full-width digits":
        return body.replace(text.encode(), _wide(text).encode())
    if ask.disguise == "escaped names":
        return body.replace(b'name="metadata"', b'name="MetaData"')
    return body


def _plainest(ask: Ask) -> Fields:
    return ask.sample.places[ask.sample.plainest]


def _wide(text: str) -> str:
    return text.translate({ord(digit): 0xFF10 + int(digit) for digit in "0123456789"})


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
