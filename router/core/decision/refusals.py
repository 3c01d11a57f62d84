"""What a client is told when no backend can take its request.

Every message says what the app developer and what the admin can do. Messages are made from the policy and from
what backends report, never from the request's text; where one repeats a name of the client's there is a note without.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace

from router.core.name_patterns import STAR, in_words, is_pattern, takes
from router.core.sensitivity.media import OUTSIDE, Fetch
from router.core.unknown_names import unknown
from router.core.values import Facts, ModelPlan, Plan, Refusal, Removal, Snapshot, Step

_SHORTEST_RETRY, _LONGEST_RETRY = 1.0, 60.0
_LISTED = 8
_FOR_GOOD = "; a retry does not help."
_TOO_LONG_START = "Its maximum context length is "
TOO_LONG = _TOO_LONG_START + "{context} tokens, and the request needs at least {least} with its output."
"""In words that clients look for."""


def usable(plan: Plan, allowed: Iterable[str] | None) -> set[str]:
    """Names and patterns of models that a key may use which is `allowed` these; None for all."""
    named = {model.name for model in plan.models.values()}
    return named if allowed is None else _in_both(named, allowed)


def model_not_found(facts: Facts, plan: Plan) -> Refusal:
    names = usable(plan, facts.key.permits.models)
    taken = plan.models.get(facts.model)
    models = listed_models(names, unlisted="" if taken is None else taken.name)
    may_use = f"This key may use: {models}. An admin adds models under `models` in the policy."
    return Refusal(
        404,
        "model_not_found",
        f"The model {_asked(facts.model)} does not exist here. {may_use}",
        note=f"The model {unknown(facts.model)} does not exist here. {may_use}",
    )


def model_not_allowed(facts: Facts, model: ModelPlan) -> Refusal:
    return Refusal(
        403,
        "model_not_allowed",
        f"This key may not use the model {_called(model)}."
        f" It may use: {listed_models(facts.key.permits.models or ())}."
        " An admin can add the model to `models` of this key, where the key is kept: in the policy or in the ledger.",
    )


def egress_denied(model: ModelPlan, permitted: Iterable[str], why: Sequence[str]) -> Refusal:
    """`why` says what the permitted zones come from, in sentences without a full stop."""
    return Refusal(
        403,
        "egress_denied",
        f"No backend of the model {_called(model)} is in a zone that may see this request: {listed(permitted)}."
        f" This is because {'; '.join(why)}."
        f" Use a model that a permitted zone serves, or ask an admin to add a backend there{_FOR_GOOD}",
    )


def media_denied(fetch: Fetch, why: Sequence[str]) -> Refusal:
    """`why` as in `egress_denied`; where it is empty, rules or the policy leave no zone outside."""
    if fetch == OUTSIDE:
        because = f" ({'; '.join(why)})" if why else ""
        message = (
            f"The request may only stay at home{because}, and names an address outside that would be fetched for it."
            " Send the content itself, as a `data:` URL; or, if the host is your own, an admin can name it under"
            " `media.own_hosts` in the policy."
        )
    else:
        message = (
            "The request names an address that may not be fetched: only https addresses of public hosts may, as far as"
            " `media.allow_hosts` in the policy lets them, and hosts under `media.own_hosts`."
            " Send the content itself, as a `data:` URL, or ask an admin to name the host."
        )
    return Refusal(403, "media_denied", message)


def no_capable_backend(removed: Sequence[Removal]) -> Refusal:
    """With the code on which clients shorten a conversation, where it is only too long for everybody."""
    incapable = [removal for removal in removed if removal.step is Step.CAPABILITY]
    too_long = all(removal.explanation.startswith(_TOO_LONG_START) for removal in incapable)
    return Refusal(
        400,
        "context_length_exceeded" if too_long else "no_capable_backend",
        f"No backend that this request may reach can serve it: {_each(removed, Step.CAPABILITY)}."
        " Change the request, or ask an admin for a backend that can.",
    )


def unreadable(refusal: Refusal, kinds: Mapping[str, Iterable[str]], level: str) -> Refusal:
    """The refusal of a request that would have had a lower level than `level`, and more zones, if detectors could read
    these kinds of content, by the setting that gives their level."""
    held = [kind for found in kinds.values() for kind in found]
    why = (
        f"Detectors cannot read what it holds ({listed(held)}), and that alone raised its level to '{level}', which"
        " keeps it from other backends. An admin who finds that too strict can set a lower level under"
        f" {' and '.join(f'`sensitivity.{setting}`' for setting in kinds)}."
    )
    return replace(refusal, message=f"{refusal.message} {why}")


def unanswered(refusal: Refusal, silent: Iterable[str], level: str) -> Refusal:
    """The same where what was to look at the request did not answer: `silent` says who, and why."""
    why = (
        f"What looks at requests for this policy did not answer ({listed(set(silent))}), and that alone raised its"
        f" level to '{level}', which keeps it from other backends. Try again shortly; if it lasts, an admin finds more"
        " in the gateway's log."
    )
    return replace(refusal, message=f"{refusal.message.replace(_FOR_GOOD, '.')} {why}")


def backend_unavailable(removed: Sequence[Removal], snapshot: Snapshot) -> Refusal:
    wait = retry_after(removed, snapshot)
    return Refusal(
        503,
        "backend_unavailable",
        f"Every backend that may serve this request is unavailable: {_each(removed, Step.POWER, Step.HEALTH)}."
        f" Try again in {wait:.0f} s; if it lasts, an admin should look at the backends' health.",
        wait,
    )


def gpu_off(removed: Sequence[Removal]) -> Refusal:
    return Refusal(
        503,
        "gpu_off",
        f"Only own backends may serve this request, and they are off: {_each(removed, Step.POWER)}."
        " A request like this one does not switch them on. An admin can do so, or let its level do it, with"
        " `power.wake_for` and `power.mode` in the policy.",
    )


def start_failed(removed: Sequence[Removal], seconds: float) -> Refusal:
    """`seconds` are the rest of the rest, and what a start takes. The message has no times: it may be told later."""
    return Refusal(
        503,
        "gpu_off",
        f"Only own backends may serve this request, and none can: {_each(removed, Step.POWER, Step.HEALTH)}."
        " A start is tried again after a rest, for a request that comes then.",
        _bounded(seconds),
    )


def retry_after(removed: Sequence[Removal], snapshot: Snapshot) -> float:
    """Seconds until the first of the unhealthy backends may be back, between 1 and 60."""
    known = (snapshot.backends.get(removal.backend) for removal in removed if removal.step is Step.HEALTH)
    return _bounded(min((state.retry_after for state in known if state is not None), default=_SHORTEST_RETRY))


def _bounded(seconds: float) -> float:
    return min(max(seconds, _SHORTEST_RETRY), _LONGEST_RETRY)


def listed(names: Iterable[str]) -> str:
    """Names in a stable order, the first few of many; "none" for none."""
    return _first_few(sorted(names)) or "none"


def listed_models(names: Iterable[str], unlisted: str = "") -> str:
    """The same of models, where patterns come last and in words. `unlisted` is the pattern that would take what was
    asked for, if its backends had it."""
    ordered = sorted(names, key=lambda name: (name == STAR, is_pattern(name), name))
    plain = _first_few([name for name in ordered if not is_pattern(name)])
    patterns = [
        ("any other name" if name == STAR and len(ordered) > 1 else in_words(name))
        + (" that its backends list" if name == unlisted else "")
        for name in ordered
        if is_pattern(name)
    ]
    return ", ".join(filter(None, (plain, _first_few(patterns)))) or "none"


def _first_few(ordered: Sequence[str]) -> str:
    rest = len(ordered) - _LISTED
    return ", ".join(ordered[:_LISTED]) + (f" and {rest} more" if rest > 0 else "")


def _in_both(named: Iterable[str], allowed: Iterable[str]) -> set[str]:
    """Names and patterns that stand for what both sides have; of two, the one that the other takes."""
    pairs = [(name, each) for name in named for each in allowed]
    return {each if takes(name, each) else name for name, each in pairs if takes(name, each) or takes(each, name)}


def _called(model: ModelPlan) -> str:
    """By the policy's name of it, and what that stands for."""
    return f"'{model.name}'" + (f" ({in_words(model.name)})" if is_pattern(model.name) else "")


def _asked(model: str) -> str:
    """What the client asked for, if it looks like a name at all."""
    return f"'{model}'" if len(model) <= 128 and model.isprintable() and " " not in model else "that was asked for"


def _each(removed: Sequence[Removal], *steps: Step) -> str:
    return "; ".join(
        f"{removal.backend}: {removal.explanation.rstrip('.')}" for removal in removed if removal.step in steps
    )
