from __future__ import annotations

import pytest

from router.core.dimensions import MOST_CHARACTERS, kept, personal_finder, value_of

FINDER = personal_finder()


def one(text: str) -> str:
    return value_of(kept([("user", text)], FINDER), "user")


def test_a_plain_name_is_kept_as_it_is():
    assert kept([("user", "u-17"), ("metadata.project", "apollo=11")], FINDER) == (
        "user=u-17",
        "metadata.project=apollo=11",
    )
    assert value_of(("user=u-17", "metadata.project=apollo=11"), "metadata.project") == "apollo=11"
    assert value_of(("user=u-17",), "metadata.user") == ""


@pytest.mark.parametrize(
    "secret",
    ["jane.doe@example.com", "4111 1111 1111 1111", "DE89370400440532013000", "sk-proj-" + "a1B2" * 12, "x" * 5000],
)
def test_of_an_address_a_number_and_a_secret_only_a_digest_is_kept_and_always_the_same(secret):
    digest = one(f"{secret}")
    assert digest.startswith("sha256-") and len(digest) == len("sha256-") + 12
    assert one(secret) == digest


def test_what_is_long_is_cut():
    assert one("ab-" * 40) == ("ab-" * 40)[: MOST_CHARACTERS - 1] + "…"


def test_what_would_break_a_report_or_a_file_is_taken_out():
    assert one("(other)") == "other)"
    assert one("a,b\n\tc\x1b[31m") == "a;b c[31m"
    assert kept([("user", " \n")], FINDER) == ()
