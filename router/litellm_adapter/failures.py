"""litellm's exceptions -> OpenAI's error object, with the provider's own status.

litellm turns some statuses into others (529 into 500) and wraps what happens inside a stream, so the provider's
status is looked for in the exceptions behind the one that is raised.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from router.surfaces.may_be_billed import UNREAD, UNSUPPORTED, MayBeBilled

_CLASS = r"(?:litellm\.)?[A-Za-z0-9_.]*(?:Error|Exception|Timeout)"
_PREFIX = re.compile(rf"^(?:{_CLASS}(?: {_CLASS}| Error)*\s*(?::|-)\s*)+")
"""Classes that litellm puts before what a provider said: "litellm.NotFoundError: AzureException NotFoundError - "."""
_SUFFIX = re.compile(r"(?s)\s*(?:LiteLLM Retried:|(?:Received|Available) Model Group|Traceback \(most recent).*")
_TYPES: Mapping[int, str] = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
    529: "overloaded_error",
}
_CODES = {
    "ContextWindowExceededError": "context_length_exceeded",
    "ContentPolicyViolationError": "content_policy_violation",
    "AuthenticationError": "invalid_api_key",
    "RateLimitError": "rate_limit_exceeded",
}
_TIMED_OUT = frozenset({"Timeout", "TimeoutException", "APITimeoutError", "TimeoutError"})
_UNREACHED = frozenset({"TransportError", "ClientConnectionError", "ClientPayloadError"})
_TOO_LARGE = "AnswerTooLargeError"
_INVENTED = 500
"""The status that litellm gives to what has none."""
_IN_A_STREAM = "MidStreamFallbackError"
"""What litellm wraps around what happens there, and says again."""
_CATCH_ALL = "APIConnectionError"
"""litellm raises it for its own bugs too, always with status 500; a real one has a transport error behind it."""


class Failure(Struct, frozen=True):
    status: int
    message: str
    type: str = "invalid_request_error"
    code: str | None = None
    param: str | None = None
    retry_after: str | None = None
    cause: str = ""
    """Class of the first exception, for the log."""
    billed: MayBeBilled = MayBeBilled.NOTHING
    """What the provider may charge all the same."""

    def body(self) -> dict[str, Any]:
        error = {"message": self.message, "type": self.type, "param": self.param, "code": self.code}
        return {"error": error}


class ProviderError(Exception):
    """The provider told in its own words, inside an answer, what went wrong; or ended it too early."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.status)
        self.failure = failure


_NOT_FOLLOWED: Mapping[str, Failure] = {
    "RedirectRefusedError": Failure(
        502,
        "The provider answered with a redirect, and redirects are not followed: name the address that it redirects to.",
        "server_error",
        "redirect_refused",
    ),
    "DestinationRefusedError": Failure(
        502,
        "The request would have gone to a host that the policy does not name: add it to the backend's hosts.",
        "server_error",
        "destination_refused",
    ),
}


UNREADABLE = Failure(502, "The provider's answer could not be read.", "server_error", UNREAD, billed=MayBeBilled.ALL)
CUT_SHORT = Failure(
    502, "The provider's stream ended early.", "server_error", "connection_error", billed=MayBeBilled.ALL
)
"""A stream that ended before the provider said so."""
FAILED = Failure(
    502, "The provider says that its answer went wrong.", "server_error", "answer_failed", billed=MayBeBilled.ALL
)


_NOT_TOLD = "{what} cannot be told to this backend's provider, so the request was not sent. Leave it out, or let the \
backend leave out what its provider lacks: drop_unsupported: true."
_NAMED = re.compile(r"does not support parameters: \[([^\]]*)\]")


class Stage(Enum):
    """How far a call had come when it failed."""

    IDLE = "the provider did not work on it"
    AT_WORK = "nothing had come back"
    ANSWERED = "an answer had begun"


def failure_of(error: BaseException, redact: Callable[[str], str], stage: Stage) -> Failure:
    """What the client is told of an exception that a call raised."""
    if isinstance(error, ProviderError):
        told = error.failure
        billed = told.billed or MayBeBilled.INPUT
        return replace(told, message=redact(told.message), type=redact(told.type), billed=billed)
    behind = tuple(_chain(error))
    return replace(_judge(behind, redact, stage), cause=type(behind[-1]).__name__)


def status_in(error: BaseException) -> int | None:
    """The provider's status, where an exception or what is behind it has one."""
    return _status(tuple(_chain(error)))


def _judge(behind: tuple[BaseException, ...], redact: Callable[[str], str], stage: Stage) -> Failure:
    names = {kind.__name__ for each in behind for kind in type(each).__mro__}
    refused = next((failure for name, failure in _NOT_FOLLOWED.items() if name in names), None)
    if refused is not None:
        return refused
    if _TOO_LARGE in names:
        return UNREADABLE
    if "CutShortError" in names:
        return CUT_SHORT
    if "AnswerFailedError" in names:
        return FAILED
    if "LostError" in names or "UnsupportedParamsError" in names:
        return unsupported(_unsupported(behind))
    billed = MayBeBilled.NOTHING if stage is Stage.IDLE else MayBeBilled.ALL
    if names & _TIMED_OUT:
        return Failure(504, "The provider did not answer in time.", "server_error", "timeout", billed=billed)
    if names & _UNREACHED:
        message = "The provider could not be reached, or broke the connection."
        return Failure(502, message, "server_error", "connection_error", billed=billed)
    status, words = _status(behind), _provider_words(behind)
    if stage is Stage.IDLE and status is None:
        return unsupported(None)
    if stage is not Stage.IDLE and words is None and not _is_told(behind[-1], status, stage):
        return UNREADABLE
    status = status or 502
    told = next((each for each in behind if type(each).__name__ != _IN_A_STREAM), behind[0])
    message, kind = words or (_own_words(told), None)
    when = _header(behind, "retry-after")
    return Failure(
        status=status,
        message=redact(message),
        type=redact(kind) if kind else _TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error"),
        code=next((code for name, code in _CODES.items() if name in names), None),
        retry_after=when if when is not None and redact(when) == when else None,
        billed=MayBeBilled.INPUT if billed and (words is not None or stage is Stage.ANSWERED) else billed,
    )


def unsupported(param: str | None) -> Failure:
    """Of a request that asks for what this backend's provider cannot be told."""
    what = "Something in this request" if param is None else f"'{param}'"
    return Failure(400, _NOT_TOLD.format(what=what), code=UNSUPPORTED, param=param)


def _unsupported(behind: tuple[BaseException, ...]) -> str | None:
    """The parameter's name, where it is told."""
    for each in behind:
        named = _NAMED.search(str(each))
        param = getattr(each, "param", None) or (named and named[1].partition(",")[0].strip(" '\""))
        if isinstance(param, str) and param:
            return param
    return None


def _is_told(first: BaseException, status: int | None, stage: Stage) -> bool:
    """Whether an error without the provider's JSON has its status from the provider all the same. Inside an answer,
    what could not be read began with an exception that has none."""
    return status not in (None, _INVENTED) if stage is Stage.AT_WORK else _status((first,)) is not None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The exception and those behind it, each once."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        each = waiting.pop(0)
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        waiting += [getattr(each, "original_exception", None), each.__cause__, each.__context__]


def _status(behind: tuple[BaseException, ...]) -> int | None:
    """The status that stands farthest behind, which is the provider's."""
    found = [getattr(each, "status_code", None) for each in behind if type(each).__name__ != _CATCH_ALL]
    return next((status for status in reversed(found) if isinstance(status, int) and 400 <= status < 600), None)


def _provider_words(behind: tuple[BaseException, ...]) -> tuple[str, str | None] | None:
    """Message and type in the provider's JSON."""
    for each in behind:
        text = str(each)
        error = _error_in(getattr(each, "body", None))
        if error is None and "{" in text:
            error = _json_error(text[text.find("{") :])
        if error is not None:
            kind = error.get("type")
            return _without_wording(str(error["message"])), kind if isinstance(kind, str) else None
    return None


def _own_words(error: BaseException) -> str:
    return _without_wording(str(error)) or "The provider reported an error."


def _without_wording(text: str) -> str:
    """What litellm was told, without what it puts before and behind that."""
    if not _PREFIX.match(text) and "litellm" not in text.lower():
        return text.strip()
    return _SUFFIX.sub("", _PREFIX.sub("", text)).strip()


def _json_error(text: str) -> Mapping[str, Any] | None:
    try:
        value, _ = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return None
    return _error_in(value)


def _error_in(value: Any) -> Mapping[str, Any] | None:
    error = value.get("error", value) if isinstance(value, dict) else None
    return error if isinstance(error, dict) and isinstance(error.get("message"), str) else None


def _header(behind: tuple[BaseException, ...], name: str) -> str | None:
    sources = [getattr(each, "litellm_response_headers", None) for each in behind]
    sources += [getattr(getattr(each, "response", None), "headers", None) for each in behind]
    found = [source.get(name) for source in sources if isinstance(source, Mapping)]
    return next((str(value) for value in found if value), None)
