"""Vectors that depend on the text alone."""

from __future__ import annotations

import base64
import hashlib
import math
import random
import struct

from router.simulate.asked import InvalidError, Json, read_inputs

_DIMENSIONS = 1536


def vector(text: str, dimensions: int) -> list[float]:
    """A unit vector, the same for the same text."""
    seed = int.from_bytes(hashlib.sha256(text.encode(errors="surrogatepass")).digest()[:8])
    source = random.Random(seed)
    raw = [source.gauss(0, 1) for _ in range(dimensions)]
    length = math.sqrt(sum(x * x for x in raw)) or 1.0
    return [x / length for x in raw]


def to_base64(values: list[float]) -> str:
    """Little-endian 32-bit floats, as OpenAI sends them."""
    return base64.b64encode(struct.pack(f"<{len(values)}f", *values)).decode()


def embedding_body(body: Json) -> Json:
    """OpenAI's answer to an embeddings request; floats unless base64 is asked for. Raises InvalidError."""
    inputs = read_inputs(body)
    encoding = body.get("encoding_format", "float")
    if encoding not in ("float", "base64"):
        raise InvalidError(
            f"Invalid value: '{encoding}'. Supported values are: 'float' and 'base64'.",
            "encoding_format",
            "invalid_value",
        )
    dimensions = body.get("dimensions") or _DIMENSIONS
    vectors = [vector(item.text, dimensions) for item in inputs]
    tokens = sum(item.tokens for item in inputs)
    return {
        "object": "list",
        "data": [
            {"object": "embedding", "index": i, "embedding": to_base64(values) if encoding == "base64" else values}
            for i, values in enumerate(vectors)
        ],
        "model": body["model"],
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }
