from __future__ import annotations

import json
from typing import Any

import pytest

from router.surfaces.openai.chat import read_plain
from router.surfaces.openai.read_request import read

PLAIN: dict[str, Any] = {"model": "chat", "messages": [{"role": "user", "content": "Hello"}]}


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"stream": True, "temperature": 0.5},
        {"max_tokens": 5, "max_completion_tokens": 7, "n": 3},
        {"service_tier": "Flex"},
        {"service_tier": None},
    ],
)
def test_the_quick_way_says_the_same_as_the_other(more: dict[str, Any]) -> None:
    body = json.dumps(PLAIN | more).encode()
    assert read_plain(body) == read(body)


@pytest.mark.parametrize(
    "body",
    [
        json.dumps(PLAIN | {"tools": []}).encode(),
        json.dumps(PLAIN | {"metadata": {"sensitivity": "restricted"}}).encode(),
        json.dumps(PLAIN | {"model": "größer"}, ensure_ascii=False).encode(),
        b'{"model":"a","model":"b","messages":[]}',
        b'{"model":"a","messages":[],"service_tier":"flex","service_tier":"auto"}',
        b'{"model":"a","messages":[],"\\u006eo":1}',
        b'{"model":"","messages":[]}',
        b'{"model":"\xff","messages":[]}',
        b"[]",
    ],
)
def test_all_else_goes_the_other_way(body: bytes) -> None:
    assert read_plain(body) is None
