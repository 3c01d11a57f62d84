"""Tokens that an upstream reported, read out of its answer.

The shape is OpenAI's `usage` object: `prompt_tokens` is all input, with cached input (and, from the adapter, cache
writes) being parts of it. Details stand in different places, all of them optional and nullable:

    OpenAI, vLLM          prompt_tokens_details.cached_tokens
    litellm (adapter)     the same, prompt_tokens_details.cache_write_tokens or .cache_creation_tokens, and at the top
                          cache_read_input_tokens and cache_creation_input_tokens
    xAI                   total_tokens, with reasoning that completion_tokens leaves out
    Anthropic             cache_creation.ephemeral_1h_input_tokens, what is kept for an hour; litellm has it in
                          prompt_tokens_details.cache_creation_token_details
    DeepSeek              prompt_cache_hit_tokens at the top

Nothing here raises: a body that is not understood has no usage, and the caller estimates it.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from router.core.estimated_usage import weight_of
from router.core.units import Units
from router.core.values import Usage
from router.surfaces.long_json import LONG, MOST_ITEMS, NOTHING, first_items

_QUOTE = 34
_LONGEST_NAME = 32
"""Characters of a service tier's name."""

ABSURD = 1_000_000_000
"""Tokens of one answer that nobody serves: a report above it is a defect and counts as missing."""

# JSON numbers are taken as float because some servers write 12.0; the counts are far below 2**53.
Count = float | None


class _Written(Struct, gc=False):
    ephemeral_1h_input_tokens: Count = None


_NOTHING_WRITTEN = _Written()


class _Details(Struct, gc=False):
    cached_tokens: Count = None
    cache_write_tokens: Count = None
    cache_creation_tokens: Count = None
    cache_creation_token_details: _Written | None = None
    audio_tokens: Count = None
    image_tokens: Count = None


_NO_DETAILS = _Details()


class _Made(Struct, gc=False):
    audio_tokens: Count = None
    image_tokens: Count = None


_NOTHING_MADE = _Made()


class Totals(Struct, gc=False):
    """The part of a report that prices cannot do without."""

    prompt_tokens: Count = None
    completion_tokens: Count = None
    total_tokens: Any = None
    """Some count reasoning here alone. Of any type: a strange total must not cost the rest."""

    def usage(self) -> Usage | None:
        """None when no input was reported, or numbers are absurd: no request takes nothing."""
        if not self.prompt_tokens and not self.completion_tokens:
            return None
        return _usage(self.prompt_tokens, self.completion_tokens, self.total_tokens, 0, 0, 0)


class Report(Totals, gc=False):
    """The `usage` object of an answer or of a stream's event."""

    prompt_tokens_details: _Details | None = None
    completion_tokens_details: _Made | None = None
    cache_read_input_tokens: Count = None
    cache_creation_input_tokens: Count = None
    cache_creation: _Written | None = None
    prompt_cache_hit_tokens: Count = None
    service_tier: Any = None
    """Anthropic's place for it; OpenAI's is beside `usage`."""

    def usage(self, service: object = None) -> Usage | None:
        """None when no input was reported, or numbers are absurd: no request takes nothing. `service` is what stands
        beside it."""
        if not self.prompt_tokens and not self.completion_tokens:
            return None
        details = self.prompt_tokens_details or _NO_DETAILS
        cached = details.cached_tokens or self.cache_read_input_tokens or self.prompt_cache_hit_tokens or 0
        written = details.cache_write_tokens or details.cache_creation_tokens or self.cache_creation_input_tokens or 0
        lasting = self.cache_creation or details.cache_creation_token_details or _NOTHING_WRITTEN
        lasting_tokens = lasting.ephemeral_1h_input_tokens or 0
        named = service_named(self.service_tier or service)
        total = self.total_tokens
        usage = _usage(
            self.prompt_tokens, self.completion_tokens, total, cached, written, lasting_tokens, service=named
        )
        made = self.completion_tokens_details or _NOTHING_MADE
        if details.audio_tokens or details.image_tokens or made.audio_tokens or made.image_tokens:
            return _with_units(usage, details, made)
        return usage


class _Answer(Struct, gc=False):
    usage: Report | None = None
    service_tier: Any = None


class _AnswerTotals(Struct, gc=False):
    usage: Totals | None = None


_decode = msgspec.json.Decoder(_Answer).decode
_decode_totals = msgspec.json.Decoder(_AnswerTotals).decode


def usage_of(body: bytes) -> Usage | None:
    """Usage in the JSON body of an answer, or in the data of one event; None when there is none to be found."""
    try:
        answer = _decode(body)
    except (msgspec.ValidationError, RecursionError):
        return _totals_of(body)
    except ValueError:
        return None
    return answer.usage.usage(answer.service_tier) if answer.usage is not None else None


def input_of(body: bytes) -> Usage | None:
    """The same of an answer that is no text: some providers tell the total alone, which is all input then."""
    usage = usage_of(body)
    if usage is not None:
        return usage
    try:
        totals = _decode_totals(body).usage
    except (ValueError, RecursionError):
        return None
    if totals is None or not isinstance(totals.total_tokens, int | float) or not totals.total_tokens:
        return None
    return _usage(totals.total_tokens, 0, 0, 0, 0, 0)


def larger(found: Usage | None, before: Usage | None) -> Usage | None:
    """Of two reports of one stream: the input of the one that has more of it, and the greater output, since either
    may be of a part alone."""
    if found is None or before is None:
        return found or before
    more = found if found.input >= before.input else before
    output = max(found.output, before.output)
    service = found.service or before.service
    if more.output == output and more.service == service:
        return more
    return msgspec.structs.replace(more, output=output, service=service)


def service_named(name: object) -> str:
    """A service tier as requests and answers name it, as prices do; empty for what is no name."""
    return name.lower() if isinstance(name, str) and len(name) <= _LONGEST_NAME else ""


class _Text(Struct, gc=False):
    content: msgspec.Raw = NOTHING
    reasoning: msgspec.Raw = NOTHING
    reasoning_content: msgspec.Raw = NOTHING
    tool_calls: msgspec.Raw = NOTHING


_NO_TEXT = _Text()


class _Choice(Struct, gc=False):
    message: _Text | None = None
    text: msgspec.Raw = NOTHING


class _Texts(Struct, gc=False):
    choices: list[_Choice] | None = None


class _LongTexts(Struct, gc=False):
    choices: msgspec.Raw = NOTHING


_decode_choices = msgspec.json.Decoder(_LongTexts).decode
_decode_texts = msgspec.json.Decoder(_Texts).decode
_decode_anything = msgspec.json.Decoder().decode


def text_bytes_of(body: bytes) -> int:
    """The weight of the text that an answer's body produced: of its choices, without the JSON around them.

    A body that is no such answer may be anything: all of it counts, and embeddings produce nothing. So does all of one
    with more choices than anybody asks for.
    """
    try:
        choices = _decode_texts(body).choices or () if len(body) <= LONG else _first_choices(body)
    except (ValueError, RecursionError):
        return len(body)
    if len(choices) > MOST_ITEMS and len(body) > LONG:
        return weight_of(body)
    found = 0
    for choice in choices:
        message = choice.message or _NO_TEXT
        for raw in (message.content, message.reasoning, message.reasoning_content, message.tool_calls, choice.text):
            if raw is not NOTHING:
                found += _weight_in(raw)
    return found


def _first_choices(body: bytes) -> list[_Choice]:
    """And one more than are looked at, if there are more."""
    choices = _decode_choices(body).choices
    if choices is NOTHING or bytes(memoryview(choices)[:4]) == b"null":
        return []
    return first_items(choices, _Choice)


def _weight_in(raw: msgspec.Raw) -> int:
    """Of what is long and no text all counts, with the JSON around it: there may be anything in it."""
    if len(raw) > LONG and memoryview(raw)[0] != _QUOTE:
        return weight_of(bytes(raw))
    return text_in(_decode_anything(raw))


def text_in(value: object) -> int:
    """The weight of all strings in a value, see `weight_of`."""
    if isinstance(value, str):
        return weight_of(value.encode(errors="replace"))
    if isinstance(value, list):
        return sum(map(text_in, value))
    return sum(map(text_in, value.values())) if isinstance(value, dict) else 0


def _totals_of(body: bytes) -> Usage | None:
    """Usage without its details, for an answer where something has an unexpected type: the totals are the money."""
    try:
        totals = _decode_totals(body).usage
    except (ValueError, RecursionError):
        return None
    return totals.usage() if totals is not None else None


def usage_in(
    prompt: Count, completion: Count, total: object, *, cached: float = 0, written: float = 0, service: object = None
) -> Usage | None:
    """What a report of another shape says, by the same rules; None when it reports nothing, or absurd numbers."""
    if not prompt and not completion:
        return None
    return _usage(prompt, completion, total, cached, written, 0, service=service_named(service))


def _with_units(usage: Usage | None, details: _Details, made: _Made) -> Usage | None:
    """With the parts of it that are sound or pictures, which never exceed the whole."""
    if usage is None:
        return None
    heard, spoken = _part(details.audio_tokens, usage.input), _part(made.audio_tokens, usage.output)
    seen, drawn = _part(details.image_tokens, usage.input - heard), _part(made.image_tokens, usage.output - spoken)
    return msgspec.structs.replace(usage, units=Units(heard, 0, spoken, image_input=seen, image_output=drawn))


def _part(tokens: Count, whole: int) -> int:
    return int(min(max(tokens or 0, 0), whole))


def _usage(
    prompt: Count, completion: Count, total: object, cached: float, written: float, lasting: float, service: str = ""
) -> Usage | None:
    """A report with a negative count is no report; parts never exceed the whole. What a total has beyond input and
    output was produced, too."""
    output = int(completion or 0)
    if prompt is None or not 0 <= prompt <= ABSURD or not 0 <= output <= ABSURD:
        return None
    whole = int(prompt)
    if isinstance(total, int | float) and whole + output < total <= ABSURD and total == int(total):
        output = int(total) - whole
    if not cached and not written:
        return Usage(whole, 0, 0, output, service=service)
    read = int(min(max(cached, 0), whole))
    write = int(min(max(written, 0), whole - read))
    return Usage(whole, read, write, output, cache_write_1h=int(min(max(lasting, 0), write)), service=service)
