"""Every setting of a policy that takes a number, by the schema, and what somebody may write for one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

import yaml

from router.config.schema import policy_schema

NUMBERS = {
    "zero": "0",
    "minus one": "-1",
    "a half": "0.5",
    "the smallest": "5e-324",
    "a million billions": "1000000000000000",
    "nearly the largest": "1e+308",
    "beyond all": "1e+400",
    "nan": ".nan",
    "infinity": ".inf",
    "minus infinity": "-.inf",
    "6,000 digits": "9" * 6000,
    "6,000 hexadecimal digits": "0x" + "f" * 6000,
    "6,000 hours": "6000h",
    "hours of 6,000 digits": "9" * 6000 + "h",
    "seconds that are nearly none": "0." + "0" * 400 + "1s",
    "text": "soon",
    "a number as text": "'1'",
    "true": "true",
    "a list": "[1]",
    "nothing": "null",
}
NEVER = {
    *("minus one", "nearly the largest", "beyond all", "nan", "infinity", "minus infinity", "6,000 digits"),
    *("6,000 hexadecimal digits", "hours of 6,000 digits", "text", "a number as text", "true", "a list"),
}
"""What is no number, or none that anything can be counted with."""
NEEDED: dict[str, dict[str, Any]] = {
    "webhook": {"url": "https://ops.example.com/a", "secret": "env:A"},
    "slack": {"url": "env:A"},
    "teams": {"url": "env:A"},
    "mail": {"host": "smtp.example.com", "sender": "a@example.com", "to": ["b@example.com"]},
    "apprise": {"url": "env:A"},
    "process": {"launch": {"model": "m"}},
    "command": {"start": {"run": ["a"]}, "stop": {"run": ["a"]}, "look": {"run": ["a"]}},
    "kubernetes": {"workload": "Deployment", "name": "vllm"},
    "sleep": {},
}
FULL: dict[str, Any] = {
    "version": 1,
    "zones": {"local": {"owned": True}, "cloud": {}},
    "backends": {
        "gpu": {
            "zone": "local",
            "kind": "vllm",
            "url": "http://127.0.0.1:8000/v1",
            "serves": {"chat": {"model": "m"}},
            "cost": {"usd_per_hour": 1.5},
            "capacity": {"tokens_per_second": 1000},
        },
        "api": {
            "zone": "cloud",
            "kind": "openai",
            "url": "https://api.example.com/v1",
            "serves": {"chat": {"model": "m", "price": {"input": 1, "output": 4}}},
        },
        "claude": {
            "zone": "cloud",
            "kind": "anthropic",
            "url": "https://claude.example.com",
            "serves": {"chat": {"model": "m", "price": {"input": 1, "output": 4}}},
        },
        "others": {
            "zone": "cloud",
            "kind": "litellm",
            "hosts": ["others.example.com"],
            "serves": {"chat": {"model": "a/b", "price": {"input": 1, "output": 4}}},
        },
    },
    "models": {"chat": {"backends": ["gpu", "api"]}},
    "sensitivity": {
        "levels": {"public": ["local", "cloud"], "restricted": ["local"]},
        "default": "public",
        "tags": {"phi": ["local"]},
    },
    "rules": [{"name": "night", "when": {"tag": "phi"}, "cost": {"strategy": "cheapest"}}],
    "cost": {"strategy": "threshold", "threshold_tokens_per_day": 1000, "timezone": "UTC"},
    "keys": [{"name": "app", "sha256": "0" * 64, "team": "search"}],
    "secrets": {"A": ["ops.example.com:443", "api.example.com:443"]},
    "server": {"stored_keys": True},
    "alerts": {"targets": {"chat": {"kind": "webhook", **NEEDED["webhook"]}}, "report": {"to": ["chat"]}},
}
PLACE = "the number"
SCHEMA = policy_schema()
Node = Mapping[str, Any]
Path = tuple[str | int, ...]


def resolved(node: Node) -> Node:
    own = {key: node[key] for key in node if key != "$ref"}
    return resolved({**SCHEMA["$defs"][node["$ref"].rpartition("/")[2]], **own}) if "$ref" in node else node


def takes_a_number(node: Node) -> bool:
    """Or a time, which is a number and a unit."""
    return node.get("type") in ("number", "integer") or "(ms|s|m|h)" in node.get("pattern", "")


def settings(node: Node, path: Path = (), inside: tuple[str, ...] = ()) -> Iterator[tuple[str, Path]]:
    """The section that it belongs to, and its path. `*` stands for a name that people choose, 0 for the first of a
    list, and `kind=vllm` for the section that says so."""
    node = resolved(node)
    if takes_a_number(node):
        yield inside[-1], path
    for branch in (*node.get("anyOf", ()), *node.get("oneOf", ())):
        fields = resolved(branch).get("properties", {}).items()
        yield from settings(
            branch, (*path, *(f"{key}={each['const']}" for key, each in fields if "const" in each)), inside
        )
    if "properties" in node and node["title"] not in inside:
        for name, field in node["properties"].items():
            yield from settings(field, (*path, name), (*inside, node["title"]))
    for field in (node.get("additionalProperties"), *node.get("patternProperties", {}).values()):
        if isinstance(field, Mapping):
            yield from settings(field, (*path, "*"), inside)
    if "items" in node:
        yield from settings(node["items"], (*path, 0), inside)


def first_of_each() -> dict[str, Path]:
    """By section and name: the same section may stand in several places. A price is one of the cloud's."""
    found: dict[str, Path] = {}
    for section, path in settings(SCHEMA):
        name = f"{section}.{path[-1] if path[-1] not in ('*', 0) else path[-2]}"
        if name not in found or (section == "Price" and "kind=openai" in path):
            found[name] = path
    return found


def put(section: Any, path: Path) -> None:
    """The place of the number, with what it needs around it, into the policy."""
    step, *rest = path
    if step == "presidio":
        section[step] = {"model": "en_core_web_sm"}
    if isinstance(step, str) and "=" in step:
        key, said = step.split("=")
        if section.get(key) != said:
            section.clear()
        section |= {key: said, **deepcopy(NEEDED.get(said, {}))}
        return put(section, tuple(rest))
    if step == "*":
        wanted = str(rest[0]).partition("=")[2] if rest else ""
        step = next((name for name, each in section.items() if not wanted or each.get("kind") == wanted), "chat")
    if not rest:
        if isinstance(section, list):
            section[:] = [PLACE]
        else:
            section[step] = PLACE
        return None
    if isinstance(section, dict):
        section.setdefault(step, [] if rest[0] == 0 else {})
    elif not section:
        section.append({})
    return put(section[step], tuple(rest))


SETTINGS = first_of_each()


def policy_with(path: Path, number: str) -> str:
    policy = deepcopy(FULL)
    put(policy, path)
    text = yaml.safe_dump(policy, sort_keys=False)
    assert text.count(PLACE) == 1
    return text.replace(PLACE, number)


def name_of(path: Path) -> str:
    return str(next(step for step in reversed(path) if step not in ("*", 0)))
