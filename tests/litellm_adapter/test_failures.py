"""Exceptions are told apart by the names of their classes, so stand-ins will do."""

from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace

from router.litellm_adapter.failures import CUT_SHORT, FAILED, Failure, Stage, status_in
from router.litellm_adapter.failures import failure_of as judged
from router.litellm_adapter.faithful import LostError
from router.litellm_adapter.repairs import AnswerFailedError, CutShortError
from router.surfaces.may_be_billed import UNSUPPORTED, MayBeBilled

NOTHING, INPUT, ALL = MayBeBilled


class ProviderError(Exception):
    def __init__(self, text: str, status_code: int, **more: Any) -> None:
        super().__init__(text)
        self.status_code = status_code
        self.__dict__.update(more)


class Timeout(ProviderError): ...


class TransportError(Exception): ...


class APIConnectionError(ProviderError): ...


class RateLimitError(ProviderError): ...


class UnsupportedParamsError(Exception): ...


class RedirectRefusedError(TransportError): ...


class AnswerTooLargeError(TransportError): ...


def failure_of(error: BaseException, redact: Any, stage: Stage = Stage.IDLE) -> Failure:
    return judged(error, redact, stage)


def same(text: str) -> str:
    return text


def test_the_status_farthest_behind_is_the_providers() -> None:
    outer = ProviderError("litellm.InternalServerError: AnthropicError - Overloaded", 500)
    outer.__context__ = ProviderError("Overloaded", 529)
    failure = failure_of(outer, same)
    assert (failure.status, failure.message, failure.type) == (529, "Overloaded", "overloaded_error")


def test_the_providers_words_are_found_in_its_json() -> None:
    text = 'litellm.RateLimitError: XException - {"error": {"type": "t", "message": "Slow {down}"}} and more'
    failure = failure_of(RateLimitError(text, 429, litellm_response_headers={"retry-after": "7"}), same)
    assert (failure.message, failure.type, failure.code, failure.retry_after) == (
        "Slow {down}",
        "t",
        "rate_limit_exceeded",
        "7",
    )


@pytest.mark.parametrize(
    "text",
    [
        "litellm.BadRequestError: OpenAIException - No: really.",
        "litellm.BadRequestError: litellm.ContextWindowExceededError: Lm_studioException - No: really.",
        "litellm.NotFoundError: AzureException NotFoundError - No: really.",
        "litellm.APIConnectionError: OllamaException: No: really.",
        "Timeout Error: XaiException - No: really.",
        "litellm.RateLimitError: AI21Exception - No: really. LiteLLM Retried: 3 times",
        "litellm.RateLimitError: AI21Exception - No: really.\nReceived Model Group=m\nAvailable Model Group=x",
        'litellm.BadRequestError: OpenAIException - {"error": {"message": "litellm.BadRequestError: No: really."}}',
        "No: really.",
    ],
)
def test_what_the_provider_said_stands_alone(text: str) -> None:
    assert failure_of(ProviderError(text, 400), same).message == "No: really."


@pytest.mark.parametrize("text", ["An Error - of yours: really.", "Timeout is what you set: mend it."])
def test_words_of_the_providers_that_look_so_are_kept(text: str) -> None:
    assert failure_of(ProviderError(text, 400), same).message == text


def test_what_is_wrapped_inside_a_stream_counts() -> None:
    wrapped = ProviderError("in the middle", 500, original_exception=TransportError("to 10.0.0.1"))
    failure = failure_of(wrapped, same)
    assert (failure.status, failure.code) == (502, "connection_error")
    assert "10.0.0.1" not in failure.message


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Timeout("t", 408), 504),
        (TransportError(), 502),
    ],
)
def test_what_is_not_the_providers_answer(error: Exception, status: int) -> None:
    failure = failure_of(error, same)
    assert (failure.status, failure.type) == (status, "server_error")


@pytest.mark.parametrize(
    ("error", "param"),
    [
        (TypeError("secret detail"), None),
        (APIConnectionError("a secret bug", 500), None),
        (LostError("tools[0].strict"), "tools[0].strict"),
        (UnsupportedParamsError("groq does not support parameters: ['n', 'seed'], for model=x"), "n"),
    ],
)
def test_what_cannot_be_told_to_the_provider_is_the_requests_and_says_what(error: Exception, param: str | None) -> None:
    failure = failure_of(error, same)
    assert (failure.status, failure.code, failure.param) == (400, UNSUPPORTED, param)
    assert "secret" not in failure.message


def test_an_answer_that_its_provider_calls_failed_may_be_billed() -> None:
    wrapped = ProviderError("cannot be read", 400, original_exception=AnswerFailedError("ERROR"))
    assert failure_of(wrapped, same, Stage.ANSWERED) == replace(FAILED, cause="AnswerFailedError")
    assert failure_of(CutShortError(), same, Stage.ANSWERED) == replace(CUT_SHORT, cause="CutShortError")


def test_messages_are_redacted() -> None:
    assert failure_of(ProviderError("key k", 400), lambda text: text.replace("k", "*")).message == "*ey *"


def test_a_time_to_come_back_that_says_our_key_is_not_told() -> None:
    def failed(when: str) -> Failure:
        error = ProviderError("slow down", 429, response=SimpleNamespace(headers={"retry-after": when}))
        return failure_of(error, lambda text: text.replace("k", "*"))

    assert failed("7").retry_after == "7"
    assert failed("k").retry_after is None


def test_types_that_providers_name_are_redacted_too() -> None:
    error = ProviderError('{"error": {"message": "no", "type": "bad key k"}}', 400)
    assert failure_of(error, lambda text: text.replace("k", "*")).type == "bad *ey *"


def test_a_loop_of_causes_ends() -> None:
    first, second = ProviderError("a", 400), ProviderError("b", 418)
    first.__cause__, second.__cause__ = second, first
    assert failure_of(first, same).status == 418


def test_the_log_learns_where_it_began() -> None:
    outer = ProviderError("outer", 500)
    outer.__cause__ = TransportError()
    assert failure_of(outer, same).cause == "TransportError"


def behind(first: BaseException) -> BaseException:
    """As litellm wraps whatever went wrong."""
    wrapped = ProviderError("litellm.InternalServerError: wrapped", 500)
    wrapped.__cause__ = first
    return wrapped


@pytest.mark.parametrize(
    ("error", "told", "billed"),
    [
        (Timeout("t", 408), "timeout", ALL),
        (TransportError(), "connection_error", ALL),
        (AnswerTooLargeError(), "answer_unread", ALL),
        (ValueError("Expecting value"), "answer_unread", ALL),
        (RedirectRefusedError(), "redirect_refused", NOTHING),
    ],
)
@pytest.mark.parametrize("stage", [Stage.AT_WORK, Stage.ANSWERED])
def test_what_a_provider_did_with_a_request_is_unknown_when_its_answer_was_not_read(
    error: Exception, told: str, billed: MayBeBilled, stage: Stage
) -> None:
    failure = failure_of(behind(error), same, stage)
    assert (failure.code, failure.billed) == (told, billed)


@pytest.mark.parametrize("error", [Timeout("t", 408), TransportError(), ValueError("x"), ProviderError("no", 429)])
def test_what_was_never_sent_or_was_refused_is_not_billed(error: Exception) -> None:
    assert failure_of(behind(error), same, Stage.IDLE).billed is NOTHING


def test_an_answer_is_not_shown_in_the_words_of_the_library_that_could_not_read_it() -> None:
    error = ProviderError('Empty or invalid response. Received: \'data: {"id": "c"}, a secret\'', 500)
    failure = failure_of(behind(error), same, Stage.AT_WORK)
    assert (failure.status, failure.message) == (502, "The provider's answer could not be read.")


@pytest.mark.parametrize("stage", [Stage.AT_WORK, Stage.ANSWERED])
def test_an_error_in_place_of_an_answer_may_cost_its_input(stage: Stage) -> None:
    error = ProviderError("it failed", 500, body={"message": "The engine broke down.", "type": "server_error"})
    failure = failure_of(behind(error), same, stage)
    assert (failure.message, failure.billed) == ("The engine broke down.", INPUT)


def test_a_status_inside_an_answer_is_the_providers_even_without_its_json() -> None:
    failure = failure_of(behind(ProviderError("Overloaded", 500)), same, Stage.ANSWERED)
    assert (failure.status, failure.billed) == (500, INPUT)
    assert failure_of(behind(ProviderError("Overloaded", 500)), same, Stage.AT_WORK).code == "answer_unread"
    assert failure_of(behind(ProviderError("Teapot", 418)), same, Stage.AT_WORK).billed is ALL


def test_an_error_in_the_providers_json_needs_no_status() -> None:
    error = ValueError('{"error": {"message": "No engine.", "code": "engine_dead"}}')
    failure = failure_of(error, same, Stage.AT_WORK)
    assert (failure.status, failure.message, failure.billed) == (502, "No engine.", INPUT)


def test_a_status_is_found_in_what_is_behind() -> None:
    outer = RuntimeError()
    assert status_in(outer) is None
    outer.__context__ = ProviderError("no", 503)
    assert status_in(outer) == 503
