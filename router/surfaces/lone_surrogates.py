"""Half a character in JSON: an escape such as `\\ud83d` without its other half.

The grammar allows it, decoders refuse it, and backends that cut an emoji between two tokens send it. The client gets it
as it came; to be read, such escapes are taken for a character that stands for what cannot be shown.
"""

from __future__ import annotations

import re

_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
_REPLACEMENT = rb"\\ufffd"


def without_surrogates(body: bytes) -> bytes:
    """`body` with each escape of half a character replaced, whole characters among them; itself where there is none."""
    found = _ESCAPE.search(body)
    return body if found is None else _ESCAPE.sub(_REPLACEMENT, body)
