from __future__ import annotations

from router.surfaces.registry import KEPT
from router.surfaces.resources import Asked, Operation


def test_an_operation_says_what_it_does() -> None:
    makes = Operation("files", "POST", ("files",), frozenset({"makes"}))
    assert makes.makes and not (makes.lists or makes.deletes or makes.spends or makes.streams)
    assert Asked(makes, (), "/files").operation is makes


def test_each_resource_is_named_once() -> None:
    assert len(set(KEPT.names)) == len(KEPT.names) < len(KEPT.operations)
