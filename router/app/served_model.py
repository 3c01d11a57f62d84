"""Which model a vLLM serves, for the default policy."""

from __future__ import annotations

import asyncio
import http.client
import json
import urllib.request
from typing import Any

TIMEOUT_SECONDS = 3.0
MAX_BYTES = 1_000_000
PAUSE_SECONDS = 2.0


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


def served_model(base_url: str) -> str:
    """The first model that GET {base_url}/models lists; empty when there is no such answer."""
    if not base_url.startswith(("http://", "https://")):
        return ""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirects)
    try:
        with opener.open(f"{base_url}/models", timeout=TIMEOUT_SECONDS) as answer:
            return str(json.loads(answer.read(MAX_BYTES))["data"][0]["id"])
    except (OSError, ValueError, LookupError, TypeError, http.client.HTTPException):
        return ""


async def until_served(base_url: str) -> str:
    """`served_model`, once there is one."""
    while True:
        model = await asyncio.to_thread(served_model, base_url)
        if model:
            return model
        await asyncio.sleep(PAUSE_SECONDS)
