from __future__ import annotations

from router.power.drivers.output import last_words


def test_the_end_is_told_in_one_line() -> None:
    assert last_words(b"Traceback:\n  File x\n\x1b[31mValueError:\tno such model\n\n") == (
        "Traceback: File x [31mValueError: no such model"
    )
    assert last_words(b"") == last_words(b" \n\n") == ""
    long = last_words(b"begin " + b"x" * 400 + b" end")
    assert len(long) == 304 and long.startswith("... x") and long.endswith(" end")


def test_secrets_are_not_told() -> None:
    said = b"token sk-abc-def refused, authorization: Bearer abcdefgh, 1 time"
    assert last_words(said, ("sk-abc-def", "1")) == "token [secret] refused, authorization: Bearer [secret], 1 time"


def test_what_is_no_text_is_told_as_well_as_can_be() -> None:
    assert last_words(b"caf\xe9 \xff") == "caf\N{REPLACEMENT CHARACTER} \N{REPLACEMENT CHARACTER}"
