"""Which model a vLLM serves, for the default policy."""

from __future__ import annotations

import http.client
import json
import urllib.request

TIMEOUT_SECONDS = 3.0


def served_model(base_url: str) -> str:
    """The first model that GET {base_url}/models lists; empty when there is no such answer."""
    if not base_url.startswith(("http://", "https://")):
        return ""
    try:
        with urllib.request.urlopen(f"{base_url}/models", timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
            return str(json.load(answer)["data"][0]["id"])
    except (OSError, ValueError, LookupError, TypeError, http.client.HTTPException):
        return ""
