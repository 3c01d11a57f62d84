"""What the repairs do to litellm itself is tested against providers' answers, see test_providers.py."""

import pytest

from router.litellm_adapter.repairs import FAILURES, FINISHES, AnswerFailedError, _Finishes


def test_finish_reasons_are_what_clients_know_or_failures() -> None:
    finishes = _Finishes({"end_turn": "stop", "ERROR": "stop"} | FINISHES)
    assert [finishes.get(reason) for reason in ("end_turn", "pause_turn", "new")] == ["stop", "length", None]
    assert set(FINISHES.values()) == {"length"}
    for reason in FAILURES:
        with pytest.raises(AnswerFailedError, match=reason):
            finishes.get(reason, "stop")
