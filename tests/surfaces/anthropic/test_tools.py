from __future__ import annotations

from typing import Any

import pytest

from router.core.features import CACHE_BREAKPOINTS, HOSTED_TOOLS, PROVIDER_TOOLS, TOOL_SERVERS
from router.surfaces.anthropic.tools import used_by


@pytest.mark.parametrize(
    ("tool", "used"),
    [
        ({"name": "weather", "input_schema": {}}, []),
        ({"type": "custom", "name": "weather"}, []),
        ({"type": "web_search_20250305", "name": "web_search"}, [HOSTED_TOOLS]),
        ({"type": "code_execution_20250825", "name": "code_execution"}, [HOSTED_TOOLS]),
        ({"type": "bash_20250124", "name": "bash"}, [PROVIDER_TOOLS]),
        ({"type": "mcp_toolset", "mcp_server_name": "x"}, [TOOL_SERVERS]),
        ({"type": "made_tomorrow"}, [HOSTED_TOOLS]),
        ({"type": 5}, [HOSTED_TOOLS]),
        ({"name": "weather", "cache_control": {"type": "ephemeral"}}, [CACHE_BREAKPOINTS]),
    ],
)
def test_a_tools_type_says_who_runs_and_who_defines_it(tool: Any, used: list[str]) -> None:
    assert used_by([tool, "no tool"]) == used


def test_what_is_no_list_has_no_tools() -> None:
    assert used_by(None) == used_by({"type": "web_search_20250305"}) == []
