"""What a file begins with is told by its signs in base64."""

from __future__ import annotations

from base64 import b64encode

import pytest

from router.core.sensitivity.beginnings import ALONE, AT_A_BEGINNING, signs_of


def stands_at(signs: tuple[str, ...], coded: str) -> int:
    fits = [
        at
        for at in range(len(coded) - len(signs) + 1)
        if all(sign in each for each, sign in zip(signs, coded[at:], strict=False))
    ]
    return fits[0] if fits else -1


def test_signs_are_those_that_others_know() -> None:
    assert "".join(signs_of((b"\x89PNG\r\n\x1a\n",))[:10]) == "iVBORw0KGg"
    assert signs_of((b"%PDF-",)) == (*"JVBERi", "0123")
    assert "".join(signs_of((b"\xff\xd8\xff",))) == "/9j/"


@pytest.mark.parametrize("before", [0, 1, 2])
@pytest.mark.parametrize("beginning", [*ALONE, *AT_A_BEGINNING])
@pytest.mark.parametrize("filler", [b"\0", b"\xff", b"Z"])
def test_a_file_has_its_signs_whatever_stands_around_it(
    beginning: tuple[bytes | int, ...], before: int, filler: bytes
) -> None:
    file = b"".join([part if isinstance(part, bytes) else filler * part for part in beginning])
    coded = b64encode(filler * before + file + filler * 9).decode()
    signs = signs_of(beginning, before)
    assert not signs or stands_at(signs, coded) >= 0


def test_what_says_too_little_is_not_sought_inside_of_others() -> None:
    assert signs_of((b"\x1f\x8b\x08",), 1) == () == signs_of((b"PK\3\4",), 2)
