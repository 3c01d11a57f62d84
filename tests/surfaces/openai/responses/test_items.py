from __future__ import annotations

from typing import Any

import pytest

from router.core import features
from router.surfaces.openai.content import MESSAGE_TOKENS
from router.surfaces.openai.responses.items import ItemContent


def content(*items: Any) -> ItemContent:
    made = ItemContent()
    made.add_input(list(items))
    return made


LONG = "x" * 1000
SAID = [
    {"role": "user", "content": LONG},
    {"type": "message", "role": "user", "content": [{"type": "input_text", "text": LONG}]},
    {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": LONG, "annotations": []}]},
    {"type": "message", "role": "assistant", "content": [{"type": "refusal", "refusal": LONG}]},
    {"type": "function_call", "call_id": "c", "name": "f", "arguments": LONG},
    {"type": "function_call_output", "call_id": "c", "output": LONG},
    {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_text", "text": LONG}]},
    {"type": "custom_tool_call", "call_id": "c", "name": "f", "input": LONG},
    {"type": "custom_tool_call_output", "call_id": "c", "output": LONG},
    {"type": "computer_call", "call_id": "c", "action": {"type": "type", "text": LONG}},
    {"type": "local_shell_call", "action": {"type": "exec", "command": ["echo", LONG], "env": {}}},
    {"type": "local_shell_call_output", "output": LONG},
    {"type": "shell_call", "action": {"commands": [LONG]}},
    {"type": "shell_call_output", "output": [{"stdout": LONG, "stderr": "", "outcome": {"type": "timeout"}}]},
    {"type": "apply_patch_call", "operation": {"type": "create_file", "path": "a", "diff": LONG}},
    {"type": "apply_patch_call_output", "output": LONG},
    {"type": "mcp_call", "name": "f", "server_label": "s", "arguments": "{}", "output": LONG},
    {"type": "mcp_list_tools", "server_label": "s", "tools": [{"name": "f", "description": LONG}]},
    {"type": "mcp_approval_response", "approve": False, "reason": LONG},
    {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": LONG}]},
    {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": LONG}]},
    {"type": "code_interpreter_call", "code": LONG, "outputs": [{"type": "logs", "logs": "1"}]},
    {"type": "file_search_call", "queries": [LONG], "results": [{"text": "a", "file_id": "file-1"}]},
    {"type": "web_search_call", "action": {"type": "search", "query": LONG}},
    {"type": "program", "code": LONG},
    LONG,
]


@pytest.mark.parametrize(
    "item", SAID, ids=lambda item: item.get("type", "message") if isinstance(item, dict) else "text"
)
def test_all_text_counts(item: Any) -> None:
    made = content(item)
    assert 1000 <= made.text_bytes < 1300
    assert made.tokens == MESSAGE_TOKENS
    assert not made.uses and not made.unreadable and not made.addresses and not made.refers_to and not made.elsewhere


HIDDEN = [
    ({"role": "user", "content": [{"type": "input_image", "file_id": "file-1"}]}, "image", "file-1"),
    ({"role": "user", "content": [{"type": "input_file", "file_id": "file-1"}]}, "file", "file-1"),
    ({"type": "computer_call_output", "output": {"type": "computer_screenshot", "file_id": "f"}}, "image", "f"),
    ({"type": "function_call_output", "output": [{"type": "input_file", "file_id": "f"}]}, "file", "f"),
    ({"type": "item_reference", "id": "msg_1"}, "item reference", "msg_1"),
    ({"id": "msg_1"}, "item reference", "msg_1"),
    ({"type": "image_generation_call", "id": "ig_1"}, "image", "ig_1"),
]


@pytest.mark.parametrize(("item", "kind", "id"), HIDDEN)
def test_what_only_an_id_stands_for_has_a_name_and_is_referred_to(item: Any, kind: str, id: str) -> None:
    made = content(item)
    assert list(made.unreadable) == [kind]
    assert list(made.refers_to) == [id]
    assert made.elsewhere


UNREADABLE = [
    ({"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "AA", "format": "wav"}}]}, "audio"),
    ({"role": "user", "content": [{"type": "input_file", "filename": "a.pdf", "file_data": "AAAA"}]}, "file"),
    ({"role": "user", "content": [{"type": "hologram"}]}, "part of type hologram"),
    ({"role": "user", "content": "Hi", "audio": {"id": "a"}}, "audio"),
    ({"type": "telepathy", "thought": "x"}, "item of type telepathy"),
    ({"type": "Ünknown", "thought": "x"}, "item of unknown type"),
    ({"type": 7, "thought": "x"}, "item of unknown type"),
    ({"type": "image_generation_call", "id": "ig_1", "result": "AAAA"}, "image"),
    ({"type": "image_generation_call", "id": "ig_1", "result": ["AAAA"]}, "image"),
]


@pytest.mark.parametrize(("item", "kind"), UNREADABLE)
def test_what_detectors_cannot_read_has_a_name(item: Any, kind: str) -> None:
    made = content(item)
    assert list(made.unreadable) == [kind]
    assert not made.elsewhere


@pytest.mark.parametrize(("type", "kind"), [("reasoning", "encrypted reasoning"), ("compaction", "encrypted content")])
def test_what_its_provider_sealed_is_told_apart(type: str, kind: str) -> None:
    made = content({"type": type, "encrypted_content": "gAAA"})
    assert (list(made.sealed), list(made.unreadable)) == ([kind], [])


def test_a_picture_that_came_along_is_no_text() -> None:
    made = content({"type": "image_generation_call", "id": "ig_1", "result": "A" * 9000})
    assert (made.image_bytes, made.media) == (9000, 1)
    assert made.text_bytes < 100


FETCHED = [
    {"role": "user", "content": [{"type": "input_image", "image_url": "https://example.org/a.png"}]},
    {"role": "user", "content": [{"type": "input_file", "file_url": "https://example.org/a.png"}]},
    {
        "type": "computer_call_output",
        "output": {"type": "computer_screenshot", "image_url": "https://example.org/a.png"},
    },
    {"type": "telepathy", "where": "https://example.org/a.png"},
]


@pytest.mark.parametrize("item", FETCHED)
def test_what_would_be_fetched_is_an_address(item: Any) -> None:
    assert content(item).addresses == ["https://example.org/a.png"]


def test_nobody_knows_how_large_a_fetched_file_is() -> None:
    assert content(FETCHED[1]).elsewhere
    assert not content(FETCHED[0]).elsewhere


def test_tools_may_come_along_as_items() -> None:
    made = content({"type": "additional_tools", "role": "developer", "tools": [{"type": "web_search"}]})
    assert made.hosted


def test_no_input_is_nothing() -> None:
    made = ItemContent()
    made.add_input(None)
    assert (made.tokens, made.text_bytes) == (0, 0)


USED = [
    ({"type": "item_reference", "id": "msg_1"}, features.STORED_ITEMS),
    ({"type": "reasoning", "summary": [], "encrypted_content": "gAAA"}, features.ENCRYPTED_REASONING),
    ({"type": "compaction", "encrypted_content": "gAAA"}, features.COMPACTION),
    ({"role": "user", "content": [{"type": "input_file", "file_id": "file-1"}]}, features.STORED_FILES),
]


@pytest.mark.parametrize(("item", "feature"), USED)
def test_what_not_every_backend_has_is_told(item: Any, feature: str) -> None:
    assert list(content(item).uses) == [feature]


def test_a_container_that_a_tool_ran_in_is_mentioned() -> None:
    made = content({"type": "code_interpreter_call", "id": "ci_1", "code": "1", "container_id": "cntr_1"})
    assert (list(made.mentions), list(made.refers_to)) == (["cntr_1"], [])
