import base64
import struct

import pytest

from router.simulate.asked import InvalidError
from router.simulate.embeddings import embedding_body, vector


def test_a_vector_has_length_one_and_depends_on_the_text() -> None:
    assert sum(x * x for x in vector("a", 8)) == pytest.approx(1)
    assert vector("a", 8) == vector("a", 8) != vector("b", 8)


def test_base64_holds_the_same_floats() -> None:
    asked = {"model": "m", "input": ["a b"], "dimensions": 4}
    floats = embedding_body(asked)["data"][0]["embedding"]
    packed = embedding_body({**asked, "encoding_format": "base64"})["data"][0]["embedding"]
    assert struct.unpack("<4f", base64.b64decode(packed)) == pytest.approx(floats)


def test_usage_counts_all_inputs() -> None:
    assert embedding_body({"model": "m", "input": ["a b", "c"]})["usage"] == {"prompt_tokens": 3, "total_tokens": 3}


def test_an_unknown_encoding_is_invalid() -> None:
    with pytest.raises(InvalidError, match="Supported values"):
        embedding_body({"model": "m", "input": "a", "encoding_format": "hex"})
