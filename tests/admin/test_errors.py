from __future__ import annotations

import pickle

from router.admin.errors import ApiError, ledger_lost
from router.admin.policy.answers import PolicyProblem


def test_an_error_is_answered_with_what_it_was_made_of() -> None:
    error = ApiError(412, "changed_meanwhile", "Somebody else wrote it.", version="abc", headers={"etag": '"abc"'})
    assert (error.status, str(error), error.headers) == (412, "Somebody else wrote it.", {"etag": '"abc"'})
    assert (error.answer.error.code, error.answer.error.version) == ("changed_meanwhile", "abc")


def test_an_error_comes_back_whole_from_another_process() -> None:
    problem = PolicyProblem(file="policy.yaml", line=3, column=1, field="zones", message="is empty")
    error = ApiError(422, "invalid_policy", "It has problems.", version="v", problems=[problem], headers={"a": "b"})
    again = pickle.loads(pickle.dumps(error))
    assert (again.status, again.headers, again.answer, str(again)) == (422, {"a": "b"}, error.answer, str(error))


def test_a_lost_ledger_says_when_to_come_back() -> None:
    error = ledger_lost("connection refused")
    assert (error.status, error.headers["retry-after"]) == (503, "5")
    assert "connection refused" in str(error)
