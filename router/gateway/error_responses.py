"""What a client is told when its request is not answered by a backend."""

from __future__ import annotations

import math
from collections.abc import Iterable

from router.core.decision.refusals import listed_models
from router.core.limits.limits import Verdict, refusal_of
from router.core.limits.periods import Periods
from router.core.resilience.retry import Fault, client_retry_after
from router.core.values import Decision, Refusal
from router.gateway.context import RequestContext
from router.gateway.errors import NOT_PERMITTED, ApiError
from router.gateway.forward import NoAnswer
from router.gateway.response_lines import header
from router.upstream.connection import Headers

NO_ROOM = "This worker keeps as many answers as server.max_held_bytes allows. Try again shortly."


def refused(decision: Decision, refusal: Refusal) -> ApiError:
    """By the decision: nothing may or can take it."""
    wait = None if refusal.retry_after is None else client_retry_after(refusal.retry_after)
    return ApiError(
        refusal.status,
        refusal.code,
        refusal.message,
        param="model" if refusal.status == 404 else None,
        retry_after=wait,
        retryable=wait is not None,
        level=decision.level,
        note=refusal.note,
    )


def lacks_model(error: ApiError) -> bool:
    """Whether a request was refused because it names no model."""
    return error.param == "model" and error.code == "missing_required_parameter"


def without_model(error: ApiError, names: Iterable[str]) -> ApiError:
    """The same, with the models that its key may use: none of them is taken for the one that was meant."""
    message = f"{error.message} This key may use: {listed_models(names)}."
    return ApiError(error.status, error.code, message, param=error.param)


def over_budget(context: RequestContext, decision: Decision, verdict: Verdict, now: float) -> ApiError:
    """By a limit. Where waiting takes long the message tells until when, and SDKs are told not to wait on their own."""
    periods = context.serving.holding.counter_sets.periods
    return over_limit(verdict, now, periods, context.surface.output_limit, decision.level)


def over_limit(verdict: Verdict, now: float, periods: Periods, output_limit: str, level: str = "") -> ApiError:
    """The same of any request; `level` is empty where it was not looked at."""
    refusal = refusal_of(verdict, now, periods, output_limit)
    return ApiError(
        refusal.status,
        refusal.code,
        refusal.message,
        retry_after=None if refusal.retry_after is None else max(1, math.ceil(refusal.retry_after)),
        retryable=refusal.retryable,
        level=level,
        type=refusal.type,
    )


def full(decision: Decision) -> ApiError:
    """It waited for room in vain."""
    names = ", ".join(candidate.route.backend for candidate in decision.waiting)
    message = f"Every backend that may take this request is full ({names}). Try again shortly."
    return ApiError(503, "backends_full", message, retry_after=2, retryable=True, level=decision.level)


def shut_out(decision: Decision) -> ApiError:
    """What came into force while it waited permits none of its backends. Asked anew, it may go elsewhere."""
    message = f"No backend that may take this request answered. {NOT_PERMITTED}"
    return ApiError(503, "backend_unavailable", message, retry_after=_SOON, retryable=True, level=decision.level)


def still_off(decision: Decision, seconds: float) -> ApiError:
    """It waited in vain, or nowhere, for a backend that is off; `seconds` are the rest of its start."""
    names = ", ".join(candidate.route.backend for candidate in decision.waiting)
    rest, wait = max(1, math.ceil(seconds)), client_retry_after(seconds)
    why = decision.waiting[0].explanation
    when = f"It is expected to be on in {rest} s; try again in {wait} s." if rest > wait else f"Try again in {wait} s."
    message = f"Only own backends may take this request, and they are not on yet ({names}). {why} {when}"
    return ApiError(503, "gpu_off", message, retry_after=wait, retryable=True, level=decision.level)


def no_answer(failure: NoAnswer, decision: Decision, gone: float | None = None) -> ApiError:
    """`gone`: what was asked was own units that were on and are no more, and another one takes so many seconds."""
    if failure.timed_out:
        message = f"No backend answered in time. {failure}"
        return ApiError(504, "backend_timeout", message, retryable=False, level=decision.level)
    if failure.attempts and failure.attempts[-1].outcome.fault is Fault.TOO_LARGE:
        message = f"The answer is larger than server.max_answer_bytes allows. {failure}"
        return ApiError(502, "answer_too_large", message, retryable=False, level=decision.level)
    if failure.attempts and failure.attempts[-1].outcome.fault is Fault.NO_ROOM:
        message = f"{NO_ROOM} {failure}"
        return ApiError(503, "too_much_held", message, retry_after=_SOON, retryable=True, level=decision.level)
    wait = _time_to_come_back(failure)
    if failure.rest is not None and not failure.attempts:
        message = f"Every backend that may take this request rests, as its limits ask. {failure}"
        return ApiError(429, "rate_limit_exceeded", message, retry_after=wait, retryable=True, level=decision.level)
    message = f"No backend that may take this request answered. {failure}"
    if wait is None and gone is not None:
        wait = client_retry_after(gone)
        message = (
            f"{message}. It was on a moment ago. If it is gone, its controller sees so within seconds, and starts it"
            f" again for a request that comes then. Try again in {wait} s."
        )
    retryable = wait is not None
    return ApiError(503, "backend_unavailable", message, retry_after=wait, retryable=retryable, level=decision.level)


def _time_to_come_back(failure: NoAnswer) -> int | None:
    """In seconds; None where all was tried, and trying it all again is no use."""
    if failure.rest is not None:
        return client_retry_after(failure.rest)
    return None if failure.attempts else _SOON


def retry_lines(failure: NoAnswer, headers: Headers) -> bytes:
    """Whether SDKs should try again, for a backend's error that is relayed with these headers: only where it, or a
    limit, says when. All that could be tried here was."""
    if any(name in _WHEN for name, _ in headers):
        return header("x-should-retry", "true")
    if failure.rest is None:
        return header("x-should-retry", "false")
    return header("retry-after", str(client_retry_after(failure.rest))) + header("x-should-retry", "true")


_SOON = 2
"""Seconds."""
_WHEN = (b"retry-after", b"retry-after-ms")
