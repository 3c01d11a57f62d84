from __future__ import annotations

import json

from router.core.values import Usage
from router.surfaces.openai.responses.compact import Compact

USAGE = {"input_tokens": 11, "output_tokens": 7, "total_tokens": 18}
ITEM = {"type": "compaction", "encrypted_content": "gAAA"}


def test_its_answer_is_a_response_without_a_status() -> None:
    body = json.dumps({"object": "response.compaction", "output": [ITEM], "usage": USAGE}).encode()
    assert Compact().read_answer(body) == (True, Usage(11, 0, 0, 7))
    assert Compact().path == "/responses/compact"


def test_it_is_no_stream_whatever_is_asked_for() -> None:
    assert not Compact().read(b'{"model": "m", "input": "Hi", "stream": true}').stream
