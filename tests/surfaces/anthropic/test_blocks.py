from __future__ import annotations

from typing import Any

import pytest

from router.core import features
from router.surfaces.anthropic.blocks import Blocks
from router.surfaces.openai.content import MEDIA_TOKENS

PDF = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0x"}}
SIGNATURE = "EqQBCgIYAhIM" * 4


def read(*blocks: Any) -> Blocks:
    found = Blocks()
    found.add_content(list(blocks))
    return found


@pytest.mark.parametrize(
    ("block", "text"),
    [
        ("Paris", "Paris"),
        ({"type": "text", "text": "Paris"}, "Paris"),
        ({"type": "thinking", "thinking": "Paris", "signature": ""}, "Paris"),
        ({"type": "tool_use", "id": "t1", "name": "map", "input": {"city": ["Paris"]}}, "t1mapcityParis"),
        ({"type": "tool_result", "tool_use_id": "t1", "content": "Paris"}, "t1Paris"),
        ({"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "Paris"}]}, "t1Paris"),
        ({"type": "document", "title": "A", "context": "B", "source": {"type": "text", "data": "Paris"}}, None),
        ({"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "Paris"}]}}, "Paris"),
        ({"type": "document", "source": {"type": "content", "content": "Paris"}}, "Paris"),
        (
            {
                "type": "search_result",
                "source": "https://x.test",
                "title": "T",
                "content": [{"type": "text", "text": "P"}],
            },
            "https://x.testTP",
        ),
        (
            {"type": "tool_use", "id": "", "name": "", "input": {"type": "base64", "file_id": "f", "url": "http://x"}},
            None,
        ),
    ],
)
def test_all_text_counts_and_can_be_read(block: Any, text: str | None) -> None:
    found = read(block)
    assert not found.unreadable and not found.addresses and found.modalities == {"text"}
    assert found.text_bytes >= 5 if text is None else found.text_bytes == len(text)


@pytest.mark.parametrize(
    ("block", "unreadable"),
    [
        ({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBO"}}, {"image"}),
        ({"type": "image", "source": {"type": "url", "url": "https://x.test/a.png"}}, {"image"}),
        ({"type": "image", "source": {"type": "file", "file_id": "file_1"}}, {"image", "file id"}),
        (PDF, {"file"}),
        ({"type": "document", "source": {"type": "url", "url": "https://x.test/a.pdf"}}, {"file"}),
        ({"type": "document", "source": {"type": "file", "file_id": "file_1"}}, {"file", "file id"}),
        ({"type": "document", "source": {"type": "made_tomorrow", "x": 1}}, {"file"}),
        ({"type": "container_upload", "file_id": "file_1"}, {"file id"}),
        (
            {
                "type": "web_fetch_tool_result",
                "content": {"type": "web_fetch_result", "url": "https://x.test", "content": PDF},
            },
            {"file"},
        ),
        (
            {
                "type": "code_execution_tool_result",
                "content": {
                    "type": "code_execution_result",
                    "stdout": "1",
                    "content": [{"type": "code_execution_output", "file_id": "file_1"}],
                },
            },
            {"file id"},
        ),
        (
            {"type": "tool_result", "content": [{"type": "image", "source": {"type": "base64", "data": "iVBO"}}]},
            {"image"},
        ),
        ({"type": "made_tomorrow", "x": "y"}, {"block of type made_tomorrow"}),
        ({"type": "Anything at all"}, {"block of unknown type"}),
        ({"type": 5}, {"block of unknown type"}),
    ],
)
def test_what_detectors_cannot_read_is_named(block: Any, unreadable: set[str]) -> None:
    assert set(read(block).unreadable) == unreadable


@pytest.mark.parametrize(
    ("block", "sealed"),
    [
        ({"type": "redacted_thinking", "data": "EmwKAhgB"}, {"redacted thinking"}),
        ({"type": "thinking", "thinking": "hm", "signature": SIGNATURE}, {"thinking signature"}),
        ({"type": "compaction", "content": "short", "encrypted_content": "Eo8B"}, {"encrypted content"}),
        (
            {
                "type": "web_search_tool_result",
                "tool_use_id": "s1",
                "content": [{"type": "web_search_result", "url": "https://x.test", "encrypted_content": "Eo8B"}],
            },
            {"encrypted content"},
        ),
        (
            {"type": "text", "text": "a", "citations": [{"cited_text": "b", "encrypted_index": "Eo8B"}, "odd"]},
            {"encrypted content"},
        ),
    ],
)
def test_what_a_provider_sealed_is_told_apart(block: Any, sealed: set[str]) -> None:
    found = read(block)
    assert set(found.sealed) == sealed and not found.unreadable


@pytest.mark.parametrize(
    ("block", "addresses"),
    [
        ({"type": "image", "source": {"type": "url", "url": "https://x.test/a.png"}}, ["https://x.test/a.png"]),
        ({"type": "document", "source": {"type": "url", "url": "10.0.0.1/a"}}, ["10.0.0.1/a"]),
        ({"type": "image", "source": {"type": "base64", "data": "data:image/png;base64,iVBO"}}, []),
        ({"type": "made_tomorrow", "a": [{"b": "http://x.test", "url": ""}]}, ["http://x.test"]),
        (
            {"type": "tool_result", "content": [{"type": "image", "source": {"url": "http://x.test"}}]},
            ["http://x.test"],
        ),
    ],
)
def test_what_a_backend_would_fetch_is_known(block: Any, addresses: list[str]) -> None:
    assert read(block).addresses == addresses


@pytest.mark.parametrize(
    ("block", "uses"),
    [
        (
            {"type": "text", "text": "a", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
            {features.CACHE_BREAKPOINTS},
        ),
        ({"type": "text", "text": "a", "cache_control": None}, set()),
        ({"type": "text", "text": "a", "citations": []}, set()),
        ({"type": "text", "text": "a", "citations": [{"cited_text": "b"}]}, {features.CITATIONS}),
        (
            {"type": "document", "source": {"type": "text", "data": "a"}, "citations": {"enabled": True}},
            {features.DOCUMENTS, features.CITATIONS},
        ),
        (
            {"type": "document", "source": {"type": "text", "data": "a"}, "citations": {"enabled": False}},
            {features.DOCUMENTS},
        ),
        ({"type": "server_tool_use", "name": "web_search", "input": {}}, {features.HOSTED_TOOLS}),
        ({"type": "tool_result", "content": "No such file", "is_error": True}, {features.FAILED_TOOLS}),
        ({"type": "tool_result", "content": "a", "is_error": False}, set()),
        ({"type": "text", "text": "a", "is_error": True}, set()),
        ({"type": "mcp_tool_use", "name": "x", "input": {}}, {features.TOOL_SERVERS}),
        ({"type": "thinking", "thinking": "hm", "signature": SIGNATURE}, {features.SIGNED_REASONING}),
        ({"type": "thinking", "thinking": "", "signature": SIGNATURE}, {features.ENCRYPTED_REASONING}),
        ({"type": "thinking", "thinking": "hm", "signature": "0123456789abcdef" * 2}, {features.UNSIGNED_REASONING}),
        ({"type": "thinking", "thinking": "hm"}, {features.UNSIGNED_REASONING}),
        ({"type": "image", "source": {"type": "file", "file_id": "file_1"}}, {features.STORED_FILES}),
        ({"type": "image", "source": {"type": "file", "file_id": 7}}, set()),
    ],
)
def test_what_not_every_backend_keeps_is_known(block: Any, uses: set[str]) -> None:
    assert set(read(block).uses) == uses


def test_media_are_no_text() -> None:
    data = "iVBO" * 100
    image = read({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}})
    assert (image.media, image.image_bytes, image.tokens, image.text_bytes) == (1, len(data), MEDIA_TOKENS, 0)
    assert image.modalities == {"text", "image"} and not image.unbounded
    pdf = read(PDF)
    assert (pdf.media, pdf.image_bytes, pdf.unbounded) == (1, 0, True)
    assert pdf.modalities == {"text", "file"} and pdf.tokens >= MEDIA_TOKENS


def test_messages_may_be_anything() -> None:
    found = Blocks()
    found.add_messages([{"role": "user", "content": "Hi"}, "odd", None])
    found.add_messages("text")
    assert found.text_bytes == len("user") + len("Hi") + len("odd") + len("text")


def test_files_are_known_by_their_ids() -> None:
    found = read(
        {"type": "container_upload", "file_id": "file_1"}, {"type": "document", "source": {"file_id": "file_2"}}
    )
    assert found.named == ["file_1", "file_2"]
