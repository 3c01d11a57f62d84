"""A decision for people: every label, the gate, and what each step did with each backend.

`explain_data` is the single account; `explain` lays the same out for a terminal.
"""

from __future__ import annotations

from typing import Any

from router.core.cost.preference import Side
from router.core.values import Candidate, Decision, Facts, Label, Plan, Refusal, Removal, Route, Step


def explain_data(decision: Decision, facts: Facts, plan: Plan) -> dict[str, Any]:
    """The decision as JSON-able values; `backends` is in the order in which they are tried, removed ones last."""
    return {
        "request": {
            "model": facts.model,
            "resolved_model": decision.model,
            "endpoint": facts.endpoint,
            "key": facts.key.name,
            "team": facts.key.team,
            "input_tokens": facts.input_tokens,
            "max_output_tokens": facts.max_output_tokens,
            "modalities": sorted(facts.modalities),
            "uses": list(facts.uses),
        },
        "policy": plan.version,
        "level": decision.level,
        "tags": list(decision.tags),
        "labels": [_label(label) for label in decision.labels],
        "permitted_zones": sorted(decision.permitted),
        "rule": decision.rule,
        "outcome": _outcome(decision),
        "preferred_side": str(decision.side),
        "backends": _backends(decision, facts, plan),
        "refusal": None if decision.refusal is None else _refusal(decision.refusal),
    }


def _outcome(decision: Decision) -> str:
    if decision.refusal is not None:
        return "refused"
    return "forward" if decision.candidates else "wait"


def _label(label: Label) -> dict[str, Any]:
    return {"source": label.source, "level": label.level, "tags": list(label.tags)}


def _refusal(refusal: Refusal) -> dict[str, Any]:
    return {
        "status": refusal.status,
        "code": refusal.code,
        "message": refusal.message,
        "retry_after": refusal.retry_after,
    }


def _backends(decision: Decision, facts: Facts, plan: Plan) -> list[dict[str, Any]]:
    kept = [
        _kept(candidate, "candidate", Step.COST, position)
        for position, candidate in enumerate(decision.candidates, start=1)
    ]
    awaits = Step.POWER if decision.until_on else Step.CAPACITY
    kept += [
        _kept(candidate, "waiting", awaits, position) for position, candidate in enumerate(decision.waiting, start=1)
    ]
    model = plan.models.get(facts.model)
    routes = {route.backend: route for route in model.routes} if model is not None else {}
    return kept + [_removed(removal, routes[removal.backend]) for removal in decision.removed]


def _kept(candidate: Candidate, outcome: str, step: Step, position: int) -> dict[str, Any]:
    return _backend(candidate.route, outcome, position, step, candidate.reason, candidate.explanation)


def _removed(removal: Removal, route: Route) -> dict[str, Any]:
    return _backend(route, "removed", None, removal.step, "", removal.explanation)


def _backend(
    route: Route, outcome: str, position: int | None, step: Step, reason: str, explanation: str
) -> dict[str, Any]:
    return {
        "backend": route.backend,
        "zone": route.zone,
        "side": str(Side.LOCAL if route.owned else Side.CLOUD),
        "upstream_model": route.upstream_model,
        "outcome": outcome,
        "position": position,
        "step": str(step),
        "reason": reason,
        "explanation": explanation,
    }


def explain(decision: Decision, facts: Facts, plan: Plan) -> str:
    """Plain text for a terminal, ending in a newline; control characters in names are shown escaped."""
    data = explain_data(decision, facts, plan)
    request = data["request"]
    lines = [
        _line("model", _model(request["model"], request["resolved_model"])),
        _line("endpoint", request["endpoint"]),
        *([_line("uses", _joined(request["uses"]))] if request["uses"] else []),
        _line("key", f"{request['key']} (team {request['team']})"),
        _line("sensitivity", data["level"] or "none (the policy has no levels)"),
        _line("tags", _joined(data["tags"])),
        *[_line("", f"from {_source(label)}") for label in data["labels"]],
        _line("may reach", _joined(data["permitted_zones"])),
        _line("rules", data["rule"] or "none"),
        _line("outcome", _summary(data)),
    ]
    width = max((len(backend["backend"]) for backend in data["backends"]), default=0)
    lines += [_backend_line(backend, width) for backend in data["backends"]]
    return "\n".join(_printable(line) for line in lines) + "\n"


def _line(title: str, text: str) -> str:
    return f"{title:<12} {text}"


def _model(asked: str, resolved: str) -> str:
    return asked if asked == resolved else f"{resolved} (asked for as {asked})"


def _joined(names: list[str]) -> str:
    return ", ".join(names) or "none"


def _source(label: dict[str, Any]) -> str:
    says = [f"level {label['level']}"] if label["level"] is not None else []
    says += [f"tag {tag}" for tag in label["tags"]]
    return f"{label['source']}: {', '.join(says) or 'nothing'}"


def _summary(data: dict[str, Any]) -> str:
    refusal = data["refusal"]
    if refusal is not None:
        return f"refused, {refusal['status']} {refusal['code']}: {refusal['message']}"
    order = " then ".join(backend["backend"] for backend in data["backends"] if backend["position"] is not None)
    return f"{data['outcome']}: {order} ({data['backends'][0]['reason']})"


def _backend_line(backend: dict[str, Any], width: int) -> str:
    mark = f"{backend['position']}." if backend["position"] is not None else "-"
    verdict = {"candidate": "kept by", "waiting": "waits at", "removed": "removed by"}[backend["outcome"]]
    where = f"{backend['backend']:<{width}} [{backend['zone']}]"
    return f"{mark:>3} {where} {verdict} {backend['step']}: {backend['explanation']}"


def _printable(line: str) -> str:
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in line)
