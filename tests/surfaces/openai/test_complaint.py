from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.surfaces.openai.complaint import Complaint, complaint_in, status_of


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ({"error": {"message": "No", "type": "A_Type", "code": "A_Code"}}, Complaint(("a_code", "a_type"), "no")),
        (
            {"error": {"message": "No", "type": "BadRequestError", "code": 400}},
            Complaint(("badrequesterror",), "no", 400),
        ),
        ({"error": {"message": "No", "code": "529"}}, Complaint(("529",), "no", 529)),
        ({"error": {"code": 200}}, Complaint()),
        ({"error": {"code": None, "innererror": {"code": "Inner"}}}, Complaint(("inner",))),
        (
            {"object": "error", "message": "No", "type": "NotFoundError", "code": 404},
            Complaint(("notfounderror",), "no", 404),
        ),
        ({"error": "Out of memory"}, Complaint((), "out of memory")),
        ({"error": {"message": ["no", "text"]}}, Complaint()),
        ({"error": None, "choices": []}, None),
        ({"error": 7}, None),
        ({"detail": "Not Found"}, None),
        (["error"], None),
    ],
)
def test_what_an_error_object_says(body: object, complaint: Complaint | None) -> None:
    assert complaint_in(json.dumps(body).encode()) == complaint


@pytest.mark.parametrize(
    ("complaint", "status"),
    [
        (Complaint(("overloaded_error",), "", 503), 503),
        (Complaint(("overloaded_error",)), 529),
        (Complaint(("unknown", "rate_limit_error")), 429),
        (Complaint(("invalid_request_error",)), 502),
        (Complaint(), 502),
    ],
)
def test_the_status_of_an_error_that_came_with_status_200(complaint: Complaint, status: int) -> None:
    assert status_of(complaint) == status


@given(st.binary())
def test_nothing_raises(body: bytes) -> None:
    complaint_in(body)
    complaint_in(b'{"error":' + body + b"}")


def test_what_is_nested_too_deeply_is_no_complaint() -> None:
    assert complaint_in(b'{"error":' * 100_000) is None
