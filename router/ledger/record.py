"""Request records: one line per request, with no word of what it said.

A record is a msgpack array in the order of `Record`, which is the one table of its fields: what is shown of them, and
how, is made from it, see `record_schema`. A new field goes to its end. Records are kept in the capped stream
`be:{ledger}:requests`, and are written in the same script call as the totals that they add to. An entry of the stream
is one batch, with two fields: `n`, how many records it has, and `b`, a msgpack array of them.

    settled   a request that was settled; it counts in the totals
    unheld    a request that went on although the ledger was lost, and was counted later; it counts, too
    held      a lease ran out: it is charged as held, with requests +1 and unsettled +1
    lifted    such a charge, taken back by a late settlement; the figures of the charge, and they count negatively
    attempt   an attempt that failed, and that its backend may have billed: tokens and money, estimated, of a request
              that is settled by itself, and that has the same `request`
    withdrawn what was booked of an answer that went on in the background, taken back once it is known what it took;
              the figures that were booked, and they count negatively
    final     the same request, with what it took
    refused   nothing was sent to a backend; it counts nowhere

A script that writes "held" or "lifted" knows only the packed hold: it fills the fields that are marked `held`, and the
others are empty.
Trailing fields that are empty may be left out, as those of grounds are where nothing was decided. Integral numbers may
stand for `at`.

Newer versions may append fields, and add kinds; both can be read. Money is nano-USD from version 1 on. A record without
a version has micro-USD, and is read as one of version 1. Before version 2 nothing told which requests could not leave,
nor which side had answered: totals of that time know nothing of it, and neither does such a record's row. The grounds
of its decision are known of a record that names its policy's version.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, get_type_hints

import msgspec
from msgspec import Struct
from msgspec.structs import astuple, replace

from router.core.money import NANO_PER_MICRO
from router.core.units import NO_UNITS, Units
from router.core.values import NO_GROUNDS, Cell, Grounds, RequestOutcome, Row, Settlement, Usage
from router.ledger.record_schema import (
    COUNT,
    FLAG,
    HIDDEN,
    KIND,
    MEASURED,
    MICROSECONDS,
    MONEY,
    NUMBER,
    PERHAPS,
    PRICE,
    SOUND,
    TEXT,
    TEXTS,
    TIME,
    TOKENS,
    Field,
    counts_of,
    requests_of,
)

Kind = Literal["settled", "unheld", "held", "lifted", "attempt", "withdrawn", "final", "refused"]

VERSION = 2
_NANO_VERSION, _WORTH_VERSION = 1, 2
"""From which money is nano-USD, and from which it is known what a request's tokens were worth to either side."""

_KIND = (
    "`settled`; `held`: nobody settled it, and it is charged as held; `lifted`: such a charge taken back; `unheld`: it"
    " went on without the ledger; `attempt`: one that failed and may have been billed; `withdrawn` and `final`: what"
    " was booked of an answer in the background, taken back, and what it took; `refused`: nothing was sent; and how"
    " often it counts: 1, -1 for `lifted` and `withdrawn`, 0 for `attempt` and `refused`"
)
_AT = "when the request arrived: ISO 8601 in UTC with microseconds"
_ESTIMATED = "whether the tokens were estimated, because the backend reported none"
_COST = "what it cost: exactly, in millionths of a US dollar (with three decimals at most), and in US dollars"
_COUNTERFACTUAL = (
    "what the other side would have charged, at its cheapest; 0 where the request may not or cannot go there"
)
_ELIGIBLE = "whether both sides could have served it: then its tokens count towards the break-even"
_REQUEST = "the `x-request-id` of the answer"
_TAGS = "the tags that it was given; separated by commas in CSV"
_STATUS = "the HTTP status that the client was given; 0 when it left before"
_CAPTIVE = "whether it could not leave: there is a cloud, and it was not permitted"
_LOCAL = "whether an own backend answered, or would have"
_SENT = "microseconds from its arrival until the last attempt was sent"
_ENDPOINT = "the endpoint that it came to, as policies name it; empty for `held` and `lifted`"
_SERVICE = "the service tier that it was served in, such as flex; empty for the standard one"
_POLICY = (
    "the version of the policy that decided; what follows is what it decided on, so that it can be decided again, and"
    " is empty in older records, as this is"
)
_ESTIMATED_INPUT = "tokens of input, as they were estimated for the decision"
_MAX_OUTPUT = "the most tokens of output that it asked for, of all answers together; empty where it set no limit"
_SEEN = "eligible tokens in the policy's window, as the worker knew them: uncached input"
_CLOUD_PRICE = "what a token of the traffic costs in the cloud; empty while that is not known"
_PREVIOUS = "the side that the decision before preferred, for the hysteresis"
_STATES = "backends that were not just healthy and free, each with what it was, such as `gpu full`"
_CANDIDATES = "backends in the order in which they could be tried, or were waited for; none where it was refused"
_DECIDED = "the reason of the decision, or the code of its refusal, where `reason` tells what came after it"
_WAITS = "whether every backend that it could go to was full or off, so that it had to wait"
_MODALITIES = "what it held; empty for text alone"
_QUALITY_FLOOR = "the quality that the client asked for"
_FETCH = "the worst of the addresses that it named: `outside`, `forbidden`, or empty"
_PINNED = "the backend that keeps what it continues or names"
_USES = "what of it not every backend keeps"
_KEY_ZONES = "zones that its key could reach; empty for all"
_LISTED = "backends that listed the model, where a pattern takes it"
_BLOCKED = "`cloud` where nothing could be spent since the ledger was lost, `translation` without an adapter"
_DIMENSIONS = (
    "what the policy names in `ledger.dimensions` of what the request said, such as `user=u-17`; separated by commas in"
    " CSV, so that a comma in a value is a semicolon"
)
_VIA = "`playground` for a request that was tried on the control plane's page with this key's rights; else empty"
_KIND_OF_IMAGE = "their quality and size as they were asked for, such as `hd 1024x1792`: what their price goes by"
_SEARCHES = "searches of a reranker, as it counted them; where it does not tell, as many as there likely were"

_NOTHING = Usage()
_encode = msgspec.msgpack.Encoder().encode


class Record(Struct, frozen=True, array_like=True, gc=False):
    """One request. Money is nano-USD; `sent`, `first_byte` and `duration` are microseconds since its arrival."""

    kind: Annotated[str, Field(KIND, "record", _KIND, held=True)]
    id: Annotated[str, Field(TEXT, "settlement", "the ledger's own id", column="reservation_id", held=True)]
    at: Annotated[float, Field(TIME, "settlement", _AT, column="time", held=True)]
    key: Annotated[str, Field(TEXT, "cell", "who asked", held=True, traced=True)]
    team: Annotated[str, Field(TEXT, "cell", "whom the key counts for", held=True, traced=True)]
    model: Annotated[str, Field(TEXT, "cell", "the policy's name of what was asked for", held=True, traced=True)]
    backend: Annotated[str, Field(TEXT, "cell", "where it ran", held=True, traced=True)] = ""
    zone: Annotated[str, Field(TEXT, "cell", "the backend's zone", held=True, traced=True)] = ""
    input: Annotated[int, Field(TOKENS, "usage", "all of the input", held=True)] = 0
    cached: Annotated[int, Field(TOKENS, "usage", "the part of the input that was read from a cache")] = 0
    cache_write: Annotated[int, Field(TOKENS, "usage", "the part that was written to a cache")] = 0
    output: Annotated[int, Field(TOKENS, "usage", "all of the output", held=True)] = 0
    estimated: Annotated[bool, Field(FLAG, "usage", _ESTIMATED, traced=True)] = False
    cost: Annotated[int, Field(MONEY, "settlement", _COST, held=True, traced=True)] = 0
    counterfactual: Annotated[int, Field(MONEY, "settlement", _COUNTERFACTUAL, traced=True)] = 0
    error: Annotated[bool, Field(FLAG, "settlement", "whether it failed")] = False
    eligible: Annotated[bool, Field(FLAG, "settlement", _ELIGIBLE, held=True)] = False
    request: Annotated[str, Field(TEXT, "course", _REQUEST, column="request_id", held=True, traced=True)] = ""
    level: Annotated[str, Field(TEXT, "course", "the level that it was given", column="sensitivity", traced=True)] = ""
    tags: Annotated[tuple[str, ...], Field(TEXTS, "course", _TAGS, traced=True)] = ()
    reason: Annotated[str, Field(TEXT, "course", "why it went there, or the error's code", traced=True)] = ""
    status: Annotated[int, Field(NUMBER, "course", _STATUS)] = 0
    stream: Annotated[bool, Field(FLAG, "course", "whether it asked for a stream")] = False
    attempts: Annotated[int, Field(NUMBER, "course", "attempts at backends", traced=True)] = 0
    sent: Annotated[int, Field(MICROSECONDS, "course", _SENT)] = 0
    first_byte: Annotated[int, Field(MICROSECONDS, "course", "the same until the answer's first byte")] = 0
    duration: Annotated[int, Field(MICROSECONDS, "course", "the same until the answer ended")] = 0
    detail: Annotated[str, Field(TEXT, "course", "why it failed or was refused")] = ""
    version: Annotated[int, Field(HIDDEN, "record")] = 0
    captive: Annotated[bool, Field(FLAG, "settlement", _CAPTIVE, held=True)] = False
    local: Annotated[bool, Field(FLAG, "settlement", _LOCAL, held=True)] = False
    endpoint: Annotated[str, Field(TEXT, "course", _ENDPOINT, traced=True)] = ""
    service: Annotated[str, Field(TEXT, "usage", _SERVICE, column="service_tier")] = ""
    cache_write_1h: Annotated[int, Field(TOKENS, "usage", "the part that a cache keeps for an hour")] = 0
    audio_input: Annotated[int, Field(TOKENS, "units", "the part of the input that was sound")] = 0
    audio_cached: Annotated[int, Field(TOKENS, "units", "the part of that which was read from a cache")] = 0
    audio_output: Annotated[int, Field(TOKENS, "units", "the part of the output that was sound")] = 0
    image_input: Annotated[int, Field(TOKENS, "units", "the part of the input that was pictures")] = 0
    image_cached: Annotated[int, Field(TOKENS, "units", "the part of that which was read from a cache")] = 0
    image_output: Annotated[int, Field(TOKENS, "units", "the part of the output that was pictures")] = 0
    milliseconds: Annotated[int, Field(SOUND, "units", "milliseconds of sound that was transcribed")] = 0
    characters: Annotated[int, Field(COUNT, "units", "characters that were spoken")] = 0
    images: Annotated[int, Field(COUNT, "units", "pictures that were made")] = 0
    image_kind: Annotated[str, Field(TEXT, "units", _KIND_OF_IMAGE)] = ""
    searches: Annotated[int, Field(COUNT, "units", _SEARCHES)] = 0
    policy: Annotated[str, Field(TEXT, "grounds", _POLICY, column="policy_version")] = ""
    estimated_input: Annotated[int, Field(NUMBER, "grounds", _ESTIMATED_INPUT, column="estimated_input_tokens")] = 0
    max_output_tokens: Annotated[int | None, Field(PERHAPS, "grounds", _MAX_OUTPUT)] = None
    seen_input: Annotated[int, Field(NUMBER, "grounds", _SEEN, column="seen_input_tokens")] = 0
    seen_cached: Annotated[int, Field(NUMBER, "grounds", "cached input", column="seen_cached_tokens")] = 0
    seen_output: Annotated[int, Field(NUMBER, "grounds", "and output", column="seen_output_tokens")] = 0
    cloud_price: Annotated[float | None, Field(PRICE, "grounds", _CLOUD_PRICE)] = None
    previous: Annotated[str, Field(TEXT, "grounds", _PREVIOUS, column="previous_side")] = ""
    states: Annotated[tuple[str, ...], Field(TEXTS, "grounds", _STATES)] = ()
    side: Annotated[str, Field(TEXT, "grounds", "the side that cost preferred")] = ""
    candidates: Annotated[tuple[str, ...], Field(TEXTS, "grounds", _CANDIDATES)] = ()
    rule: Annotated[str, Field(TEXT, "grounds", "the rules that applied, by their names")] = ""
    decided: Annotated[str, Field(TEXT, "grounds", _DECIDED)] = ""
    waits: Annotated[bool, Field(FLAG, "grounds", _WAITS)] = False
    modalities: Annotated[tuple[str, ...], Field(TEXTS, "grounds", _MODALITIES)] = ()
    quality_floor: Annotated[float, Field(MEASURED, "grounds", _QUALITY_FLOOR)] = 0.0
    answers: Annotated[int, Field(NUMBER, "grounds", "answers that it asked for, to all prompts")] = 1
    fetch: Annotated[str, Field(TEXT, "grounds", _FETCH)] = ""
    pinned: Annotated[str, Field(TEXT, "grounds", _PINNED)] = ""
    uses: Annotated[tuple[str, ...], Field(TEXTS, "grounds", _USES)] = ()
    key_zones: Annotated[tuple[str, ...], Field(TEXTS, "grounds", _KEY_ZONES)] = ()
    listed: Annotated[tuple[str, ...], Field(TEXTS, "grounds", _LISTED)] = ()
    blocked: Annotated[tuple[str, ...], Field(TEXTS, "grounds", _BLOCKED)] = ()
    dimensions: Annotated[tuple[str, ...], Field(TEXTS, "course", _DIMENSIONS)] = ()
    via: Annotated[str, Field(TEXT, "course", _VIA)] = ""

    @property
    def cell(self) -> Cell:
        return Cell(self.backend, self.zone, self.model, self.team, self.key)

    @property
    def row(self) -> Row:
        """What it adds to the totals of its cell: nothing for a kind that is not known."""
        n = counts_of(self.kind)
        known = n if self.version >= _WORTH_VERSION else 0
        eligible, captive = known * self.eligible, known * (self.captive and not self.eligible)
        tokens = self.input + self.output
        return Row(
            self.cell,
            requests=requests_of(self.kind),
            errors=n * self.error,
            input=n * self.input,
            cached=n * self.cached,
            output=n * self.output,
            cost=n * self.cost,
            counterfactual=n * self.counterfactual,
            estimated=n * self.estimated,
            unsettled=n if self.kind in ("held", "lifted") else 0,
            unheld=n if self.kind == "unheld" else 0,
            eligible_tokens=eligible * tokens,
            cloud_value=eligible * (self.counterfactual if self.local else self.cost),
            captive=requests_of(self.kind) if captive else 0,
            captive_tokens=captive * tokens,
            captive_cost=captive * self.cost,
        )


FIELDS: Mapping[str, Field] = {
    name: annotated.__metadata__[0] for name, annotated in get_type_hints(Record, include_extras=True).items()
}
"""In the order of the array."""

_FIRST = (
    *("at", "kind", "request", "id", "key", "team", "model", "backend", "zone"),
    *("level", "tags", "reason", "status", "stream", "attempts"),
)
SHOWN: Sequence[str] = (
    *_FIRST,
    *(name for name, field in FIELDS.items() if name not in _FIRST and field.unit is not HIDDEN),
)
"""In the order in which columns and answers have them."""

_PARTS = {
    part: tuple(name for name, field in FIELDS.items() if field.part == part)
    for part in ("settlement", "usage", "course", "units", "grounds")
}
_decode = msgspec.msgpack.Decoder(list[Record]).decode


def pack_record(settlement: Settlement, kind: Kind = "settled") -> bytes:
    """The record of a settlement, as one element of a batch.

    Every request passes here: the array is written out, in the order of `Record`, rather than made from it.
    """
    cell, usage, course = settlement.cell, settlement.usage, settlement.course
    packed = (
        kind,
        settlement.id,
        settlement.at,
        cell.key,
        cell.team,
        cell.model,
        cell.backend,
        cell.zone,
        usage.input,
        usage.cached,
        usage.cache_write,
        usage.output,
        usage.estimated,
        settlement.cost,
        settlement.counterfactual,
        settlement.error,
        settlement.eligible,
        course.request,
        course.level,
        course.tags,
        course.reason,
        course.status,
        course.stream,
        course.attempts,
        course.sent,
        course.first_byte,
        course.duration,
        course.detail,
        VERSION,
        settlement.captive,
        settlement.local,
        course.endpoint,
        usage.service,
        usage.cache_write_1h,
    )
    if course.dimensions or course.via:
        grounds = astuple(course.grounds)
        return _encode((*packed, *_packed_units(usage.units), *grounds, course.dimensions, course.via))
    if course.grounds is not NO_GROUNDS:
        return _encode(packed + _packed_units(usage.units) + astuple(course.grounds))
    if usage.units is not NO_UNITS:
        return _encode(packed + _packed_units(usage.units))
    return _encode(packed)


def _packed_units(units: Units) -> tuple[int | str, ...]:
    if units is NO_UNITS:
        return _NO_UNITS
    return (
        units.audio_input,
        units.audio_cached,
        units.audio_output,
        units.image_input,
        units.image_cached,
        units.image_output,
        units.milliseconds,
        units.characters,
        units.images,
        units.image_kind,
        units.searches,
    )


_NO_UNITS = astuple(NO_UNITS)


def pack_refused(*, id: str = "", at: float, key: str, team: str, model: str, course: RequestOutcome) -> bytes:
    """The record of a request that no backend saw. The course's `reason` is the error's code; `id` is empty without a
    hold."""
    cell = Cell("", "", model, team, key)
    return pack_record(
        Settlement(
            id=id,
            cell=cell,
            at=at,
            usage=_NOTHING,
            cost=0,
            counterfactual=0,
            error=False,
            eligible=False,
            course=course,
        ),
        "refused",
    )


def settlement_of(record: Record) -> Settlement:
    """What it was packed from, as far as records tell. Of one before version 2 the side is guessed by its money: the
    cloud was dearer, in nearly all of them."""
    settlement = Settlement(
        cell=record.cell,
        usage=Usage(**_part(record, "usage"), units=units_of(record)),
        course=RequestOutcome(**_part(record, "course"), grounds=grounds_of(record)),
        requests=0 if record.kind == "attempt" else 1,
        **_part(record, "settlement"),
    )
    if record.version >= _WORTH_VERSION:
        return settlement
    return replace(settlement, local=record.counterfactual > record.cost)


def grounds_of(record: Record) -> Grounds:
    """Of its decision; `NO_GROUNDS` where it does not tell."""
    return Grounds(**_part(record, "grounds")) if record.policy else NO_GROUNDS


def units_of(record: Record) -> Units:
    units = Units(**_part(record, "units"))
    return NO_UNITS if units == NO_UNITS else units


def batch_blob(records: Sequence[bytes]) -> bytes:
    """A msgpack array of packed records: a header before them as they are."""
    return _array_header(len(records)) + b"".join(records)


def unpack_records(blob: bytes) -> list[Record]:
    """The records of a batch. Raises ValueError when they are not what this version can read."""
    return [record if record.version else _in_nano(record) for record in _decode(blob)]


def _in_nano(record: Record) -> Record:
    cost, counterfactual = NANO_PER_MICRO * record.cost, NANO_PER_MICRO * record.counterfactual
    return replace(record, cost=cost, counterfactual=counterfactual, version=_NANO_VERSION)


def _part(record: Record, part: str) -> dict[str, Any]:
    return {name: getattr(record, name) for name in _PARTS[part]}


def _array_header(length: int) -> bytes:
    """https://github.com/msgpack/msgpack/blob/master/spec.md#array-format-family."""
    if length < 16:
        return bytes((0x90 | length,))
    if length < 65_536:
        return b"\xdc" + length.to_bytes(2, "big")
    return b"\xdd" + length.to_bytes(4, "big")
