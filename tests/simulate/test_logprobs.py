from __future__ import annotations

from router.simulate.logprobs import chat_logprobs, completion_logprobs


def test_each_token_of_a_chat_has_its_bytes() -> None:
    told = chat_logprobs(["Gr", "üß"])
    assert [each["token"] for each in told] == ["Gr", "üß"]
    assert told[1]["bytes"] == [0xC3, 0xBC, 0xC3, 0x9F]


def test_offsets_of_a_completion_are_where_its_tokens_begin() -> None:
    told = completion_logprobs(["Hel", "lo ", "there"])
    assert told["text_offset"] == [0, 3, 6]
    assert len(told["token_logprobs"]) == len(told["top_logprobs"]) == 3


def test_nothing_has_no_offsets() -> None:
    assert completion_logprobs([])["text_offset"] == []
