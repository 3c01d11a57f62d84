from __future__ import annotations

import pytest

from router.core.values import Usage
from router.surfaces.base import Surface
from router.surfaces.openai.embeddings import Embeddings
from router.surfaces.vllm.pooling import Pooling
from router.surfaces.vllm.score import Score

EMBEDDINGS = Embeddings()


def test_a_total_is_all_input() -> None:
    body = b'{"data":[{"embedding":[0.1]}],"usage":{"total_tokens":15}}'
    assert EMBEDDINGS.read_answer(body) == (True, Usage(15))
    assert EMBEDDINGS.usage_of(body) == Usage(15)
    assert EMBEDDINGS.read(b'{"model":"m","input":"one","max_tokens":5}').max_output_tokens == 0


def test_it_is_no_stream_whatever_is_asked_for() -> None:
    assert not EMBEDDINGS.read(b'{"model":"m","input":"one","stream":true}').stream


@pytest.mark.parametrize("surface", [Embeddings(), Pooling()])
@pytest.mark.parametrize(
    ("format", "binary"),
    [('"bytes"', True), ('"bytes_only"', True), ('"float"', False), ("[]", False), ("null", False)],
)
def test_vectors_in_bytes_pass_as_they_come(surface: Surface, format: str, binary: bool) -> None:
    reading = surface.read(f'{{"model":"m","input":"twelve bytes","encoding_format":{format}}}'.encode())
    assert (reading.binary, reading.content_type) == (binary, "application/json" if binary else "")
    scanner = surface.byte_scanner(reading, b"application/octet-stream")
    assert scanner.feed(b"\0" * 4096) == b"\0" * 4096
    assert scanner.usage == Usage(input=reading.input_tokens, estimated=True)


def test_scores_are_never_in_bytes() -> None:
    assert not Score().read(b'{"model":"m","text_1":"a","text_2":"b","encoding_format":"bytes"}').binary
