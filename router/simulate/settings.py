"""How a pretended backend behaves."""

from __future__ import annotations

from msgspec import Struct

SIMULATED = {"x-simulated": "true"}
MAX_BODY = 1 << 30


class Settings(Struct, frozen=True):
    models: tuple[str, ...]
    tokens_per_second: float = 60.0
    """Of each request, however many run."""
    first_token: float = 0.05
    """Seconds from the start of the work to the first token."""
    context: int = 8192
    """Tokens of input and output together."""
    slots: int = 8
    """Requests that a vLLM runs at once; the others wait."""
    kv_tokens: int = 65536
    """Tokens that fit a vLLM's KV cache."""
    api_key: str | None = None
    """The key to ask for; any credential, or none, is accepted when left out."""
    switch: str = ""
    """A file that says whether a vLLM is on; empty for one that always is. While it says anything but "on", it answers
    nothing but 503."""
    any_model: bool = False
    """OpenAI answers for every name, and lists `models`: clients come with names of their own."""
    cached_tokens: int = 0
    """Input tokens that OpenAI reports as read from its cache, at most the prompt's."""
