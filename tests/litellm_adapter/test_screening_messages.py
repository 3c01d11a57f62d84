from typing import Any

import pytest

from router.litellm_adapter.screening import RefusedError
from router.litellm_adapter.screening_messages import messages_parameters
from router.surfaces.may_be_billed import UNSUPPORTED

HELLO: dict[str, Any] = {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "Hi"}]}
URL = {"type": "image", "source": {"type": "url", "url": "https://example.org/x.png"}}
SEARCH = {"type": "web_search_20250305", "name": "web_search"}


def asking(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": list(blocks)}]}


def refused(native: bool, **asked: Any) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        messages_parameters(HELLO | asked, native=native)
    return caught.value


def test_known_parameters_pass_and_others_are_refused_or_dropped() -> None:
    asked = HELLO | {"top_k": 3, "metadata": {"user_id": "u", "more": 1}, "system": "s"}
    wanted = {name: asked[name] for name in ("max_tokens", "messages", "system", "top_k")}
    assert messages_parameters(asked, native=False) == wanted | {"metadata": {"user_id": "u"}}
    error = refused(True, api_base="http://x")
    assert (error.param, error.code) == ("api_base", UNSUPPORTED)
    assert "api_base" not in messages_parameters(HELLO | {"api_base": "x"}, native=True, lenient=True)


@pytest.mark.parametrize("native", [False, True])
@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": [1]}, "messages[0]"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"max_tokens": None}, "max_tokens"),
        ({"max_tokens": True}, "max_tokens"),
        ({"tools": [1]}, "tools[0]"),
        (asking({"text": "no type"}), "messages[0].content[0]"),
        (asking(URL), "messages[0].content[0].source.url"),
        (asking({"type": "tool_result", "content": [URL]}), "messages[0].content[0].content[0].source.url"),
        (
            asking({"type": "document", "source": {"type": "content", "content": [URL]}}),
            "messages[0].content[0].source.content[0].source.url",
        ),
    ],
)
def test_malformed_bodies_and_addresses_name_the_parameter(asked: dict[str, Any], param: str, native: bool) -> None:
    assert refused(native, **asked).param == param


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"tools": [SEARCH]}, "tools[0]"),
        ({"tools": [{"name": "f", "defer_loading": True}]}, "tools[0].defer_loading"),
        (asking({"type": "server_tool_use"}), "messages[0].content[0]"),
        (asking({"type": "image", "source": {"type": "file", "file_id": "f"}}), "messages[0].content[0].source"),
        ({"container": "c"}, "container"),
    ],
)
def test_what_others_have_no_counterpart_of_is_anthropics_alone(asked: dict[str, Any], param: str) -> None:
    error = refused(False, **asked)
    assert (error.param, error.code) == (param, UNSUPPORTED)
    assert messages_parameters(HELLO | asked, native=True)


def test_texts_and_histories_may_name_addresses() -> None:
    found = {"type": "web_search_tool_result", "content": [{"type": "web_search_result", "url": "https://example.org"}]}
    assert messages_parameters(HELLO | asking(found), native=True)
    said = asking({"type": "text", "text": "https://example.org"}, {"type": "tool_result", "content": "https://x"})
    assert messages_parameters(HELLO | said | {"system": [{"type": "text", "text": "https://x"}]}, native=False)
    call = {"type": "tool_use", "id": "t", "name": "f", "input": {"url": "https://example.org"}}
    assert messages_parameters(HELLO | asking(call), native=False)
    assert refused(False, **asking({"type": "text", "text": "a", "image_url": "https://x"})).param is not None
