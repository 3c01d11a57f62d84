"""Every way in which a backend can fail, as data: what it does on the wire, and what a client may see of it.

A fault is a list of steps, which `prove.faulty` plays over real connections. Tokens that a backend makes are marked
with `Made`: that is what it would bill, whatever becomes of the answer. An answer is `OUTPUT` words of one token each.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any

from msgspec import Struct, structs

INPUT, OUTPUT = 40, 24
"""Tokens of a question and of a whole answer."""
LONG = 700.0
"""Seconds for which slow faults last: longer than anybody waits by default."""
WORDS = [f"word{number:02} " for number in range(OUTPUT)]


class Made(Struct, frozen=True):
    """So many more tokens of output are made by now; the question was read, and is charged, too."""

    output: int = 0


class Repeat(Struct, frozen=True):
    """`data` so many times, a pause (seconds) after each."""

    data: bytes
    times: int
    pause: float = 0.0


class End(StrEnum):
    CLOSE = "close"
    RESET = "reset"
    SILENCE = "silence"
    """Until the other side leaves."""


Step = bytes | float | Made | Repeat | End


class Place(StrEnum):
    """Where it listens."""

    HTTP = "an HTTP server"
    UNNAMED = "a host that no name server knows"
    REFUSED = "a port where nobody listens"
    FULL = "a port whose queue of connections is full"
    PLAIN = "an https address where plain HTTP is spoken"
    FOREIGN = "an https address with a certificate that nobody trusts"
    MUTE = "an https address that never greets"


class Sees(StrEnum):
    """What a client gets; "elsewhere" and "either" are for models that another backend serves as well."""

    ANSWER = "the answer"
    ELSEWHERE = "another backend's answer, or an error where there is none"
    EITHER = "the answer, or another backend's, or an error where there is none"
    RELAYED = "the backend's own error"
    CUT = "what came, and an error event"
    WHOLE_OR_CUT = "the whole answer, or what came and an error event"


Script = Callable[[bool], Sequence[Step]]


class Fault(Struct, frozen=True):
    name: str
    group: str
    plays: Script
    """Told whether the client asked for a stream."""
    sees: Sees = Sees.ELSEWHERE
    streamed: Sees | None = None
    """What clients of streams see, if that differs."""
    adapted: Sees | None = None
    """What they see through the adapter, if that differs once more."""
    place: Place = Place.HTTP
    slow: bool = False
    """Whether it can take more than a few seconds until a client is told."""

    @property
    def slug(self) -> str:
        return "-".join("".join(char if char.isalnum() else " " for char in self.name).lower().split())

    def seen(self, stream: bool, kind: str) -> Sees:
        if stream and kind == "adapter" and self.adapted is not None:
            return self.adapted
        return self.streamed if stream and self.streamed is not None else self.sees


# --- what a healthy backend sends

USAGE = {"prompt_tokens": INPUT, "completion_tokens": OUTPUT, "total_tokens": INPUT + OUTPUT}
SSE = "text/event-stream; charset=utf-8"
JSON = "application/json"


def head(status: int = 200, kind: str = JSON, lines: str = "") -> bytes:
    return f"HTTP/1.1 {status} Told\r\ncontent-type: {kind}\r\n{lines}\r\n".encode()


def sized(body: bytes, status: int = 200, kind: str = JSON, lines: str = "") -> bytes:
    return head(status, kind, f"content-length: {len(body)}\r\n{lines}") + body


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


LAST_CHUNK = b"0\r\n\r\n"
CHUNKED = "transfer-encoding: chunked\r\n"


def completion(usage: Any = USAGE, finish: str | None = "stop", message: Any = None, **changes: Any) -> bytes:
    said = {"role": "assistant", "content": "".join(WORDS)} if message is None else message
    choices = [{"index": 0, "message": said, "finish_reason": finish}]
    body = {"id": "c1", "object": "chat.completion", "created": 1, "model": "m", "choices": choices, "usage": usage}
    return json.dumps({name: value for name, value in (body | changes).items() if value is not ...}).encode()


def data(fields: dict[str, Any]) -> bytes:
    told = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", **fields}
    return b"data: " + json.dumps(told).encode() + b"\n\n"


def delta(finish: str | None = None, **said: Any) -> bytes:
    return data({"choices": [{"index": 0, "delta": said, "finish_reason": finish}]})


EVENTS = [delta(role="assistant", content=""), *(delta(content=word) for word in WORDS)]
FINISH, DONE = delta("stop"), b"data: [DONE]\n\n"
ERROR = {"error": {"message": "The engine broke down.", "type": "server_error", "code": "engine_dead", "param": None}}


def usage_event(usage: Any = USAGE) -> bytes:
    return data({"choices": [], "usage": usage})


def events(*sent: bytes, ends: Sequence[Step] = (LAST_CHUNK,), kind: str = SSE, pause: float = 0.0) -> list[Step]:
    """A stream; each event with words counts as one token made."""
    steps: list[Step] = [Made(), head(200, kind, CHUNKED)]
    for each in sent:
        steps += [Made(each.count(b'"content": "word')), chunk(each), *([pause] if pause else [])]
    return [*steps, *ends]


STREAM = (*EVENTS, FINISH, usage_event(), DONE)
HALF = EVENTS[:9]


def whole(stream: bool) -> list[Step]:
    return events(*STREAM) if stream else [Made(OUTPUT), sized(completion())]


# --- how faults are written down


def both(*steps: Step) -> Script:
    return lambda stream: steps


def late(seconds: float) -> Script:
    return lambda stream: [Made(), seconds, *whole(stream)]


def before(*steps: Step) -> Script:
    """The same first, then a good answer."""
    return lambda stream: [*steps, *whole(stream)]


def after(*steps: Step) -> Script:
    return lambda stream: [*whole(stream), *steps]


def of(answer: Script, stream: Script) -> Script:
    return lambda streamed: (stream if streamed else answer)(streamed)


def body(content: bytes, made: int = 0, **more: Any) -> Script:
    """That body with status 200, for answers and streams alike."""
    return both(*([Made(made)] if made else []), sized(content, **more))


def stream_of(*sent: bytes, **more: Any) -> Script:
    """That stream, whatever was asked for."""
    return both(*events(*sent, **more))


def status(number: int, lines: str = "", message: str = "", kind: str = JSON, **error: Any) -> Script:
    told = {"message": message or f"This is {number}.", "type": "told", "code": None, "param": None, **error}
    content = json.dumps({"error": told}).encode() if kind == JSON else b"<html><h1>Told so</h1></html>"
    return both(sized(content, number, kind, lines))


def redirect(code: int) -> Script:
    return both(sized(b"", code, lines="location: http://127.0.0.1:1/v1/chat/completions\r\n"))


def usage(told: Any) -> Script:
    return of(
        lambda stream: [Made(OUTPUT), sized(completion(told))],
        lambda stream: events(*EVENTS, FINISH, *([] if told is ... else [usage_event(told)]), DONE),
    )


def cut(*ends: Step) -> Script:
    """The answer is made, half of it arrives, and then that happens."""
    content = completion()
    half = [Made(OUTPUT), head(lines=f"content-length: {len(content)}\r\n") + content[: len(content) // 2]]
    return of(lambda stream: [*half, *ends], lambda stream: events(*HALF, ends=ends))


def framed(sent: Callable[[bytes], bytes], *ends: Step) -> Script:
    """The whole body, framed in that way; streams come in one piece."""

    def play(stream: bool) -> list[Step]:
        content = b"".join(STREAM) if stream else completion()
        return [Made(OUTPUT), sent(content).replace(JSON.encode(), SSE.encode() if stream else JSON.encode(), 1), *ends]

    return play


def pieces(sent: Sequence[bytes], size: int = 7) -> list[bytes]:
    joined = b"".join(sent)
    return [joined[at : at + size] for at in range(0, len(joined), size)]


def _group(name: str, *faults: Fault) -> tuple[Fault, ...]:
    return tuple(structs.replace(fault, group=name) for fault in faults)


def _fault(name: str, plays: Script, *args: Any, **more: Any) -> Fault:
    return Fault(name, "", plays, *args, **more)


def _slow(name: str, plays: Script, *args: Any, **more: Any) -> Fault:
    return Fault(name, "", plays, *args, slow=True, **more)


_ANSWER, _EITHER, _RELAYED, _CUT = Sees.ANSWER, Sees.EITHER, Sees.RELAYED, Sees.CUT
_WHOLE = Sees.WHOLE_OR_CUT
_BODY = completion()
_NOTHING = both()

FAULTS: tuple[Fault, ...] = (
    *_group(
        "Connecting",
        _fault("name not resolved", _NOTHING, place=Place.UNNAMED),
        _fault("connection refused", _NOTHING, place=Place.REFUSED),
        _slow("connecting takes for ever", _NOTHING, place=Place.FULL),
        _fault("connection closed when it stands", both(End.CLOSE)),
        _fault("plain HTTP where TLS is expected", _NOTHING, place=Place.PLAIN),
        _fault("a certificate that nobody trusts", _NOTHING, place=Place.FOREIGN),
        _slow("TLS that never greets", _NOTHING, place=Place.MUTE),
    ),
    *_group(
        "The head",
        _fault("reset before the head", both(End.RESET)),
        _fault("closed before the head", both(End.CLOSE)),
        _slow("silence before the head", both(End.SILENCE)),
        _slow("silence while it works", late(LONG)),
        _slow("a slow start of 25 s", late(25.0), _ANSWER, _EITHER),
        _fault("a start of 3 s", late(3.0), _ANSWER),
        _slow("a head that comes at 1 byte/s", both(Repeat(b"H", 1, 1.0), *[b"x", 1.0] * int(LONG))),
        _slow("half a head, then silence", both(head()[:30], End.SILENCE)),
        _fault("half a head, then reset", both(head()[:30], End.RESET)),
        _slow("endless interim answers", both(Repeat(b"HTTP/1.1 102 Processing\r\n\r\n", int(LONG), 1.0))),
        _fault("one interim answer", before(b"HTTP/1.1 100 Continue\r\n\r\n"), _ANSWER),
        _fault("a header of 1 MB", both(head(lines="x-bomb: " + "x" * 1_000_000 + "\r\n"))),
        _fault("20,000 headers", both(head(lines="x-many: 1\r\n" * 20_000))),
        _fault("bytes that are not HTTP", both(b"\x00\x01\x02 this is not HTTP\r\n\r\n")),
        _fault("a body without a head", both(_BODY, End.CLOSE)),
        _fault("a preface of HTTP/2", both(b"\x00\x00\x12\x04\x00\x00\x00\x00\x00" + bytes(18))),
        _fault("a status that is no number", both(b"HTTP/1.1 abc OK\r\n\r\n")),
        _fault("a head with a NUL", both(head(lines="x-nul: a\x00b\r\n"), End.CLOSE)),
        _fault("another protocol", both(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\n\r\n")),
    ),
    *_group(
        "Statuses",
        _fault("204 without a body", both(b"HTTP/1.1 204 No Content\r\n\r\n")),
        _fault("206 with a part", both(sized(_BODY[:40], 206)), _EITHER),
        *(_fault(f"{code} to another host", redirect(code)) for code in (301, 302, 303, 307, 308)),
        _fault("304 without a body", both(b"HTTP/1.1 304 Not Modified\r\n\r\n")),
        _fault("400 for the request", status(400, message="Bad temperature.", param="temperature"), _RELAYED),
        _fault("401 for our key", status(401, message="Incorrect API key provided.", code="invalid_api_key")),
        _fault("402 for our account", status(402, message="Payment required.")),
        _fault("403 for our credentials", status(403, message="Your API key has no access.", code="invalid_api_key")),
        _fault(
            "403 for a flagged prompt",
            status(403, message="Your input was flagged.", code="content_policy_violation"),
            _RELAYED,
        ),
        _fault("404 for our model", status(404, message="The model `x` does not exist.", code="model_not_found")),
        _fault("405", status(405), _RELAYED),
        _fault("408", status(408)),
        _fault("409", status(409), _RELAYED),
        _fault("413 for the request", status(413, message="Too long."), _RELAYED),
        _fault("422 for the request", status(422, message="Bad tool."), _RELAYED),
        _fault("429 without a time", status(429, code="rate_limit_exceeded"), slow=True),
        _fault("429 for 1 s", status(429, "retry-after: 1\r\n", code="rate_limit_exceeded"), slow=True),
        _fault("429 for 200 ms", status(429, "retry-after-ms: 200\r\n", code="rate_limit_exceeded"), slow=True),
        _fault("429 until a date", status(429, "retry-after: Wed, 21 Oct 2065 07:28:00 GMT\r\n")),
        _fault("429 for ten days", status(429, "retry-after: 864000\r\n")),
        _fault("429 without money", status(429, code="insufficient_quota", type="insufficient_quota")),
        _fault("500", status(500)),
        _fault("500 as HTML", status(500, kind="text/html")),
        _fault("501", status(501)),
        _fault("502 as HTML", status(502, kind="text/html")),
        _fault("503", status(503)),
        _fault("503 for 1 s", status(503, "retry-after: 1\r\n"), slow=True),
        _fault("504", status(504)),
        _fault("529", status(529)),
        _fault("799", status(799)),
    ),
    *_group(
        "Framing",
        _fault("reset in the middle", cut(End.RESET), streamed=_CUT),
        _fault("closed in the middle", cut(End.CLOSE), streamed=_CUT),
        _slow("silence in the middle", cut(End.SILENCE), streamed=_CUT),
        _slow(
            "1 byte/s in the middle",
            cut(*[b"1\r\n \r\n", 1.0] * int(LONG)),
            streamed=_CUT,
        ),
        _fault(
            "a length that is too short",
            framed(lambda content: head(lines="content-length: 10\r\n") + content),
            streamed=Sees.EITHER,
        ),
        _fault(
            "a length that is too long, then closed",
            framed(lambda content: head(lines=f"content-length: {len(content) + 9}\r\n") + content, End.CLOSE),
            streamed=_WHOLE,
        ),
        _slow(
            "a length that is too long, then silence",
            framed(lambda content: head(lines=f"content-length: {len(content) + 9}\r\n") + content, End.SILENCE),
            streamed=_WHOLE,
        ),
        _fault(
            "two lengths",
            framed(lambda content: head(lines=f"content-length: 10\r\ncontent-length: {len(content)}\r\n") + content),
        ),
        _fault(
            "a length and chunks",
            framed(lambda content: head(lines=f"content-length: 10\r\n{CHUNKED}") + chunk(content) + LAST_CHUNK),
            _EITHER,
        ),
        _fault("a negative length", framed(lambda content: head(lines="content-length: -1\r\n") + content)),
        _fault(
            "a chunk that is cut off",
            framed(lambda content: head(lines=CHUNKED) + chunk(content)[: len(content) // 2], End.CLOSE),
            streamed=_CUT,
        ),
        _fault("a chunk whose size is no number", framed(lambda content: head(lines=CHUNKED) + b"zz\r\n" + content)),
        _fault(
            "a chunk of 2^70 bytes",
            framed(lambda content: head(lines=CHUNKED) + b"4" + b"0" * 17 + b"\r\n" + content),
            # Its parser counts beyond 2^64: to it this is the beginning of a chunk, and a stream is whole with [DONE].
            adapted=_ANSWER,
        ),
        _fault(
            "chunks without a last one",
            framed(lambda content: head(lines=CHUNKED) + chunk(content), End.CLOSE),
            streamed=_WHOLE,
        ),
        _fault(
            "an answer that ends with the connection",
            framed(lambda content: head() + content, End.CLOSE),
            _ANSWER,
        ),
        _fault(
            "HTTP/1.0",
            framed(lambda content: head().replace(b"HTTP/1.1", b"HTTP/1.0") + content, End.CLOSE),
            _ANSWER,
        ),
        _fault("reset after the answer", after(End.RESET), _ANSWER, _WHOLE),
        _fault("bytes after the answer", after(b"trailing garbage"), _ANSWER, _WHOLE),
        _fault("two answers", after(sized(completion(id="smuggled"))), _ANSWER, _WHOLE),
        _fault(
            "gzip that nobody asked for",
            framed(
                lambda content: (
                    head(lines=f"content-encoding: gzip\r\ncontent-length: {len(gzip.compress(content))}\r\n")
                    + gzip.compress(content)
                )
            ),
            _EITHER,
        ),
        _fault(
            "an encoding that nobody knows",
            framed(
                lambda content: head(lines=f"content-encoding: zork\r\ncontent-length: {len(content)}\r\n") + content
            ),
            _EITHER,
        ),
        _fault(
            "an answer of 40 MB",
            both(
                Made(OUTPUT),
                head(lines=CHUNKED),
                chunk(_BODY[:-1]),
                Repeat(chunk(b" " * 65_536), 640),
                chunk(b"}"),
                LAST_CHUNK,
            ),
        ),
    ),
    *_group(
        "Bodies with status 200",
        _fault("an error object", body(json.dumps(ERROR).encode())),
        _fault("HTML", body(b"<html><h1>Welcome</h1></html>", kind="text/html")),
        _fault("HTML that says it is JSON", body(b"<html><h1>Welcome</h1></html>")),
        _fault("nothing", body(b"")),
        _fault("half a JSON", body(_BODY[: len(_BODY) // 2], OUTPUT)),
        _fault("a JSON that is null", body(b"null")),
        _fault("a JSON that is a list", body(b"[]")),
        _fault("a JSON without choices", body(completion(choices=...))),
        _fault("a JSON with no choice", body(completion(choices=[])), _EITHER),
        _fault("a choice without content", body(completion(message={"role": "assistant", "content": None})), _EITHER),
        _fault("JSON that says it is text", body(_BODY, OUTPUT, kind="text/plain"), _EITHER),
        _fault(
            "a content type in capitals",
            of(
                body(_BODY, OUTPUT, kind="Application/JSON; Charset=UTF-8"),
                stream_of(*STREAM, kind="Text/Event-Stream;CHARSET=utf-8"),
            ),
            _ANSWER,
        ),
        _fault("bytes that are not UTF-8", body(_BODY.replace(b"word07", b"\xff\xfe\xfd"), OUTPUT), _EITHER),
        _fault("a mark of byte order", body(b"\xef\xbb\xbf" + _BODY, OUTPUT), _EITHER),
        _fault("an answer where a stream was asked for", body(_BODY, OUTPUT), _ANSWER, _EITHER),
        _fault("a JSON 5,000 levels deep", body(b'{"choices": ' + b"[" * 5000 + b"]" * 5000 + b"}")),
        _fault(
            "a tool call that is cut",
            of(
                body(
                    completion(
                        finish="length",
                        message={
                            "role": "assistant",
                            "content": None,
                            "tool_calls": [
                                {"id": "1", "type": "function", "function": {"name": "f", "arguments": '{"a": "word'}}
                            ],
                        },
                    ),
                    OUTPUT,
                ),
                stream_of(
                    delta(
                        role="assistant",
                        tool_calls=[
                            {"index": 0, "id": "1", "type": "function", "function": {"name": "f", "arguments": '{"a'}}
                        ],
                    ),
                    delta("length"),
                    usage_event(),
                    DONE,
                ),
            ),
            _ANSWER,
        ),
    ),
    *_group(
        "Streams",
        _fault(
            "a stream that ends in an event", stream_of(*HALF, ends=(chunk(EVENTS[9][:20]), LAST_CHUNK)), streamed=_CUT
        ),
        _fault("a stream that ends without a finish", stream_of(*HALF), streamed=_CUT),
        _fault("a stream with a finish and no [DONE]", stream_of(*EVENTS, FINISH, usage_event()), streamed=_ANSWER),
        _fault("a stream of nothing", stream_of()),
        _fault("a stream of [DONE] alone", stream_of(DONE)),
        _slow("a stream of comments", stream_of(ends=(Repeat(chunk(b": still here\n\n"), int(LONG), 1.0),))),
        _slow(
            "comments after the first words",
            stream_of(*HALF, ends=(Repeat(chunk(b": still here\n\n"), int(LONG), 1.0),)),
            streamed=_CUT,
        ),
        _fault("a few comments, then the answer", stream_of(b": a\n\n", b":\n\n", *STREAM), streamed=_ANSWER),
        _fault("an error event first", stream_of(data(ERROR))),
        _fault("an error event in the middle", stream_of(*HALF, data(ERROR)), streamed=_CUT),
        _fault("an error event by name", stream_of(b"event: error\ndata: " + json.dumps(ERROR).encode() + b"\n\n")),
        _fault("an error event after the finish", stream_of(*EVENTS, FINISH, data(ERROR)), streamed=_WHOLE),
        _fault("an event that is no JSON first", stream_of(b"data: <html>\n\n")),
        _fault(
            "an event that is no JSON in the middle",
            stream_of(*HALF, b"data: <html>\n\n", *STREAM[9:]),
            streamed=_WHOLE,
        ),
        _fault("an event that is null", stream_of(b"data: null\n\n", *STREAM), streamed=_EITHER),
        _fault("events with CRLF", stream_of(*(each.replace(b"\n", b"\r\n") for each in STREAM)), streamed=_ANSWER),
        _fault("events with CR", stream_of(*(each.replace(b"\n", b"\r") for each in STREAM)), streamed=_EITHER),
        _fault("events in pieces", stream_of(*pieces(STREAM)), streamed=_ANSWER),
        _fault("an event of 2 MB", stream_of(*HALF, delta(content="x" * 2_000_000), *STREAM[9:]), streamed=_WHOLE),
        _fault(
            "a line of 40 MB",
            both(Made(1), head(200, SSE, CHUNKED), chunk(b"data: "), Repeat(chunk(b"x" * 65_536), 640), LAST_CHUNK),
        ),
        _fault("events after [DONE]", stream_of(*STREAM, delta(content="more")), streamed=_ANSWER),
        _fault("reset after [DONE]", stream_of(*STREAM, ends=(0.2, End.RESET)), streamed=_ANSWER),
        _slow("silence after [DONE]", stream_of(*STREAM, ends=(End.SILENCE,)), streamed=_ANSWER),
        _fault(
            "a mark of byte order before the events",
            stream_of(b"\xef\xbb\xbf" + STREAM[0], *STREAM[1:]),
            streamed=_EITHER,
        ),
        _fault(
            "bytes in events that are not UTF-8",
            stream_of(*HALF, EVENTS[9].replace(b"word", b"\xff\xfe"), *STREAM[10:]),
            streamed=_WHOLE,
        ),
        _slow("words 3 s apart", stream_of(*STREAM[:10], *STREAM[-3:], pause=3.0), streamed=_ANSWER),
    ),
    *_group(
        "Usage",
        _fault("usage missing", usage(...), _ANSWER),
        _fault("usage null", usage(None), _ANSWER),
        _fault("usage empty", usage({}), _ANSWER),
        _fault("usage zero", usage({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}), _ANSWER),
        _fault("usage negative", usage({"prompt_tokens": -40, "completion_tokens": -24, "total_tokens": -64}), _ANSWER),
        _fault(
            "usage of 900 million",
            usage({"prompt_tokens": 900_000_000, "completion_tokens": 900_000_000, "total_tokens": 1_800_000_000}),
            _ANSWER,
        ),
        _fault(
            "usage as text", usage({"prompt_tokens": "40", "completion_tokens": "24", "total_tokens": "64"}), _ANSWER
        ),
        _fault(
            "usage of nulls", usage({"prompt_tokens": None, "completion_tokens": None, "total_tokens": None}), _ANSWER
        ),
        _fault("usage as a list", usage([40, 24]), _EITHER),
        _fault(
            "usage with fractions",
            usage({"prompt_tokens": 40.5, "completion_tokens": 24.5, "total_tokens": 65}),
            _EITHER,
        ),
        _fault("usage of output alone", usage({"completion_tokens": 24}), _ANSWER),
        _fault(
            "usage whose cache is larger than it",
            usage({**USAGE, "prompt_tokens_details": {"cached_tokens": 10**9}}),
            _ANSWER,
        ),
    ),
)
