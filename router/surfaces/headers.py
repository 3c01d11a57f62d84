"""Headers of dialects that pass, in each direction, and queries. docs/headers.md says so too."""

from __future__ import annotations

TO_BACKEND = ("anthropic-beta", "anthropic-version", "openai-beta")
"""Of the client, to every backend: what detectors have to see besides the body."""

QUERIES = frozenset({"beta=true"})
"""Whole ones of the client, to every backend: they choose a version of the API, as those headers do."""

FROM_BACKEND = frozenset({b"openai-processing-ms", b"openai-version"})
FROM_BACKEND_PREFIXES = (b"x-ratelimit-", b"anthropic-ratelimit-")
"""Of a backend, to the client, besides those that are nobody's dialect."""
FROM_BACKEND_COMMON = tuple(
    [f"x-ratelimit-{what}-{of}" for what in ("limit", "remaining", "reset") for of in ("requests", "tokens")]
)
"""Those of the prefixes that SDKs look at: to a browser's page, a prefix cannot be exposed."""
