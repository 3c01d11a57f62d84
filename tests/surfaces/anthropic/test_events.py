from __future__ import annotations

import msgspec
import pytest

from router.surfaces.anthropic.events import NOTHING, tells_reason


@pytest.mark.parametrize("delta", [b'{"stop_reason":"end_turn","stop_sequence":null}', b'{"stop_reason":"a new one"}'])
def test_a_reason_is_told_by_any_name(delta: bytes) -> None:
    assert tells_reason(msgspec.Raw(delta))


@pytest.mark.parametrize("delta", [b"{}", b'{"stop_reason":null}', b"5", b"null", b"[]"])
def test_what_tells_no_reason(delta: bytes) -> None:
    assert not tells_reason(msgspec.Raw(delta))
    assert not tells_reason(NOTHING)
