"""pydantic's findings in plain words: what is wrong, and what would be right."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from router.config.problems import SECRET_FIELDS, FieldPath, Finding, listing, suggest
from router.config.schema import EXAMPLES

Node = Mapping[str, Any]
"""A part of a JSON Schema, without references."""


class Spot(Struct, frozen=True):
    """One finding of pydantic, resolved to a path of the file."""

    type: str
    path: FieldPath
    on_key: bool
    node: Node
    """Schema of the value; empty for an unknown key."""
    parent: Node
    value: Any
    context: Mapping[str, Any]
    in_union: bool
    other_branch: bool
    """It is about a branch of a union that the value was not meant for."""


def finding_on(spot: Spot) -> Finding:
    """In words that a person can act on; a value of a field that could be secret is not repeated."""
    if spot.type in ("union_tag_invalid", "union_tag_not_found"):
        return Finding((*spot.path, tag_name(spot)), _tag_message(spot))
    message = _MESSAGES.get(spot.type, _other)(spot)
    about_section = spot.type == "value_error" and isinstance(spot.value, dict)
    return Finding(spot.path, message, on_key=spot.on_key or about_section or spot.type == "extra_forbidden")


def tag_name(spot: Spot) -> str:
    """The field by which the sections of a union are told apart, such as "kind"."""
    return str(spot.node["discriminator"]["propertyName"])


def tags(spot: Spot) -> list[str]:
    """What that field may say."""
    return list(spot.node["discriminator"]["mapping"])


_TAGS = {
    "kind": (
        "vllm (a vLLM server), openai (any API that speaks OpenAI's protocol), "
        "anthropic (Anthropic's API), or litellm (all other providers, through litellm)"
    ),
    "driver": (
        "process (a vLLM that the gateway starts itself), command (commands of yours), "
        "kubernetes (replicas of a workload), or sleep (a vLLM that sleeps and wakes)"
    ),
}


def _tag_message(spot: Spot) -> str:
    name = tag_name(spot)
    if spot.type == "union_tag_not_found":
        return f'missing key "{name}": one of {_TAGS[name]}'
    tag = str(spot.context["tag"])
    return f"{_shown(tag)} is not a {name}{suggest(tag, tags(spot))} it is one of {_TAGS[name]}"


def _unknown_key(spot: Spot) -> str:
    known = list(spot.parent.get("properties", ()))
    return f'unknown key "{spot.path[-1]}"{suggest(spot.path[-1], known)} known keys: {listing(known)}'


def _missing(spot: Spot) -> str:
    name = spot.path[-1]
    groups = [each["required"] for each in spot.parent.get("anyOf", ())]
    others = [other for group in groups if name not in group for other in group]
    instead = f", or instead of it one of {listing(others)}" if others else ""
    return f'missing key "{name}": add it, such as "{name}: {_example(spot)}"{instead}'


def _example(spot: Spot) -> str:
    name = next((step for step in reversed(spot.path) if isinstance(step, str)), "")
    listed = bool(spot.path) and isinstance(spot.path[-1], int)
    examples = spot.node.get("examples") or spot.node.get("enum") or [spot.node.get("const", spot.node.get("default"))]
    example = EXAMPLES.get(name) if examples[0] is None else examples[0]
    if listed and isinstance(example, list):
        example = example[0]
    if example is None:
        example = _TYPE_EXAMPLES[str(spot.node.get("type", "discriminator" in spot.node))]
    return flow(example)


_TYPE_EXAMPLES: Mapping[str, Any] = {
    "integer": 10,
    "number": 0.5,
    "boolean": True,
    "string": "text",
    "array": ["a", "b"],
    "object": {},
    "True": {"zone": "local", "kind": "vllm", "url": EXAMPLES["url"], "serves": {"chat": "my-model"}},
    "False": "text",
}
_PLAIN = re.compile(r"[A-Za-z/][\w./: -]*[\w./-]|[A-Za-z]")


def flow(value: Any) -> str:
    """A value as YAML in one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(flow, value)) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value if _PLAIN.fullmatch(value) and ": " not in value else json.dumps(value)
    return "nothing" if value is None else str(value)


_WANTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}


def _wrong_type(spot: Spot) -> str:
    if not spot.path and "required" in spot.node:
        return f"the file must be a mapping with the keys {listing(spot.node['required'])} and so on"
    wanted = "text or a mapping" if spot.in_union else _WANTED[spot.type]
    if spot.value is None:
        return f"is empty; it must be {wanted}, such as {_example(spot)} (or remove the line)"
    return f"must be {wanted}, such as {_fix(spot)}; this is {_described(spot.value)}"


def _fix(spot: Spot) -> str:
    """An example, made from what was given where it is plain what was meant."""
    scalar = isinstance(spot.value, str | int | float) and not _secret(spot)
    if spot.type == "string_type" and scalar and not isinstance(spot.value, bool):
        return f'"{spot.value}" (in quotes)'
    if spot.type == "string_type" and isinstance(spot.value, bool):
        return f"{_example(spot)} (yes, no, on, off, true and false are text only in quotes)"
    if spot.type == "string_type" and isinstance(spot.value, int | float):
        return f"{_example(spot)} (in quotes)"
    if spot.type == "tuple_type" and isinstance(spot.value, str) and scalar:
        return flow([spot.value])
    return _example(spot)


def _described(value: Any) -> str:
    if isinstance(value, bool):
        return "true or false"
    for kinds, words in (((int, float), "a number"), (str, "text"), (list, "a list"), (dict, "a mapping")):
        if isinstance(value, kinds):
            return words
    return "something else"


def _literal(spot: Spot) -> str:
    permitted = [str(value) for value in spot.node.get("enum", [spot.node.get("const")])]
    if len(permitted) == 1:
        quotes = ", without quotes" if spot.value == permitted[0] else ""
        return f"must be {permitted[0]}{quotes}; this is {_shown(spot.value)}"
    return f"{_shown(spot.value)} is not permitted{suggest(spot.value, permitted)} it is one of {listing(permitted)}"


def _shown(value: object) -> str:
    if isinstance(value, str):
        return f'"{value}"' if len(value) <= 40 else "this text"
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else _described(value)


def _pattern(spot: Spot) -> str:
    pattern = spot.context["pattern"]
    if pattern.startswith("^https?"):
        return f"must be an http or https address such as {_example(spot)}, without user, password, ? or #"
    if "{64}" in pattern:
        return "must be the SHA-256 of the key as 64 small hex digits; `breakeven key new NAME` prints it"
    if r"\[" in pattern:
        return f"must be a host such as {_example(spot)}, without http:// and path; *. may stand for one label"
    return "a name may not contain spaces, | or control characters"


_LIMITS = {
    "greater_than": ("gt", "greater than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "at most"),
}


def _bound(number: float) -> str:
    """As it would be written in a policy."""
    return str(int(number)) if number == int(number) else f"{number:g}"


def _limit(spot: Spot) -> str:
    key, words = _LIMITS[spot.type]
    return f"must be {words} {_bound(spot.context[key])}; this is {_shown(spot.value)}"


def _value_error(spot: Spot) -> str:
    return str(spot.context["error"])


def _secret(spot: Spot) -> bool:
    return any(step in SECRET_FIELDS for step in spot.path)


def _other(spot: Spot) -> str:
    return f"must be {_described(spot.value)} of another form, such as {_example(spot)}"


_MESSAGES: Mapping[str, Callable[[Spot], str]] = {
    **dict.fromkeys(_WANTED, _wrong_type),
    **dict.fromkeys(_LIMITS, _limit),
    "extra_forbidden": _unknown_key,
    "missing": _missing,
    "literal_error": _literal,
    "string_pattern_mismatch": _pattern,
    "value_error": _value_error,
    "finite_number": lambda _: "must be a finite number",
    "string_too_short": lambda _: "must not be empty",
    "string_too_long": lambda spot: f"must have at most {spot.context['max_length']} characters",
    "too_short": lambda spot: f"must not be empty; such as {_example(spot)}",
}
