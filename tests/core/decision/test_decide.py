from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from router.core.cost.preference import Side
from router.core.cost.strategies import STRATEGIES
from router.core.decision.decide import decide
from router.core.sensitivity.media import FORBIDDEN, NOTHING, OUTSIDE
from router.core.unknown_names import unknown
from router.core.values import BackendState, Decision, Facts, Label, Mixture, Plan, Rates, Snapshot, Step

DOWN = BackendState(healthy=False, why="circuit open for 12 s after 5 failures (connection refused)", retry_after=12)
FULL = BackendState(full=True, load="8 waiting, KV cache 97 %")
LEVELS = {"levels": {"public": ["local", "cloud"], "restricted": ["local"]}, "default": "public"}


def order(decision: Decision) -> list[tuple[str, str]]:
    return [(candidate.route.backend, candidate.reason) for candidate in decision.candidates]


def queue(decision: Decision) -> list[tuple[str, str]]:
    return [(candidate.route.backend, candidate.reason) for candidate in decision.waiting]


def removals(decision: Decision) -> list[tuple[str, Step]]:
    return [(removal.backend, removal.step) for removal in decision.removed]


def run(make, backends: dict[str, BackendState] | None = None, tokens: int = 0, **options: Any) -> Decision:
    """Options that plans do not have are those of the facts, or `snapshot`."""
    snapshot = make.snapshot(backends, tokens, **options.pop("snapshot", {}))
    plans = {name: options.pop(name) for name in list(options) if name in PLAN}
    return decide(make.facts(**options), make.plan(**plans), snapshot)


PLAN = ("routes", "models", "aliases", "gpu", "sensitivity", "rules", "cost")
RESTRICTED = {"sensitivity": LEVELS, "labels": (Label("restricted", (), "header"),)}


@dataclass
class Refused:
    status: int
    code: str
    words: tuple[str, ...]
    retry_after: float | None = None


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param(
            {"model": "gpt-9"},
            Refused(404, "model_not_found", ("'gpt-9'", "may use: chat", "`models`")),
            id="unknown model",
        ),
        pytest.param(
            {"model": "my card number is 4111"},
            Refused(404, "model_not_found", ("The model that was asked for does not exist",)),
            id="a model that is no name",
        ),
        pytest.param(
            RESTRICTED | {"routes": ["openai"]},
            Refused(403, "egress_denied", ("'restricted'", "see this request: local.", "'chat'", "add a backend")),
            id="no backend in a permitted zone",
        ),
        pytest.param(
            {"rules": [{"name": "stop", "when": {}, "zones": []}]},
            Refused(403, "egress_denied", ("see this request: none.", "the rules stop permit none")),
            id="a rule leaves no zone",
        ),
        pytest.param(
            {"endpoint": "embeddings"},
            Refused(400, "no_capable_backend", ("gpu: It does not serve the endpoint embeddings", "openai: ")),
            id="endpoint",
        ),
        pytest.param(
            {"modalities": frozenset({"text", "image", "audio"})},
            Refused(400, "no_capable_backend", ("It cannot take audio, image",)),
            id="modality",
        ),
        pytest.param(
            {"quality_floor": 0.95},
            Refused(400, "no_capable_backend", ("Its quality is 0.9, and at least 0.95 is needed",)),
            id="quality",
        ),
        pytest.param(
            {"input_tokens": 4_002, "max_output_tokens": 501, "contexts": 2_000},
            Refused(400, "context_length_exceeded", ("maximum context length is 2000 tokens", "at least 2001")),
            id="context",
        ),
        pytest.param(
            {"backends": {"gpu": DOWN, "openai": BackendState(healthy=False, retry_after=30)}},
            Refused(503, "backend_unavailable", ("gpu: Not healthy: circuit open for 12 s", "in 12 s"), 12),
            id="all unhealthy",
        ),
        pytest.param(
            RESTRICTED | {"backends": {"gpu": DOWN}},
            Refused(503, "backend_unavailable", ("gpu: Not healthy",), 12),
            id="restricted and the own GPU is down",
        ),
        pytest.param(
            {"routes": ["openai"], "snapshot": {"cloud_blocked": "the ledger cannot be reached"}},
            Refused(503, "backend_unavailable", ("may not be used now: the ledger cannot be reached",), 1),
            id="cloud blocked",
        ),
    ],
)
def test_refusals(make, options: dict[str, Any], expected: Refused):
    options = dict(options)
    context = options.pop("contexts", None)
    names = options.pop("routes", ["gpu", "openai"])
    decision = run(make, routes=[make.route(name, context=context) for name in names], **options)
    refusal = decision.refusal
    assert refusal is not None
    assert (refusal.status, refusal.code, refusal.retry_after) == (
        expected.status,
        expected.code,
        expected.retry_after,
    )
    assert [words for words in expected.words if words not in refusal.message] == []
    assert (decision.candidates, decision.waiting) == ((), ())


def test_a_key_that_may_not_use_the_model_is_told_which_it_may(make):
    models = [make.model([make.route("gpu")]), make.model([make.route("openai")], "embed")]
    key = make.key(models=frozenset({"embed"}))
    decision = run(make, models=models, key=key)
    assert decision.refusal is not None
    assert (decision.refusal.status, decision.refusal.code) == (403, "model_not_allowed")
    assert "This key may not use the model 'chat'. It may use: embed." in decision.refusal.message
    assert removals(decision) == [("gpu", Step.SCOPE)]
    assert order(run(make, models=models, key=key, model="embed")) == [("openai", "only-candidate")]


@pytest.mark.parametrize(
    ("fetch", "label", "words"),
    [
        (FORBIDDEN, "public", "`media.allow_hosts`"),
        (OUTSIDE, "restricted", "may only stay at home (the level 'restricted' (header) permits only local)"),
    ],
)
def test_what_may_not_be_fetched_is_fetched_by_nobody(make, fetch, label, words):
    decision = run(make, sensitivity=LEVELS, labels=(Label(label, (), "header"),), fetch=fetch)
    assert decision.refusal is not None
    assert (decision.refusal.status, decision.refusal.code) == (403, "media_denied")
    assert words in decision.refusal.message and "`data:`" in decision.refusal.message
    assert ("gpu", Step.MEDIA) in removals(decision)


@pytest.mark.parametrize(("fetch", "label"), [(OUTSIDE, "public"), (NOTHING, "restricted")])
def test_what_may_be_fetched_removes_nothing(make, fetch, label):
    decision = run(make, sensitivity=LEVELS, labels=(Label(label, (), "header"),), fetch=fetch)
    assert decision.candidates and Step.MEDIA not in [step for _, step in removals(decision)]


def test_where_there_is_no_zone_outside_nothing_outside_is_named(make):
    decision = run(
        make, routes=[make.route("gpu")], rules=[{"name": "in", "when": {}, "zones": ["local"]}], fetch=OUTSIDE
    )
    assert decision.refusal is not None and "may only stay at home, and names" in decision.refusal.message


UNREADABLE = {"levels": {"internal": ["local", "cloud"], "restricted": ["local"]}, "default": "internal"}


@pytest.mark.parametrize(
    ("routes", "states", "kind", "code"),
    [
        (("openai",), {}, "token ids", "egress_denied"),
        (("gpu", "openai"), {}, "image", "no_capable_backend"),
        (("gpu", "openai"), {"gpu": DOWN}, "base64 data", "backend_unavailable"),
    ],
)
def test_a_refusal_says_that_unreadable_content_raised_the_level(make, routes, states, kind, code):
    modalities = frozenset({"text", "image"} if kind == "image" else {"text"})
    labels = (Label("internal", (), "default"), Label("restricted", (), f"unreadable {kind}"))
    asked = {"labels": labels, "modalities": modalities}
    refused = run(make, states, routes=[make.route(name) for name in routes], sensitivity=UNREADABLE, **asked).refusal
    assert refused.code == code
    assert (
        f"Detectors cannot read what it holds ({kind}), and that alone raised its level to 'restricted'"
        in refused.message
    )
    assert "`sensitivity.unreadable`" in refused.message


@pytest.mark.parametrize(
    ("level", "settings"),
    [("restricted", "`sensitivity.unreadable` and `sensitivity.sealed`"), ("internal", "`sensitivity.unreadable`")],
)
def test_it_names_the_settings_that_raised_it(make, level, settings):
    labels = (Label("restricted", (), "unreadable image"), Label(level, (), "sealed encrypted reasoning"))
    section = UNREADABLE | {"sealed": level}
    refused = run(make, routes=[make.route("openai")], sensitivity=section, labels=labels).refusal
    assert refused is not None and refused.message.endswith(f"can set a lower level under {settings}.")
    assert ("encrypted reasoning" in refused.message) == (level == "restricted")


@pytest.mark.parametrize(("level", "routes"), [("restricted", ("openai",)), ("internal", ("gpu",)), (None, ("gpu",))])
def test_it_does_not_where_something_else_would_have_kept_it_in_as_well(make, level, routes):
    """A label of the client's; or there was nothing to go out to."""
    labels = (Label(level, (), "header"), Label("restricted", (), "unreadable image"))
    asked = {"labels": labels, "modalities": frozenset({"text", "image"})}
    refused = run(make, routes=[make.route(name) for name in routes], sensitivity=UNREADABLE, **asked).refusal
    assert refused is not None and "sensitivity.unreadable" not in refused.message


def test_what_is_translated_says_so_and_needs_an_adapter(make):
    routes = [make.route("gpu"), make.route("openai", translated=frozenset({"chat"}))]
    decision = run(make, routes=routes)
    told = {each.route.backend: each.explanation.endswith("Translated by the adapter.") for each in decision.candidates}
    assert told == {"gpu": False, "openai": True}
    [removal] = run(make, routes=routes, snapshot={"untranslated": "no adapter is installed"}).removed
    assert (removal.backend, removal.step) == ("openai", Step.CAPABILITY)
    assert removal.explanation == "It does not speak the endpoint chat, and no adapter is installed."
    spoken = run(make, routes=routes, endpoint="completions", snapshot={"untranslated": "no adapter is installed"})
    assert not spoken.removed


def test_an_unknown_model_lists_only_models_of_the_key(make):
    models = [make.model([make.route("gpu")], name) for name in ("chat", "secret-project")]
    decision = run(make, models=models, key=make.key(models=frozenset({"chat"})), model="nope")
    assert decision.refusal is not None
    assert "secret-project" not in decision.refusal.message
    assert decision.model == unknown("nope")
    assert "nope" in decision.refusal.message and "nope" not in decision.refusal.note
    assert decision.removed == ()


@pytest.mark.parametrize(("seconds", "expected"), [(0.0, 1.0), (0.2, 1.0), (30.0, 30.0), (3600.0, 60.0)])
def test_retry_after_is_bounded(make, seconds: float, expected: float):
    down = BackendState(healthy=False, retry_after=seconds)
    decision = run(make, {"gpu": down, "openai": down})
    assert decision.refusal is not None
    assert decision.refusal.retry_after == expected


def test_only_backends_that_could_serve_count_for_retry_after(make):
    soon = BackendState(healthy=False, retry_after=2)
    decision = run(make, {"gpu": DOWN, "openai": soon}, **RESTRICTED)
    assert decision.refusal is not None
    assert decision.refusal.retry_after == 12


def test_an_alias_is_resolved(make):
    decision = run(make, aliases={"gpt-4o-mini": "chat"}, model="gpt-4o-mini")
    assert decision.model == "chat"
    assert order(decision) == [("openai", "threshold-below"), ("gpu", "threshold-below")]


@pytest.mark.parametrize(
    ("strategy", "tokens", "expected"),
    [
        ("threshold", 499_999, [("openai", "threshold-below"), ("gpu", "threshold-below")]),
        ("threshold", 500_000, [("gpu", "threshold-above"), ("openai", "threshold-above")]),
        ("breakeven", 500_000, [("openai", "breakeven-below"), ("gpu", "breakeven-below")]),
        ("breakeven", 200_000_000, [("gpu", "breakeven-above"), ("openai", "breakeven-above")]),
        ("cheapest", 0, [("gpu", "cheapest"), ("openai", "cheapest")]),
        ("local_first", 0, [("gpu", "local-first"), ("openai", "local-first")]),
        ("cloud_first", 0, [("openai", "cloud-first"), ("gpu", "cloud-first")]),
    ],
)
def test_strategies_order_the_candidates(make, strategy: str, tokens: int, expected: list[tuple[str, str]]):
    decision = run(make, tokens=tokens, cost={"strategy": strategy})
    assert order(decision) == expected
    assert decision.side is (Side.LOCAL if expected[0][0] == "gpu" else Side.CLOUD)
    assert decision.removed == ()


def test_a_day_crosses_the_threshold_and_comes_back_with_hysteresis(make):
    plan, side, log = make.plan(cost={"threshold_tokens_per_day": 1_000, "hysteresis": 0.2}), Side.CLOUD, []
    for tokens in (0, 999, 1_000, 1_500, 999, 800, 799, 999):
        decision = decide(make.facts(), plan, make.snapshot(tokens=tokens, previous=side))
        side = decision.side
        log.append((tokens, *order(decision)[0]))
    assert log == [
        (0, "openai", "threshold-below"),
        (999, "openai", "threshold-below"),
        (1_000, "gpu", "threshold-above"),
        (1_500, "gpu", "threshold-above"),
        (999, "gpu", "threshold-hysteresis"),
        (800, "gpu", "threshold-hysteresis"),
        (799, "openai", "threshold-below"),
        (999, "openai", "threshold-below"),
    ]


def test_a_restricted_request_stays_local_and_does_not_move_the_preference(make):
    decision = run(make, **RESTRICTED)
    assert order(decision) == [("gpu", "only-permitted")]
    assert removals(decision) == [("openai", Step.EGRESS)]
    assert (decision.permitted, decision.level, decision.side) == ({"local"}, "restricted", Side.CLOUD)


def test_a_gate_that_permits_only_the_cloud_says_so_too(make):
    decision = run(make, key=make.key(zones=frozenset({"cloud"})), cost={"strategy": "local_first"})
    assert order(decision) == [("openai", "only-permitted")]
    assert decision.candidates[0].explanation == "The egress gate permits only cloud backends."


@pytest.mark.parametrize(
    ("backends", "tokens", "expected", "removed"),
    [
        ({"openai": FULL}, 0, [("gpu", "spill")], [("openai", Step.CAPACITY)]),
        ({"gpu": FULL}, 0, [("openai", "threshold-below")], [("gpu", Step.CAPACITY)]),
        ({"gpu": FULL}, 500_000, [("openai", "spill")], [("gpu", Step.CAPACITY)]),
        ({"gpu": DOWN}, 0, [("openai", "threshold-below")], [("gpu", Step.HEALTH)]),
        ({"gpu": DOWN}, 500_000, [("openai", "unhealthy")], [("gpu", Step.HEALTH)]),
        ({"openai": DOWN}, 0, [("gpu", "unhealthy")], [("openai", Step.HEALTH)]),
        # full and down: health is looked at first
        ({"openai": BackendState(healthy=False, full=True)}, 0, [("gpu", "unhealthy")], [("openai", Step.HEALTH)]),
    ],
)
def test_health_and_load(make, backends, tokens: int, expected, removed):
    decision = run(make, backends, tokens)
    assert (order(decision), removals(decision)) == (expected, removed)


def test_a_spill_explains_itself(make):
    explanation = run(make, {"gpu": FULL}, 500_000).candidates[0].explanation
    assert explanation.startswith("The preferred own GPUs are full. 500,000 eligible tokens")


def test_the_second_side_says_that_it_comes_next(make):
    first, second = run(make).candidates
    assert second.explanation == f"Next in order. {first.explanation}"


def test_of_a_side_that_is_partly_down_and_partly_full_the_load_is_named(make):
    routes = [make.route("gpu-a"), make.route("gpu-b"), make.route("openai")]
    decision = run(make, {"gpu-a": DOWN, "gpu-b": FULL}, routes=routes, cost={"strategy": "local_first"})
    assert order(decision) == [("openai", "spill")]
    assert removals(decision) == [("gpu-a", Step.HEALTH), ("gpu-b", Step.CAPACITY)]


def test_a_preferred_side_with_room_left_does_not_spill(make):
    routes = [make.route("gpu-a"), make.route("gpu-b"), make.route("openai")]
    decision = run(make, {"gpu-a": FULL}, routes=routes, cost={"strategy": "local_first"})
    assert order(decision) == [("gpu-b", "local-first"), ("openai", "local-first")]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [("openai", "threshold-below"), ("gpu", "threshold-below")]),
        (RESTRICTED, [("gpu", "only-permitted")]),
    ],
)
def test_when_all_are_full_they_are_waited_for(make, options: dict[str, Any], expected: list[tuple[str, str]]):
    decision = run(make, {"gpu": FULL, "openai": FULL}, **options)
    assert (queue(decision), decision.candidates, decision.refusal) == (expected, (), None)
    assert decision.waiting[0].explanation.startswith("Waits until there is room.")


def test_a_full_backend_is_waited_for_when_the_other_is_down(make):
    decision = run(make, {"gpu": FULL, "openai": DOWN})
    assert queue(decision) == [("gpu", "unhealthy")]
    assert removals(decision) == [("openai", Step.HEALTH)]


OFF = BackendState(off="It is off: 0 tokens in the last hour.", retry_after=240)
COMING = BackendState(off="It is being switched on.", coming=True, retry_after=90)
SHUT = BackendState(off="It is kept off by an admin.", wakes=False)


def powered(make, *names: str, **changes: Any) -> dict[str, Any]:
    own = [make.route(name, powered=True, **changes) for name in names]
    return {"routes": [*own, make.route("openai")]}


@pytest.mark.parametrize("tokens", [0, 500_000])
@pytest.mark.parametrize("strategy", ["threshold", "local_first", "cloud_first"])
def test_what_may_leave_goes_to_the_cloud_while_the_own_gpu_is_off(make, tokens: int, strategy: str):
    decision = run(make, {"gpu": OFF}, tokens, cost={"strategy": strategy}, **powered(make, "gpu"))
    assert (order(decision), removals(decision)) == ([("openai", "gpu-off")], [("gpu", Step.POWER)])
    assert not decision.until_on and not decision.wakes


@pytest.mark.parametrize(
    ("states", "waits", "wakes"),
    [
        ({"gpu-a": OFF, "gpu-b": OFF}, ["gpu-a"], "gpu-a"),
        ({"gpu-a": OFF, "gpu-b": BackendState(off="off", retry_after=20)}, ["gpu-b"], "gpu-b"),
        ({"gpu-a": OFF, "gpu-b": COMING}, ["gpu-b"], "gpu-b"),
        ({"gpu-a": COMING, "gpu-b": COMING}, ["gpu-a", "gpu-b"], "gpu-a"),
        ({"gpu-a": SHUT, "gpu-b": OFF}, ["gpu-b"], "gpu-b"),
        ({"gpu-a": DOWN, "gpu-b": OFF}, ["gpu-b"], "gpu-b"),
    ],
)
def test_what_may_not_leave_waits_and_switches_one_on(make, states, waits: list[str], wakes: str):
    decision = run(make, states, **powered(make, "gpu-a", "gpu-b"), **RESTRICTED)
    assert (queue(decision), decision.wakes) == ([(name, "gpu-off") for name in waits], wakes)
    assert decision.until_on and decision.refusal is None and decision.permitted == {"local"}
    assert not set(waits) & {removal.backend for removal in decision.removed}


def test_an_own_gpu_that_is_on_is_taken_before_one_is_switched_on(make):
    decision = run(make, {"gpu-a": OFF, "gpu-b": FULL}, **powered(make, "gpu-a", "gpu-b"), **RESTRICTED)
    assert queue(decision) == [("gpu-b", "only-permitted")] and not decision.until_on


@pytest.mark.parametrize(
    ("state", "changes"),
    [(SHUT, {}), (OFF, {"wake_for": frozenset({"secret"})})],
)
def test_what_may_not_switch_it_on_is_refused(make, state: BackendState, changes: dict[str, Any]):
    refusal = run(make, {"gpu": state}, **powered(make, "gpu", **changes), **RESTRICTED).refusal
    assert refusal is not None and (refusal.status, refusal.code) == (503, "gpu_off")
    assert state.off.rstrip(".") in refusal.message


RESTS = BackendState(off="It failed to start: exited with status 3.", rests=True, retry_after=240)


@pytest.mark.parametrize(
    ("state", "wait"), [(RESTS, 60.0), (structs.replace(RESTS, retry_after=40.0), 40.0)], ids=["long", "short"]
)
@pytest.mark.parametrize(
    "other", [SHUT, DOWN, structs.replace(RESTS, retry_after=300.0)], ids=["shut", "down", "rests"]
)
def test_nobody_waits_for_a_start_that_failed_and_rests(make, state: BackendState, wait: float, other: BackendState):
    decision = run(make, {"gpu-a": other, "gpu-b": state}, **powered(make, "gpu-a", "gpu-b"), **RESTRICTED)
    refusal = decision.refusal
    assert refusal is not None and (refusal.status, refusal.code, refusal.retry_after) == (503, "gpu_off", wait)
    assert "gpu-b: It failed to start: exited with status 3" in refusal.message and decision.wakes == "gpu-b"
    assert decision.permitted == {"local"}


@pytest.mark.parametrize(("other", "wakes"), [(OFF, "gpu-b"), (COMING, "gpu-b")])
def test_what_rests_leaves_another_to_be_waited_for(make, other: BackendState, wakes: str):
    decision = run(make, {"gpu-a": RESTS, "gpu-b": other}, **powered(make, "gpu-a", "gpu-b"), **RESTRICTED)
    assert (queue(decision), decision.wakes) == ([("gpu-b", "gpu-off")], wakes)


def test_what_may_leave_does_not_care_for_a_rest(make):
    assert order(run(make, {"gpu": RESTS}, **powered(make, "gpu"))) == [("openai", "gpu-off")]


def test_what_switches_nothing_on_waits_for_what_is_being_switched_on(make):
    decision = run(make, {"gpu": COMING}, **powered(make, "gpu", wake_for=frozenset()), **RESTRICTED)
    assert (queue(decision), decision.wakes) == ([("gpu", "gpu-off")], "")


def test_a_level_that_switches_it_on(make):
    decision = run(make, {"gpu": OFF}, **powered(make, "gpu", wake_for=frozenset({"restricted"})), **RESTRICTED)
    assert decision.wakes == "gpu"


def test_a_cloud_that_is_down_switches_nothing_on(make):
    refusal = run(make, {"gpu": OFF, "openai": DOWN}, **powered(make, "gpu")).refusal
    assert refusal is not None and (refusal.code, refusal.retry_after) == ("backend_unavailable", 12)
    assert "gpu: It is off" in refusal.message and "openai: Not healthy" in refusal.message


CHEAP, DEAR = (Rates(input=rate, output=rate, cached_input=rate, cache_write=rate) for rate in (0.01, 9.0))


@pytest.mark.parametrize("strategy", ["threshold", "breakeven"])
@pytest.mark.parametrize("tokens", [0, 200_000_000])
@pytest.mark.parametrize(
    ("rates", "first"),
    [
        (Rates(0.0, 0.0, 0.0, 0.0), ("gpu", "gpu-on")),
        (CHEAP, ("gpu", "gpu-on")),
        (DEAR, ("openai", "cloud-cheaper")),
    ],
)
def test_while_an_own_gpu_is_on_the_price_of_one_request_more_decides(make, strategy, tokens, rates, first):
    decision = run(make, tokens=tokens, cost={"strategy": strategy}, **powered(make, "gpu", rates=rates))
    assert order(decision)[0] == first and len(decision.candidates) == 2


def test_what_is_on_moves_no_hysteresis(make):
    assert run(make, **powered(make, "gpu")).side is Side.CLOUD


@pytest.mark.parametrize(
    ("routes", "cost", "first"),
    [
        ([("gpu", True), ("openai", False)], {"strategy": "cloud_first"}, ("openai", "cloud-first")),
        ([("gpu", True), ("gpu-2", False), ("openai", False)], {}, ("openai", "threshold-below")),
        ([("gpu", True)], {}, ("gpu", "only-candidate")),
    ],
)
def test_other_strategies_and_units_that_are_not_switched_stay_as_they_are(make, routes, cost, first):
    decision = run(make, routes=[make.route(name, powered=powered) for name, powered in routes], cost=cost)
    assert order(decision)[0] == first


def test_an_own_gpu_that_is_on_and_down_leaves_the_cloud(make):
    decision = run(make, {"gpu": DOWN}, 500_000, **powered(make, "gpu"))
    assert order(decision) == [("openai", "unhealthy")]


def test_a_blocked_cloud_leaves_the_own_gpus(make):
    decision = run(make, snapshot={"cloud_blocked": "the ledger cannot be reached"})
    assert order(decision) == [("gpu", "unhealthy")]
    assert decision.removed[0].explanation == "Cloud backends may not be used now: the ledger cannot be reached."


@pytest.mark.parametrize("name", ["gpu", "openai"])
def test_a_model_on_one_side_has_only_that(make, name: str):
    decision = run(make, routes=[make.route(name)])
    assert order(decision) == [(name, "only-candidate")]


def test_a_side_that_cannot_serve_leaves_the_other(make):
    vision = frozenset({"text", "image"})
    routes = [make.route("gpu"), make.route("openai", modalities=vision)]
    decision = run(make, routes=routes, modalities=vision, tokens=500_000)
    assert order(decision) == [("openai", "only-candidate")]
    assert decision.candidates[0].explanation == "Only cloud backends can serve this request."
    assert removals(decision) == [("gpu", Step.CAPABILITY)]


LOSING = {"chat": frozenset({"hosted tools", "citations"})}


@pytest.mark.parametrize(
    ("uses", "kept"),
    [
        ((), ["gpu", "openai"]),
        (("documents",), ["gpu", "openai"]),
        (("documents", "hosted tools"), ["openai"]),
    ],
)
def test_nothing_that_a_request_uses_is_lost_silently(make, uses, kept):
    routes = [make.route("gpu", loses=LOSING), make.route("openai", loses={"completions": frozenset({"hosted tools"})})]
    decision = run(make, routes=routes, uses=uses)
    assert sorted(each.route.backend for each in decision.candidates) == kept
    for removal in decision.removed:
        assert (removal.step, removal.explanation) == (
            Step.CAPABILITY,
            "The request uses hosted tools, which would be lost with it.",
        )


OVERLOOKING = {"chat": frozenset({"hosted tools"})}


def test_what_is_only_offered_is_no_reason_to_ask_nobody(make):
    gpu, api = make.route("gpu", overlooks=OVERLOOKING), make.route("openai")
    decision = run(make, routes=[gpu, api], uses=("documents", "hosted tools"))
    assert [each.route.backend for each in decision.candidates] == ["openai"]
    assert decision.removed[0].step is Step.CAPABILITY
    assert decision.removed[0].explanation == "It takes no notice of hosted tools, which another backend has."
    alone = run(make, routes=[gpu], uses=("hosted tools",))
    assert [each.route.backend for each in alone.candidates] == ["gpu"] and not alone.removed


BLOCKED = {"cloud_blocked": "the budget is used up"}


def test_what_may_not_be_used_now_has_nothing_that_others_overlook(make):
    """A budget that keeps requests on the own side does not refuse them."""
    gpu, api = make.route("gpu", overlooks=OVERLOOKING), make.route("openai")
    decision = run(make, routes=[gpu, api], uses=("hosted tools",), snapshot=BLOCKED)
    assert [each.route.backend for each in decision.candidates] == ["gpu"]
    own = make.route("gpu-2", overlooks={"completions": frozenset({"hosted tools"})})
    decision = run(make, routes=[gpu, own], uses=("hosted tools",), snapshot=BLOCKED)
    assert [each.route.backend for each in decision.candidates] == ["gpu-2"]


def test_what_everybody_would_lose_is_refused(make):
    routes = [make.route("gpu", loses=LOSING), make.route("openai", loses=LOSING)]
    refusal = run(make, routes=routes, uses=("citations",)).refusal
    assert refusal is not None and (refusal.status, refusal.code) == (400, "no_capable_backend")
    assert "citations" in refusal.message


@pytest.mark.parametrize(
    ("client", "model", "rule", "quality", "kept"),
    [
        (0.0, 0.0, None, None, True),
        (0.5, 0.0, None, None, False),
        (0.5, 0.0, None, 0.5, True),
        (0.5, 0.6, None, 0.5, False),
        (0.5, 0.0, 0.6, 0.5, False),
        (0.5, 0.6, 0.4, 0.6, True),
        (float("nan"), 0.6, None, 0.5, False),
    ],
)
def test_the_quality_floor_is_the_highest_of_client_model_and_rule(
    make, client: float, model: float, rule: float | None, quality: float | None, kept: bool
):
    rules = [] if rule is None else [{"name": "floor", "when": {}, "quality_floor": rule}]
    models = [make.model([make.route("gpu", quality=quality)], quality_floor=model)]
    decision = run(make, models=models, rules=rules, quality_floor=client)
    assert bool(decision.candidates) is kept


def test_an_undeclared_quality_is_named(make):
    decision = run(make, routes=[make.route("gpu", quality=None)], quality_floor=0.5)
    assert decision.removed[0].explanation == "Its quality is not declared, and at least 0.5 is needed."


@pytest.mark.parametrize(
    ("declared", "reported", "tokens", "output", "kept"),
    [
        (1_000, None, 1_000, 1_000, True),  # vLLM ends the answer where its context does
        (1_000, None, 1_000, 1_001, False),  # but takes no limit that it could never reach
        (None, 1_000, 2_002, 1, False),
        (2_000, 1_000, 1_000, 1_500, True),  # what the policy says goes before what is reported
    ],
)
def test_vllm_shortens_what_does_not_fit_behind_the_prompt(
    make, declared: int | None, reported: int | None, tokens: int, output: int, kept: bool
):
    decision = run(
        make,
        {"gpu": BackendState(context=reported)},
        routes=[make.route("gpu", context=declared)],
        input_tokens=tokens,
        max_output_tokens=output,
    )
    assert bool(decision.candidates) is kept


def test_each_of_several_answers_has_the_context_for_itself(make):
    route = make.route("gpu", kind="openai", context=1_000)
    asked = {"input_tokens": 1_000, "max_output_tokens": 1_500, "routes": [route]}
    assert run(make, answers=3, **asked).candidates
    assert not run(make, answers=2, **asked).candidates


@pytest.mark.parametrize(
    ("declared", "reported", "tokens", "output", "kept"),
    [
        (None, None, 10_000_000, 10_000_000, True),
        (1_000, None, 2_001, None, True),  # may be 1,000 in truth
        (1_000, None, 2_002, None, False),
        (1_000, None, 1_000, 500, True),
        (1_000, None, 1_000, 501, False),
        (None, 1_000, 1_000, 501, False),
        (2_000, 1_000, 1_000, 501, True),  # what the policy says goes before what is reported
    ],
)
def test_context_removes_only_what_is_surely_too_long(
    make, declared: int | None, reported: int | None, tokens: int, output: int | None, kept: bool
):
    decision = run(
        make,
        {"gpu": BackendState(context=reported)},
        routes=[make.route("gpu", kind="openai", context=declared)],
        input_tokens=tokens,
        max_output_tokens=output,
    )
    assert bool(decision.candidates) is kept


NIGHT = {"name": "night batch", "when": {"tag": "batch", "hours": "22-04"}, "cost": {"strategy": "local_first"}}


@pytest.mark.parametrize(("hour", "first"), [(21, "openai"), (22, "gpu"), (3, "gpu"), (4, "openai")])
def test_a_rule_sets_the_strategy_in_its_hours(make, hour: int, first: str):
    sensitivity = LEVELS | {"tags": {"batch": ["local", "cloud"]}}
    labels = (Label(None, ("batch",), "header"),)
    decision = run(make, sensitivity=sensitivity, rules=[NIGHT], labels=labels, snapshot={"hour": hour})
    assert order(decision)[0][0] == first
    assert decision.rule == ("night batch" if first == "gpu" else "")
    assert decision.side is Side.CLOUD


def test_a_rule_sets_the_threshold_and_narrows_zones(make):
    rule = {"name": "r", "when": {}, "zones": ["local"], "cost": {"threshold_tokens_per_day": 10}}
    decision = run(make, tokens=10, rules=[rule])
    assert order(decision) == [("gpu", "only-permitted")]
    assert decision.removed[0].explanation == "Rules narrow the zones of this request to local, without 'cloud'."


def test_a_rule_never_widens_the_gate(make):
    rule = {"name": "r", "when": {}, "zones": ["local", "cloud"]}
    assert run(make, rules=[rule], **RESTRICTED).permitted == {"local"}


def test_cheapest_puts_a_cloud_backend_between_two_own_ones(make):
    dear = Rates(50.0, 50.0, 50.0, 50.0)
    routes = [make.route("gpu-a", rates=dear), make.route("openai"), make.route("gpu-b")]
    decision = run(make, routes=routes, cost={"strategy": "cheapest"})
    assert order(decision) == [("gpu-b", "cheapest"), ("openai", "cheapest"), ("gpu-a", "cheapest")]
    assert len({candidate.explanation for candidate in decision.candidates}) == 1


def test_every_label_is_handed_on(make):
    labels = (Label("public", (), "header"), Label("restricted", (), "detector iban"))
    assert run(make, sensitivity=LEVELS, labels=labels).labels[:2] == labels


# Properties: whatever the policy, the labels, health, load, volume and rules.

ZONES = ("local", "local-2", "cloud", "cloud-eu")
BACKENDS = {"gpu": "local", "gpu-2": "local-2", "openai": "cloud", "mistral": "cloud-eu"}
LEVEL_NAMES = ("public", "internal", "secret")
TAG_NAMES = ("phi", "eu", "batch")

some_zones = st.lists(st.sampled_from(ZONES), unique=True)
most_zones = st.sampled_from(ZONES).map(lambda without: [zone for zone in ZONES if zone != without])
levels = st.sampled_from(LEVEL_NAMES)
label = st.builds(
    Label,
    st.none() | levels | st.just("no such level"),
    st.lists(st.sampled_from((*TAG_NAMES, "no such tag")), max_size=2).map(tuple),
    st.just("header"),
)


@st.composite
def sensitivity(draw) -> dict[str, Any]:
    zones, nested = set(ZONES), {}
    for name in LEVEL_NAMES:
        nested[name] = sorted(zones)
        zones &= set(draw(most_zones))
    section: dict[str, Any] = {"levels": nested, "tags": {name: draw(most_zones) for name in TAG_NAMES}}
    return section | {"default": draw(levels)}


rule = st.fixed_dictionaries(
    {
        "name": st.sampled_from(("a", "b", "c")),
        "when": st.fixed_dictionaries(
            {},
            optional={
                "tag": st.sampled_from(TAG_NAMES),
                "level": levels,
                "model": st.just("chat"),
                "team": st.sampled_from(("search", "ads")),
                "endpoint": st.sampled_from(("chat", "embeddings")),
                "hours": st.sampled_from(("00-06", "22-04", "00-24")),
            },
        ),
    },
    optional={
        "zones": some_zones,
        "quality_floor": st.floats(0, 1),
        "cost": st.fixed_dictionaries(
            {}, optional={"strategy": st.sampled_from(("cheapest", "local_first", "breakeven", "threshold"))}
        ),
    },
)
conditions: list[dict[str, str]] = [{}]
conditions += [{"tag": name} for name in TAG_NAMES] + [{"level": name} for name in LEVEL_NAMES]
narrowing = st.fixed_dictionaries(
    {
        "name": st.just("narrowing"),
        "when": st.sampled_from(conditions),
        "zones": st.lists(st.sampled_from(ZONES), min_size=2, max_size=3, unique=True),
    }
)
rules = st.lists(narrowing | rule, max_size=3)
state = st.builds(
    BackendState,
    healthy=st.booleans(),
    full=st.booleans(),
    retry_after=st.floats(0, 100),
    context=st.none() | st.integers(1, 1000),
)
snapshots = st.builds(
    Snapshot,
    backends=st.dictionaries(st.sampled_from(sorted(BACKENDS)), state),
    seen=st.builds(Mixture, st.integers(0, 1_000_000)),
    previous=st.sampled_from(Side),
    hour=st.integers(0, 23),
    cloud_blocked=st.sampled_from(("", "", "the ledger cannot be reached")),
)


@dataclass
class World:
    sections: dict[str, Any]
    facts: Facts
    snapshot: Snapshot

    def plan(self, make, **changes: Any) -> Plan:
        routes = [
            make.route(name, zone=zone, quality=quality)
            for (name, zone), quality in zip(BACKENDS.items(), (0.5, None, 0.8, 0.9), strict=True)
        ]
        return make.plan(routes=routes, **(self.sections | changes))


@st.composite
def worlds(draw, make) -> World:
    sections = {
        "sensitivity": draw(sensitivity()),
        "rules": draw(rules),
        "cost": {
            "strategy": draw(st.sampled_from(tuple(STRATEGIES))),
            "threshold_tokens_per_day": draw(st.integers(1, 1_000_000)),
        },
    }
    key = make.key(
        zones=draw(st.none() | some_zones.map(frozenset)),
        level=draw(st.none() | levels),
        tags=draw(st.lists(st.sampled_from(TAG_NAMES), max_size=1).map(tuple)),
        models=draw(st.sampled_from((None, None, frozenset({"other"})))),
    )
    facts = make.facts(
        key=key,
        labels=tuple(draw(st.lists(label, max_size=3))),
        endpoint=draw(st.sampled_from(("chat", "chat", "embeddings"))),
        quality_floor=draw(st.sampled_from((0.0, 0.0, 0.7, 1.0))),
        input_tokens=draw(st.integers(0, 5_000)),
        max_output_tokens=draw(st.none() | st.integers(0, 5_000)),
    )
    return World(sections, facts, draw(snapshots))


@settings(max_examples=300)
@given(data=st.data())
def test_nothing_is_kept_outside_the_permitted_zones(make, data):
    world = data.draw(worlds(make))
    decision = decide(world.facts, world.plan(make), world.snapshot)
    kept = [candidate.route for candidate in (*decision.candidates, *decision.waiting)]
    assert [route for route in kept if route.zone not in decision.permitted] == []
    if world.facts.key.permits.zones is not None:
        assert decision.permitted <= world.facts.key.permits.zones
    if world.snapshot.cloud_blocked:
        assert all(route.owned for route in kept)


@given(data=st.data())
def test_every_backend_is_kept_or_removed_exactly_once(make, data):
    world = data.draw(worlds(make))
    decision = decide(world.facts, world.plan(make), world.snapshot)
    kept = [candidate.route.backend for candidate in (*decision.candidates, *decision.waiting)]
    assert sorted(kept + [removal.backend for removal in decision.removed]) == sorted(BACKENDS)
    assert [bool(decision.candidates), bool(decision.waiting), decision.refusal is not None].count(True) == 1


@given(data=st.data())
def test_a_decision_is_deterministic(make, data):
    world = data.draw(worlds(make))
    one, two = (decide(world.facts, world.plan(make), world.snapshot) for _ in range(2))
    assert one == two


@settings(max_examples=300)
@given(data=st.data())
def test_one_more_label_never_permits_more(make, data):
    """Beyond the default, which holds only as long as nothing says a level."""
    world = data.draw(worlds(make))
    plan = world.plan(make)
    labels = (Label(plan.policy.sensitivity.default, (), "header"), *world.facts.labels)
    before = decide(structs.replace(world.facts, labels=labels), plan, world.snapshot)
    after = decide(structs.replace(world.facts, labels=(*labels, data.draw(label))), plan, world.snapshot)
    assert after.permitted <= before.permitted


@settings(max_examples=300)
@given(data=st.data())
def test_one_more_rule_never_permits_more(make, data):
    world = data.draw(worlds(make))
    fewer = world.sections["rules"]
    place = data.draw(st.integers(0, len(fewer)))
    more = [*fewer[:place], data.draw(narrowing | rule), *fewer[place:]]
    before = decide(world.facts, world.plan(make), world.snapshot)
    after = decide(world.facts, world.plan(make, rules=more), world.snapshot)
    assert after.permitted <= before.permitted


@given(data=st.data())
def test_health_and_load_never_change_what_is_permitted(make, data):
    world = data.draw(worlds(make))
    plan, other = world.plan(make), data.draw(snapshots)
    other = structs.replace(other, hour=world.snapshot.hour)
    assert decide(world.facts, plan, world.snapshot).permitted == decide(world.facts, plan, other).permitted


# --- models that a pattern takes


def taken(make, asked: str, listed: set[str] | None, *, guessed_price: bool = False, **options: Any) -> Decision:
    """`gpu` serves what it lists; `openai` whatever it is asked for."""
    plan = make.plan()
    routes = tuple(
        structs.replace(each, as_asked=True, upstream_model=asked, guessed_price=guessed_price and not each.owned)
        for each in plan.models["chat"].routes
    )
    model = structs.replace(plan.models["chat"], name="*", routes=routes)
    plan = structs.replace(plan, models={"*": model, asked: model})
    states = {"gpu": BackendState(models=None if listed is None else frozenset(listed))}
    return decide(make.facts(model=asked, **options), plan, make.snapshot(states))


def test_what_a_backend_lists_is_called_by_its_name(make):
    decision = taken(make, "my-lora", {"llama", "my-lora"})
    assert decision.model == "my-lora"
    assert {candidate.route.backend for candidate in decision.candidates} == {"gpu", "openai"}


def test_what_a_backend_lists_is_not_asked_for_where_nobody_knows_it(make):
    decision = taken(make, "my-lora", {"my-lora"}, guessed_price=True)
    assert [candidate.route.backend for candidate in decision.candidates] == ["gpu"]
    assert not decision.alternatives.eligible and not decision.alternatives.cloud


def test_a_guessed_price_is_nothing_to_compare_with(make):
    decision = taken(make, "my-lora", None, guessed_price=True)
    assert {candidate.route.backend for candidate in decision.candidates} == {"gpu", "openai"}
    assert not decision.alternatives.eligible and not decision.alternatives.captive


def test_a_backend_that_does_not_list_it_is_not_asked_and_it_is_called_by_the_pattern(make):
    decision = taken(make, "gpt-99", {"llama"})
    assert decision.model == "*"
    assert [candidate.route.backend for candidate in decision.candidates] == ["openai"]


def test_while_nobody_knows_what_it_lists_it_may_be_asked(make):
    decision = taken(make, "my-lora", None)
    assert decision.model == "*"
    assert {candidate.route.backend for candidate in decision.candidates} == {"gpu", "openai"}


def test_a_model_that_none_lists_is_not_found(make):
    plan = make.plan(routes=[make.route("gpu")])
    (route,) = plan.models["chat"].routes
    model = structs.replace(plan.models["chat"], routes=(structs.replace(route, as_asked=True),))
    states = {"gpu": BackendState(models=frozenset({"other"}))}
    decision = decide(make.facts(), structs.replace(plan, models={"chat": model}), make.snapshot(states))
    assert decision.refusal is not None and (decision.refusal.status, decision.refusal.code) == (404, "model_not_found")


@pytest.mark.parametrize(("models", "may"), [({"my-*"}, True), ({"my-lora"}, True), ({"*"}, True), ({"gpt-*"}, False)])
def test_a_key_may_be_limited_to_a_pattern(make, models, may):
    key = make.key(models=frozenset(models))
    decision = taken(make, "my-lora", {"my-lora"}, key=key)
    assert (decision.refusal is None) is may


def test_what_continues_a_stored_object_goes_where_that_is_or_nowhere(make):
    assert [name for name, _ in order(run(make))] != []
    for backend, other in (("gpu", "openai"), ("openai", "gpu")):
        decision = run(make, pinned=backend)
        assert [name for name, _ in order(decision)] == [backend]
        assert (other, Step.CAPABILITY) in removals(decision)
        down = run(make, {backend: DOWN}, pinned=backend)
        assert down.refusal is not None and down.refusal.status == 503
    gone = run(make, pinned="elsewhere")
    assert gone.refusal is not None and "It continues what elsewhere keeps" in gone.refusal.message
