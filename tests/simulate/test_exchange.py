from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from router.simulate.exchange import BadJsonError, compact, indented, json_response, read_object


class Request:
    def __init__(self, body: bytes) -> None:
        self._body = body

    async def read(self) -> bytes:
        return self._body


async def read(body: bytes) -> Any:
    request: Any = Request(body)
    return await read_object(request)


async def test_an_object_is_read() -> None:
    assert await read(b'{"model": "m"}') == {"model": "m"}


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"text"', b"\xff", b"[" * 100_000])
async def test_what_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(BadJsonError):
        await read(body)


def test_bodies_are_written_as_each_api_writes_them() -> None:
    value = {"text": "Größe", "list": [1, 2]}
    assert compact(value) == '{"text":"Größe","list":[1,2]}'.encode()
    assert json.loads(indented(value)) == value and b"\n  " in indented(value)
    assert compact({"a": "\ud800"}) == b'{"a":"?"}'


def test_every_answer_says_that_it_is_simulated() -> None:
    response = json_response(b"{}", 418, {"x-more": "1"})
    told = SimpleNamespace(**{name.lower().replace("-", "_"): value for name, value in response.headers.items()})
    assert (response.status, told.x_more, told.content_type) == (418, "1", "application/json")
    assert any("simulat" in f"{name} {value}".lower() for name, value in response.headers.items())
