from __future__ import annotations

import json

import pytest

from router.core.resilience.error_cause import ErrorCause, cause_of_status
from router.surfaces.openai.blame import blame
from router.surfaces.openai.complaint import complaint_in


def of(status: int, **error: object) -> ErrorCause:
    return blame(status, complaint_in(json.dumps({"error": error}).encode()))


@pytest.mark.parametrize("status", range(400, 600))
def test_without_words_it_is_the_status_that_tells(status: int) -> None:
    assert blame(status, None) is cause_of_status(status)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, {"code": "content_filter", "message": "The response was filtered"}),
        (400, {"code": None, "innererror": {"code": "ResponsibleAIPolicyViolation"}}),
        (403, {"code": 403, "message": "Your chosen model requires moderation and your input was flagged"}),
        (403, {"type": "permission_error", "code": "content_policy_violation"}),
        (451, {"message": "Blocked by a guardrail"}),
        (500, {"code": "content_policy_violation"}),
    ],
)
def test_a_refusal_of_content(status: int, error: dict[str, object]) -> None:
    assert of(status, **error) is ErrorCause.CONTENT


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, {"message": "Incorrect API key provided"}),
        (401, {"message": "Your account was flagged"}),
        (403, {"type": "permission_error", "message": "no"}),
        (403, {"message": "Your API key does not have permission to use the specified resource."}),
        (400, {"code": "invalid_api_key"}),
    ],
)
def test_our_credentials(status: int, error: dict[str, object]) -> None:
    assert of(status, **error) is ErrorCause.CREDENTIALS


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (402, {"message": "Insufficient Balance"}),
        (403, {"code": "billing_not_active"}),
        (403, {"message": "Insufficient credits: billing is not set up"}),
        (429, {"code": "insufficient_quota", "type": "insufficient_quota"}),
        (429, {"message": "You exceeded your current quota, please check your plan and billing details."}),
    ],
)
def test_our_bill(status: int, error: dict[str, object]) -> None:
    assert of(status, **error) is ErrorCause.UNPAID


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (404, {"code": "model_not_found", "message": "The model `x` does not exist"}),
        (404, {"type": "NotFoundError", "code": 404, "message": "The model `x` does not exist."}),
        (404, {"type": "not_found_error", "message": "model: claude-9"}),
        (404, {"message": "Invalid URL (POST /v1/v1/chat/completions)"}),
        (403, {"code": "model_not_found"}),
        (400, {"code": "invalid_model"}),
    ],
)
def test_what_the_policy_names_wrongly(status: int, error: dict[str, object]) -> None:
    assert of(status, **error) is ErrorCause.NAMES


@pytest.mark.parametrize(
    ("status", "error", "expected"),
    [
        (404, {"message": "No such File object: file-1"}, ErrorCause.REQUEST),
        (403, {"message": "Forbidden"}, ErrorCause.NOTHING),
        (400, {"message": "No seed there", "code": "unsupported_by_backend"}, ErrorCause.UNABLE),
        (429, {"message": "Slow down", "type": "rate_limit_error"}, ErrorCause.LIMIT),
        (502, {"type": "rate_limit_error"}, ErrorCause.LIMIT),
        (400, {"type": "rate_limit_error"}, ErrorCause.REQUEST),
        (500, {"code": "invalid_api_key"}, ErrorCause.BACKEND),
        (500, {"code": "model_not_found"}, ErrorCause.BACKEND),
        (400, {"type": "invalid_request_error", "message": "max_tokens is too large"}, ErrorCause.REQUEST),
        (503, {"message": "This model is overloaded"}, ErrorCause.BACKEND),
    ],
)
def test_others(status: int, error: dict[str, object], expected: ErrorCause) -> None:
    assert of(status, **error) is expected


def test_a_bill_of_ours_that_is_not_paid_is_no_fault_of_the_request() -> None:
    assert of(400, type="invalid_request_error", message="Your credit balance is too low") is ErrorCause.UNPAID
    assert of(400, message="The word billing is not allowed here") is ErrorCause.REQUEST
