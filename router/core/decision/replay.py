"""A recorded decision, made once more by the same policy.

A record has no text, so what the request said of its sensitivity and what detectors found is one label here. Who wants
to know what another policy would have decided can ask with another plan: labels are those of the policy then, and
states, volume and prices are as they were seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from router.core.cost.preference import Side
from router.core.cost.volume import hour_of_day
from router.core.decision.decide import decide
from router.core.name_patterns import STAR, is_pattern
from router.core.policy_fields import Modality
from router.core.sensitivity.media import NOTHING, Fetch
from router.core.unknown_names import unknown
from router.core.values import (
    NO_GROUNDS,
    BackendState,
    Decision,
    Facts,
    Grounds,
    KeyGrant,
    Label,
    Mixture,
    Permits,
    Plan,
    Snapshot,
)

_NOT_ALLOWED = "model_not_allowed"
_READY = BackendState()
_RECORDED = "as recorded"
"""Stands for what was said of a backend, which nothing is decided by."""
_TEXT: tuple[Modality, ...] = ("text",)


class RecordedDecision(Struct, frozen=True):
    """What a record tells of one decision."""

    at: float
    """Seconds since the epoch."""
    model: str
    endpoint: str
    key: str
    team: str
    level: str = ""
    tags: tuple[str, ...] = ()
    reason: str = ""
    """Why it went where it went, or the code of its refusal."""
    grounds: Grounds = NO_GROUNDS

    @property
    def decided(self) -> str:
        """The decision's own reason."""
        return self.grounds.decided or self.reason


def decide_again(recorded: RecordedDecision, plan: Plan) -> Decision:
    """By its grounds, which must be known. Sentences for people are not what they were."""
    asked = _asked(recorded.model, plan)
    return decide(facts_of(recorded, plan, asked), plan, snapshot_of(recorded, plan, asked))


def differences(recorded: RecordedDecision, decision: Decision) -> list[str]:
    """In what a decision is not the recorded one, by the names of `Grounds` and of records; empty where it is."""
    grounds = recorded.grounds
    first = decision.candidates or decision.waiting
    refusal = decision.refusal
    # Of a name that the policy does not have the record has a digest, whose own digest it is now.
    then = unknown(recorded.model) if decision.model == unknown(recorded.model) else recorded.model
    found = {
        "model": (decision.model, then),
        "level": (decision.level, recorded.level),
        "candidates": (decision.order, grounds.candidates),
        "waits": (bool(decision.waiting), grounds.waits),
        "decided": (first[0].reason if refusal is None else refusal.code, recorded.decided),
        "side": (decision.side.value, grounds.side),
        "rule": (decision.rule, grounds.rule),
    }
    return [name for name, (now, before) in found.items() if now != before]


def facts_of(recorded: RecordedDecision, plan: Plan, asked: str) -> Facts:
    grounds = recorded.grounds
    return Facts(
        endpoint=recorded.endpoint,
        model=asked,
        key=_key(recorded, plan),
        labels=_labels(recorded, plan),
        input_tokens=grounds.estimated_input,
        max_output_tokens=grounds.max_output_tokens,
        modalities=frozenset(cast(tuple[Modality, ...], grounds.modalities) or _TEXT),
        quality_floor=grounds.quality_floor,
        answers=grounds.answers,
        fetch=cast(Fetch, grounds.fetch or NOTHING),
        pinned=grounds.pinned,
        uses=grounds.uses,
    )


def snapshot_of(recorded: RecordedDecision, plan: Plan, asked: str) -> Snapshot:
    grounds = recorded.grounds
    return Snapshot(
        backends=states_of(grounds, plan, asked),
        seen=Mixture(grounds.seen_input, grounds.seen_cached, grounds.seen_output),
        previous=Side(grounds.previous or Side.CLOUD),
        hour=hour_of_day(recorded.at, ZoneInfo(plan.policy.cost.timezone)),
        at=recorded.at,
        cloud_price=grounds.cloud_price,
        untranslated=_RECORDED if "translation" in grounds.blocked else "",
        cloud_blocked=_RECORDED if "cloud" in grounds.blocked else "",
    )


def states_of(grounds: Grounds, plan: Plan, asked: str) -> Mapping[str, BackendState]:
    """Of the backends that were noted. Raises ValueError for what is no note."""
    states = dict(map(read_note, grounds.states))
    model = plan.models.get(asked) if grounds.listed else None
    for route in () if model is None else model.routes:
        if route.backend in grounds.listed:
            state = states.get(route.backend, _READY)
            states[route.backend] = replace(state, models=frozenset((route.upstream_model,)))
    return states


def read_note(note: str) -> tuple[str, BackendState]:
    """A backend and its state, see `grounds.noted`. One that lists has no model here. Raises ValueError."""
    backend, *words = note.split(" ")
    known: dict[str, Any] = {}
    for word in words:
        name, _, value = word.partition("=")
        if name not in _WORDS:
            raise ValueError(f"{word!r} is nothing that is noted of a backend")
        field, read = _WORDS[name]
        known[field] = read(value)
    return backend, BackendState(**known)


_WORDS: Mapping[str, tuple[str, Any]] = {
    "unhealthy": ("healthy", lambda _: False),
    "full": ("full", lambda _: True),
    "off": ("off", lambda _: _RECORDED),
    "coming": ("coming", lambda _: True),
    "asleep": ("wakes", lambda _: False),
    "rests": ("rests", lambda _: True),
    "starts": ("retry_after", float),
    "context": ("context", int),
    "lists": ("models", lambda _: frozenset()),
}


def _labels(recorded: RecordedDecision, plan: Plan) -> tuple[Label, ...]:
    if plan.policy.sensitivity is None:
        return ()
    return (Label(recorded.level or None, recorded.tags, "record"),)


def _key(recorded: RecordedDecision, plan: Plan) -> KeyGrant:
    """The policy's key of this name. One that it does not have may ask for every model that it was not refused."""
    grant = next((grant for grant in plan.keys.values() if grant.name == recorded.key), None)
    if grant is None:
        models = frozenset[str]() if recorded.decided == _NOT_ALLOWED else None
        grant = KeyGrant(recorded.key, recorded.team, Permits(models))
    zones = recorded.grounds.key_zones
    return replace(grant, permits=replace(grant.permits, zones=frozenset(zones))) if zones else grant


def _asked(model: str, plan: Plan) -> str:
    """What was asked for, as far as it matters: records have what a provider publishes in the place of what a pattern
    took."""
    known = plan.models.get(model)
    if known is not None:
        return model
    return next((each for each in _filled(model, plan) if plan.models[each].name == model), model)


def _filled(model: str, plan: Plan) -> Iterator[str]:
    return (pattern.replace(STAR, model, 1) for pattern in plan.policy.models if is_pattern(pattern))
