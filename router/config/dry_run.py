"""One request tried against a plan, with backends and the day's volume as given: for cases and `explain`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from router.core.cost.breakeven import Shares
from router.core.cost.preference import Side
from router.core.decision.decide import decide
from router.core.decision.facts import build_facts
from router.core.policy import Mix
from router.core.sensitivity.detectors import compile_detectors
from router.core.sensitivity.entities import Question, Unanswered, entity_search, found_labels, unanswered_labels
from router.core.values import BackendState, Decision, Facts, KeyGrant, Label, Mixture, Permits, Plan, Snapshot
from router.surfaces.headers import TO_BACKEND
from router.surfaces.registry import SURFACES, Endpoint

NOBODY = KeyGrant("nobody", "default", Permits())
"""A key that allows everything, for requests that name none."""


class DryRun(Struct, frozen=True):
    body: bytes
    endpoint: Endpoint = "chat"
    headers: Mapping[str, str] = {}
    key: KeyGrant = NOBODY
    down: tuple[str, ...] = ()
    full: tuple[str, ...] = ()
    off: tuple[str, ...] = ()
    tokens: int = 0
    """Eligible tokens in the policy's window."""
    mix: Shares | None = None
    """Of these tokens; the policy's when None."""
    cloud_price: float | None = None
    """Of the traffic, see `Snapshot`."""
    previous: Side = Side.CLOUD
    hour: int = 12
    ledger_lost: bool = False
    untranslated: str = ""
    """Why nothing can be translated, see `Snapshot`."""


Ask = Callable[[Question, tuple[bytes, ...]], frozenset[str]]
"""Asks what looks for entities. Raises Unanswered."""


def nobody_asked(question: Question, pieces: tuple[bytes, ...]) -> frozenset[str]:
    raise Unanswered("presidio: it is asked about requests that are served, and by commands")


def attempt(plan: Plan, trial: DryRun, ask: Ask = nobody_asked) -> tuple[Facts, Decision]:
    """The facts of the request and the decision on it. Raises BadBody when it could not be decided on."""
    headers = {name.lower(): value for name, value in trial.headers.items()}
    reading = SURFACES[trial.endpoint].read(trial.body)
    sensitivity = plan.policy.sensitivity
    sought = () if sensitivity is None else sensitivity.detectors
    detectors = compile_detectors(sought, own=plan.own_patterns)
    facts = build_facts(
        plan=plan,
        endpoint=trial.endpoint,
        reading=reading,
        key=trial.key,
        headers=headers,
        passed=TO_BACKEND,
        detectors=detectors,
        body=trial.body,
    )
    facts = replace(facts, labels=facts.labels + _entities(plan, facts, (reading.texts or trial.body,), ask))
    return facts, decide(facts, plan, _snapshot(plan, trial))


def _entities(plan: Plan, facts: Facts, pieces: tuple[bytes, ...], ask: Ask) -> tuple[Label, ...]:
    search = entity_search(plan)
    detectors = () if search is None else search.wanted(facts.labels, facts.key.permits)
    if search is None or not detectors:
        return ()
    try:
        return found_labels(detectors, ask(search.question(detectors, pieces), pieces))
    except Unanswered as silence:
        return unanswered_labels(detectors, str(silence))


def grant_named(plan: Plan, name: str) -> KeyGrant | None:
    return next((grant for grant in plan.keys.values() if grant.name == name), None)


def _snapshot(plan: Plan, trial: DryRun) -> Snapshot:
    states = {name: BackendState(full=True, load="said to be full") for name in trial.full}
    states |= {name: BackendState(healthy=False, why="said to be down") for name in trial.down}
    states |= {name: BackendState(off="It is said to be off.") for name in trial.off}
    lost = trial.ledger_lost and plan.policy.ledger.on_loss == "refuse"
    return Snapshot(
        backends=states,
        seen=_mixture(trial.mix or plan.policy.cost.mix, trial.tokens),
        previous=trial.previous,
        hour=trial.hour,
        cloud_price=trial.cloud_price,
        untranslated=trial.untranslated,
        cloud_blocked="the ledger cannot be reached" if lost else "",
    )


def _mixture(mix: Shares | Mix, tokens: int) -> Mixture:
    cached, output = int(tokens * mix.cached), int(tokens * mix.output)
    return Mixture(input=tokens - cached - output, cached=cached, output=output)
