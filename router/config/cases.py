"""`<name>.cases.yaml` beside a policy: requests, each with the decision that it should get.

A policy is tested like code: a case names a request, what it should assume (`given`), and what to expect.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import msgspec
from pydantic import Field, model_validator

from router.config.decode import adapter_of
from router.config.dry_run import NOBODY, Ask, DryRun, attempt, grant_named
from router.config.example_model import example_model
from router.config.load import decode_document, raise_if_any, read_bytes, text_of
from router.config.presidio_pipe import asking
from router.config.problems import FieldPath, Finding, listing, suggest
from router.config.yaml_document import parse
from router.core.cost.preference import Side
from router.core.policy_fields import Name, Names, Section
from router.core.reading import BadBody
from router.core.values import Decision, Plan
from router.surfaces.registry import SURFACES, Endpoint


class Request(Section):
    endpoint: Endpoint = "chat"
    headers: dict[str, str] = Field(default={})
    model: Name | None = None
    """For `prompt`; the policy's first model when left out."""
    prompt: str | None = None
    """Short for a body with one user message."""
    body: dict[str, Any] | None = None
    """The whole body."""

    @model_validator(mode="after")
    def _one_of_prompt_and_body(self) -> Self:
        if (self.prompt is None) == (self.body is None):
            raise ValueError("give either prompt or body")
        return self


class Given(Section):
    down: Names = ()
    """Backends that are not healthy."""
    full: Names = ()
    """Backends that have no room."""
    off: Names = ()
    """Own backends that are not switched on."""
    tokens_today: int = Field(default=0, ge=0)
    """Eligible tokens in the policy's window."""
    previous: Literal["local", "cloud"] = "cloud"
    """Side that was preferred last."""
    hour: int = Field(default=12, ge=0, le=23)
    """In the policy's time zone."""
    key: Name | None = None
    """A key of the policy; one that allows everything when left out."""
    ledger_lost: bool = False
    """The ledger cannot be reached."""


class Expect(Section):
    """One of backend, candidates, waiting and refused, and anything more that should hold."""

    backend: Name | None = None
    """The first candidate."""
    candidates: Names | None = None
    """All candidates, in order."""
    waiting: Names | None = None
    """Backends to wait for, in order."""
    refused: str | None = None
    """Code of the refusal, such as egress_denied."""
    reason: str | None = None
    """Reason code of the first backend."""
    level: Name | None = None
    tags: Names | None = None
    zones: Names | None = None
    """Zones that the egress gate permits, in any order."""
    rule: str | None = None
    """Name of the rule that applies."""

    @model_validator(mode="after")
    def _one_outcome(self) -> Self:
        outcomes = (self.backend, self.candidates, self.waiting, self.refused)
        if sum(outcome is not None for outcome in outcomes) != 1:
            raise ValueError("expect exactly one of backend, candidates, waiting and refused")
        return self


class Traffic(Section):
    """Recorded requests, and limits on what they would have come to, see docs/simulate.md."""

    requests: str = Field(min_length=1)
    """A file of them, from the folder of the cases."""
    scale: float = Field(default=1.0, gt=0, le=10_000)
    """So many times as many."""
    days: float | None = Field(default=None, gt=0, le=3660)
    """Only the last days of them."""
    backends: dict[Name, str] = Field(default={})
    """How backends are, such as `{gpu: "slots=64,prefill=8000"}`."""
    fail_if: Annotated[tuple[str, ...], Field(strict=False, min_length=1)]
    """The case fails when one of these holds, such as "usd > 100"."""


class Case(Section):
    name: str = Field(min_length=1)
    request: Request | None = None
    given: Given = Given()
    expect: Expect | None = None
    """What should become of the request."""
    simulate: Traffic | None = None
    """In the place of one request and what to expect of it."""

    @model_validator(mode="after")
    def _one_request_or_many(self) -> Self:
        one, expected, many = (each is not None for each in (self.request, self.expect, self.simulate))
        if one != expected or one == many:
            raise ValueError("give either request and expect, or simulate")
        return self


Simulate = Callable[[Traffic, Path], Iterable[Finding]]
"""Plays a case's traffic from the folder of the cases, and says what is wrong, with paths below `simulate`."""


Cases = Annotated[tuple[Case, ...], Field(strict=False, min_length=1)]


def cases_beside(policy: str | Path) -> Path:
    """`policies/x.yaml` -> `policies/x.cases.yaml`."""
    path = Path(policy)
    return path.with_name(f"{path.stem}.cases.yaml")


def check_cases(path: str | Path, plan: Plan, simulate: Simulate | None = None) -> int:
    """How many cases of the file were tried: those with traffic only by `simulate`, which takes its time.

    Raises PolicyError with all that is wrong with the file or with what becomes of its cases.
    """
    document = parse(text_of(read_bytes(path), str(path)), str(path))
    findings = tuple(_unknown_names(document.data, plan))
    cases = decode_document(document, adapter_of(Cases), findings)
    raise_if_any(document, findings)
    with asking(plan) as ask:
        raise_if_any(document, _failures(cases, plan, simulate, Path(path).parent, ask))
    return sum(case.simulate is None or simulate is not None for case in cases)


def _failures(
    cases: tuple[Case, ...], plan: Plan, simulate: Simulate | None, folder: Path, ask: Ask
) -> Iterator[Finding]:
    for index, case in enumerate(cases):
        for finding in _run(case, plan, simulate, folder, ask):
            yield Finding((index, *finding.path), f'case "{case.name}": {finding.message}')


def _run(case: Case, plan: Plan, simulate: Simulate | None, folder: Path, ask: Ask) -> Iterable[Finding]:
    """What differs from the expectation, with paths below the case; nothing when it passes."""
    if case.request is not None and case.expect is not None:
        return _one_request(case, case.request, case.expect, plan, ask)
    if case.simulate is None or simulate is None:
        return ()
    return [Finding(("simulate", *each.path), each.message) for each in simulate(case.simulate, folder)]


def _one_request(case: Case, request: Request, expect: Expect, plan: Plan, ask: Ask) -> tuple[Finding, ...]:
    try:
        _, decision = attempt(plan, _trial(case.given, request, plan), ask)
    except BadBody as error:
        return (Finding(("request",), f"this is no request that could be decided on: {error.message}"),)
    return tuple(_differences(expect, decision))


def _trial(given: Given, request: Request, plan: Plan) -> DryRun:
    return DryRun(
        body=_body(request, plan),
        endpoint=request.endpoint,
        headers=request.headers,
        key=NOBODY if given.key is None else grant_named(plan, given.key) or NOBODY,
        down=given.down,
        full=given.full,
        off=given.off,
        tokens=given.tokens_today,
        previous=Side(given.previous),
        hour=given.hour,
        ledger_lost=given.ledger_lost,
    )


def _body(request: Request, plan: Plan) -> bytes:
    if request.body is not None:
        return msgspec.json.encode(request.body)
    model = request.model or example_model(plan.policy)
    return SURFACES[request.endpoint].example(model, request.prompt or "")


def _differences(expect: Expect, decision: Decision) -> Iterator[Finding]:
    first = next(iter(decision.candidates or decision.waiting), None)
    got: dict[str, Any] = {
        "backend": decision.candidates[0].route.backend if decision.candidates else None,
        "candidates": tuple(candidate.route.backend for candidate in decision.candidates),
        "waiting": tuple(candidate.route.backend for candidate in decision.waiting),
        "refused": decision.refusal.code if decision.refusal is not None else None,
        "reason": first.reason if first is not None else None,
        "level": decision.level,
        "tags": decision.tags,
        "zones": tuple(sorted(decision.permitted)),
        "rule": decision.rule,
    }
    for field in Expect.model_fields:
        wanted = getattr(expect, field)
        if field in ("zones", "tags") and wanted is not None:
            wanted, got[field] = tuple(sorted(wanted)), tuple(sorted(got[field]))
        if wanted is not None and wanted != got[field]:
            message = f"expected {field} {_shown(wanted)}, got {_shown(got[field])}; {_outcome(decision)}"
            yield Finding(("expect", field), message)


def _shown(value: Any) -> str:
    return f"[{', '.join(value)}]" if isinstance(value, tuple) else str(value or "none")


def _outcome(decision: Decision) -> str:
    if decision.refusal is not None:
        return f"it was refused with {decision.refusal.code}: {decision.refusal.message}"
    first = (decision.candidates or decision.waiting)[0]
    verb = "goes to" if decision.candidates else "waits for"
    return f"it {verb} {first.route.backend} ({first.reason}): {first.explanation}"


def _unknown_names(data: Any, plan: Plan) -> Iterator[Finding]:
    """Names that the policy does not have: such a case would test nothing."""
    policy = plan.policy
    keys = [key.name for key in policy.keys]
    for index, case in enumerate(data if isinstance(data, list) else []):
        for section, field, what, known in (
            ("given", "down", "backend", policy.backends),
            ("given", "full", "backend", policy.backends),
            ("given", "off", "backend", policy.backends),
            ("given", "key", "key", keys),
            ("expect", "backend", "backend", policy.backends),
            ("expect", "candidates", "backend", policy.backends),
            ("expect", "waiting", "backend", policy.backends),
            ("expect", "level", "level", plan.levels),
            ("expect", "zones", "zone", policy.zones),
        ):
            value = _inside(_inside(case, section), field)
            yield from _unknown(what, value, known, (index, section, field))


def _inside(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, dict) else None


def _unknown(what: str, value: Any, known: Collection[str], path: FieldPath) -> Iterator[Finding]:
    named = (
        [((*path, number), name) for number, name in enumerate(value)] if isinstance(value, list) else [(path, value)]
    )
    for place, name in named:
        if isinstance(name, str) and name not in known:
            yield Finding(place, f'the policy has no {what} "{name}"{suggest(name, known)} {what}s: {listing(known)}')
