from __future__ import annotations

from router.core.values import Usage
from router.surfaces.openai.embeddings import Embeddings

EMBEDDINGS = Embeddings()


def test_a_total_is_all_input() -> None:
    body = b'{"data":[{"embedding":[0.1]}],"usage":{"total_tokens":15}}'
    assert EMBEDDINGS.read_answer(body) == (True, Usage(15))
    assert EMBEDDINGS.usage_of(body) == Usage(15)
    assert EMBEDDINGS.read(b'{"model":"m","input":"one","max_tokens":5}').max_output_tokens == 0


def test_it_is_no_stream_whatever_is_asked_for() -> None:
    assert not EMBEDDINGS.read(b'{"model":"m","input":"one","stream":true}').stream
