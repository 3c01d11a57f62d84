"""Whether what a provider is sent says all that was asked for.

litellm refuses parameters that it knows a provider to lack, and loses others on its way without a word: a tool's
`strict`, a named tool choice, the text of a document. So the request itself is looked at before it is sent. What was
asked must have left a sign in it: the field's name in any of the dialects, and every text as it was. That holds for
every provider, and for what the next release of the library loses, too.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct

_CONTENT = frozenset({"messages", "contents", "input", "system", "systeminstruction", "instructions", "prompt"})
"""Fields of what is sent that hold what clients wrote: names in there are no parameters."""
_SCHEMAS = frozenset({"parameters", "inputschema", "json", "schema", "responsejsonschema", "responseschema"})


class LostError(Exception):
    """Something that was asked for would not have reached the provider; nothing was sent."""

    def __init__(self, param: str) -> None:
        super().__init__(param)
        self.param = param


class Wanted(Struct, frozen=True):
    param: str
    """As the client calls it."""
    signs: frozenset[str]
    """Names of fields, in lower case and without underscores, any of which says it."""
    anywhere: bool = False
    """Also inside of what clients wrote."""
    said: str = ""
    """A value that says it, too."""


class Faith(Struct, frozen=True):
    """What one request must say."""

    wanted: tuple[Wanted, ...] = ()
    names: tuple[tuple[str, str], ...] = ()
    """Values, each with the parameter that it stands in."""
    texts: tuple[tuple[str, str], ...] = ()
    """Texts of the client, each with the parameter that it stands in."""

    def check(self, content: bytes) -> None:
        """Of a request's body; one that asks nothing of a model is none of this one's business. Raises LostError."""
        try:
            sent = json.loads(content)
        except (ValueError, RecursionError):
            return
        if not isinstance(sent, dict) or not any(_plain(name) in _CONTENT for name in sent):
            return
        seen = _Seen()
        seen.look(sent)
        for each in self.wanted:
            fields = seen.everywhere if each.anywhere else seen.fields
            if each.signs.isdisjoint(fields) and not (each.said and each.said in seen.strings):
                raise LostError(each.param)
        for value, param in self.names:
            if value not in seen.strings:
                raise LostError(param)
        if any(_stripped(text) not in seen.strings for text, _ in self.texts):
            whole = "\n".join(seen.strings)
            for text, param in self.texts:
                if _stripped(text) not in whole:
                    raise LostError(param)


TRUSTING = Faith()
"""Asks nothing."""


class _Seen:
    """What a request says. Strings are stripped."""

    def __init__(self) -> None:
        self.fields: set[str] = set()
        """Names of fields outside of content and schemas."""
        self.everywhere: set[str] = set()
        self.strings: set[str] = set()

    def look(self, value: Any, *, inside: bool = False) -> None:
        if isinstance(value, str):
            self.strings.add(_stripped(value))
        elif isinstance(value, list):
            for item in value:
                self.look(item, inside=inside)
        elif isinstance(value, dict):
            for name, item in value.items():
                plain = _plain(name)
                self.everywhere.add(plain)
                if not inside:
                    self.fields.add(plain)
                self.look(item, inside=inside or plain in _CONTENT or plain in _SCHEMAS)


def wanted(call: Mapping[str, Any], signs: Mapping[str, Iterable[str]]) -> Iterator[Wanted]:
    """Of the parameters that a call has and that leave these signs."""
    for name, found in signs.items():
        if call.get(name) is not None:
            yield Wanted(name, frozenset(found))


def texts_of(value: Any, param: str) -> Iterator[tuple[str, str]]:
    """Texts in messages or input items, but for what is JSON: that may be written anew, and for what was thought."""
    if isinstance(value, str):
        if value.strip() and value.lstrip()[0] not in "{[":
            yield value, param
    elif isinstance(value, list):
        for item in value:
            yield from texts_of(item, param)
    elif isinstance(value, Mapping) and value.get("type") not in ("thinking", "redacted_thinking", "reasoning"):
        for name in ("text", "content", "output", "context"):
            yield from texts_of(value.get(name), param)
        yield from texts_of(_text_source(value.get("source")), param)


def _text_source(source: Any) -> Any:
    """What a document says, if that is text."""
    if not isinstance(source, Mapping):
        return source
    return source.get("data") if source.get("type") == "text" else source.get("content")


def _plain(name: Any) -> str:
    return str(name).replace("_", "").lower()


def _stripped(text: str) -> str:
    return text.strip()
