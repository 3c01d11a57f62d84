"""Exceptions are told apart by the names of their classes, so stand-ins will do."""

from typing import Any

import pytest

from router.litellm_adapter.failures import failure_of


class ProviderError(Exception):
    def __init__(self, text: str, status_code: int, **more: Any) -> None:
        super().__init__(text)
        self.status_code = status_code
        self.__dict__.update(more)


class Timeout(ProviderError): ...


class TransportError(Exception): ...


class APIConnectionError(ProviderError): ...


class RateLimitError(ProviderError): ...


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
        (TypeError("secret detail"), 500),
        (APIConnectionError("a secret bug", 500), 500),
    ],
)
def test_what_is_not_the_providers_answer(error: Exception, status: int) -> None:
    failure = failure_of(error, same)
    assert (failure.status, failure.type) == (status, "server_error")
    assert "secret" not in failure.message


def test_messages_are_redacted() -> None:
    assert failure_of(ProviderError("key k", 400), lambda text: text.replace("k", "*")).message == "*ey *"


def test_a_loop_of_causes_ends() -> None:
    first, second = ProviderError("a", 400), ProviderError("b", 418)
    first.__cause__, second.__cause__ = second, first
    assert failure_of(first, same).status == 418


def test_the_log_learns_where_it_began() -> None:
    outer = ProviderError("outer", 500)
    outer.__cause__ = TransportError()
    assert failure_of(outer, same).cause == "TransportError"
