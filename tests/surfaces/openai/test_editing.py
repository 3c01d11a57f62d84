import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.surfaces.openai.editing import edit
from router.surfaces.registry import SURFACES


def edited(body: bytes, model: str | None = None, include_usage: bool = False) -> bytes:
    return edit(body, SURFACES["chat"].read(body), model=model, include_usage=include_usage)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"model":"a"}', b'{"model":"b"}'),
        (b' { "model" : "a" , "x": 1.50 } ', b' { "model" : "b" , "x": 1.50 } '),
        (b'{"tools":[{"model":"a"}],"model":"a"}', b'{"tools":[{"model":"a"}],"model":"b"}'),
        (b'{"x":"\\"model\\":\\"a\\"","model":"a"}', b'{"x":"\\"model\\":\\"a\\"","model":"b"}'),
        (b'{"\\u006dodel":"\\u0061","y":"\\/"}', b'{"\\u006dodel":"b","y":"\\/"}'),
        ('{"model":"ä","z":"ü"}'.encode(), '{"model":"b","z":"ü"}'.encode()),
    ],
)
def test_only_the_model_changes(body: bytes, expected: bytes) -> None:
    assert edited(body, model="b") == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"model":"a"}', b'{"stream_options":{"include_usage":true},"model":"a"}'),
        (b' {\n "model":"a"}', b' {"stream_options":{"include_usage":true},\n "model":"a"}'),
        (b'{"model":"a","stream_options":null}', b'{"model":"a","stream_options":{"include_usage":true}}'),
        (b'{"model":"a","stream_options":{}}', b'{"model":"a","stream_options":{"include_usage":true}}'),
        (b'{"model":"a","stream_options": { } }', b'{"model":"a","stream_options": {"include_usage":true } }'),
        (
            b'{"model":"a","stream_options":{"x": 1}}',
            b'{"model":"a","stream_options":{"include_usage":true,"x": 1}}',
        ),
        (
            b'{"stream_options":{"x": [false], "include_usage" : false},"model":"a"}',
            b'{"stream_options":{"x": [false], "include_usage" : true},"model":"a"}',
        ),
        (
            b'{"model":"a","stream_options":{"include_usage":null}}',
            b'{"model":"a","stream_options":{"include_usage":true}}',
        ),
    ],
)
def test_usage_is_asked_for(body: bytes, expected: bytes) -> None:
    assert edited(body, include_usage=True) == expected


def test_without_a_change_it_is_the_same_object() -> None:
    body = b'{"model":"a","stream_options":{"include_usage":true}}'

    assert edited(body, model="a", include_usage=True) is body
    assert edited(body) is body


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=3) | st.sampled_from(["model", "stream_options", "include_usage"]), inner)
    ),
    max_leaves=8,
)
OPTIONS = st.none() | st.dictionaries(st.text(max_size=3), VALUES).flatmap(
    lambda options: st.sampled_from([options, options | {"include_usage": False}, {"include_usage": True} | options])
)


def dumps(value: Any, data: st.DataObject) -> str:
    """JSON with names escaped, and whitespace added, here and there."""
    if not isinstance(value, dict):
        return json.dumps(value, ensure_ascii=data.draw(st.booleans()), indent=data.draw(st.sampled_from([None, 1])))
    members = []
    for name, inner in value.items():
        quoted = json.dumps(name)
        if name and data.draw(st.booleans()):
            quoted = "".join(f"\\u{ord(char):04x}" for char in name if ord(char) < 0x10000).join('""')
            quoted = quoted if json.loads(quoted) == name else json.dumps(name)
        members.append(f"{quoted} :{data.draw(st.sampled_from(['', ' ', chr(10)]))}{dumps(inner, data)}")
    return " {" + " ,".join(members) + "\t}"


@given(
    st.dictionaries(st.text(max_size=8), VALUES, max_size=4),
    st.text(min_size=1),
    st.none() | st.text(min_size=1),
    st.booleans(),
    st.data(),
)
def test_the_result_decodes_to_the_input_with_just_that_change(
    fields: dict[str, Any], model: str, other: str | None, include_usage: bool, data: st.DataObject
) -> None:
    whole = fields | {"model": model, "stream": True}
    whole = whole | {"stream_options": data.draw(OPTIONS)} if data.draw(st.booleans()) else whole
    whole = {name: whole[name] for name in data.draw(st.permutations(list(whole)))}
    expected = whole if other is None else whole | {"model": other}
    if include_usage:
        expected = expected | {"stream_options": (whole.get("stream_options") or {}) | {"include_usage": True}}

    body = dumps(whole, data).encode()

    assert json.loads(edited(body, model=other, include_usage=include_usage)) == expected


BOTH = b'"include_usage":true,"continuous_usage_stats":true'


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"model":"a"}', b'{"stream_options":{%b},"model":"a"}' % BOTH),
        (b'{"model":"a","stream_options":null}', b'{"model":"a","stream_options":{%b}}' % BOTH),
        (b'{"model":"a","stream_options":{}}', b'{"model":"a","stream_options":{%b}}' % BOTH),
        (b'{"model":"a","stream_options":{"x":1}}', b'{"model":"a","stream_options":{%b,"x":1}}' % BOTH),
        (
            b'{"model":"a","stream_options":{"include_usage":true}}',
            b'{"model":"a","stream_options":{"continuous_usage_stats":true,"include_usage":true}}',
        ),
        (
            b'{"model":"a","stream_options":{"continuous_usage_stats":false, "include_usage":false}}',
            b'{"model":"a","stream_options":{"continuous_usage_stats":true, "include_usage":true}}',
        ),
    ],
)
def test_running_usage_is_asked_for(body: bytes, expected: bytes) -> None:
    assert edit(body, SURFACES["chat"].read(body), model=None, include_usage=True, continuous_usage=True) == expected
