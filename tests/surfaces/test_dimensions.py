from __future__ import annotations

import pytest

from router.surfaces.dimensions import dimensions_in
from router.surfaces.registry import SURFACES

NAMES = ("user", "metadata.project")
CHAT, MESSAGES = SURFACES["chat"], SURFACES["messages"]


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b'{"user": "u-17", "metadata": {"project": "apollo"}}', [("user", "u-17"), ("metadata.project", "apollo")]),
        (b'{"safety_identifier": "s-1"}', [("user", "s-1")]),
        (b'{"safety_identifier": "s-1", "user": "u-17"}', [("user", "u-17")]),
        (b'{"user": 17, "metadata": {"project": true}}', [("user", "17")]),
        (b'{"user": ["u"], "metadata": "apollo"}', []),
        (b'{"user": "", "metadata": null}', []),
        (b'{"user": 1e999, "metadata": {"project": "apollo"}}', [("metadata.project", "apollo")]),
        (b'{"metadata": {"user_id": "u-17"}}', []),
        (b"--boundary\r\n", []),
    ],
)
def test_what_a_body_says_in_openais_words(body, found):
    assert dimensions_in(body, NAMES, CHAT) == found


def test_anthropic_has_another_place_for_the_user():
    assert dimensions_in(b'{"user": "no", "metadata": {"user_id": "u-17"}}', NAMES, MESSAGES) == [("user", "u-17")]
