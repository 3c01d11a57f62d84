"""What a request's tools are, by their type: the client's own have none, or "custom"."""

from __future__ import annotations

from typing import Any

from router.core.features import CACHE_BREAKPOINTS, HOSTED_TOOLS, PROVIDER_TOOLS, TOOL_SERVERS

_DEFINED = ("bash_", "text_editor_", "computer_", "memory_", "browser_")
"""How types begin whose definition is the provider's, while clients run them; versions follow."""
_SERVERS = ("mcp_toolset",)
_OWN = (None, "custom")


def used_by(tools: Any) -> list[str]:
    """What tools use of `core.features`, as often as they do. A type that is not known runs at the provider's."""
    found = []
    for tool in tools if isinstance(tools, list) else ():
        if not isinstance(tool, dict):
            continue
        kind = tool.get("type")
        if kind not in _OWN:
            found.append(_feature(kind if isinstance(kind, str) else ""))
        if tool.get("cache_control") is not None:
            found.append(CACHE_BREAKPOINTS)
    return found


def _feature(kind: str) -> str:
    if kind.startswith(_DEFINED):
        return PROVIDER_TOOLS
    return TOOL_SERVERS if kind.startswith(_SERVERS) else HOSTED_TOOLS
