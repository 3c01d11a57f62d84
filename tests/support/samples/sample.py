"""What a proof needs of one surface: bodies with a text in every place, and answers as its providers write them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Fields = Mapping[str, Any]

TEXT = "@TEXT@"
"""Stands where a text may stand: in strings, names of members, file names."""
SAID = "Paris."
"""Somewhere in every answer, so that a proof may put a word of its own there."""
BOUNDARY = "breakeven-sample"
ADDRESS = f"https://{TEXT}.example/a.png"
"""Of something that lies elsewhere."""
FILE = b"\x00\x01 no text \xff\xfe"
"""What uploads hold, which no detector reads."""

BESIDE = frozenset(
    {
        *("unknown member", "member name", "user", "metadata", "stop", "prediction", "place", "template"),
        *("safety identifier", "cache key"),
    }
)


@dataclass(frozen=True)
class File:
    """An upload in a form."""

    name: str
    content: bytes = FILE


@dataclass(frozen=True)
class Sample:
    """`surface` is its name. `places` are bodies without a model, each with TEXT in another place; the first is the
    plainest one. Answers are made of the tokens that they report, of input and of output."""

    surface: str
    places: Mapping[str, Fields]
    answer: Callable[[int, int], bytes]
    media_type: str = "application/json"
    """Of whole answers."""
    reports: bool = True
    """Whether answers say what they used; what does not is estimated."""
    unreadable: Mapping[str, Fields] = field(default_factory=dict)
    """Bodies that hold what no detector reads."""
    outside: Mapping[str, Fields] = field(default_factory=dict)
    """Bodies that hold such a thing by its address, on a host that TEXT is a label of: who serves it would fetch it."""
    references: Mapping[str, Fields] = field(default_factory=dict)
    """Bodies that name by TEXT, an id, what a backend keeps."""
    sealed: bool = False
    """So does every body of it."""
    beside: frozenset[str] = BESIDE
    """Places whose text no model gets, so that it is no input."""
    limit: Callable[[int], Fields] | None = None
    """Fields that limit an answer to so many tokens; None where its input tells how long that may get."""
    streamed: Fields = field(default_factory=lambda: {"stream": True})
    """Fields that ask for a stream whose events are the backend's very bytes."""
    events: Callable[[int, int], tuple[bytes, ...]] | None = None
    """All of a stream; None where there are none."""
    signs: int = 0
    """Events before the first one that is part of an answer: until then another backend may take over."""
    tail: int = 0
    """Events at the end without which an answer is whole all the same, since it said so before."""
    end: bytes = b""
    """In the event with which a stream ends well, and in no other."""
    failure: bytes = b""
    """The event with which a backend says that its stream has failed."""
    form: bool = False
    """Bodies are forms."""
    error: Callable[[Any], bool] = field(default=lambda told: is_openai_error(told))
    """Whether a decoded body is an error in the dialect's shape."""

    @property
    def plainest(self) -> str:
        return next(iter(self.places))

    def body(self, place: str = "", text: str = "Hello", *, model: str | None = "chat", **more: Any) -> bytes:
        """A request with `text` in a place of `places`, of `unreadable`, of `outside` or of `references`."""
        named = {} if model is None else {"model": model}
        return self.encode(_filled({**named, **self.fields(place or self.plainest), **more}, text))

    def fields(self, kind: str) -> Fields:
        """A body before any text stands in it."""
        return {**self.places, **self.unreadable, **self.outside, **self.references}[kind]

    def encode(self, fields: Fields) -> bytes:
        return _form(fields) if self.form else json.dumps(fields).encode()

    @property
    def content_type(self) -> str:
        return f"multipart/form-data; boundary={BOUNDARY}" if self.form else "application/json"

    def stream(self, place: str = "", text: str = "Hello", **more: Any) -> bytes:
        """The same, which asks for a stream."""
        return self.body(place, text, **{**self.streamed, **more})


def is_openai_error(told: Any) -> bool:
    error = told.get("error") if isinstance(told, dict) else None
    return isinstance(error, dict) and error.keys() == {"message", "type", "param", "code"} and bool(error["message"])


def sse(data: Any, name: str = "") -> bytes:
    """One event, with a name or without."""
    text = data if isinstance(data, str) else json.dumps(data, separators=(",", ":"))
    return (f"event: {name}\n" if name else "").encode() + f"data: {text}\n\n".encode()


def _filled(value: Any, text: str) -> Any:
    """With `text` for TEXT, in strings inside strings too."""
    if isinstance(value, str):
        return value.replace(TEXT, text)
    if isinstance(value, File):
        return File(value.name.replace(TEXT, text), value.content)
    if isinstance(value, Mapping):
        return {name.replace(TEXT, text): _filled(each, text) for name, each in value.items()}
    return [_filled(each, text) for each in value] if isinstance(value, list | tuple) else value


def _form(fields: Fields) -> bytes:
    return b"".join(_parts(fields)) + f"--{BOUNDARY}--\r\n".encode()


def _parts(fields: Fields) -> Iterator[bytes]:
    for name, value in fields.items():
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"'
        if isinstance(value, File):
            head += f'; filename="{value.name}"\r\nContent-Type: application/octet-stream'
            yield f"{head}\r\n\r\n".encode() + value.content + b"\r\n"
        else:
            told = value if isinstance(value, str) else json.dumps(value)
            yield f"{head}\r\n\r\n{told}\r\n".encode()
