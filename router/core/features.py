"""What a request may use that not every backend, and no translation, keeps: in words for people.

A surface says in `Reading.uses` what a body uses of these; a kind of backend says in `loses` what would be lost with
it, by endpoint. Who would lose something is no candidate: nothing is dropped silently.
"""

from __future__ import annotations

from typing import Final

CACHE_BREAKPOINTS: Final = "cache breakpoints"
"""Marks up to which the provider is to keep the prompt."""
HOSTED_TOOLS: Final = "hosted tools"
"""What the provider itself runs: search, fetching, code."""
NEEDED_TOOLS: Final = "a hosted tool that has to be called"
"""Not only offered: there is no answer without it."""
PROVIDER_TOOLS: Final = "tools that the provider defines"
"""What the client runs, with a definition that only the provider knows."""
TOOL_SERVERS: Final = "tool servers"
"""MCP servers, which the provider connects to."""
CONTAINERS: Final = "containers"
"""A machine at the provider's, with its files."""
STORED_FILES: Final = "stored files"
"""Files that the provider keeps, named by their id."""
DOCUMENTS: Final = "documents"
CITATIONS: Final = "citations"
SEARCH_RESULTS: Final = "search results"
"""Blocks of the client's own search, which answers can cite."""
FAILED_TOOLS: Final = "results of tools that failed"
"""Marked as such, beside what they say."""
SIGNED_REASONING: Final = "reasoning signatures"
"""Reasoning that a provider signed, and takes back only so."""
UNSIGNED_REASONING: Final = "reasoning that no provider signed"
"""As own servers write it: a provider that signs refuses it."""
ENCRYPTED_REASONING: Final = "encrypted reasoning"
"""Reasoning that nobody but its provider can read."""
COMPACTION: Final = "compacted context"
"""The provider's own summary of what was said before."""
GRAMMARS: Final = "tools with a grammar"
"""What a model writes for a tool is held to a grammar."""
CONVERSATIONS: Final = "conversations that the provider keeps"
PROMPT_TEMPLATES: Final = "prompt templates"
"""Prompts that the provider keeps, filled in by the request."""
STORED_ITEMS: Final = "stored items"
"""Items of former answers, named by their id."""
