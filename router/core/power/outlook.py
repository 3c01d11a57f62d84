"""What is told of a backend's units: to workers, so that they decide by it, and to people, of what comes next."""

from __future__ import annotations

from collections.abc import Mapping

from router.core.power.rule import LEAST_RENT, OFF_BELOW, ON_FROM, REASONS, span
from router.core.power.savings import Savings
from router.core.power.states import Phase
from router.core.power.terms import Mode, Order, PowerTerms
from router.core.power.units import UnitsState
from router.core.resilience.worker_status import PowerState
from router.core.values import BackendState

_DOING: Mapping[Phase, str] = {
    Phase.OFF: "It is off",
    Phase.STARTING: "It is being switched on",
    Phase.ON: "It is on",
    Phase.DRAINING: "It is being switched off",
    Phase.STOPPING: "It is being switched off",
    Phase.FAILED: "It failed",
    Phase.UNKNOWN: "Nobody can tell whether it is on",
}


def published(state: UnitsState, terms: PowerTerms) -> PowerState:
    """For workers. Its sentence has no times, so that it changes only with what it says."""
    failed = state.phase is Phase.FAILED
    doing = "It failed to start" if failed and state.before is Phase.STARTING else _DOING[state.phase]
    why = f"{doing}: {state.error if failed else REASONS.get(state.reason, state.reason)}."
    if state.failures and not failed:
        why = f"{why} The last attempt failed: {state.error}."
    return PowerState(
        at=state.at,
        phase=state.phase.value,
        serves=state.serves,
        known=state.phase is not Phase.UNKNOWN,
        coming=state.phase is Phase.STARTING,
        wakes=can_wake(state, terms),
        ready_at=state.at + state.seconds_to_serve(terms),
        why=why,
        failing=state.error if state.failures else "",
        rests=state.rest > 0 and state.phase is not Phase.STARTING,
    )


def while_off(power: PowerState, wait: float, models: frozenset[str] | None = None) -> BackendState:
    """A backend that is known not to serve, as requests see it. `wait` is the rest of a start, in seconds; `models` are
    those that it lists."""
    return BackendState(
        off=power.why,
        coming=power.coming,
        wakes=power.wakes,
        rests=power.rests,
        retry_after=wait,
        models=models,
    )


def can_wake(state: UnitsState, terms: PowerTerms) -> bool:
    """Whether a request that waits for it has it switched on."""
    never = state.order is Order.AUTO and terms.mode is Mode.NEVER
    return state.order is not Order.OFF and not never and not terms.left


def next_change(state: UnitsState, savings: Savings, terms: PowerTerms) -> str:
    """What would change it next, in a sentence or two."""
    if terms.left:
        when = "their driver can tell what is on" if state.phase is Phase.UNKNOWN else "they have ended what runs"
        return f"They are off for good once {when}; what the policy names instead comes after them."
    if not can_wake(state, terms):
        ordered = state.order is Order.OFF
        return "It stays off until an administrator orders otherwise." if ordered else "The policy keeps it off."
    match state.phase:
        case Phase.UNKNOWN:
            return "Nothing is started or stopped until the driver can tell again."
        case Phase.FAILED:
            return f"It is tried again in {span(max(1.0, state.rest))}, if it is wanted then."
        case Phase.STARTING:
            return f"It serves once it answers, in about {span(state.seconds_to_serve(terms))}."
        case Phase.DRAINING | Phase.STOPPING:
            return "It is off once it has ended what runs; a request that may go nowhere else keeps or brings it back."
        case Phase.ON if state.order is Order.ON or terms.mode is Mode.ALWAYS:
            return "It stays on" + (" until an administrator orders otherwise." if state.order is Order.ON else ".")
    if state.reason == "address-taken":
        return "It is switched on once what was at its address is off."
    if state.reason == "card-taken" and state.claim:
        return "It is switched on once the other model sleeps."
    rent = max(LEAST_RENT, terms.usd_per_hour)
    further = (
        _would(savings, state.units + 1, ON_FROM * rent, "started", "at least") if state.units < terms.units else ""
    )
    if not state.units:
        return f"{further} A request that may go nowhere else has one started at once."
    return " ".join(filter(None, (_would(savings, state.units, OFF_BELOW * rent, "stopped", "less than"), further)))


def _would(savings: Savings, unit: int, usd_per_hour: float, done: str, how: str) -> str:
    return (
        f"Unit {unit} is {done} when it would save {how} ${usd_per_hour:.2f} an hour; now it would save"
        f" ${savings.of(unit):.2f}."
    )
