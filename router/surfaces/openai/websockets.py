"""What is spoken over a WebSocket elsewhere, and what does the same here without one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

INSTEAD: Final[Mapping[str, str]] = {
    "/v1/realtime": "The Realtime API needs a WebSocket, and none is spoken here. Send requests instead:"
    ' POST /v1/chat/completions takes text, with "stream": true as it comes.',
    "/v1/responses": 'Send POST /v1/responses with "stream": true: its events are the same, without a WebSocket.',
}
"""By the gateway's path."""
