from __future__ import annotations

from router.surfaces.openai.shape import COMMON, QUOTED, Shape


def test_what_an_endpoint_has_besides_is_looked_for_in_its_bodies_alone() -> None:
    shape = Shape(prompts=["tokens"], queries=["query"], documents=["documents"], opaque=["data"])
    assert shape.quoted.keys() - COMMON.quoted.keys() == {"tokens", "query", "documents", "data"}
    assert COMMON.quoted == QUOTED
    assert shape.prompts == {"prompt", "input", "tokens"}
