from __future__ import annotations

import pytest

from router.core.reading import BadBody, split_names


@pytest.mark.parametrize(("text", "names"), [("", ()), (" a ,, b", ("a", "b")), ("phi", ("phi",))])
def test_names_are_separated_by_commas(text: str, names: tuple[str, ...]) -> None:
    assert split_names(text) == names


def test_what_is_wrong_with_a_body_can_be_told() -> None:
    error = BadBody("You must provide a model.", "model")
    assert (str(error), error.param, error.code) == ("You must provide a model.", "model", None)
