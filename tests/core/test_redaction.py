from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from urllib.parse import quote

import pytest

from router.core.redaction import NO_SECRETS, NOT_SHOWN, Secrets, may_say_escaped, without_secrets

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
        (b"x-request-id: sk%2Dlive-0123456789", KEY, True),
        (b"x-request-id: " + b64encode(b"Bearer sk-live-0123456789"), KEY, True),
        (b"x-request-id: " + urlsafe_b64encode(b"user?:sk-live-0123456789").replace(b"=", b"%3D"), KEY, True),
        (b"x-request-id: " + b64encode(b"sk-live").replace(b"=", b"%3D"), KEY, False),
        (b"x-request-id: sk\\u002dlive-0123456789", KEY, True),
        (b"x-request-id: sk&#45;live-0123456789", KEY, True),
        (b"x-request-id: sk%2Dlive", KEY, False),
    ],
)
def test_a_credential_is_found_in_whatever_repeats_it(data: bytes, secret: str, holds: bool) -> None:
    assert Secrets([secret]).held_in(data) is holds
    assert Secrets(["Bearer another-one", secret]).held_in(data) is holds


def test_nothing_is_held_where_there_are_none() -> None:
    assert not NO_SECRETS.held_in(b"%41") and NO_SECRETS.without(b"%41") == b"%41"


def test_a_credential_that_is_part_of_another_leaves_nothing_of_that() -> None:
    secrets = Secrets(["sk-live", "Bearer sk-live-0123456789"])
    assert secrets.without(b"sk-live-0123456789 and sk-live") == b"[secret] and [secret]"


@pytest.mark.parametrize("before", [b"", b":", b"me:", b"Bearer ", b"user:"])
@pytest.mark.parametrize("behind", [b"", b"\n", b"??"])
@pytest.mark.parametrize("encode", [b64encode, urlsafe_b64encode])
def test_a_credential_in_base64_is_taken_out_wherever_it_stands_in_a_text(
    encode: Callable[[bytes], bytes], before: bytes, behind: bytes
) -> None:
    word = b"sk-live~~~>>>???0123"
    shown = Secrets([f"Bearer {word.decode()}"]).without(b'{"error":"got %b, sorry"}' % encode(before + word + behind))
    assert b"[secret], sorry" in shown and len(shown) <= len(b'{"error":"got [secret], sorry"}') + 12


@pytest.mark.parametrize("fold", ["\n", "\r\n", "\\n", "\\r\\n", "\n  "])
@pytest.mark.parametrize("width", [7, 16])
def test_a_credential_in_base64_that_is_folded_is_not_shown(fold: str, width: int) -> None:
    coded = b64encode(b"user:sk-live-0123456789").decode()
    folded = fold.join(coded[at : at + width] for at in range(0, len(coded), width))
    assert without_secrets(f"got {folded}".encode(), KEY) == NOT_SHOWN


LONG = "sk-live-0123456789-abcdefghij"


@pytest.mark.parametrize("piece", [LONG[:-1], LONG[1:], LONG[:16], LONG[-16:], LONG[5:25], f"{LONG[:-3]} {LONG[3:]}"])
def test_nor_is_a_long_piece_of_one_told(piece: str) -> None:
    shown = without_secrets(f"key {piece}~ refused".encode(), f"Bearer {LONG}")
    assert shown.replace(b"[secret] [secret]", b"[secret]") == b"key [secret]~ refused"


def test_a_short_piece_says_little_and_an_error_that_is_very_large_is_not_shown() -> None:
    short = f"{LONG[:15]} and {LONG[-15:]}\n".encode()
    assert without_secrets(short, LONG) == short
    large = LONG[:-1].encode() + b" " * 70_000
    assert without_secrets(large, LONG) == NOT_SHOWN


def test_a_credential_in_base64_that_is_escaped_is_not_shown() -> None:
    coded = quote(b64encode(b"sk-live~~~>>>???0123"), safe="").replace("c", "%63")
    assert without_secrets(coded.encode(), "Bearer sk-live~~~>>>???0123") == NOT_SHOWN


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


ODD = "sk-live+0123/456789=="
SLASHED = ODD.replace("/", "\\/")
NUMBERED = "".join(f"\\u{ord(each):04X}" for each in ODD)


@pytest.mark.parametrize(
    "form",
    [
        ODD.replace("+", "\\u002B"),
        ODD.replace("+", "\\u002b").replace("/", "\\/"),
        NUMBERED,
        json.dumps(SLASHED),
        json.dumps(json.dumps(SLASHED)),
        json.dumps(NUMBERED),
        quote(ODD, safe=""),
        quote(ODD, safe="").lower(),
        quote(quote(ODD, safe="")),
        quote(SLASHED, safe=""),
        quote(ODD, safe="").replace("%", "\\u0025"),
        ODD.replace("+", "&#43;"),
        ODD.replace("+", "&#x2B;").replace("/", "&#0047;"),
        ODD.replace("=", "&equals;"),
        ODD.replace("+", "&plus;").replace("/", "%2F").replace("=", "\\u003d"),
        ODD.replace("+", "&amp;#43;"),
    ],
)
def test_an_error_that_says_the_credential_escaped_is_not_shown(form: str) -> None:
    body = f'{{"error":{{"message":"bad key: {form}, \\ud800 and \\n 100%"}}}}'.encode()
    assert without_secrets(body, f"Bearer {ODD}") == NOT_SHOWN


@pytest.mark.parametrize("secret", [SLASHED, f"Bearer {SLASHED}"])
def test_a_slash_that_json_need_not_escape_is_read_as_one(secret: str) -> None:
    said = f'{{"debug":"{secret}"}}'.encode()
    shown = said.replace(SLASHED.encode(), b"[secret]")
    assert without_secrets(said, f"Bearer {ODD}") == Secrets([f"Bearer {ODD}"]).out_of_answer(said) == shown


def test_a_credential_that_has_escapes_itself_is_found_too() -> None:
    assert may_say_escaped(json.dumps(json.dumps('a%2Fb"cdef')).encode(), [b'a%2Fb"cdef'])


@pytest.mark.parametrize(
    "body",
    [
        b"no such model: a\\/b",
        b"a &lt; b &nosuch; &#9999999; &#xD800; & c",
        b'{"error":{"message":"100% \\"x\\" is \\u00e9"}}',
        b"sk-live+0123 and 456789==",
    ],
)
def test_other_escapes_stay_as_they_came(body: bytes) -> None:
    assert without_secrets(body, f"Bearer {ODD}") == body


def test_where_nothing_was_sent_no_escape_matters() -> None:
    assert without_secrets(b"a\\/b" * 10_000, "") == b"a\\/b" * 10_000


def test_an_answer_is_only_without_credentials_that_are_no_words() -> None:
    secrets = Secrets(["lm-studio", "Bearer sk-live-0123456789"])
    answer = b'{"content":"lm-studio is one, as is c2stbGl2ZS0wMTIzNDU2Nzg5, or sk-live-0123456789"}'
    assert secrets.out_of_answer(answer) == b'{"content":"lm-studio is one, as is [secret], or [secret]"}'
    assert secrets.longest == len("c2stbGl2ZS0wMTIzNDU2Nzg5")
    plain = b'{"content":"lm-studio"}'
    assert secrets.out_of_answer(plain) is plain and NO_SECRETS.out_of_answer(plain) is plain


def test_nothing_is_the_longest_of_none() -> None:
    assert NO_SECRETS.longest == 0


def test_what_is_too_long_to_be_looked_through_may_say_anything() -> None:
    assert may_say_escaped(b"a\\/b" * 100_000, [b"sk-live"])
