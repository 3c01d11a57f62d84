from __future__ import annotations

import json
from typing import Any

import pytest

from router.core import features
from router.core.reading import BadBody, Reading
from router.core.values import Label
from router.surfaces.openai.read_request import FRAME_TOKENS, MEDIA_BOUND, TOOLS_TOKENS
from router.surfaces.openai.responses.read_request import MOST_TOOL_CALLS, read


def asked(**fields: Any) -> Reading:
    return read(json.dumps({"model": "m", "input": "Hi", **fields}).encode())


def test_a_plain_prompt() -> None:
    body = b'{"model": "m", "input": "Capital of France?"}'
    reading = read(body)
    assert (reading.model, reading.stream, reading.max_output_tokens, reading.answers) == ("m", False, None, 1)
    assert body[slice(*reading.model_span)] == b'"m"'
    assert reading.input_tokens == 4 + 6
    assert reading.input_bound == len(body) + FRAME_TOKENS
    assert (reading.unreadable, reading.refers_to, reading.contexts, reading.background) == ((), (), 0, False)


def test_what_it_says_of_the_answer() -> None:
    reading = asked(stream=True, max_output_tokens=50, service_tier="Flex", background=True)
    assert (reading.stream, reading.max_output_tokens, reading.service, reading.background) == (True, 50, "flex", True)
    assert reading.wants_usage is True  # it always comes, and none is taken out


def test_labels_are_those_of_its_metadata() -> None:
    assert asked(metadata={"sensitivity": "restricted"}).labels == (Label(level="restricted", source="metadata"),)


@pytest.mark.parametrize(
    "body",
    [
        b'{"model": "m", "model": "n"}',
        b'{"input": "Hi"}',
        b'{"model": "m", "stream": 1}',
        b'{"model": "m", "background": "yes"}',
        b'{"model": "m", "input": "\xff"}',
        b'{"model": "m", "input": ',
    ],
)
def test_what_cannot_be_decided_on_is_refused(body: bytes) -> None:
    with pytest.raises(BadBody):
        read(body)


def test_instructions_tools_and_schemas_are_text_to_the_model() -> None:
    plain = asked().input_tokens
    assert asked(instructions="x" * 300).input_tokens == plain + 4 + 100
    tool = {"type": "function", "name": "f", "parameters": {"description": "y" * 300}}
    assert asked(tools=[tool]).input_tokens > plain + 100
    assert asked(text={"format": {"type": "json_schema", "schema": {"title": "z" * 300}}}).input_tokens > plain + 100
    body = json.dumps({"model": "m", "input": "Hi", "tools": [tool]}).encode()
    assert read(body).input_bound == len(body) + TOOLS_TOKENS


def test_an_image_counts_as_the_most_that_one_can_be() -> None:
    part = {"type": "input_image", "image_url": "data:image/png;base64," + "A" * 4000}
    body = json.dumps({"model": "m", "input": [{"role": "user", "content": [part]}]}).encode()
    reading = read(body)
    assert (reading.unreadable, reading.modalities) == (("image",), {"text", "image"})
    assert MEDIA_BOUND < reading.input_bound < MEDIA_BOUND + 1000


def test_what_is_kept_elsewhere_may_fill_a_context() -> None:
    assert asked(previous_response_id="resp_1").refers_to == ("resp_1",)
    assert asked(previous_response_id="resp_1").contexts == 1
    assert asked(conversation="conv_1").refers_to == asked(conversation={"id": "conv_1"}).refers_to == ("conv_1",)
    assert asked(conversation=None, previous_response_id=None).contexts == 0


def test_a_prompt_template_is_nothing_that_can_be_read() -> None:
    picture = {"type": "input_image", "image_url": "https://example.org/a.png"}
    reading = asked(prompt={"id": "pmpt_1", "variables": {"name": "x" * 300, "picture": picture}})
    assert reading.unreadable == ("prompt template", "image")
    assert reading.addresses == ("https://example.org/a.png",)
    assert (reading.contexts, reading.refers_to) == (1, ())
    assert reading.input_tokens > 100
    assert asked(prompt="pmpt_1").unreadable == ("prompt template",)
    assert asked(prompt=None).unreadable == ()


def test_each_call_of_a_tool_at_the_provider_may_take_a_context() -> None:
    search = [{"type": "web_search"}]
    assert asked(tools=search).contexts == 1 + MOST_TOOL_CALLS
    assert asked(tools=search, max_tool_calls=2).contexts == 3


def test_each_agent_at_the_provider_may_take_a_context() -> None:
    reading = asked(multi_agent={"enabled": True})
    assert (reading.contexts, reading.uses) == (1 + MOST_TOOL_CALLS, (features.HOSTED_TOOLS,))
    for none in (None, {"enabled": False}, "many"):
        assert asked(multi_agent=none).contexts == 0


def test_what_else_a_vllm_takes() -> None:
    message = {"role": "user", "content": [{"type": "text", "text": "x" * 300}]}
    assert asked(previous_input_messages=[message]).input_tokens > 100
    assert asked(previous_input_messages=None).addresses == ()
    assert asked(kv_transfer_params={"remote_host": "10.0.0.1"}).addresses == ("kv_transfer_params",)
    assert asked(ec_transfer_params=None).addresses == ()


def test_an_answer_is_kept_unless_its_client_says_no() -> None:
    assert asked().stores and asked(store=True).stores and asked(store=None).stores
    assert not asked(store=False).stores


def test_what_not_every_backend_has_is_told() -> None:
    assert asked(conversation="conv_1").uses == (features.CONVERSATIONS,)
    assert asked(prompt={"id": "pmpt_1"}).uses == (features.PROMPT_TEMPLATES,)
    assert asked(previous_response_id="resp_1").uses == ()


def test_a_hosted_tool_that_must_be_called_is_needed() -> None:
    offered = asked(tools=[{"type": "web_search"}])
    needed = asked(tools=[{"type": "web_search"}], tool_choice={"type": "web_search"})
    assert features.NEEDED_TOOLS not in offered.uses and features.NEEDED_TOOLS in needed.uses


@pytest.mark.parametrize("voice", ["voice_1", {"id": "voice_1"}])
def test_a_voice_that_somebody_made_is_named(voice: Any) -> None:
    assert asked(audio={"voice": voice}).refers_to == asked(voice=voice).refers_to == ("voice_1",)
    assert asked(audio={"voice": "alloy"}).refers_to == asked(voice="alloy").refers_to == ()
