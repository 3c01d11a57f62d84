from __future__ import annotations

from typing import Any

import pytest

from router.core import features
from router.surfaces.openai.responses.hosted_tools import ToolContent


def content(*tools: Any) -> ToolContent:
    made = ToolContent()
    made.add_tools(list(tools))
    return made


CLIENTS = [
    {"type": "function", "name": "f", "parameters": {"properties": {"file_id": {"type": "string"}}}},
    {"type": "custom", "name": "f", "format": {"type": "grammar", "definition": "start: x"}},
    {"type": "namespace", "name": "n", "tools": [{"type": "function", "name": "f"}, "none"]},
    {"type": "namespace", "name": "n"},
    {"type": "apply_patch"},
    {"type": "local_shell"},
    {"type": "shell"},
    {"type": "shell", "environment": {"type": "local"}},
    {"type": "computer_use_preview", "display_width": 1},
    "none",
]


@pytest.mark.parametrize("tool", CLIENTS)
def test_tools_of_the_clients_are_text(tool: Any) -> None:
    made = content(tool)
    assert made.text_bytes > 0
    assert not made.hosted and not made.refers_to and not made.addresses


HOSTED: list[tuple[Any, str, list[str]]] = [
    ({"type": ["function"]}, features.HOSTED_TOOLS, []),
    ({"type": {}}, features.HOSTED_TOOLS, []),
    ({"type": "web_search_preview_2025_03_11"}, features.HOSTED_TOOLS, []),
    ({"type": "file_search", "vector_store_ids": ["vs_1", "vs_2"]}, features.HOSTED_TOOLS, ["vs_1", "vs_2"]),
    ({"type": "code_interpreter", "container": "cntr_1"}, features.HOSTED_TOOLS, ["cntr_1"]),
    ({"type": "code_interpreter", "container": {"type": "auto", "file_ids": ["f"]}}, features.HOSTED_TOOLS, ["f"]),
    ({"type": "image_generation"}, features.HOSTED_TOOLS, []),
    ({"type": "namespace", "name": "n", "tools": [{"type": "web_search"}]}, features.HOSTED_TOOLS, []),
    ({"type": "mcp", "server_label": "s"}, features.TOOL_SERVERS, []),
    ({"type": "Teleport!"}, features.HOSTED_TOOLS, []),
    ({"type": None}, features.HOSTED_TOOLS, []),
]


@pytest.mark.parametrize(("tool", "feature", "ids"), HOSTED)
def test_tools_at_the_provider_are_known_by_what_they_need_and_name(tool: Any, feature: str, ids: list[str]) -> None:
    made = content(tool)
    assert made.hosted and list(made.uses) == [feature]
    assert sorted(made.refers_to) == ids


def test_a_shell_may_run_at_the_provider() -> None:
    made = content({"type": "shell", "environment": {"type": "container_reference", "container_id": "c"}})
    assert made.hosted and list(made.uses) == [features.PROVIDER_TOOLS, features.CONTAINERS]
    assert list(made.refers_to) == ["c"]


NEEDED = [
    ({"type": "function", "name": "f"}, []),
    ({"type": "custom", "name": "f", "format": {"type": "text"}}, []),
    ({"type": "custom", "name": "f"}, []),
    ({"type": "custom", "name": "f", "format": {"type": "grammar", "definition": "start: x"}}, [features.GRAMMARS]),
    ({"type": "apply_patch"}, [features.PROVIDER_TOOLS]),
]


@pytest.mark.parametrize(("tool", "uses"), NEEDED)
def test_tools_of_the_clients_may_need_what_not_every_backend_has(tool: Any, uses: list[str]) -> None:
    assert list(content(tool).uses) == uses


def test_an_mcp_server_is_a_host_outside() -> None:
    assert content({"type": "mcp", "server_url": "https://mcp.example.org/"}).addresses == ["https://mcp.example.org/"]
    assert content({"type": "mcp", "connector_id": "connector_gmail"}).addresses == []


def test_a_mask_is_an_image() -> None:
    made = content({"type": "image_generation", "input_image_mask": {"file_id": "file-1"}})
    assert (list(made.unreadable), list(made.refers_to)) == (["image"], ["file-1"])


def test_what_is_no_list_has_no_tools() -> None:
    made = ToolContent()
    made.add_tools({"type": "web_search"})
    assert not made.hosted and made.text_bytes > 0


SEARCH, SHELL = {"type": "web_search"}, {"type": "function", "name": "shell"}


@pytest.mark.parametrize(
    ("choice", "tools", "needed"),
    [
        (None, [SEARCH], False),
        ("auto", [SEARCH], False),
        ("required", [SEARCH, SHELL], False),
        ("required", [SEARCH, 7], True),
        ("required", None, False),
        ({"type": "web_search"}, [SEARCH, SHELL], True),
        ({"type": ["web_search"]}, [SEARCH], True),
        ({"type": "function", "name": "shell"}, [SEARCH, SHELL], False),
        ({"type": "allowed_tools", "mode": "auto", "tools": [SEARCH]}, [SEARCH, SHELL], False),
        ({"type": "allowed_tools", "mode": "required", "tools": [SEARCH]}, [SEARCH, SHELL], True),
    ],
)
def test_a_hosted_tool_that_has_to_be_called_is_more_than_offered(choice: Any, tools: Any, needed: bool) -> None:
    made = ToolContent()
    made.add_choice(choice, tools)
    assert (features.NEEDED_TOOLS in made.uses) == needed


def test_a_type_that_is_no_text_is_none_that_anybody_knows() -> None:
    assert list(content({"type": ["function"]}).uses) == [features.HOSTED_TOOLS]
