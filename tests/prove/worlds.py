"""Worlds: policies, requests and disturbances, drawn by Hypothesis; and what a policy permits, read from its text.

`permitted` says again, in a few lines and without any code of the product, what the documentation promises. It is the
judge; the product is the accused.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import Any

from hypothesis import strategies as st
from prove.asks import DISGUISES, FINDINGS, FRAMINGS, HEADERS, LABELS, OWN, TWICE, Ask, detectors, sample_of
from prove.machines import FAULTS, HOMES, MODEL

from router.core.cost.strategies import STRATEGIES
from router.surfaces.registry import SURFACES

Policy = dict[str, Any]
ORDER = ("public", "internal", "restricted")
KEYS = 6
_GROUPS = (("own-1", "own-2"), ("lab-1",), ("eu-1",), ("us-1",), ("us-2",))
"""The machines of one backend each."""
_BACKENDS = ("gpu", "lab", "europe", "america", "america-2", "spare", "new")
_ZONES = ("local", "lab", "cloud-eu", "cloud")
_PLACES = ("own", "lab", "eu", "us")


@dataclass(frozen=True)
class Burst:
    """Connections that open at once; each sends its requests in order, all at once when `pipelined`."""

    connections: tuple[tuple[Ask, ...], ...]
    pipelined: bool


@dataclass(frozen=True)
class Fault:
    machine: str
    kind: str


@dataclass(frozen=True)
class Reload:
    policy: int


@dataclass(frozen=True)
class Ledger:
    """ "lost" refuses at once, "slow" keeps everybody waiting for a while, "held" until the next mode."""

    mode: str


@dataclass(frozen=True)
class Pause:
    seconds: float


@dataclass(frozen=True)
class Rekey:
    """An edit of the keys in the ledger, which count where a policy says so.

    "made" is a new key, or one made anew under its old name; "rotated" gives the name of `token` to `other`, and ends
    the first; "revoked" ends it.
    """

    how: str
    token: int
    mark: tuple[tuple[str, Any], ...] = ()
    other: int = 0


@dataclass(frozen=True)
class Power:
    """What a controller says of one own backend whose units are switched, counted among these."""

    of: int
    phase: str


Stored = dict[int, Policy]
"""Keys in the ledger, by token: as under `keys` in a policy."""

Step = Burst | Fault | Reload | Ledger | Pause | Rekey | Power


def new_keys() -> Stored:
    return {number: {"name": f"key-{number}"} for number in range(KEYS)}


def rekeyed(stored: Stored, edit: Rekey) -> Stored:
    kept = {token: key for token, key in stored.items() if token != edit.token}
    name = stored.get(edit.token, {"name": f"key-{edit.token}"})["name"]
    if edit.how == "revoked":
        return kept
    token = edit.other if edit.how == "rotated" else edit.token
    others = {each: key for each, key in kept.items() if key["name"] != name}
    return others | {token: {"name": name, **{field: _thawed(value) for field, value in edit.mark}}}


def _thawed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


@dataclass(frozen=True)
class World:
    policies: tuple[str, ...]
    """JSON, which is YAML; `@machine@` stands for a machine's URL."""
    steps: tuple[Step, ...]

    def read(self, index: int) -> Policy:
        policy: Policy = json.loads(self.policies[index])
        return policy


# --- the judge


def homes_of(policy: Policy) -> dict[str, str]:
    """Zone -> where its machines really are, for zones that have any."""
    found = {}
    for backend in policy["backends"].values():
        for url in backend.get("urls", [backend.get("url")]):
            found[backend["zone"]] = HOMES[url.strip("@")]
    return found


def permitted(policy: Policy, ask: Ask) -> frozenset[str]:
    """Zones that a request may reach under a policy, and under the keys that it has as "stored"."""
    section = policy.get("sensitivity")
    key = _key(policy, ask.key)
    if key is None or (section is None and {"sensitivity", "tags"} & key.keys()):
        return frozenset()
    zones = set(policy["zones"])
    level, tags = "", {*ask.label.tags, *key.get("tags", ())}
    if section is not None:
        level, tags = _classified(section, key, ask)
        zones &= set(section["levels"][level])
        for tag in tags & section["tags"].keys():
            zones &= set(section["tags"][tag])
    zones &= set(key.get("zones", zones))
    for rule in policy["rules"]:
        if "zones" in rule and _binds(rule["when"], policy, ask, key, level, tags):
            zones &= set(rule["zones"])
    return frozenset(zones)


def _key(policy: Policy, number: int) -> dict[str, Any] | None:
    """None for a key that is not good now."""
    if policy.get("server", {}).get("stored_keys"):
        found: dict[str, Any] | None = policy.get("stored", {}).get(number)
        return found
    return policy["keys"][number] if policy["keys"] else {}


def is_known(policy: Policy, ask: Ask) -> bool:
    """Whether its key is good."""
    key = _key(policy, ask.key)
    return key is not None and ("sensitivity" in policy or not {"sensitivity", "tags"} & key.keys())


def _classified(section: dict[str, Any], key: dict[str, Any], ask: Ask) -> tuple[str, set[str]]:
    order = list(section["levels"])
    most = len(order) - 1
    tags = {*ask.label.tags, *key.get("tags", ())}
    levels = [*ask.label.levels, *([key["sensitivity"]] if "sensitivity" in key else [])]
    ranks = [order.index(level) if level in order else most for level in levels]
    ranks = ranks or [order.index(section.get("default", order[-1]))]
    for detector in section["detectors"]:
        if ask.finding in detector.get("find", [detector.get("name")]):
            ranks += [order.index(detector["raise_to"])] if "raise_to" in detector else []
            tags |= {detector["tag"]} if "tag" in detector else set()
    if ask.has_unreadable:
        ranks.append(order.index(section.get("unreadable", order[-1])))
    if tags - section["tags"].keys():
        ranks.append(most)
    return order[max(ranks)], tags


def _binds(when: dict[str, str], policy: Policy, ask: Ask, key: dict[str, Any], level: str, tags: set[str]) -> bool:
    order = list(policy["sensitivity"]["levels"]) if "sensitivity" in policy else []
    return (
        ("tag" not in when or when["tag"] in tags)
        and ("endpoint" not in when or when["endpoint"] == ask.endpoint)
        and ("team" not in when or when["team"] == key.get("team", "default"))
        and ("level" not in when or (level in order and order.index(level) >= order.index(when["level"])))
    )


# --- policies


@st.composite
def policies(draw: st.DrawFn, switched: bool = False) -> Policy:
    zone_of = dict(zip(_PLACES, draw(st.permutations(_ZONES)), strict=True))
    groups = draw(st.just(_GROUPS) | st.lists(st.sampled_from(_GROUPS), min_size=2, unique=True))
    names = draw(st.permutations(_BACKENDS))
    backends = {
        name: draw(_backends(machines, zone_of, switched)) for name, machines in zip(names, groups, strict=False)
    }
    serving = draw(_serving(backends, zone_of))
    policy = {
        "version": 1,
        "zones": {zone: ({"owned": True} if home in ("own", "lab") else {}) for home, zone in zone_of.items()},
        "backends": backends,
        "models": {"chat": {"backends": serving, "aliases": ["gpt-4o-mini"]}},
        "rules": [],
        "cost": {"strategy": draw(st.sampled_from(_STRATEGIES)), "hysteresis": draw(st.sampled_from([0.0, 0.2, 0.9]))},
        "health": draw(_health()),
        "retry": draw(_retry()),
        "ledger": {"on_loss": draw(st.sampled_from(["refuse", "allow"]))},
        "keys": [],
    }
    stored = draw(st.booleans())
    if stored:
        policy["server"] = {"stored_keys": True}
    if draw(st.sampled_from([True] * 7 + [False])):
        policy["sensitivity"] = draw(_sensitivity(zone_of))
        policy["keys"] = [] if stored else draw(_keys(zone_of))
        policy["rules"] = draw(st.lists(_rules(zone_of), max_size=2))
    else:
        policy["keys"] = [] if stored else draw(st.just([]) | _keys(zone_of, labels=False))
    return policy


_STRATEGIES = tuple(STRATEGIES)


@st.composite
def _serving(draw: st.DrawFn, backends: dict[str, Any], zone_of: dict[str, str]) -> list[str]:
    """All in any order, some, or one of each side, for which decisions are remembered."""
    names = draw(st.permutations(list(backends)))
    owned = [name for name in names if backends[name]["zone"] in (zone_of["own"], zone_of["lab"])]
    cloud = [name for name in names if name not in owned]
    return draw(st.sampled_from([names, names[:2], owned[:1] + cloud[:1], owned[:1] + cloud[:1]]))


@st.composite
def _backends(draw: st.DrawFn, machines: tuple[str, ...], zone_of: dict[str, str], switched: bool) -> dict[str, Any]:
    home = HOMES[machines[0]]
    kind = draw(st.sampled_from(["openai", "vllm"]))
    price = {"input": 1.0, "output": draw(st.sampled_from([0.5, 4.0]))}
    served = {"model": MODEL, "endpoints": list(SURFACES), "price": price}
    if kind == "vllm" and draw(st.booleans()):
        served["modalities"] = ["text", "image", "audio", "file"]
    capacity: dict[str, Any] = {"queue": draw(st.sampled_from([64, 2, 0])), "queue_timeout": "60ms"}
    if draw(st.sampled_from([False, False, True])):
        capacity["max_running"] = draw(st.integers(1, 3))
    backend: dict[str, Any] = {
        "zone": zone_of[home],
        "kind": kind,
        "serves": {"chat": served},
        "capacity": capacity,
        "connect_timeout": "200ms",
        "first_byte_timeout": "80ms",
        "idle_timeout": "80ms",
        "stream_usage": draw(st.booleans()),
    }
    if home in ("own", "lab"):
        backend["cost"] = {"usd_per_hour": 1.0}
        if switched and draw(st.booleans()):
            backend["power"] = _SWITCHED
    urls = [f"@{machine}@" for machine in machines]
    return backend | ({"url": urls[0]} if len(urls) == 1 else {"urls": urls})


_SWITCHED = {
    "driver": "command",
    "start": {"run": ["start"]},
    "stop": {"run": ["stop"]},
    "look": {"run": ["look"]},
    "start_time": "50ms",
}


@st.composite
def _health(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "probe_interval": "15ms",
        "probe_timeout": "60ms",
        "failures_to_open": draw(st.sampled_from([5, 1, 2])),
        "cooldown": "30ms",
    }


@st.composite
def _retry(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "attempts": draw(st.sampled_from([3, 1, 2, 6])),
        "budget": draw(st.sampled_from([1.0, 0.2])),
        "deadline": "400ms",
        "backoff": draw(st.sampled_from(["1ms", "10ms"])),
        "max_backoff": "20ms",
    }


@st.composite
def _sensitivity(draw: st.DrawFn, zone_of: dict[str, str]) -> dict[str, Any]:
    def zones(*homes: str) -> list[str]:
        return [zone_of[home] for home in homes]

    inner = draw(st.sampled_from([_PLACES, ("own", "lab", "eu"), ("own", "lab")]))
    most = draw(st.sampled_from([("own",), ("own", "lab"), ("lab",), ("own", "lab", "eu"), ()]))
    section: dict[str, Any] = {
        "levels": {
            "public": zones(*_PLACES),
            "internal": zones(*inner),
            "restricted": zones(*[home for home in most if home in inner]),
        },
        "tags": {"phi": zones("own", "lab"), "eu": zones("own", "eu")},
        "detectors": detectors(raise_to="restricted"),
    }
    if draw(st.booleans()):
        own: dict[str, str] = ({}, {"tag": "phi"}, {"raise_to": "internal"}, {"raise_to": "restricted"})[
            (len(inner) + len(most)) % 4
        ]
        section["detectors"] = [
            {"find": ["credit_card"], "raise_to": "restricted"},
            *({"pattern": pattern, "name": name, **own} for name, pattern in OWN.items() if own),
            {"find": ["iban"], "tag": "phi"},
        ]
    default = draw(st.sampled_from(["public", "public", "internal", ""]))
    if default:
        section["default"] = default
    unreadable = draw(st.sampled_from(["", "internal", "public"]))
    if unreadable:
        section["unreadable"] = unreadable
    return section


@st.composite
def _keys(draw: st.DrawFn, zone_of: dict[str, str], *, labels: bool = True) -> list[dict[str, Any]]:
    """The first key restricts nothing; the others differ from policy to policy."""
    marks: list[dict[str, Any]] = [
        {},
        {"zones": [zone_of["own"], zone_of["lab"]]},
        {"zones": [zone_of["own"], zone_of["eu"]]},
        {"team": "night"},
    ]
    if labels:
        marks += [{"sensitivity": "restricted"}, {"sensitivity": "internal"}, {"tags": ["phi"]}, {"tags": ["eu"]}]
    chosen = [{}, {"team": "night"}, *[draw(st.sampled_from(marks)) for _ in range(KEYS - 2)]]
    return [
        {"name": f"key-{number}", "sha256": sha256(f"token-{number}".encode()).hexdigest(), **mark}
        for number, mark in enumerate(chosen)
    ]


@st.composite
def _rules(draw: st.DrawFn, zone_of: dict[str, str]) -> dict[str, Any]:
    conditions = [{"tag": "eu"}, {"level": "internal"}, {"endpoint": "embeddings"}, {"team": "night"}, {"tag": "phi"}]
    conditions += [{"endpoint": draw(st.sampled_from(list(SURFACES)))}]
    rule: dict[str, Any] = {"name": "a rule", "when": draw(st.sampled_from(conditions))}
    if draw(st.booleans()):
        rule["cost"] = {"strategy": draw(st.sampled_from(_STRATEGIES))}
    homes = draw(st.sampled_from([("own", "lab"), ("own",), ("eu", "us"), ("own", "eu"), ()]))
    return rule | {"zones": [zone_of[home] for home in homes]}


# --- what happens


@st.composite
def asks(draw: st.DrawFn) -> Ask:
    """Half of them say nothing about themselves and contain nothing, so that the cloud is busy."""
    endpoint = draw(st.just("chat") | st.sampled_from(list(SURFACES)))
    sample = sample_of(endpoint)
    make = partial(
        Ask,
        endpoint=endpoint,
        stream=sample.events is not None and draw(st.booleans()),
        place=draw(st.sampled_from([*sample.places] if draw(st.booleans()) else [""])),
        framing=draw(st.sampled_from(FRAMINGS)),
    )
    kind = draw(
        st.sampled_from(
            ["plain", "plain", "plain", "label", "finding", "finding", "unreadable", "key", "key", "twice", "header"]
        )
    )
    if kind == "plain":
        return make()
    if kind == "twice":
        return make(disguise=draw(st.sampled_from(TWICE)), finding=draw(st.sampled_from(sorted(FINDINGS))))
    disguise = draw(st.sampled_from(DISGUISES))
    key = draw(st.integers(0, KEYS - 1))
    if kind == "key":
        return make(key=key, disguise=disguise)
    if kind == "label":
        return make(label=draw(st.sampled_from(LABELS)), key=key if draw(st.booleans()) else 0, disguise=disguise)
    if kind == "header":
        return make(place=draw(st.sampled_from(HEADERS)), finding=draw(st.sampled_from(sorted(FINDINGS))))
    if kind == "unreadable":
        label = draw(st.sampled_from([LABELS[0], LABELS[1], LABELS[2]]))
        kinds = draw(st.sampled_from([each for each in (sample.unreadable, sample.outside) if each] or [[""]]))
        return make(unreadable=draw(st.sampled_from([*kinds])), label=label)
    finding = draw(st.sampled_from(sorted(FINDINGS)))
    return make(finding=finding, disguise=disguise, label=draw(st.sampled_from([LABELS[0], LABELS[2]])))


_bursts = st.builds(
    Burst,
    st.lists(st.lists(asks(), min_size=1, max_size=4).map(tuple), min_size=2, max_size=6).map(tuple),
    st.booleans(),
)
_own_faults = st.builds(Fault, st.sampled_from(["own-1", "own-2", "lab-1"]), st.sampled_from(("ok", *FAULTS)))
_any_faults = st.builds(Fault, st.sampled_from(sorted(HOMES.keys() - {"proxy-1"})), st.sampled_from(("ok", *FAULTS)))
_ledgers = st.builds(Ledger, st.sampled_from(["ok", "lost", "slow", "lost slowly", "held"]))
_pauses = st.builds(Pause, st.sampled_from([0.0, 0.002, 0.01, 0.03]))
_reloads = st.builds(Reload, st.integers(0, 2))
_marks = st.sampled_from(
    [
        (),
        *((("zones", (zone,)),) for zone in _ZONES),
        (("zones", ("local", "lab")),),
        (("sensitivity", "restricted"),),
        (("tags", ("phi",)),),
        (("team", "night"),),
    ]
)
_tokens = st.integers(0, KEYS - 1)
_rekeys = st.builds(Rekey, st.sampled_from(["made", "made", "rotated", "rotated", "revoked"]), _tokens, _marks, _tokens)
_powers = st.builds(
    Power, st.integers(0, 1), st.sampled_from(["on", "off", "starting", "draining", "failed", "unknown", "on", "off"])
)
_steps = st.one_of(
    _bursts,
    _pauses,
    _bursts,
    _own_faults,
    _bursts,
    _reloads,
    _any_faults,
    _pauses,
    _bursts,
    _own_faults,
    _reloads,
    _ledgers,
    _rekeys,
    _rekeys,
)


@st.composite
def worlds(draw: st.DrawFn, most_steps: int = 36, switched: bool = False) -> World:
    """Begins with a burst whose machines all work, so that connections to the cloud are open. With `switched`, own
    backends go off and on."""
    written = draw(st.lists(policies(switched).map(json.dumps), min_size=2, max_size=3))
    opening = Burst(((Ask(), Ask()), (Ask(stream=True), Ask())), pipelined=False)
    steps = draw(st.lists(st.one_of(_powers, _steps, _steps) if switched else _steps, min_size=12, max_size=most_steps))
    return World(tuple(written), (opening, *steps))
