from __future__ import annotations

import pytest

from router.surfaces.openai.kept.table import OPERATIONS, find, methods_at


def test_an_operation_is_found_with_its_ids() -> None:
    asked = find("GET", "/vector_stores/vs_1/files/file-2/content")
    assert asked is not None and asked.ids == ("vs_1", "file-2")
    assert (asked.operation.resource, asked.path) == ("vector_stores", "/vector_stores/vs_1/files/file-2/content")


def test_what_it_does_stands_beside_it() -> None:
    makes, lists, gone, content, spends = (
        find(*each)
        for each in (
            ("POST", "/files"),
            ("GET", "/files"),
            ("DELETE", "/files/f"),
            ("GET", "/files/f/content"),
            ("POST", "/batches"),
        )
    )
    assert makes and lists and gone and content and spends
    assert makes.operation.makes and lists.operation.lists and gone.operation.deletes
    assert content.operation.streams and spends.operation.spends and not makes.operation.spends


def test_an_id_that_is_spelled_with_escapes_is_the_same_one() -> None:
    asked = find("GET", "/files/file%2D1")
    assert asked is not None and asked.path == "/files/file-1"


@pytest.mark.parametrize(
    "path",
    [
        *("", "/", "/files/", "/files/..", "/files/%2e%2E", "/files/a%2Fb", "/files/a%", "/files/a?b", "/files/a b"),
        *("/file", "/files/" + "a" * 129, "/files/a/b", "/files/%0d", "/files/\u00e9"),
    ],
)
def test_what_could_be_something_else_is_nothing(path: str) -> None:
    assert methods_at(path) == ()


def test_a_path_has_methods() -> None:
    assert methods_at("/files") == ("GET", "POST")
    assert methods_at("/files/f") == ("GET", "DELETE")


def test_whatever_is_made_can_be_asked_for_and_only_that_is_listed() -> None:
    """A new line fails here that nobody could come back to."""
    for operation in OPERATIONS:
        own = [each for each in OPERATIONS if each.resource == operation.resource and each.pattern.count("") == 1]
        assert own, operation.pattern
        assert not operation.lists or operation.pattern.count("") == 0
    assert len({each.resource for each in OPERATIONS}) == 15


def test_a_path_that_is_not_here_is_no_object_with_an_id() -> None:
    assert find("POST", "/threads/runs") is None and find("GET", "/threads/thread_1") is not None
