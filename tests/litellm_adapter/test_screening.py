from typing import Any

import pytest

from router.litellm_adapter.screening import RefusedError, chat_parameters, embedding_parameters

HELLO = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}


def part(**content: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": [content]}]}


def test_what_is_not_on_the_list_is_refused_or_dropped() -> None:
    body = {
        **HELLO,
        "temperature": 1,
        "top_k": 5,
        "n": None,
        "metadata": {"ours": 1},
        "stream_options": {"include_usage": True},
    }
    with pytest.raises(RefusedError, match="api_base"):
        chat_parameters({**body, "api_base": "x"})
    assert chat_parameters({**body, "api_base": "x"}, lenient=True) == chat_parameters(body)
    assert chat_parameters(body) == {"messages": HELLO["messages"], "temperature": 1, "top_k": 5}


def test_a_stream_reports_usage_only_when_asked_for() -> None:
    options = {"include_usage": True, "evil": 1}
    assert chat_parameters({**HELLO, "stream": True, "stream_options": options})["stream_options"] == {
        "include_usage": True
    }
    assert chat_parameters({**HELLO, "stream": True})["stream_options"] == {"include_usage": False}


def test_messages_keep_known_fields_only() -> None:
    message = {"role": "assistant", "content": None, "tool_calls": [], "images": ["x"], "file": "x"}
    (kept,) = chat_parameters({"messages": [message]})["messages"]
    assert kept == {"role": "assistant", "content": None, "tool_calls": []}


def test_tools_keep_known_fields_only() -> None:
    tool = {"type": "function", "function": {"name": "f"}, "server_url": "x"}
    assert chat_parameters({**HELLO, "tools": [tool]})["tools"] == [{"type": "function", "function": {"name": "f"}}]


@pytest.mark.parametrize(
    "content",
    [
        {"type": "text", "text": "see https://example.org"},
        {"type": "text", "text": "https://example.org"},
        {"type": "thinking", "thinking": "https://example.org", "signature": "x"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,//8A"}},
        {"type": "image_url", "image_url": "data:image/png;base64,AA"},
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
        {"type": "file", "file": {"file_data": "data:application/pdf;base64,AA", "filename": "a.pdf"}},
    ],
)
def test_text_and_inline_media_pass(content: dict[str, Any]) -> None:
    assert chat_parameters(part(**content))["messages"][0]["content"] == [content]


@pytest.mark.parametrize(
    "content",
    [
        {"type": "image_url", "image_url": {"url": "http://x"}},
        {"type": "image_url", "image_url": "HTTPS://x"},
        {"type": "image_url", "image_url": {"url": " https://x"}},
        {"type": "image_url", "image_url": {"url": "gs://x/y"}},
        {"type": "file", "file": {"file_id": "https://x"}},
        {"type": "file", "file": {"file_id": "www.example.org"}},
        {"type": "document", "source": {"type": "url", "url": "https://x"}},
        {"type": "tool_result", "content": [{"type": "image", "source": {"url": "http://x"}}]},
        {"type": "text", "text": "a", "image_url": {"url": "http://x"}},
        {"image_url": {"url": "file:/etc/passwd"}},
    ],
)
def test_addresses_are_refused(content: dict[str, Any]) -> None:
    with pytest.raises(RefusedError, match="is an address"):
        chat_parameters(part(**content))


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": ["x"]}, "messages[0]"),
        ({"messages": [{"content": "x"}]}, "messages[0]"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": ["x"]}]}, "messages[0].content[0]"),
        ({**HELLO, "n": "2"}, "n"),
        ({**HELLO, "n": True}, "n"),
        ({**HELLO, "stream": 1}, "stream"),
        ({**HELLO, "temperature": "1"}, "temperature"),
        ({**HELLO, "tools": {}}, "tools"),
        ({**HELLO, "tools": [{"type": "mcp", "server_url": "http://x"}]}, "tools[0]"),
        ({**HELLO, "tools": [{"type": "web_search_20250305"}]}, "tools[0]"),
    ],
)
def test_malformed_bodies_name_the_parameter(body: dict[str, Any], param: str) -> None:
    with pytest.raises(RefusedError) as caught:
        chat_parameters(body)
    assert caught.value.param == param


@pytest.mark.parametrize("given", ["a", ["a", "b"], [1, 2], [[1], [2, 3]]])
def test_inputs_are_texts_or_token_ids(given: Any) -> None:
    assert embedding_parameters({"input": given, "dimensions": 4}) == {"input": given, "dimensions": 4}


@pytest.mark.parametrize("given", [None, [], {}, [{"image": "http://x"}], ["a", 1], [[]], [[True]]])
def test_other_inputs_are_refused(given: Any) -> None:
    with pytest.raises(RefusedError):
        embedding_parameters({"input": given})


def test_an_unknown_encoding_is_refused() -> None:
    with pytest.raises(RefusedError):
        embedding_parameters({"input": "a", "encoding_format": "hex"})
