"""What the tools of a request bring: those of the client's are text to the model, all others run elsewhere.

A tool that runs at the provider reads more into the model's context than the body says, and a backend without it cannot
serve the request. An MCP server is a host that the backend itself sends content to.
"""

from __future__ import annotations

from typing import Any

from router.core import features
from router.surfaces.openai.content import Content

_DEFINED = frozenset(
    (
        *("local_shell", "shell", "apply_patch", "tool_search", "programmatic_tool_calling"),
        *("computer", "computer_use", "computer_use_preview"),
    )
)
"""The client runs them, or the model itself has them, by the provider's definition."""
_OWN = ("function", "custom", "namespace")
"""What runs at the client, whatever it is called there."""
_IDS = frozenset({"file_id", "file_ids", "vector_store_ids", "container_id", "skill_id"})


class ToolContent(Content):
    """Collects, besides, whether tools run elsewhere, and what of these and of all else only some backends have."""

    __slots__ = ("hosted", "refers_to", "sealed", "uses")

    def __init__(self) -> None:
        super().__init__()
        self.hosted = False
        """Some tools do not run at the client."""
        self.uses: dict[str, None] = {}
        """See `features`. Used as a set that keeps its order."""
        self.refers_to: dict[str, None] = {}
        """Ids of objects that somebody keeps. Used as a set that keeps its order."""
        self.sealed: dict[str, None] = {}
        """What its provider alone can open. Used as a set that keeps its order."""

    def add_tools(self, tools: Any) -> None:
        self.add_value(tools)
        for tool in tools if isinstance(tools, list) else ():
            if isinstance(tool, dict):
                self._add_tool(tool)

    def add_choice(self, choice: Any, tools: Any) -> None:
        """Which of the tools the model may call, or must."""
        self.add_value(choice)
        if _must_be_hosted(choice, tools):
            self.uses[features.NEEDED_TOOLS] = None

    def add_agents(self, agents: Any) -> None:
        """Others at the provider that the model may give work to."""
        if isinstance(agents, dict) and agents.get("enabled"):
            self._add_hosted(agents, features.HOSTED_TOOLS)

    def refer(self, id: Any) -> None:
        if isinstance(id, str) and id:
            self.refers_to[id] = None

    def add_part(self, part: dict[str, Any]) -> None:
        if "file_id" in part:
            self.uses[features.STORED_FILES] = None
            self.refer(part["file_id"])
        super().add_part(part)

    def _add_tool(self, tool: dict[str, Any]) -> None:
        told = tool.get("type")
        kind = told if isinstance(told, str) else ""
        if kind == "namespace":
            for inner in tool["tools"] if isinstance(tool.get("tools"), list) else ():
                if isinstance(inner, dict):
                    self._add_tool(inner)
        elif kind == "custom":
            form = tool.get("format")
            if isinstance(form, dict) and form.get("type") == "grammar":
                self.uses[features.GRAMMARS] = None
        elif kind in _DEFINED:
            self.uses[features.PROVIDER_TOOLS] = None
            place = tool.get("environment")
            if isinstance(place, dict) and place.get("type") != "local":
                self._add_hosted(tool, features.CONTAINERS)
        elif kind != "function":
            self._add_hosted(tool, features.TOOL_SERVERS if kind == "mcp" else features.HOSTED_TOOLS)

    def _add_hosted(self, tool: dict[str, Any], feature: str) -> None:
        self.hosted = True
        self.uses[feature] = None
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


def _must_be_hosted(choice: Any, tools: Any) -> bool:
    """Whether no tool of the client's could be what has to be called."""
    if isinstance(choice, dict):
        if choice.get("type") != "allowed_tools":
            return choice.get("type") not in _OWN
        choice, tools = choice.get("mode"), choice.get("tools")
    if choice != "required" or not isinstance(tools, list):
        return False
    return not any(isinstance(tool, dict) and tool.get("type") in _OWN for tool in tools)
