from __future__ import annotations

import msgspec

from router.surfaces.openai.chunks import Chunk


def test_only_what_matters_is_read():
    chunk = msgspec.json.decode(
        b'{"id": "x", "choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": "stop"}],'
        b' "usage": {"prompt_tokens": 3, "completion_tokens": 1}}',
        type=Chunk,
    )
    assert chunk.choices is not None and chunk.choices[0].finish_reason == "stop"
    assert chunk.usage is not None and chunk.usage.prompt_tokens == 3
    assert chunk.error is None


def test_an_event_without_choices_differs_from_one_with_none():
    assert msgspec.json.decode(b"{}", type=Chunk).choices is None
    assert msgspec.json.decode(b'{"choices": []}', type=Chunk).choices == ()
