"""Where a request may go, in which order, and why.

Filters run in a fixed order and each only removes: key scope, egress gate, media, capability, power, health, capacity.
What is left is put in order by cost. Because every step gets only what the step before it kept, nothing that comes
after the egress gate (power, health, load, price, a rule) can bring back a backend that the gate removed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from router.core.cost.alternatives import alternatives_of
from router.core.cost.order import Comparison, comparison_of, in_order, prefer, prefer_on, remembered, side_of
from router.core.cost.preference import Preference, Side
from router.core.decision import refusals
from router.core.decision.rules import Applied, applied
from router.core.name_patterns import is_pattern, takes
from router.core.sensitivity.gate import SEALED, UNANSWERED, UNREADABLE, Classification, classify
from router.core.sensitivity.media import FORBIDDEN, OUTSIDE
from router.core.unknown_names import unknown
from router.core.values import (
    Alternatives,
    BackendState,
    Candidate,
    Decision,
    Facts,
    ModelPlan,
    Plan,
    Refusal,
    Removal,
    Route,
    Snapshot,
    Step,
)

GPU_OFF = "gpu-off"
TRANSLATED = " Translated by the adapter."
"""Ends the explanation of a candidate that does not speak the request's endpoint."""

_READY = BackendState()
_NO_ALTERNATIVES = Alternatives()


class _Ask(Struct, frozen=True):
    """One request with everything that filters look at."""

    facts: Facts
    plan: Plan
    snapshot: Snapshot
    model: ModelPlan
    gate: Classification
    rules: Applied
    permitted: frozenset[str]
    quality_floor: float

    def state(self, route: Route) -> BackendState:
        return self.snapshot.backends.get(route.backend, _READY)


def decide(facts: Facts, plan: Plan, snapshot: Snapshot) -> Decision:
    """Candidates in order, backends to wait for, or a refusal; never raises for a valid plan.

    The same arguments always give the same decision.
    """
    gate = classify(plan, facts.labels, facts.key.permits)
    model = plan.models.get(facts.model)
    if model is not None and any(route.as_asked for route in model.routes):
        model = _as_listed(model, facts.model, snapshot)
    if model is None:
        return Decision(
            model=unknown(facts.model),
            level=gate.level,
            tags=gate.tags,
            permitted=gate.zones,
            refusal=refusals.model_not_found(facts, plan),
            labels=facts.labels,
            side=snapshot.previous,
        )
    ask = _ask(facts, plan, snapshot, model, gate)
    removed: list[Removal] = []
    able: Sequence[Route] = model.routes
    for step, complaint, refuse in _FILTERS:
        able = _sift(ask, step, complaint, able, removed)
        if not able:
            return _decision(ask, removed, snapshot.previous, refusal=_explained(ask, removed, refuse(ask, removed)))
    if facts.uses:
        able = _heeding(ask, able, removed)
    on = _sift(ask, Step.POWER, _off, able, removed)
    healthy = _sift(ask, Step.HEALTH, _not_healthy, on, removed)
    if healthy:
        return _with_room(ask, removed, able, healthy)
    if len(on) < len(able) and all(route.owned for route in able):
        return _until_on(ask, removed, able)
    unavailable = _explained(ask, removed, refusals.backend_unavailable(removed, snapshot))
    return _decision(ask, removed, snapshot.previous, refusal=unavailable)


def _as_listed(model: ModelPlan, asked: str, snapshot: Snapshot) -> ModelPlan | None:
    """What a pattern takes, without backends that are known not to have it; None where none is left.

    It is called as the client asked where a backend lists that: there are few such names. Then nobody is asked who
    would only guess that there is such a model."""
    routes, listed = [], False
    for route in model.routes:
        state = snapshot.backends.get(route.backend, _READY)
        if not route.as_asked or state.models is None or route.upstream_model in state.models:
            routes.append(route)
            listed = listed or (route.as_asked and state.models is not None)
    if not routes:
        return None
    if listed:
        routes = [route for route in routes if not route.guessed_price]
    name = asked if listed and is_pattern(model.name) else model.name
    return replace(model, name=name, routes=tuple(routes))


def _ask(facts: Facts, plan: Plan, snapshot: Snapshot, model: ModelPlan, gate: Classification) -> _Ask:
    rules = applied(plan, facts, model.name, gate.level, gate.tags, snapshot.hour)
    permitted = gate.zones if rules.zones is None else gate.zones & rules.zones
    # The client's floor comes last: max() keeps what it has when it meets a NaN.
    floor = max(model.quality_floor, rules.quality_floor, facts.quality_floor)
    return _Ask(
        facts=facts,
        plan=plan,
        snapshot=snapshot,
        model=model,
        gate=gate,
        rules=rules,
        permitted=permitted,
        quality_floor=floor,
    )


def _sift(
    ask: _Ask, step: Step, complaint: Callable[[_Ask, Route], str], routes: Sequence[Route], removed: list[Removal]
) -> list[Route]:
    """The routes without a complaint; the others are added to `removed`."""
    kept = []
    for route in routes:
        why = complaint(ask, route)
        if why:
            removed.append(Removal(route.backend, step, why))
        else:
            kept.append(route)
    return kept


def _out_of_scope(ask: _Ask, route: Route) -> str:
    models = ask.facts.key.permits.models
    if models is None or ask.model.name in models or _may_be_asked_for(ask, models):
        return ""
    return f"Its key may not use the model '{ask.model.name}'."


def _may_be_asked_for(ask: _Ask, models: frozenset[str]) -> bool:
    """By a pattern of the key's, or by the name that the client has for what a pattern of the policy's takes."""
    asked = ask.facts.model if any(route.as_asked for route in ask.model.routes) else ask.model.name
    return any(takes(each, name) for each in models for name in (asked, ask.model.name))


def _not_permitted(ask: _Ask, route: Route) -> str:
    if route.zone in ask.permitted:
        return ""
    if route.zone in ask.gate.zones:
        return f"Rules narrow the zones of this request to {refusals.listed(ask.permitted)}, without '{route.zone}'."
    return f"The request may not reach the zone '{route.zone}': {'; '.join(ask.gate.because)}."


def _not_to_be_fetched(ask: _Ask, route: Route) -> str:
    """The same for every route: what matters is where the request may go, not where it goes."""
    fetch = ask.facts.fetch
    if fetch == FORBIDDEN:
        return "The request names an address that may not be fetched."
    zones = ask.plan.policy.zones
    if fetch == OUTSIDE and all(zones[zone].owned for zone in ask.permitted):
        return "The request may only stay at home, and names an address outside that would be fetched."
    return ""


def _not_capable(ask: _Ask, route: Route) -> str:
    facts = ask.facts
    if facts.pinned and route.backend != facts.pinned:
        return f"It continues what {facts.pinned} keeps."
    if facts.endpoint not in route.endpoints:
        return f"It does not serve the endpoint {facts.endpoint}."
    if ask.snapshot.untranslated and facts.endpoint in route.translated:
        return f"It does not speak the endpoint {facts.endpoint}, and {ask.snapshot.untranslated}."
    if not facts.modalities <= route.modalities:
        return f"It cannot take {refusals.listed(facts.modalities - route.modalities)}."
    if ask.quality_floor > 0 and (route.quality is None or route.quality < ask.quality_floor):
        has = "is not declared" if route.quality is None else f"is {route.quality:g}"
        return f"Its quality {has}, and at least {ask.quality_floor:g} is needed."
    lost = _lost_with(facts, route) if facts.uses else []
    if lost:
        return f"The request uses {refusals.listed(lost)}, which would be lost with it."
    return _too_long(facts, route, route.context or ask.state(route).context)


def _lost_with(facts: Facts, route: Route) -> list[str]:
    """What is not kept is no smaller version of what was asked for: the request goes where it is kept, or nowhere."""
    losable = route.loses.get(facts.endpoint, frozenset())
    return [use for use in facts.uses if use in losable]


def _heeding(ask: _Ask, able: Sequence[Route], removed: list[Removal]) -> Sequence[Route]:
    """Without those that go on as if something had not been offered, where another that may be asked has it.

    Who is not well now counts all the same: what an answer is made with is no matter of the minute."""
    heeding = [route for route in able if not _overlooked_by(ask, route)]
    if not any(route.owned or not ask.snapshot.cloud_blocked for route in heeding):
        return able
    return _sift(ask, Step.CAPABILITY, _overlooked_by, able, removed)


def _overlooked_by(ask: _Ask, route: Route) -> str:
    overlooked = route.overlooks.get(ask.facts.endpoint, frozenset()).intersection(ask.facts.uses)
    return f"It takes no notice of {refusals.listed(overlooked)}, which another backend has." if overlooked else ""


def _too_long(facts: Facts, route: Route, context: int | None) -> str:
    """Only what is surely too long: `input_tokens` is an upper estimate and may be twice the truth."""
    if context is None:
        return ""
    prompt, answer = facts.input_tokens // 2, facts.longest_answer
    # What ends an answer where its context does refuses only a limit that no context of its could hold.
    least = max(prompt, answer) if route.ends_at_context else prompt + answer
    return "" if least <= context else refusals.TOO_LONG.format(context=context, least=least)


def _off(ask: _Ask, route: Route) -> str:
    return ask.state(route).off


def _not_healthy(ask: _Ask, route: Route) -> str:
    if ask.snapshot.cloud_blocked and not route.owned:
        return f"Cloud backends may not be used now: {ask.snapshot.cloud_blocked}."
    state = ask.state(route)
    return "" if state.healthy else f"Not healthy: {state.why or 'no reason reported'}."


def _not_free(ask: _Ask, route: Route) -> str:
    state = ask.state(route)
    return f"Full: {state.load or 'no figures reported'}." if state.full else ""


def _denied(ask: _Ask, removed: Sequence[Removal]) -> Refusal:
    why = [f"its level is '{ask.gate.level}'"] if ask.gate.level else []
    why += [f"its tags are {', '.join(ask.gate.tags)}"] if ask.gate.tags else []
    why += ask.gate.because
    if ask.rules.zones is not None:
        why.append(f"the rules {', '.join(ask.rules.names)} permit {refusals.listed(ask.rules.zones)}")
    return refusals.egress_denied(ask.model, ask.permitted, why)


_FILTERS: tuple[
    tuple[Step, Callable[[_Ask, Route], str], Callable[[_Ask, Sequence[Removal]], Refusal]],
    ...,
] = (
    (Step.SCOPE, _out_of_scope, lambda ask, removed: refusals.model_not_allowed(ask.facts, ask.model)),
    (Step.EGRESS, _not_permitted, _denied),
    (Step.MEDIA, _not_to_be_fetched, lambda ask, removed: refusals.media_denied(ask.facts.fetch, ask.gate.because)),
    (Step.CAPABILITY, _not_capable, lambda ask, removed: refusals.no_capable_backend(removed)),
)


def _explained(ask: _Ask, removed: Sequence[Removal], refusal: Refusal) -> Refusal:
    """With what keeps the request from other backends, where nobody would guess that."""
    if all(removal.step is not Step.EGRESS for removal in removed):
        return refusal
    labels = ask.facts.labels
    unread = (UNREADABLE, SEALED, UNANSWERED)
    readable = tuple([label for label in labels if not label.source.startswith(unread)])
    if len(readable) == len(labels) or classify(ask.plan, readable, ask.facts.key.permits).level == ask.gate.level:
        return refusal
    if silent := _kinds(ask, UNANSWERED):
        return refusals.unanswered(refusal, silent, ask.gate.level)
    kinds = {each: _kinds(ask, each) for each in (UNREADABLE, SEALED)}
    return refusals.unreadable(refusal, {name.strip(): found for name, found in kinds.items() if found}, ask.gate.level)


def _kinds(ask: _Ask, prefix: str) -> list[str]:
    """Of what could not be looked at and has the request's level."""
    return [
        label.source.removeprefix(prefix)
        for label in ask.facts.labels
        if label.source.startswith(prefix) and label.level == ask.gate.level
    ]


def _until_on(ask: _Ask, removed: list[Removal], able: Sequence[Route]) -> Decision:
    """Own backends alone may serve it, and the usable ones are off: it waits for those that are being switched on, or
    has the one switched on that is there first. Many that wait wake one."""
    off = [route for route in able if ask.state(route).off]
    coming = [route for route in off if ask.state(route).coming]
    woken = [] if coming else [route for route in off if _wakes(ask, route)]
    ready = [route for route in woken if not ask.state(route).rests]
    if not coming and not ready:
        return _not_started(ask, removed, woken)
    routes = coming or [_soonest(ask, ready)]
    comparison = comparison_of(ask.facts, ask.plan, ask.snapshot, able, ask.rules.cost)
    side = remembered(comparison, prefer(comparison), ask.rules.cost)
    waiting = tuple([Candidate(route, GPU_OFF, f"Waits until it is on. {ask.state(route).off}") for route in routes])
    awaited = {route.backend for route in routes}
    others = [each for each in removed if each.backend not in awaited]
    wakes = next((route.backend for route in routes if _wakes(ask, route)), "")
    return _decision(ask, others, side, waiting=waiting, until_on=True, wakes=wakes)


def _not_started(ask: _Ask, removed: list[Removal], resting: Sequence[Route]) -> Decision:
    """Nothing is switched on for it now: what it may have switched on rests after a failure."""
    previous = ask.snapshot.previous
    if not resting:
        return _decision(ask, removed, previous, refusal=_explained(ask, removed, refusals.gpu_off(removed)))
    first = _soonest(ask, resting)
    refusal = _explained(ask, removed, refusals.start_failed(removed, ask.state(first).retry_after))
    return _decision(ask, removed, previous, refusal=refusal, wakes=first.backend)


def _soonest(ask: _Ask, routes: Sequence[Route]) -> Route:
    return min(routes, key=lambda route: ask.state(route).retry_after)


def _wakes(ask: _Ask, route: Route) -> bool:
    return ask.state(route).wakes and (route.wake_for is None or ask.gate.level in route.wake_for)


def _with_room(ask: _Ask, removed: list[Removal], able: Sequence[Route], healthy: list[Route]) -> Decision:
    """The last filter differs: when every backend is full they are waited for instead of being removed."""
    comparison = comparison_of(ask.facts, ask.plan, ask.snapshot, able, ask.rules.cost)
    preference = prefer(comparison)
    side = remembered(comparison, preference, ask.rules.cost)
    preference = prefer_on(comparison, healthy) or preference
    others = alternatives_of(ask.plan, ask.model, ask.permitted, able)
    full: list[Removal] = []
    free = _sift(ask, Step.CAPACITY, _not_free, healthy, full)
    if not free:
        waiting = _candidates(ask, comparison, preference, removed, healthy, "Waits until there is room. ")
        return _decision(ask, removed, side, waiting=waiting, alternatives=others)
    removed += full
    candidates = _candidates(ask, comparison, preference, removed, free, "")
    return _decision(ask, removed, side, candidates, alternatives=others)


def _decision(
    ask: _Ask,
    removed: list[Removal],
    side: Side,
    candidates: tuple[Candidate, ...] = (),
    waiting: tuple[Candidate, ...] = (),
    refusal: Refusal | None = None,
    until_on: bool = False,
    wakes: str = "",
    alternatives: Alternatives = _NO_ALTERNATIVES,
) -> Decision:
    return Decision(
        model=ask.model.name,
        level=ask.gate.level,
        tags=ask.gate.tags,
        permitted=ask.permitted,
        candidates=candidates,
        waiting=waiting,
        refusal=refusal,
        removed=tuple(removed),
        labels=ask.facts.labels,
        side=side,
        rule=", ".join(ask.rules.names),
        until_on=until_on,
        wakes=wakes,
        alternatives=alternatives,
        order=tuple([candidate.route.backend for candidate in candidates or waiting]),
        listed=_listed_by(ask),
    )


def _listed_by(ask: _Ask) -> tuple[str, ...]:
    """Where a pattern takes the model: those whose list has it. Who has it not was left out before."""
    routes = ask.model.routes
    return tuple([each.backend for each in routes if each.as_asked and ask.state(each).models is not None])


def _candidates(
    ask: _Ask, comparison: Comparison, preference: Preference, removed: list[Removal], routes: list[Route], prefix: str
) -> tuple[Candidate, ...]:
    """`routes` in order, with one reason and one sentence per side."""
    ordered = in_order(comparison, preference.side, routes)
    if len({route.owned for route in routes}) == 1:
        preference = _only(preference, ask.model, removed, side_of(routes[0]))
    reason = preference.reason
    first = second = prefix + preference.explanation
    if not comparison.strategy.by_price:
        second = f"{prefix}Next in order. {preference.explanation}"
    leads = preference.side is Side.LOCAL
    endpoint = comparison.facts.endpoint
    return tuple(
        [
            Candidate(route, reason, (first if route.owned is leads else second) + _as_spoken(route, endpoint))
            for route in ordered
        ]
    )


def _as_spoken(route: Route, endpoint: str) -> str:
    return TRANSLATED if endpoint in route.translated else ""


def _only(preference: Preference, model: ModelPlan, removed: list[Removal], side: Side) -> Preference:
    """The reason when all that is left is on `side`: what became of the other one."""
    lost = _lost(model, removed, owned=side is Side.CLOUD)
    passing = lost is Step.HEALTH or lost is Step.CAPACITY
    if passing and preference.side is side:
        return preference
    reason, explanation = (_LOCAL_ONLY if side is Side.LOCAL else _CLOUD_ONLY)[lost]
    return Preference(side, reason, f"{explanation} {preference.explanation}" if passing else explanation)


def _lost(model: ModelPlan, removed: list[Removal], owned: bool) -> Step | None:
    """The step that removed the last backend of a side; None when the model has none there."""
    backends = [route.backend for route in model.routes if route.owned is owned]
    return next((removal.step for removal in reversed(removed) if removal.backend in backends), None)


_LOCAL_ONLY: Mapping[Step | None, tuple[str, str]] = {
    None: ("only-candidate", "Only own GPUs serve this model."),
    Step.EGRESS: ("only-permitted", "The egress gate permits only own GPUs."),
    Step.CAPABILITY: ("only-candidate", "Only own GPUs can serve this request."),
    Step.HEALTH: ("unhealthy", "The preferred cloud backends are not available."),
    Step.CAPACITY: ("spill", "The preferred cloud backends are full."),
}
_CLOUD_ONLY: Mapping[Step | None, tuple[str, str]] = {
    None: ("only-candidate", "Only cloud backends serve this model."),
    Step.EGRESS: ("only-permitted", "The egress gate permits only cloud backends."),
    Step.CAPABILITY: ("only-candidate", "Only cloud backends can serve this request."),
    Step.POWER: (GPU_OFF, "The own GPUs are off."),
    Step.HEALTH: ("unhealthy", "The preferred own GPUs are not available."),
    Step.CAPACITY: ("spill", "The preferred own GPUs are full."),
}
