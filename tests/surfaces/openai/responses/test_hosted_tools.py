from __future__ import annotations

from typing import Any

import pytest

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
    ({"type": "web_search_preview_2025_03_11"}, "web_search", []),
    ({"type": "file_search", "vector_store_ids": ["vs_1", "vs_2"]}, "file_search", ["vs_2", "vs_1"]),
    ({"type": "code_interpreter", "container": "cntr_1"}, "code_interpreter", ["cntr_1"]),
    ({"type": "code_interpreter", "container": {"type": "auto", "file_ids": ["f"]}}, "code_interpreter", ["f"]),
    ({"type": "shell", "environment": {"type": "container_reference", "container_id": "c"}}, "shell", ["c"]),
    ({"type": "image_generation"}, "image_generation", []),
    ({"type": "namespace", "name": "n", "tools": [{"type": "web_search"}]}, "web_search", []),
    ({"type": "Teleport!"}, "unknown", []),
    ({"type": None}, "unknown", []),
]


@pytest.mark.parametrize(("tool", "kind", "ids"), HOSTED)
def test_tools_at_the_provider_are_known_by_their_kind_and_what_they_name(tool: Any, kind: str, ids: list[str]) -> None:
    made = content(tool)
    assert list(made.hosted) == [kind]
    assert sorted(made.refers_to) == sorted(ids)


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
