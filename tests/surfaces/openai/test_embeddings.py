from __future__ import annotations

from router.surfaces.openai.embeddings import Embeddings

EMBEDDINGS = Embeddings()


def test_nothing_is_written() -> None:
    assert EMBEDDINGS.read(b'{"model":"m","input":"Hello","max_tokens":10}').max_output_tokens == 0


def test_an_answer_has_a_vector() -> None:
    assert EMBEDDINGS.read_answer(b'{"data":[{"embedding":[0.1]}]}')[0]
    assert not EMBEDDINGS.read_answer(b'{"data":[]}')[0]
