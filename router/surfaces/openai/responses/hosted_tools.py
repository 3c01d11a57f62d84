"""What the tools of a request bring: those of the client's are text to the model, all others run elsewhere.

A tool that runs at the provider reads more into the model's context than the body says, and a backend without it cannot
serve the request. An MCP server is a host that the backend itself sends content to.
"""

from __future__ import annotations

from typing import Any

from router.surfaces.openai.content import TYPE_NAME, Content

_CLIENTS = frozenset(
    (
        *("function", "custom", "namespace", "local_shell", "shell", "apply_patch", "tool_search"),
        *("computer", "computer_use", "computer_use_preview", "programmatic_tool_calling"),
    )
)
"""The client runs them, or the model itself has them."""
_IDS = frozenset({"file_id", "file_ids", "vector_store_ids", "container_id", "skill_id"})
_DATED = ("web_search", "code_interpreter", "file_search")


class ToolContent(Content):
    """Collects, besides, which tools run elsewhere and which kept objects they name."""

    __slots__ = ("hosted", "refers_to")

    def __init__(self) -> None:
        super().__init__()
        self.hosted: dict[str, None] = {}
        """Kinds of tools that do not run at the client. Used as a set that keeps its order."""
        self.refers_to: dict[str, None] = {}
        """Ids of objects that somebody keeps. Used as a set that keeps its order."""

    def add_tools(self, tools: Any) -> None:
        self.add_value(tools)
        for tool in tools if isinstance(tools, list) else ():
            if isinstance(tool, dict):
                self._add_tool(tool)

    def refer(self, id: Any) -> None:
        if isinstance(id, str) and id:
            self.refers_to[id] = None

    def add_part(self, part: dict[str, Any]) -> None:
        self.refer(part.get("file_id"))
        super().add_part(part)

    def _add_tool(self, tool: dict[str, Any]) -> None:
        kind = tool.get("type")
        kind = kind if isinstance(kind, str) else ""
        if kind == "namespace":
            for inner in tool["tools"] if isinstance(tool.get("tools"), list) else ():
                if isinstance(inner, dict):
                    self._add_tool(inner)
            return
        if kind == "shell":
            place = tool.get("environment")
            if not isinstance(place, dict) or place.get("type") == "local":
                return
        elif kind in _CLIENTS:
            return
        self.hosted[_named(kind)] = None
        self._refer_within(tool)
        mask = tool.get("input_image_mask")
        if isinstance(mask, dict):
            self.add_part({"type": "input_image", **mask})
        server = tool.get("server_url")
        if isinstance(server, str) and server:
            self.addresses.append(server)

    def _refer_within(self, tool: dict[str, Any]) -> None:
        """What a tool of the provider's names, wherever in it that stands; a container also by its bare id."""
        self.refer(tool.get("container"))
        stack: list[tuple[str, Any]] = list(tool.items())
        while stack:
            name, value = stack.pop()
            if isinstance(value, dict):
                stack.extend(value.items())
            elif isinstance(value, list):
                stack.extend((name, item) for item in value)
            elif name in _IDS:
                self.refer(value)


def _named(kind: str) -> str:
    """The kind of a tool without the date of its version, if it is a name at all."""
    found = next((name for name in _DATED if kind.startswith(name)), kind)
    return found if TYPE_NAME.fullmatch(found) else "unknown"
