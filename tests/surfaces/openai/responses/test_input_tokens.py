from __future__ import annotations

import pytest

from router.core.values import Usage
from router.surfaces.openai.responses.input_tokens import InputTokens

SURFACE = InputTokens()


def test_a_count_costs_nothing() -> None:
    body = b'{"object": "response.input_tokens", "input_tokens": 11}'
    assert SURFACE.read_answer(body) == (True, Usage())
    assert (SURFACE.usage_of(body), SURFACE.text_bytes_of(body)) == (Usage(), 0)
    assert SURFACE.read(b'{"model": "m", "input": "Hi", "background": true}').max_output_tokens == 0
    assert not SURFACE.read(b'{"model": "m", "input": "Hi", "stream": true}').stream


@pytest.mark.parametrize("body", [b"<html>", b'{"input_tokens": "11"}', b'{"error": {"message": "x"}}', b"[]"])
def test_anything_else_is_no_answer(body: bytes) -> None:
    assert SURFACE.read_answer(body) == (False, None)
