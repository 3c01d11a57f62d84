from __future__ import annotations

import msgspec
import pytest

from router.core.cost.preference import Preference, Side


def test_a_side_is_written_as_its_word() -> None:
    assert [f"{side}" for side in Side] == ["local", "cloud"]
    assert Side("local") is Side.LOCAL


def test_a_preference_is_frozen() -> None:
    preference = Preference(Side.LOCAL, "local-first", "The policy tries the own GPUs first.")
    with pytest.raises(AttributeError):
        preference.side = Side.CLOUD  # type: ignore[misc]
    assert msgspec.structs.replace(preference, side=Side.CLOUD).reason == "local-first"
