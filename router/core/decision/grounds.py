"""What a decision was made on, as records keep it; `core.decision.replay` makes it again from that.

`decide` looks at the facts, the plan and the snapshot. A record has the request's model, level, tags, key and endpoint,
and its arrival, from which the hour and the prices follow; the plan is that of the policy with the same version.
`Grounds` are the rest. Backends are noted only where they differ from one that is healthy and free:

    gpu full            gpu off coming starts=41.5          gpu unhealthy context=8192 lists

`lists` stands for a backend that serves what it lists, and whose list was known; `Grounds.listed` names those of them
that had the model.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from router.core.sensitivity.media import NOTHING
from router.core.values import BackendState, Decision, Facts, Grounds, Snapshot

_TEXT = frozenset(("text",))
_NONE: tuple[str, ...] = ()


class StateNotes:
    """Notes the states of backends, and remembers the last ones: they stay the same for many requests."""

    def __init__(self) -> None:
        self._states: Mapping[str, BackendState] = {}
        self._notes: tuple[str, ...] = ()

    def of(self, states: Mapping[str, BackendState]) -> tuple[str, ...]:
        if states is not self._states:
            self._states, self._notes = states, noted(states)
        return self._notes


def noted(states: Mapping[str, BackendState]) -> tuple[str, ...]:
    """One note for each backend that is not just healthy and free."""
    words = {name: _words(state) for name, state in states.items()}
    return tuple([" ".join((name, *said)) for name, said in words.items() if said])


def _words(state: BackendState) -> list[str]:
    said = {
        "unhealthy": not state.healthy,
        "full": state.full,
        "off": state.off,
        "coming": state.off and state.coming,
        "asleep": state.off and not state.wakes,
        "rests": state.off and state.rests,
        f"starts={state.retry_after!r}": state.off,
        f"context={state.context}": state.context is not None,
        "lists": state.models is not None,
    }
    return [word for word, holds in said.items() if holds]


def grounds_of(
    facts: Facts, snapshot: Snapshot, decision: Decision, policy: str, notes: tuple[str, ...], reason: str
) -> Grounds:
    """`policy` is the version of the plan that decided, `notes` are those of the snapshot's backends, and `reason` is
    the one that the record has."""
    first = decision.candidates or decision.waiting
    refusal = decision.refusal
    decided = first[0].reason if first else "" if refusal is None else refusal.code
    seen, zones = snapshot.seen, facts.key.permits.zones
    values = (
        policy,
        facts.input_tokens,
        facts.max_output_tokens,
        seen.input,
        seen.cached,
        seen.output,
        snapshot.cloud_price,
        snapshot.previous,
        notes,
        decision.side,
        decision.order,
        decision.rule,
        "" if decided == reason else decided,
        bool(decision.waiting),
        _NONE if facts.modalities == _TEXT else tuple(sorted(facts.modalities)),
        facts.quality_floor or 0,
        facts.answers,
        "" if facts.fetch == NOTHING else facts.fetch,
        facts.pinned,
        facts.uses,
        _NONE if zones is None else tuple(sorted(zones)),
    )
    found = Grounds(*values)  # by their places: of so many names Python would make a dictionary, for a microsecond
    if decision.listed or snapshot.cloud_blocked or snapshot.untranslated:
        return replace(found, listed=decision.listed, blocked=_blocked(snapshot))
    return found


def _blocked(snapshot: Snapshot) -> tuple[str, ...]:
    cloud = ("cloud",) if snapshot.cloud_blocked else ()
    return (*cloud, "translation") if snapshot.untranslated else cloud
