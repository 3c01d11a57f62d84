from __future__ import annotations

import pytest

from router.core.redaction import holds_secret, without_secrets

KEY = "Bearer sk-live-0123456789"


def test_the_credential_that_was_sent_is_taken_out_wherever_it_stands() -> None:
    assert (
        without_secrets(b'{"input":"sk-live-0123456789"} sk-live-0123456789', KEY) == b'{"input":"[secret]"} [secret]'
    )


def test_another_bearer_s_token_is_hidden_too() -> None:
    assert without_secrets(b"Authorization: Bearer abcdef-123456; more", "") == b"Authorization: Bearer [secret]; more"


def test_a_credential_too_short_to_be_one_is_not_looked_for() -> None:
    assert without_secrets(b"x is wrong", "Bearer x") == b"x is wrong"


@pytest.mark.parametrize(
    ("data", "secret", "holds"),
    [
        (b"x-request-id: for:sk-live-0123456789", KEY, True),
        (b"x-request-id: sk-live", KEY, False),
        (b"x-request-id: abc", "Bearer abc", False),  # it would be found in any text
        (b"x-request-id: abc", "", False),
    ],
)
def test_a_credential_is_found_in_whatever_repeats_it(data: bytes, secret: str, holds: bool) -> None:
    assert holds_secret(data, secret) is holds


@pytest.mark.parametrize(
    "body",
    [
        b'{"error":{"message":"bad header authorization: Bearer sk-live-0123456789"}}',
        b'{"detail":[{"msg":"no","input":"sk-live-0123456789"}]}',
        b"you sent sk-live-0123456789",
        b'{"error":{"message":"BEARER\\tsk-live-0123456789, was that it?"}}',
    ],
)
def test_the_credential_that_was_sent_is_told_to_nobody(body: bytes) -> None:
    assert b"0123456789" not in without_secrets(body, KEY)
