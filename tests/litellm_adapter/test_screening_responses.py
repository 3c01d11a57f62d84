from typing import Any

import pytest

from router.litellm_adapter.screening import RefusedError
from router.litellm_adapter.screening_responses import responses_parameters
from router.surfaces.may_be_billed import UNSUPPORTED

URL = {"type": "input_image", "image_url": "https://example.org/x.png"}


def asking(*items: Any) -> dict[str, Any]:
    return {"input": list(items)}


def saying(*parts: Any) -> dict[str, Any]:
    return asking({"role": "user", "content": list(parts)})


def refused(native: bool, **asked: Any) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        responses_parameters({"model": "m", "input": "Hi", **asked}, native=native)
    return caught.value


def test_known_parameters_pass_and_others_are_refused_or_dropped() -> None:
    body = {"model": "m", "input": "Hi", "top_p": 0.5, "metadata": {"ours": "1"}, "temperature": None}
    assert responses_parameters(body, native=False) == {"input": "Hi", "top_p": 0.5}
    error = refused(True, api_base="http://x")
    assert (error.param, error.code) == ("api_base", UNSUPPORTED)
    assert responses_parameters({"input": "Hi", "api_base": "x"}, native=True, lenient=True) == {"input": "Hi"}


@pytest.mark.parametrize("native", [False, True])
@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"input": None}, "input"),
        (asking(1), "input[0]"),
        ({"tools": [1]}, "tools[0]"),
        ({"store": "yes"}, "store"),
        (saying(URL), "input[0].content[0].image_url"),
        (asking({"type": "function_call_output", "output": [URL]}), "input[0].output[0].image_url"),
    ],
)
def test_malformed_bodies_and_addresses_name_the_parameter(asked: dict[str, Any], param: str, native: bool) -> None:
    assert refused(native, **asked).param == param


def test_a_provider_is_told_no_servers_address() -> None:
    tool = {"type": "mcp", "server_label": "m", "server_url": "https://example.org"}
    assert refused(True, tools=[tool]).param == "tools[0].server_url"


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"tools": [{"type": "web_search"}]}, "tools[0]"),
        ({"tool_choice": {"type": "allowed_tools"}}, "tool_choice"),
        (asking({"type": "item_reference", "id": "i"}), "input[0]"),
        (asking({"type": "web_search_call", "action": {"url": "https://example.org"}}), "input[0]"),
        (saying({"type": "input_audio"}), "input[0].content[0]"),
        (saying({"type": "input_file", "file_id": "f"}), "input[0].content[0].file_id"),
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
    ],
)
def test_what_others_have_no_counterpart_of_is_openais_alone(asked: dict[str, Any], param: str) -> None:
    error = refused(False, **asked)
    assert (error.param, error.code) == (param, UNSUPPORTED)
    assert responses_parameters({"input": "Hi", **asked}, native=True)


def test_parts_are_objects() -> None:
    assert refused(False, **saying(1)).param == "input[0].content[0]"


def test_texts_may_name_addresses() -> None:
    part = {"type": "output_text", "text": "https://x", "annotations": [{"url": "https://example.org"}]}
    said = asking({"role": "assistant", "content": [part]}, {"role": "user", "content": "https://x"})
    called = asking({"type": "function_call", "arguments": "https://x", "name": "f", "call_id": "c"})
    for body in (said, called):
        assert responses_parameters(body, native=False)
