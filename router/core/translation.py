"""What the adapter does not bring from one dialect into another."""

from __future__ import annotations

from collections.abc import Mapping

from router.core.features import (
    CACHE_BREAKPOINTS,
    CITATIONS,
    COMPACTION,
    CONTAINERS,
    CONVERSATIONS,
    DOCUMENTS,
    ENCRYPTED_REASONING,
    FAILED_TOOLS,
    GRAMMARS,
    HOSTED_TOOLS,
    PROMPT_TEMPLATES,
    PROVIDER_TOOLS,
    SEARCH_RESULTS,
    SIGNED_REASONING,
    STORED_FILES,
    STORED_ITEMS,
    TOOL_SERVERS,
)

_PROVIDERS_OWN = frozenset(
    {
        *(HOSTED_TOOLS, PROVIDER_TOOLS, TOOL_SERVERS, CONTAINERS, STORED_FILES),
        *(ENCRYPTED_REASONING, COMPACTION),
    }
)
LOST_IN_TRANSLATION: Mapping[str, frozenset[str]] = {
    "messages": _PROVIDERS_OWN
    | {CACHE_BREAKPOINTS, DOCUMENTS, CITATIONS, SEARCH_RESULTS, SIGNED_REASONING, FAILED_TOOLS},
    "responses": (_PROVIDERS_OWN - {ENCRYPTED_REASONING}) | {GRAMMARS, CONVERSATIONS, PROMPT_TEMPLATES, STORED_ITEMS},
}
"""By endpoint, what the adapter does not bring into another dialect, as tried out. Reasoning that it encrypted itself
it can bring back: what it cannot is refused there, and is another backend's turn."""
