from __future__ import annotations

import pytest

from router.surfaces.base import Surface
from router.surfaces.by_body import surface_of
from router.surfaces.registry import BY_FIELD


@pytest.mark.parametrize("surface", dict.fromkeys(BY_FIELD.values()), ids=lambda surface: surface.name)
def test_a_surface_knows_its_own_body(surface: Surface) -> None:
    assert surface_of(surface.example("chat", "Hello")) is surface


def test_the_first_counts_where_a_body_has_the_fields_of_several() -> None:
    assert surface_of(b'{"prompt": "a", "messages": []}') is BY_FIELD["messages"]


@pytest.mark.parametrize("body", [b"", b"[]", b'{"model": "chat"}', b'{"messages": ', b'"messages"'])
def test_what_is_no_request_is_nobodys(body: bytes) -> None:
    assert surface_of(body) is None
