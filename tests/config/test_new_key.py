from __future__ import annotations

import re

from router.config.new_key import new_key, rights_of


def test_keys_differ() -> None:
    assert new_key() != new_key()
    assert re.fullmatch(r"bk-[A-Za-z0-9_-]{43}", new_key())


def test_what_was_not_said_is_not_kept_and_no_models_are_not_all_of_them() -> None:
    assert rights_of(None, None, None, [], None) == {}
    assert rights_of([], ["local"], "restricted", ["phi"], {"usd_per_day": 1}) == {
        "models": [],
        "zones": ["local"],
        "sensitivity": "restricted",
        "tags": ["phi"],
        "budget": {"usd_per_day": 1},
    }
