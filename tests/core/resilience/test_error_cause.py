from __future__ import annotations

import pytest

from router.core.resilience.error_cause import STATUSES, ErrorCause, cause_of_status


def test_causes_have_the_names_that_logs_and_headers_say() -> None:
    assert [str(each) for each in ErrorCause] == [
        "request",
        "content",
        "names",
        "asked",
        "credentials",
        "unpaid",
        "limit",
        "unable",
        "nothing",
        "backend",
    ]


@pytest.mark.parametrize("status", range(400, 600))
def test_a_status_alone_has_its_blame(status: int) -> None:
    default = ErrorCause.REQUEST if status < 500 else ErrorCause.BACKEND
    assert cause_of_status(status) is STATUSES.get(status, default)
