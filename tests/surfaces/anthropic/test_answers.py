from __future__ import annotations

import pytest

from router.core.values import Usage
from router.surfaces.anthropic.answers import is_count, read_message, text_bytes_of

USED = b'"usage":{"input_tokens":3,"output_tokens":1}'


@pytest.mark.parametrize(
    ("body", "fit", "usage"),
    [
        (b'{"type":"message","content":[{"type":"text","text":"Hi"}],%b}' % USED, True, Usage(3, output=1)),
        (b'{"type":"message","content":[],"stop_reason":"refusal",%b}' % USED, True, Usage(3, output=1)),
        (b'{"content":[]}', True, None),
        (
            b'{"content":[],"usage":{"input_tokens":3,"output_tokens":1,"speed":5,"iterations":5}}',
            True,
            Usage(3, output=1),
        ),
        (b'{"content":null,%b}' % USED, False, Usage(3, output=1)),
        (b'{"content":[],"error":{"message":"no"}}', False, None),
        (b'{"type":"error","error":{"type":"api_error","message":"no"}}', False, None),
        (b'{"choices":[]}', False, None),
        (b'{"content":[', False, None),
        (b"[]", False, None),
        (b"<html>", False, None),
        (b"", False, None),
    ],
)
def test_what_is_a_message(body: bytes, fit: bool, usage: Usage | None) -> None:
    assert read_message(body) == (fit, usage)


@pytest.mark.parametrize(
    ("body", "fit"),
    [
        (b'{"input_tokens":31}', True),
        (b'{"input_tokens":0,"context_management":{}}', True),
        (b'{"input_tokens":-1}', False),
        (b'{"input_tokens":"31"}', False),
        (b"{}", False),
        (b"<html>", False),
    ],
)
def test_what_is_a_count(body: bytes, fit: bool) -> None:
    assert is_count(body) is fit


def test_text_is_that_of_the_blocks() -> None:
    assert text_bytes_of(b'{"content":[{"type":"text","text":"Hello"}]}') == len("textHello")
    assert text_bytes_of(b"<html>") == 6
