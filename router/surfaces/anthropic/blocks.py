"""How large blocks of content are, what of them is not text, and what they use that not every backend keeps."""

from __future__ import annotations

import re
from typing import Any

from router.core import features
from router.core.policy_fields import Modality
from router.surfaces.json_object import text_bytes
from router.surfaces.openai.content import BYTES_PER_MEDIA_TOKEN, MEDIA_TOKENS, MESSAGE_TOKENS, note_kind

_USES: dict[str, str] = {
    "document": features.DOCUMENTS,
    "search_result": features.SEARCH_RESULTS,
    "server_tool_use": features.HOSTED_TOOLS,
    "web_search_tool_result": features.HOSTED_TOOLS,
    "web_fetch_tool_result": features.HOSTED_TOOLS,
    "code_execution_tool_result": features.HOSTED_TOOLS,
    "bash_code_execution_tool_result": features.HOSTED_TOOLS,
    "text_editor_code_execution_tool_result": features.HOSTED_TOOLS,
    "tool_search_tool_result": features.HOSTED_TOOLS,
    "advisor_tool_result": features.HOSTED_TOOLS,
    "mcp_tool_use": features.TOOL_SERVERS,
    "mcp_tool_result": features.TOOL_SERVERS,
    "mcp_tool_listing": features.TOOL_SERVERS,
    "container_upload": features.CONTAINERS,
    "redacted_thinking": features.ENCRYPTED_REASONING,
    "compaction": features.COMPACTION,
}
"""By type of block: what only its provider makes anything of."""
_READABLE = frozenset(
    {
        *("text", "image", "document", "search_result", "thinking", "redacted_thinking", "compaction", "fallback"),
        *("tool_use", "tool_result", "server_tool_use", "mcp_tool_use", "mcp_tool_result", "mcp_tool_listing"),
        *("tool_reference", "tool_addition", "tool_removal", "browser_state", "container_upload"),
        *("web_search_tool_result", "web_search_result", "web_search_tool_result_error"),
        *("web_fetch_tool_result", "web_fetch_result", "web_fetch_tool_result_error"),
        *("code_execution_tool_result", "code_execution_result", "code_execution_tool_result_error"),
        *("code_execution_output", "encrypted_code_execution_result"),
        *("bash_code_execution_tool_result", "bash_code_execution_result", "bash_code_execution_tool_result_error"),
        *("bash_code_execution_output", "text_editor_code_execution_tool_result"),
        *("text_editor_code_execution_tool_result_error", "text_editor_code_execution_view_result"),
        *("text_editor_code_execution_create_result", "text_editor_code_execution_str_replace_result"),
        *("tool_search_tool_result", "tool_search_tool_search_result", "tool_search_tool_result_error"),
        *("advisor_tool_result", "advisor_result", "advisor_redacted_result", "advisor_tool_result_error"),
    }
)
"""Types whose members are all known: what of them is no text is found by its name."""
_FREE = frozenset({"input", "input_schema"})
"""Members with any names in them, all of them text."""
_SEALED = {"encrypted_content": "encrypted content", "encrypted_stdout": "encrypted content"}
_OWN_SIGNATURE = re.compile(r"(?:[0-9a-f]{32})?")
"""As own servers sign: not, or with a random number."""
_ADDRESS = re.compile(r"\s*(?!data:)[a-z][a-z0-9+.-]*:/", re.IGNORECASE)


class Blocks:
    """Collects all of this on the way through one body's decoded fields."""

    __slots__ = (
        "addresses",
        "image_bytes",
        "media",
        "modalities",
        "named",
        "sealed",
        "text_bytes",
        "tokens",
        "unbounded",
        "unreadable",
        "uses",
    )

    def __init__(self) -> None:
        self.text_bytes = 0
        """UTF-8 bytes of all text."""
        self.tokens = 0
        """What is not counted by its text: media, the frame of each message."""
        self.media = 0
        """Images and documents that are no text."""
        self.image_bytes = 0
        """Of the images that stand in the body itself; they are no text to anybody."""
        self.unbounded = False
        """How many tokens it takes cannot be told from its bytes."""
        self.modalities: set[Modality] = {"text"}
        self.addresses: list[str] = []
        """What a backend would have to fetch, or connect to."""
        self.named: list[str] = []
        """Ids of files that it names."""
        self.unreadable: dict[str, None] = {}
        """Used as a set that keeps its order, as `sealed` and `uses` are."""
        self.sealed: dict[str, None] = {}
        """What its provider alone can open."""
        self.uses: dict[str, None] = {}

    def add_messages(self, messages: Any) -> None:
        for message in messages if isinstance(messages, list) else [messages]:
            if not isinstance(message, dict):
                self.add_text(message)
                continue
            self.tokens += MESSAGE_TOKENS
            for name, value in message.items():
                if name == "content":
                    self.add_content(value)
                else:
                    self.add_text(value)

    def add_content(self, content: Any) -> None:
        """A text, a block, or a list of such."""
        for block in content if isinstance(content, list) else [content]:
            if isinstance(block, dict):
                self._add_block(block)
            else:
                self.add_text(block)

    def add_text(self, value: Any) -> None:
        """Any text inside a decoded value."""
        if value is not None:
            self.text_bytes += text_bytes(value)

    def _add_block(self, block: dict[str, Any]) -> None:
        kind = block.get("type")
        kind = kind if isinstance(kind, str) else ""
        if kind in _USES:
            self.uses[_USES[kind]] = None
        if kind == "thinking":
            self._add_signature(block)
        elif kind == "redacted_thinking":
            self.sealed["redacted thinking"] = None
        elif kind not in _READABLE:
            note_kind(self.unreadable, "block", kind)
            self._add_addresses(block)
        for name, value in block.items():
            self._add_member(kind, name, value)

    def _add_member(self, kind: str, name: str, value: Any) -> None:
        if value is None or name == "type":
            return
        if name in _FREE:
            self.add_text(value)
        elif name == "cache_control":
            self.uses[features.CACHE_BREAKPOINTS] = None
        elif name == "source" and isinstance(value, dict):
            self._add_source(kind, value)
        elif name == "is_error":
            self._add_failure(kind, value)
        elif name == "citations":
            self._add_citations(value)
        elif name == "file_id":
            self._add_file_id(value)
        elif name in _SEALED:
            self.sealed[_SEALED[name]] = None
            self.add_text(value)
        elif name == "content":
            self.add_content(value)
        else:
            self.add_text(value)

    def _add_failure(self, kind: str, failed: Any) -> None:
        if failed and kind == "tool_result":
            self.uses[features.FAILED_TOOLS] = None

    def _add_signature(self, block: dict[str, Any]) -> None:
        """What a provider signs holds its reasoning, of which the text may be no more than a summary, or nothing."""
        signature = block.get("signature")
        if not isinstance(signature, str) or _OWN_SIGNATURE.fullmatch(signature):
            self.uses[features.UNSIGNED_REASONING] = None
            return
        self.sealed["thinking signature"] = None
        self.uses[features.SIGNED_REASONING if block.get("thinking") else features.ENCRYPTED_REASONING] = None

    def _add_source(self, kind: str, source: dict[str, Any]) -> None:
        """Where an image or a document is."""
        how = source.get("type")
        if kind != "image" and how == "text":
            self.add_text(source)
        elif kind != "image" and how == "content":
            self.add_content(source.get("content"))
        else:
            self._add_media("image" if kind == "image" else "file", source)

    def _add_media(self, medium: Modality, source: dict[str, Any]) -> None:
        self.modalities.add(medium)
        self.unreadable[medium] = None
        self.media += 1
        size = text_bytes(source)
        if medium == "image":
            data = source.get("data")
            self.image_bytes += len(data) if isinstance(data, str) else 0
            self.tokens += MEDIA_TOKENS
        else:
            self.unbounded = True
            self.tokens += MEDIA_TOKENS + size // BYTES_PER_MEDIA_TOKEN
        self._add_addresses(source)
        self._add_file_id(source.get("file_id"))

    def _add_file_id(self, value: Any) -> None:
        if isinstance(value, str) and value:
            self.named.append(value)
            self.unreadable["file id"] = None
            self.uses[features.STORED_FILES] = None

    def _add_citations(self, value: Any) -> None:
        """Of a document whether there are to be any; of a text those that it has."""
        if isinstance(value, dict):
            if value.get("enabled"):
                self.uses[features.CITATIONS] = None
            return
        for citation in value if isinstance(value, list) else [value]:
            self.uses[features.CITATIONS] = None
            if isinstance(citation, dict) and citation.get("encrypted_index"):
                self.sealed["encrypted content"] = None
            self.add_text(citation)

    def _add_addresses(self, value: dict[str, Any]) -> None:
        """All that stands where a URL is expected, and all that looks like one elsewhere."""
        stack: list[tuple[str, Any]] = list(value.items())
        while stack:
            name, item = stack.pop()
            if isinstance(item, dict):
                stack.extend(item.items())
            elif isinstance(item, list):
                stack.extend((name, each) for each in item)
            elif isinstance(item, str) and item and (name == "url" or _ADDRESS.match(item)):
                self.addresses.append(item)
