"""The first promise: a restricted request with the local backend down is refused, and what the cloud received does not
contain its text, whatever the retries, failovers, spills and reloads.

Worlds are drawn: policies, requests and disturbances, on one worker's data plane with real connections. Machines
keep every byte. Then everything that keeps the text in is taken away, one layer after the other, and the same
worlds must show it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy
from msgspec import structs
from prove.asks import FINDINGS, HEADERS, LABELS, OUTSIDE, Ask, Request, canaries, canary, detectors, fetched, sample_of
from prove.machines import FAULTS, MODEL, signed
from prove.play import play
from prove.tally import Tally
from prove.verdict import end_is_invented, is_error
from prove.worlds import Burst, Fault, Ledger, Pause, Policy, Rekey, Reload, World, new_keys, permitted, rekeyed, worlds
from support.samples.registry import SAMPLES

from router.core.decision import decide as decide_module
from router.core.decision.cache import DecisionCache
from router.core.policy import Detector
from router.core.sensitivity.detectors import compile_detectors
from router.core.sensitivity.gate import Classification
from router.core.sensitivity.memory import BoundedMemory, Findings, Memory
from router.core.sensitivity.own import patterns as patterns_module
from router.core.values import Candidate, Facts, Step
from router.gateway import pipeline as completions_module
from router.gateway import worker_state as worker_state_module
from router.gateway.forward import Forwarding
from router.surfaces.registry import SURFACES
from router.upstream.connection import Connection

QUICK = 60
BATCH = 250
BATCHES = 4
LEAST = 10_000
"""Requests that the long form sends."""
CONTROL = 80
RESTRICTED = Ask(label=LABELS[1])
LOST = (Ledger("lost"), Ledger("lost slowly"))


def explore(
    examples: int,
    *,
    until: Callable[[Tally], bool] | None = None,
    worlds: Callable[[], SearchStrategy[World]] = worlds,
    **options: Any,
) -> Tally:
    """Plays so many worlds. With `until` nothing is judged, no policy changes, and it ends once that holds."""
    total = Tally()

    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck), **options)
    @given(worlds())
    def each(world: World) -> None:
        if until is not None and until(total):
            return
        if until is not None:
            total.add(play(World(world.policies[:1], world.steps), patience=0.0))
            return
        one = play(world)
        total.add(one)
        assert not one.leaks, one.leaks
        assert not one.wrongs, one.wrongs

    each()
    return total


def check_it_was_a_trial(tally: Tally) -> None:
    """A gateway that refuses everything, a cloud that is idle and faults that never strike prove nothing."""
    assert tally.share_answered > 0.6
    assert tally.healed > tally.worlds
    assert tally.received["us"] > tally.worlds and tally.received["eu"] > tally.worlds
    assert tally.restricted > 5 * tally.worlds
    assert tally.refused["egress_denied"] and tally.refused["backend_unavailable"]
    assert tally.answered["restricted, own"] and tally.answered["restricted, lab"]
    assert tally.reloads > tally.worlds
    assert tally.rekeys.keys() == {"made", "rotated", "revoked"}
    assert tally.fetches
    names = {told.partition(":")[0] for told in tally.surfaces}
    assert len(names) > 0.8 * len(SURFACES)


def check_it_was_a_trial_of(name: str, tally: Tally) -> None:
    assert tally.surfaces[f"{name}: restricted, own"], f"{name}: no restricted request reached an own machine"
    assert tally.surfaces[f"{name}: free, cloud"], f"{name}: the cloud was never asked"


def test_no_restricted_text_reaches_the_cloud() -> None:
    tally = explore(QUICK, derandomize=True, phases=[Phase.generate])
    print(f"\n{tally}")
    check_it_was_a_trial(tally)


def check_it_was_switched(tally: Tally) -> None:
    assert min(tally.powers[phase] for phase in ("on", "off", "starting", "draining")) > 5 and tally.refused["gpu_off"]
    assert tally.received["us"] > tally.worlds / 2 and tally.received["eu"] > tally.worlds / 2
    assert tally.answered["restricted, own"] and tally.answered["restricted, lab"]
    assert tally.healed > tally.worlds


def test_no_restricted_text_reaches_the_cloud_while_own_gpus_go_off_and_on() -> None:
    tally = explore(QUICK, worlds=partial(worlds, switched=True), derandomize=True, phases=[Phase.generate])
    print(f"\n{tally}")
    check_it_was_switched(tally)


@pytest.mark.prove
def test_no_restricted_text_reaches_the_cloud_in_many_worlds() -> None:
    tally, switched = Tally(), explore(BATCH, worlds=partial(worlds, switched=True), print_blob=True)
    check_it_was_switched(switched)
    for _ in range(BATCHES):
        tally.add(explore(BATCH, print_blob=True))
    print(f"\n{tally}")
    check_it_was_a_trial(tally)
    assert tally.faults.keys() == set(FAULTS)
    assert tally.requests >= LEAST
    for name in SURFACES:
        check_it_was_a_trial_of(name, tally)


# --- what detectors remember

MEMORIES: dict[str, Callable[[], Memory]] = {
    "none": Memory,
    "of one part": lambda: BoundedMemory(b"k" * 32, 1),
    "of pieces of everything": lambda: _filled(BoundedMemory(b"k" * 32, 100_000)),
}


def _filled(memory: BoundedMemory) -> BoundedMemory:
    """With what a client may have sent before: all that is sent then, in pieces that say less."""
    sought = tuple(Detector.model_validate(each) for each in detectors(raise_to="restricted"))
    filling = compile_detectors(sought, memory)
    for name in SURFACES:
        for number, ask in enumerate(every_kind(name)):
            body = Request(number, ask).wire().partition(b"\r\n\r\n")[2]
            text = body.decode(errors="replace").replace("\\", "/")
            for at in range(0, len(text), max(1, len(text) // 8)):
                filling.scan_body(text[:at].encode())
                filling.scan_body(text[at:].encode())
    return memory


@pytest.mark.parametrize("memory", MEMORIES.values(), ids=MEMORIES)
def test_whatever_detectors_remember_no_restricted_text_reaches_the_cloud(
    memory: Callable[[], Memory], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the usual one all of this module is played."""
    known = memory()
    monkeypatch.setattr(worker_state_module, "new_memory", lambda: known)
    tally = explore(QUICK, derandomize=True, phases=[Phase.generate])
    check_it_was_a_trial(tally)


# --- what was found once


def policy(**changes: Any) -> Policy:
    """Own GPU first, then the cloud; `changes` replace whole sections."""

    def backend(zone: str, machine: str, **more: Any) -> dict[str, Any]:
        served = {"chat": {"model": MODEL, "endpoints": list(SURFACES), "price": {"input": 1.0, "output": 1.0}}}
        timeouts = {"first_byte_timeout": "80ms", "idle_timeout": "80ms"}
        return {"zone": zone, "kind": "openai", "url": f"@{machine}@", "serves": served, **timeouts, **more}

    base: Policy = {
        "version": 1,
        "zones": {"local": {"owned": True}, "cloud": {}},
        "backends": {
            "gpu": backend("local", "own-1", cost={"usd_per_hour": 1.0}),
            "api": backend("cloud", "us-1"),
        },
        "models": {"chat": {"backends": ["gpu", "api"]}},
        "sensitivity": {
            "levels": {"public": ["local", "cloud"], "restricted": ["local"]},
            "default": "public",
            "tags": {},
            "detectors": detectors(raise_to="restricted"),
        },
        "rules": [],
        "cost": {"strategy": "local_first"},
        "retry": {"attempts": 3, "deadline": "400ms", "backoff": "100ms", "budget": 1.0},
        "health": {"cooldown": "30ms", "failures_to_open": 1},
        "ledger": {"on_loss": "refuse"},
        "keys": [],
    }
    return base | changes


def swapped() -> Policy:
    """Every name now stands for what the other one was."""
    text = json.dumps(policy()["backends"]).replace("own-1", "other").replace("us-1", "own-1").replace("other", "us-1")
    backends = json.loads(text)
    backends["api"]["cost"] = backends["gpu"].pop("cost")
    levels = {"public": ["local", "cloud"], "restricted": ["cloud"]}
    sensitivity = policy()["sensitivity"] | {"levels": levels}
    return policy(zones={"local": {}, "cloud": {"owned": True}}, backends=backends, sensitivity=sensitivity)


def only_cloud() -> Policy:
    base = policy()
    return policy(
        backends={"api": base["backends"]["api"]},
        models={"chat": {"backends": ["api"]}},
    )


def moved() -> Policy:
    """The own backend's name now stands for a machine in the cloud, which its zone says."""
    backends = policy()["backends"]
    backends["gpu"] = backends["api"] | {"url": "@us-2@"}
    return policy(backends=backends)


def keyed() -> Policy:
    """Keys are in the ledger, and the cloud comes first."""
    return policy(server={"stored_keys": True}, cost={"strategy": "cloud_first"})


AT_HOME = (("zones", ("local",)),)
AS_KEY = Burst(((Ask(key=1), Ask(key=1, stream=True)),), pipelined=False)
AS_ANOTHER = Burst(((Ask(key=2), Ask(key=2, stream=True)),), pipelined=False)
NARROWED = (Reload(1), AS_KEY, Pause(0.03), Rekey("made", 1, AT_HOME), AS_KEY)
ROTATED = (Reload(1), AS_KEY, Pause(0.03), Rekey("rotated", 1, AT_HOME, 2), AS_ANOTHER)
REVOKED = (Reload(1), Ledger("held"), AS_KEY, Pause(0.03), Rekey("revoked", 1), Ledger("ok"))
BOTH = Burst(((RESTRICTED,), (Ask(),), (Ask(finding="iban", stream=True),)), pipelined=False)
WHILE_RESERVING = (Ledger("held"), BOTH, Pause(0.03), Reload(1), Ledger("ok"))
WHILE_RETRYING = (Fault("own-1", "reset"), BOTH, Pause(0.02), Reload(1), Pause(0.01), Fault("own-1", "ok"))
WHILE_SILENT = (Fault("own-1", "silence"), *WHILE_RESERVING)
ONE = Burst(((RESTRICTED,),), pipelined=False)
STALE_TRIAL = (
    Fault("own-1", "slow"),
    Burst(((Ask(),), (Ask(),), (Ask(),), (Ask(),)), pipelined=False),
    Pause(0.05),
    Fault("own-1", "500"),
    ONE,
    Pause(0.06),
    Fault("own-1", "reset"),
    ONE,
    Pause(0.06),
)
READABLE = policy(sensitivity=policy()["sensitivity"] | {"unreadable": "public"})
OUTSIDE_PICTURE = Burst(((Ask(unreadable=OUTSIDE),), (Ask(unreadable=OUTSIDE, stream=True),)), pipelined=False)
KNOWN: dict[str, tuple[Policy, tuple[Any, ...]]] = {
    "names swapped while reserving": (swapped(), WHILE_RESERVING),
    "names swapped while retrying": (swapped(), WHILE_RETRYING),
    "a name moved to the cloud while reserving": (moved(), WHILE_RESERVING),
    "a name moved to the cloud while retrying": (moved(), WHILE_RETRYING),
    "a backend removed while reserving": (only_cloud(), WHILE_RESERVING),
    "a backend removed while retrying": (only_cloud(), WHILE_RETRYING),
    "a backend removed that then stays silent": (only_cloud(), WHILE_SILENT),
    "a trial on a connection that had gone stale": (policy(), STALE_TRIAL),
    "a key made anew with fewer zones under its old name": (
        keyed(),
        (Reload(1), AS_KEY, Rekey("made", 1, AT_HOME), AS_KEY),
    ),
    "a key rotated with fewer zones": (keyed(), (Reload(1), AS_KEY, Rekey("rotated", 1, AT_HOME, 2), AS_ANOTHER)),
    "a key revoked while its requests wait": (
        keyed(),
        (Reload(1), Ledger("held"), AS_KEY, Rekey("revoked", 1), Ledger("ok")),
    ),
    "an own backend redirects to the cloud": (policy(), (Fault("own-1", "redirect to the cloud"), BOTH)),
    "a public picture outside while nobody can pay for the cloud": (
        READABLE,
        (Reload(1), Pause(0.01), Ledger("lost"), OUTSIDE_PICTURE, Pause(0.05)),
    ),
    "an own backend's error has no code": (policy(), (Fault("own-1", "an error event"), BOTH)),
}


@pytest.mark.parametrize(("second", "steps"), KNOWN.values(), ids=KNOWN.keys())
def test_worlds_that_were_found_once(second: Policy, steps: tuple[Any, ...]) -> None:
    tally = play(World((json.dumps(policy()), json.dumps(second)), steps))
    assert not tally.leaks
    assert not tally.wrongs


def every_kind(name: str) -> tuple[Ask, ...]:
    """What a surface's sample may say: something harmless, called restricted, found in each place, not to be read."""
    sample = sample_of(name)
    forms = [Ask(endpoint=name, stream=stream) for stream in (False, True)[: 1 + (sample.events is not None)]]
    said: list[dict[str, Any]] = [{}, {"label": LABELS[1]}, *[{"place": place} for place in HEADERS]]
    said += [{"place": place, "finding": "credit_card"} for place in sample.places]
    said += [{"unreadable": kind} for kind in (*sample.unreadable, *sample.outside)]
    return tuple(replace(form, **each) for form in forms for each in said)


@pytest.mark.parametrize("name", SURFACES)
def test_each_surface_while_the_own_backend_is_well_and_is_not(name: str) -> None:
    """What cannot be read may leave here in the second half only."""
    asks = every_kind(name)
    everything = Burst(tuple(asks[at::8] for at in range(8)), pipelined=False)
    faults: list[Any] = []
    for kind in ("ok", "500", "reset"):
        faults += [Fault("own-1", kind), everything, Pause(0.05)]
    tally = play(World((json.dumps(policy()), json.dumps(READABLE)), (*faults, Reload(1), *faults)))
    assert not tally.leaks, tally.leaks
    assert not tally.wrongs, tally.wrongs
    assert tally.requests > 6 * len(asks)
    check_it_was_a_trial_of(name, tally)


# --- controls: the checker sees what it is there to see

EGRESS = tuple(row for row in decide_module._FILTERS if row[0] is not Step.EGRESS)
MEDIA = tuple(row for row in decide_module._FILTERS if row[0] is not Step.MEDIA)


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """`without("gate", "last line")` takes layers away."""
    layers: dict[str, Callable[[], None]] = {
        "classification": lambda: monkeypatch.setattr(decide_module, "classify", _all_zones),
        "gate": lambda: monkeypatch.setattr(decide_module, "_FILTERS", EGRESS),
        "media": lambda: monkeypatch.setattr(decide_module, "_FILTERS", MEDIA),
        "candidates": lambda: monkeypatch.setattr(Forwarding, "_choose", _any_backend),
        "memory": lambda: monkeypatch.setattr(DecisionCache, "_question", _without_labels),
        "findings": lambda: monkeypatch.setattr(BoundedMemory, "recall", _nothing_was_found),
        "own patterns": lambda: monkeypatch.setattr(patterns_module._Compiled, "found_in", _found_nothing),
        "names": lambda: monkeypatch.setattr(DecisionCache, "decide", _for_the_name),
        "headers": lambda: monkeypatch.setattr(completions_module, "to_backend", _all_headers),
        "last line": lambda: monkeypatch.setattr(Connection, "send", _send_anywhere),
    }

    def take(*names: str) -> None:
        for name in names:
            layers[name]()

    return take


def _all_zones(plan: Any, labels: Any, key: Any) -> Classification:
    return Classification(level="public", tags=(), zones=frozenset(plan.policy.zones), because=())


_question = DecisionCache._question


def _without_labels(self: Any, facts: Facts, snapshot: Any) -> Any:
    """A memory of decisions that takes a restricted request for an unrestricted one."""
    return _question(self, structs.replace(facts, labels=()), snapshot)


def _nothing_was_found(self: Any, part: bytes) -> Findings:
    """A memory of findings that takes every part for a harmless one."""
    return Findings(frozenset(), 0)


def _found_nothing(self: Any, data: bytes) -> frozenset[str]:
    """Patterns of the policy's own that are not sought."""
    return frozenset()


_decide = DecisionCache.decide


def _for_the_name(self: Any, facts: Facts, snapshot: Any) -> Any:
    """A memory of decisions that takes a key for whoever had its name first."""
    first = vars(self).setdefault("first", {}).setdefault(facts.key.name, facts.key)
    return _decide(self, structs.replace(facts, key=first), snapshot)


def _all_headers(headers: Mapping[str, str], *expected: Any) -> bytes:
    return b"".join(f"{name}: {value}\r\n".encode("latin-1") for name, value in headers.items() if name in HEADERS)


def _any_backend(self: Any) -> tuple[Candidate, Any] | None:
    """A failover that goes to whatever is up, the untried first."""
    like = self._job.candidates[0]
    up = []
    for backend in self._state.fleet.backends.values():
        replica = backend.pick(self._loop.time(), self._tried, like.route.upstream_model)
        if replica is not None:
            name, zone = backend.spec.name, backend.spec.backend.zone
            up.append((structs.replace(like, route=structs.replace(like.route, backend=name, zone=zone)), replica))
    return min(up, key=lambda choice: choice[1] in self._tried, default=None)


_send = Connection.send


def _send_anywhere(self: Any, permitted: frozenset[str], *arguments: Any, **options: Any) -> None:
    _send(self, permitted | {self.target.zone}, *arguments, **options)


@pytest.mark.parametrize(
    "layers",
    [
        *(("classification",), ("gate", "last line"), ("candidates", "last line"), ("memory",), ("findings",)),
        *(("own patterns",), ("headers",), ("media",)),
    ],
    ids=" and ".join,
)
def test_a_gateway_without_its_gate_is_caught(without: Callable[..., None], layers: tuple[str, ...]) -> None:
    without(*layers)
    tally = explore(CONTROL, until=lambda total: bool(total.leaks), derandomize=True, phases=[Phase.generate])
    assert tally.leaks


@pytest.mark.parametrize("steps", [NARROWED, ROTATED])
def test_a_memory_that_goes_by_names_is_caught(without: Callable[..., None], steps: tuple[Any, ...]) -> None:
    without("names", "last line")
    assert play(World((json.dumps(policy()), json.dumps(keyed())), steps), patience=0.0).leaks


def unlost() -> SearchStrategy[World]:
    """Worlds whose ledger is never lost: what nobody can pay for is no business of the last line's."""
    return worlds().map(lambda world: replace(world, steps=tuple(step for step in world.steps if step not in LOST)))


@pytest.mark.parametrize("layer", ["gate", "candidates"])
def test_the_last_line_alone_keeps_the_text_in(without: Callable[..., None], layer: str) -> None:
    """It is a defect, so it is a crash and never an answer; but nothing was sent."""
    without(layer)
    kept = "EgressViolation in connection.py:send"
    enough = {"until": lambda total: total.crashes[kept] > 20, "worlds": unlost}
    tally = explore(CONTROL, **enough, derandomize=True, phases=[Phase.generate])
    assert not tally.leaks
    assert tally.crashes[kept] > 10
    assert tally.refused["internal_error"] > 5


def test_a_gateway_that_refuses_everything_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decide_module, "_not_healthy", lambda ask, route: "Not today.")
    world = World((json.dumps(policy()),), (BOTH,))
    tally = play(world, patience=0.0)
    assert tally.share_answered == 0
    assert any("after all was well" in wrong for wrong in tally.wrongs)


# --- the instruments


@pytest.mark.parametrize("framing", ["length", "chunked", "gzip"])
@pytest.mark.parametrize("disguise", ["plain", "escaped", "escaped twice", "full-width digits"])
def test_a_canary_is_found_however_it_is_hidden(framing: str, disguise: str) -> None:
    ask = Ask(finding="credit_card", place="tool arguments", disguise=disguise, framing=framing)
    assert canary(77) in canaries(Request(77, ask).wire().split(b"\r\n\r\n", 1)[1])


def test_an_order_to_fetch_is_found() -> None:
    assert fetched(Request(77, Ask(unreadable=OUTSIDE)).wire()) == {canary(77)}
    assert not fetched(Request(77, Ask(unreadable="image")).wire())


def test_a_header_says_what_its_body_does_not() -> None:
    head, _, body = Request(77, Ask(place="tracestate", finding="iban")).wire().partition(b"\r\n\r\n")
    assert canary(77) in canaries(head) and FINDINGS["iban"].encode() in head
    assert not canaries(body)


@pytest.mark.parametrize("name", SURFACES)
def test_an_error_of_the_gateway_is_one_of_its_surface(name: str) -> None:
    request = Request(77, Ask(endpoint=name))
    request.answer = SURFACES[name].error(429, "c", "m", None, None)
    assert is_error(request)
    for other in (b"", b"[]", b"\xff", b"{}", b'{"error": null}', b'{"error": "m"}', b'{"error": {"code": "c"}}'):
        request.answer = other
        assert not is_error(request)


@pytest.mark.parametrize("name", [name for name, sample in SAMPLES.items() if sample.events is not None])
def test_an_end_that_nobody_wrote_is_found(name: str) -> None:
    """Of a stream that lacks its first event, and so of each that broke off before its end."""
    request, sample = Request(77, Ask(endpoint=name, stream=True)), SAMPLES[name]
    whole = [signed(event, "own-1") for event in sample.events(5, 5)]
    request.status, request.answer = 200, b"".join(whole)
    assert not end_is_invented(request, "own-1")
    request.answer = b"".join(whole[1:])
    assert end_is_invented(request, "own-1")


def test_the_judge_reads_stored_keys() -> None:
    stored = policy(server={"stored_keys": True})
    keys = rekeyed(new_keys(), Rekey("made", 1, (("zones", ("cloud",)),)))
    assert permitted(stored | {"stored": keys}, Ask(key=1)) == {"cloud"}
    keys = rekeyed(keys, Rekey("rotated", 1, (("zones", ("local",)),), 2))
    assert keys[2]["name"] == "key-1" and permitted(stored | {"stored": keys}, Ask(key=2)) == {"local"}
    assert permitted(stored | {"stored": keys}, Ask(key=1)) == frozenset()
    assert permitted(stored | {"stored": rekeyed(keys, Rekey("revoked", 2))}, Ask(key=2)) == frozenset()


def test_the_judge_reads_a_policy_as_documented() -> None:
    text = policy(keys=[{"name": "k", "sha256": "0" * 64, "zones": ["cloud"]}])
    assert permitted(policy(), Ask()) == {"local", "cloud"}
    assert permitted(policy(), RESTRICTED) == {"local"}
    assert permitted(policy(), Ask(finding="iban")) == {"local"}
    assert permitted(policy(), Ask(unreadable="image")) == {"local"}
    assert permitted(policy(), Ask(label=LABELS[6])) == {"local"}
    assert permitted(text, RESTRICTED) == frozenset()
    rule = {"name": "r", "when": {"level": "public"}, "zones": ["cloud"]}
    assert permitted(policy(rules=[rule]), Ask()) == {"cloud"}
    assert permitted(policy(rules=[rule]), RESTRICTED) == frozenset()
