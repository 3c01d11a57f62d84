import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.reading import BadBody, Reading
from router.core.units import Units
from router.core.values import Label
from router.surfaces.openai.read_request import FRAME_TOKENS, MEDIA_BOUND, TOOLS_TOKENS
from router.surfaces.registry import SURFACES


def chat(**fields: Any) -> Reading:
    return SURFACES["chat"].read(json.dumps({"model": "m"} | fields).encode())


def test_a_minimal_chat() -> None:
    body = b'{"model": "m", "messages": [{"role": "user", "content": "Hi"}]}'

    reading = SURFACES["chat"].read(body)

    assert reading == Reading(
        model="m",
        stream=False,
        wants_usage=None,
        max_output_tokens=None,
        input_tokens=6,  # 4 for the message, and a third of the bytes of user and Hi
        modalities=frozenset({"text"}),
        unreadable=(),
        labels=(),
        model_span=(10, 13),
        options_span=None,
        input_bound=len(body) + FRAME_TOKENS,
        answers=1,
    )


@pytest.mark.parametrize(
    ("body", "says", "param", "code"),
    [
        (b"", "not valid JSON: Input data was truncated (byte 0)", None, "invalid_json"),
        (b'{"model": "m"', "not valid JSON: Input data was truncated (byte 13)", None, "invalid_json"),
        (b'{"model": m}', "not valid JSON: invalid character (byte 10)", None, "invalid_json"),
        (b'{"model": "m"} {', "not valid JSON: trailing characters (byte 16)", None, "invalid_json"),
        (b'{"model": "\xff"}', "not UTF-8 (byte 11)", None, "invalid_json"),
        (b'{"model": "m", "tools": ["\xc3"]}', "not UTF-8 (byte 26)", None, "invalid_json"),
        (b"[]", "must be a JSON object", None, "invalid_json"),
        (b'"model"', "must be a JSON object", None, "invalid_json"),
        (b'{"a":' + b"[" * 9999 + b"]" * 9999 + b"}", "nested too deeply", None, "invalid_json"),
        (b"{}", "must provide a model", "model", "missing_required_parameter"),
        (b'{"model": ""}', "must provide a model", "model", "missing_required_parameter"),
        (b'{"model": null}', "must provide a model", "model", "missing_required_parameter"),
        (b'{"model": 7}', "expected a string", "model", "invalid_type"),
        (b'{"model": "m", "stream": "true"}', "expected a boolean", "stream", "invalid_type"),
        (b'{"model": "m", "stream": 1}', "expected a boolean", "stream", "invalid_type"),
        (b'{"model": "m", "stream_options": []}', "expected an object", "stream_options", "invalid_type"),
        (
            b'{"model": "m", "stream_options": {"include_usage": 1}}',
            "expected a boolean",
            "stream_options.include_usage",
            "invalid_type",
        ),
        (b'{"model": "m", "max_tokens": 1e999}', "out of range", "max_tokens", None),
        (b'{"model": "m", "model": "n"}', "'model' is given twice", "model", "duplicate_field"),
        (b'{"model": "m", "n": 12, "n": 1}', "'n' is given twice", "n", "duplicate_field"),
        (b'{"model": "m", "n": 1, "n": 1}', "'n' is given twice", "n", "duplicate_field"),
        (b'{"model": "m", "\\u006dodel": "n"}', "'model' is given twice", "model", "duplicate_field"),
        (
            b'{"model": "m", "stream_options": {"include_usage": true, "include_usage": false}}',
            "'include_usage' is given twice",
            "include_usage",
            "duplicate_field",
        ),
        (
            b'{"model": "m", "metadata": {"sensitivity": "secret", "sensitivity": "public"}}',
            "'sensitivity' is given twice",
            "sensitivity",
            "duplicate_field",
        ),
    ],
)
def test_what_cannot_be_decided_on(body: bytes, says: str, param: str | None, code: str | None) -> None:
    with pytest.raises(BadBody) as caught:
        SURFACES["chat"].read(body)

    assert says in caught.value.message
    assert (caught.value.param, caught.value.code) == (param, code)


def test_a_duplicate_deeper_down_is_left_to_the_provider() -> None:
    assert SURFACES["chat"].read(b'{"model": "m", "x": {"a": 1, "a": 2}}').model == "m"


@pytest.mark.parametrize(
    ("fields", "stream", "wants_usage"),
    [
        ({}, False, None),
        ({"stream": None}, False, None),
        ({"stream": True}, True, None),
        ({"stream": True, "stream_options": None}, True, None),
        ({"stream": True, "stream_options": {}}, True, None),
        ({"stream": True, "stream_options": {"include_usage": None}}, True, None),
        ({"stream": True, "stream_options": {"include_usage": False}}, True, False),
        ({"stream": True, "stream_options": {"include_usage": True}}, True, True),
    ],
)
def test_streams(fields: dict[str, Any], stream: bool, wants_usage: bool | None) -> None:
    reading = chat(**fields)

    assert (reading.stream, reading.wants_usage) == (stream, wants_usage)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, None),
        ({"max_tokens": 100}, 100),
        ({"max_completion_tokens": 200}, 200),
        ({"max_completion_tokens": 200, "max_tokens": 100}, 200),
        ({"max_tokens": 100, "n": 3}, 300),
        ({"max_tokens": 100, "n": 2, "best_of": 5}, 500),
        ({"max_tokens": 100, "n": 0}, 100),
        ({"max_tokens": 100, "prompt": ["a", "b"], "n": 2}, 400),
        ({"max_tokens": 100, "prompt": []}, 100),
        ({"max_tokens": 100, "prompt": [1, 2, 3]}, 100),
        # providers that coerce types read these as numbers, so the worst case must, too
        ({"max_tokens": 100, "n": "5"}, 500),
        ({"max_tokens": 100, "n": 5.0}, 500),
        ({"max_tokens": "100"}, 100),
        ({"max_tokens": -1}, None),
        ({"max_tokens": 0.5}, None),
        ({"max_tokens": "many"}, None),
        ({"max_tokens": [1]}, None),
        ({"max_tokens": 10**30, "n": 9}, 1_000_000_000),
    ],
)
def test_the_most_output(fields: dict[str, Any], expected: int | None) -> None:
    assert chat(**fields).max_output_tokens == expected


def test_embeddings_have_no_output() -> None:
    assert SURFACES["embeddings"].read(b'{"model": "m", "input": "x", "max_tokens": 9}').max_output_tokens == 0


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, 0),
        ({"prompt": "abc"}, 1),
        ({"prompt": "abcd"}, 2),
        ({"prompt": "äöü"}, 2),
        ({"prompt": "abc", "suffix": "def"}, 2),
        ({"prompt": [1, 2, 3, 4]}, 4),
        ({"input": ["abc", "def"]}, 2),
        ({"tools": [{"a": 1}]}, 3),  # all of its text without spaces, [{"a":1}]
        ({"unknown": "not sent to the model"}, 0),
    ],
)
def test_the_input_is_estimated_from_above(fields: dict[str, Any], expected: int) -> None:
    assert chat(**fields).input_tokens == expected


@pytest.mark.parametrize(
    ("metadata", "labels"),
    [
        (None, ()),
        ({}, ()),
        ({"user": "u1"}, ()),
        ({"sensitivity": "secret"}, (Label("secret", (), "metadata"),)),
        ({"Sensitivity ": "secret"}, (Label("secret", (), "metadata"),)),
        ({"sensitivity": ""}, (Label("", (), "metadata"),)),
        ({"sensitivity": None}, (Label("not a string", (), "metadata"),)),
        ({"sensitivity": ["public"]}, (Label("not a string", (), "metadata"),)),
        ({"tags": "phi, batch,"}, (Label(None, ("phi", "batch"), "metadata"),)),
        ({"tags": ["phi", "batch"]}, (Label(None, ("phi", "batch"), "metadata"),)),
        ({"tags": ["phi", 1]}, (Label(None, ("phi", "not a string"), "metadata"),)),
        ({"tags": {"phi": True}}, (Label(None, ("not a string",), "metadata"),)),
        (
            {"sensitivity": "a", "tags": ["b"]},
            (Label("a", (), "metadata"), Label(None, ("b",), "metadata")),
        ),
        ("secret", (Label("not a string", (), "metadata"),)),
    ],
)
def test_labels_in_the_metadata(metadata: Any, labels: tuple[Label, ...]) -> None:
    assert chat(metadata=metadata).labels == labels


def test_embeddings_of_a_prompt_are_unreadable() -> None:
    assert chat(prompt_embeds="AAAA").unreadable == ("prompt embeddings",)


@pytest.mark.parametrize("name", ["kv_transfer_params", "ec_transfer_params"])
def test_where_a_vllm_is_to_fetch_caches_from_is_an_address(name: str) -> None:
    assert chat(**{name: {"remote_host": "10.0.0.5", "remote_port": 1}}).addresses == (name,)
    assert chat(**{name: None}).addresses == ()


def test_addresses_in_parts_are_read() -> None:
    parts = [{"type": "image_url", "image_url": {"url": "https://cats.example/"}}]
    assert chat(messages=[{"role": "user", "content": parts}]).addresses == ("https://cats.example/",)


def test_what_is_read_of_the_content() -> None:
    image = {"type": "image_url", "image_url": {"url": "https://example.org/cat.png"}}

    reading = chat(messages=[{"role": "user", "content": [image]}], modalities=["text", "audio"])

    assert reading.modalities == {"text", "image", "audio"}
    assert reading.unreadable == ("image",)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(VALUES)
def test_every_field_may_hold_anything(value: Any) -> None:
    names = ["messages", "prompt", "input", "suffix", "tools", "modalities", "max_tokens", "n", "metadata", "audio"]
    try:
        reading = chat(**dict.fromkeys(names, value))
    except BadBody as error:
        assert error.code is None  # a number that no decoder takes
    else:
        assert reading.input_tokens >= 0


PLAIN_TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40)
PLAIN_CHATS = st.fixed_dictionaries(
    {
        "model": st.sampled_from(["m", "gpt-4o-mini", ""]),
        "messages": st.lists(st.fixed_dictionaries({"role": st.just("user"), "content": PLAIN_TEXT}), max_size=3),
    },
    optional={
        "stream": st.booleans(),
        "max_tokens": st.integers(0, 100),
        "max_completion_tokens": st.integers(0, 100),
        "n": st.integers(0, 5),
        "temperature": st.floats(0, 2),
        "user": PLAIN_TEXT,
    },
)
AWAY_FROM_THE_SHORT_WAY = {"by decoding all": {"tools": None}, "by splitting": {"metadata": {}}}


@pytest.mark.parametrize("detour", AWAY_FROM_THE_SHORT_WAY.values(), ids=AWAY_FROM_THE_SHORT_WAY.keys())
@given(chat=PLAIN_CHATS)
def test_the_ways_to_read_agree(detour: dict[str, Any], chat: dict[str, Any]) -> None:
    def outcome(fields: dict[str, Any]) -> Any:
        body = json.dumps(fields).encode()
        try:
            reading = SURFACES["chat"].read(body)
        except BadBody as error:
            return str(error)
        tokens = reading.input_tokens if "tools" not in fields else reading.input_tokens - 1
        limits = reading.max_output_tokens, reading.answers, reading.input_bound - len(body)
        return reading.model, reading.stream, limits, reading.modalities, tokens, reading.model_span

    expected = outcome(chat)
    found = outcome(chat | detour)
    if "tools" in detour and not isinstance(expected, str):  # `null` counts as four bytes of schema
        assert found[:4] == expected[:4] and abs(found[4] - expected[4]) <= 1
    else:
        assert found == expected


def test_a_name_that_stands_twice_is_looked_at_twice() -> None:
    reading = chat(messages=[{"role": "user", "content": "hi"}], user="messages")
    assert (reading.model, reading.input_tokens) == ("m", 6)
    with pytest.raises(BadBody, match="'messages' is given twice"):
        SURFACES["chat"].read(b'{"model":"m","messages":[{"role":"user","content":"a"}],"messages":[]}')


def bytewise(value: Any) -> int:
    """What a tokenizer would make of a conversation that gives every byte a token of its own."""
    if isinstance(value, dict):
        return sum(map(bytewise, value)) + sum(map(bytewise, value.values()))
    if isinstance(value, list):
        return sum(map(bytewise, value))
    return len(str(value).encode())


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
MESSAGES = st.fixed_dictionaries(
    {
        "role": st.sampled_from(["user", "assistant"]),
        "content": st.one_of(
            TEXTS, st.lists(st.builds(lambda text: {"type": "text", "text": text}, TEXTS), max_size=3)
        ),
    }
)


@given(messages=st.lists(MESSAGES, max_size=5), ascii_only=st.booleans(), system=TEXTS)
def test_no_tokenizer_over_bytes_exceeds_the_bound(
    messages: list[dict[str, Any]], ascii_only: bool, system: str
) -> None:
    messages = [{"role": "system", "content": system}, *messages]
    fields = {"model": "m", "messages": messages}
    reading = SURFACES["chat"].read(json.dumps(fields, ensure_ascii=ascii_only, separators=(",", ":")).encode())
    assert bytewise(messages) + 8 * len(messages) <= reading.input_bound
    assert reading.input_tokens <= reading.input_bound


def test_the_bound_is_never_below_the_estimate() -> None:
    reading = SURFACES["chat"].read(b'{"model":"m","messages":[%b]}' % b",".join([b"{}"] * 1000))
    assert reading.input_bound == reading.input_tokens == 4000


def test_tools_and_schemas_come_with_instructions() -> None:
    def around(**fields: Any) -> int:
        return chat(**fields).input_bound - len(json.dumps({"model": "m"} | fields))

    assert around(user="u") == around(tools=None) == around(tools=[]) == FRAME_TOKENS
    assert around(tools=[{}]) == around(response_format={"type": "json_object"}) == TOOLS_TOKENS


def test_an_image_counts_as_an_image_wherever_it_is() -> None:
    def bound(**part: Any) -> int:
        return chat(messages=[{"role": "user", "content": [part]}]).input_bound

    inline = bound(type="image_url", image_url={"url": "data:image/png;base64," + "A" * 9_999})
    assert MEDIA_BOUND < inline < MEDIA_BOUND + 250
    assert abs(inline - bound(type="image_url", image_url={"url": "https://example.org/a.png"})) < 50
    assert abs(inline - bound(type="input_image", image_url="data:" + "A" * 9_999)) < 50


@pytest.mark.parametrize(
    "part",
    [
        {"type": "text", "text": "data:" + "x" * 5000, "image_url": {"url": "data:,"}},
        {"type": "image_url", "image_url": {"url": "x" * 5000}},
        {"type": "image_url", "image_url": {"url": ["data:"] * 5000}},
        {"type": "input_audio", "input_audio": {"data": "A" * 5000}},
    ],
)
def test_what_may_be_read_as_text_counts_by_its_bytes(part: dict[str, Any]) -> None:
    assert chat(messages=[{"role": "user", "content": [part]}]).input_bound > MEDIA_BOUND + 5000


@pytest.mark.parametrize(
    ("fields", "answers"),
    [
        ({}, 1),
        ({"n": 3}, 3),
        ({"n": "3", "best_of": 5}, 5),
        ({"n": 0}, 1),
        ({"n": -7}, 1),
        ({"n": 10**12}, 1_000_000_000),
        ({"prompt": ["a", "b"], "n": 2}, 4),
        ({"prompt": [1, 2]}, 1),
    ],
)
def test_answers_asked_for(fields: dict[str, Any], answers: int) -> None:
    assert chat(**fields).answers == answers
    assert chat(**fields, max_tokens=10).max_output_tokens == min(10 * answers, 1_000_000_000)


def test_more_choices_than_anybody_makes_are_bounded_in_a_plain_chat_too() -> None:
    assert chat(messages=[], n=10**12).answers == 1_000_000_000


@pytest.mark.parametrize(
    ("named", "service"),
    [("flex", "flex"), ("Priority", "priority"), (None, ""), (7, ""), ("x" * 33, ""), ("default", "default")],
)
@pytest.mark.parametrize("content", ["Hi", [{"type": "text", "text": "Hi"}]], ids=["plain", "parts"])
def test_the_service_tier_is_read_however_the_body_is(content: Any, named: Any, service: str) -> None:
    messages = [{"role": "user", "content": content}]
    assert chat(messages=messages, service_tier=named).service == service
    assert chat(messages=messages, service_tier=named, metadata={"a": "b"}).service == service
    assert chat(messages=messages).service == ""


def test_two_service_tiers_are_refused() -> None:
    """The provider may take the other one, at another price."""
    with pytest.raises(BadBody, match="twice"):
        SURFACES["chat"].read(b'{"model": "m", "messages": [], "service_tier": "priority", "service_tier": null}')


def test_sound_is_held_by_its_bytes_and_its_addresses() -> None:
    part = {"type": "input_audio", "input_audio": {"data": "A" * 5000, "format": "wav"}}
    heard = chat(messages=[{"role": "user", "content": [part]}], max_tokens=50)
    assert heard.units.audio_input >= 50 and heard.units.audio_output == 50
    url = {"type": "audio_url", "audio_url": {"url": "https://a.test/b.wav"}}
    assert chat(messages=[{"role": "user", "content": [url]}]).units.audio_input > 50_000
    spoken = chat(messages=[{"role": "user", "content": "Hi"}], modalities=["text", "audio"])
    assert spoken.units.audio_output > 0
    assert chat(messages=[{"role": "user", "content": "Hi"}]).units == Units()


@pytest.mark.parametrize("voice", ["voice_1", {"id": "voice_1"}])
def test_a_voice_that_somebody_made_is_named_wherever_it_stands(voice: Any) -> None:
    for fields in ({"audio": {"voice": voice, "format": "wav"}}, {"voice": voice}):
        assert chat(messages=[], **fields).refers_to == ("voice_1",)
        assert chat(messages=[{"role": "user", "content": "Hi"}], **fields).refers_to == ("voice_1",)
    assert chat(messages=[], audio={"voice": "alloy"}, modalities=["audio"]).refers_to == ()


@pytest.mark.parametrize("name", ["audio", "voice"])
def test_a_voice_is_given_once(name: str) -> None:
    with pytest.raises(BadBody, match="given twice"):
        SURFACES["chat"].read(b'{"model":"m","messages":[],"%b":"voice_1","%b":"alloy"}' % ((name.encode(),) * 2))
