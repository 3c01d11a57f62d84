from __future__ import annotations

import json

import pytest

from router.admin.errors import ApiError
from router.admin.playground.asked import MOST_BYTES, body_of, headers_of
from router.admin.request_types import Attempt
from router.surfaces.registry import SURFACES


@pytest.mark.parametrize("endpoint", ["chat", "completions", "responses", "messages"])
def test_a_prompt_becomes_a_stream_of_any_endpoint(endpoint):
    surface = SURFACES[endpoint]
    body = json.loads(body_of(Attempt("app", "chat", "Hello", endpoint=endpoint, max_tokens=7), surface))
    assert (body["model"], body["stream"], body[surface.output_limit]) == ("chat", True, 7)
    assert body.get("store") is (False if endpoint == "responses" else None)


def test_headers_carry_the_dialect_the_label_and_the_ticket():
    headers = headers_of(Attempt("app", sensitivity="restricted"), SURFACES["messages"], "t")
    assert headers["authorization"] == "Bearer t" and headers["anthropic-version"]
    assert headers["x-breakeven-sensitivity"] == "restricted"
    assert "x-breakeven-sensitivity" not in headers_of(Attempt("app"), SURFACES["chat"], "t")


@pytest.mark.parametrize(
    ("attempt", "code"),
    [
        (Attempt("app", "chat", "x" * MOST_BYTES), "request_too_large"),
        (Attempt("app", body={"messages": []}), "missing_required_parameter"),
        (Attempt("app", "", "Hello"), "bad_body"),
    ],
)
def test_what_cannot_be_tried_is_refused(attempt, code):
    with pytest.raises(ApiError) as refused:
        body_of(attempt, SURFACES["chat"])
    assert refused.value.answer.error.code == code
