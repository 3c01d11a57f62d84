"""What a conversation of items brings.

All of its text is in the body, where detectors look. What is not text has a name here, and so has what only an id
stands for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from router.core import features
from router.surfaces.openai.content import MEDIA, MESSAGE_TOKENS, note_kind
from router.surfaces.openai.responses.hosted_tools import ToolContent

REFERENCE = "item_reference"
_PARTS: Mapping[str, frozenset[str]] = {
    "message": frozenset({"content"}),
    "reasoning": frozenset({"summary", "content"}),
    "function_call_output": frozenset({"output"}),
    "custom_tool_call_output": frozenset({"output"}),
    "computer_call_output": frozenset({"output"}),
}
"""Members of items that hold parts, which may be media."""
_NO_PARTS: frozenset[str] = frozenset()
_TEXTS = frozenset(
    (
        *("function_call", "custom_tool_call", "computer_call", "file_search_call", "web_search_call"),
        *("local_shell_call", "local_shell_call_output", "shell_call", "shell_call_output"),
        *("apply_patch_call", "apply_patch_call_output", "mcp_call", "mcp_list_tools", "mcp_approval_request"),
        *("mcp_approval_response", "tool_search_call", "tool_search_output", "additional_tools"),
        *("code_interpreter_call", "compaction", "compaction_trigger", "configuration_update"),
        *("program", "program_output", "image_generation_call", REFERENCE),
    )
)
"""Items of which no member holds parts: what is not text in them is looked for by its own name."""
_TOOLS = frozenset({"tool_search_output", "additional_tools"})
_PICTURE = "image_generation_call"


class ItemContent(ToolContent):
    """Collects on the way through the items of one body."""

    __slots__ = ("elsewhere",)

    def __init__(self) -> None:
        super().__init__()
        self.elsewhere = False
        """Some of the input is not in the body, and nothing there says how much."""

    def add_input(self, input: Any) -> None:
        """A text, or a conversation of items."""
        for item in input if isinstance(input, list) else [input]:
            if item is None:
                continue
            self.tokens += MESSAGE_TOKENS
            if isinstance(item, dict):
                self._add_item(item)
            else:
                self.add_value(item)

    def add_template(self, prompt: Any) -> None:
        """A prompt that the provider keeps, with what is put into it."""
        if prompt is None:
            return
        self.unreadable["prompt template"] = None
        self.uses[features.PROMPT_TEMPLATES] = None
        self.elsewhere = True
        variables = prompt.get("variables") if isinstance(prompt, dict) else None
        for value in variables.values() if isinstance(variables, dict) else ():
            self.add_parts(value)

    def add_kept(self, id: Any, feature: str = "") -> None:
        """What it continues or names, by its id or as an object with it; not every backend has the `feature`."""
        if id is None:
            return
        self.elsewhere = True
        if feature:
            self.uses[feature] = None
        self.refer(id.get("id") if isinstance(id, dict) else id)

    def add_part(self, part: dict[str, Any]) -> None:
        self.elsewhere = self.elsewhere or "file_id" in part or "file_url" in part
        super().add_part(part)

    def _add_item(self, item: dict[str, Any]) -> None:
        kind = _kind_of(item)
        parts = _PARTS.get(kind, _NO_PARTS)
        if not parts and kind not in _TEXTS:
            note_kind(self.unreadable, "item", kind)
            self.add_addresses(item)
        for name, value in item.items():
            if name in parts:
                self.add_parts(value)
            elif kind == _PICTURE and name == "result":
                self._add_picture(value)
            elif name in MEDIA and value is not None:
                self.add_part({name: value})
            else:
                self.add_value(value)
        self._add_hidden(kind, item)
        if kind in _TOOLS:
            self.add_tools(item.get("tools"))

    def _add_picture(self, data: Any) -> None:
        """One that the provider made: in base64, which is no text to anybody."""
        self.add_media("image", 0)
        self.image_bytes += len(data) if isinstance(data, str) else 0

    def _add_hidden(self, kind: str, item: dict[str, Any]) -> None:
        """What stands for content without saying it."""
        self.mention(item.get("container_id"))
        self.mention_in(item.get("audio"))
        if kind == REFERENCE:
            self.unreadable["item reference"] = None
            self.add_kept(item.get("id"), features.STORED_ITEMS)
        elif kind == _PICTURE and item.get("result") is None:
            self.unreadable["image"] = None
            self.add_kept(item.get("id"), features.STORED_ITEMS)
        if item.get("encrypted_content") is not None:
            thought = kind == "reasoning"
            self.sealed["encrypted reasoning" if thought else "encrypted content"] = None
            self.uses[features.ENCRYPTED_REASONING if thought else features.COMPACTION] = None


def _kind_of(item: dict[str, Any]) -> str:
    """A message need not say that it is one, nor a reference."""
    kind = item.get("type")
    if kind is None:
        return "message" if "role" in item or "content" in item else REFERENCE
    return kind if isinstance(kind, str) else ""
