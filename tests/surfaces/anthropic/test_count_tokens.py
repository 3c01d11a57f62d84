from __future__ import annotations

from router.core.values import Usage
from router.surfaces.registry import SURFACES


def test_counting_costs_nothing() -> None:
    surface = SURFACES["count_tokens"]
    assert surface.read_answer(b'{"input_tokens":31}') == (True, Usage())
    assert surface.read_answer(b"<html>") == (False, None)
    assert (surface.usage_of(b"<html>"), surface.text_bytes_of(b"<html>")) == (Usage(), 0)
    assert surface.free
