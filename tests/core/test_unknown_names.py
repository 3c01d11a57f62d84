from __future__ import annotations

import pytest

from router.core.unknown_names import shown, unknown

CARD = "4111111111111111"


def test_a_digest_tells_names_apart_and_nothing_else() -> None:
    assert unknown("test") == "unknown:sha256-9f86d081884c" == unknown("test") != unknown("Test")
    assert CARD not in unknown(CARD) and unknown("\ud800")


@pytest.mark.parametrize("name", ["Restricted", "restrictd", "RESTRICTED", ""])
def test_a_slip_is_shown(name: str) -> None:
    assert shown(name, ["public", "restricted"]) == repr(name)


@pytest.mark.parametrize(("name", "size"), [(CARD, "16"), ("Jane Roe", "8"), ("restricted" * 500, "5,000")])
def test_anything_else_is_not(name: str, size: str) -> None:
    assert shown(name, ["public", "restricted"]) == f"a name of {size} characters"
