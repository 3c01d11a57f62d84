"""A form is read in one way or not at all."""

from __future__ import annotations

import email
import email.policy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.reading import BadBody
from router.surfaces.form import MOST_HEAD, MOST_PARTS, is_form, read_form, told_by

TYPE = "multipart/form-data; boundary=b0undary"


def field(name: str, value: bytes, more: str = "") -> bytes:
    return f'--b0undary\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'.encode() + value + b"\r\n"


MODEL = field("model", b"whisper-1")
FILE = field("file", b"\xff\xfb\x90\r\n\x00", '; filename="a.mp3"\r\nContent-Type: audio/mpeg')
END = b"--b0undary--\r\n"


def test_parts_are_spans_of_the_body() -> None:
    body = MODEL + FILE + END
    form = read_form(body, TYPE)
    assert [(part.name, part.filename, part.media_type) for part in form.parts] == [
        ("model", None, ""),
        ("file", "a.mp3", "audio/mpeg"),
    ]
    assert [form.content(part) for part in form.parts] == [b"whisper-1", b"\xff\xfb\x90\r\n\x00"]
    assert form.text("model") == "whisper-1" and form.text("prompt") is None
    assert form.field("file") is None and form.content_type == TYPE
    assert json.loads(form.texts) == [["model", "whisper-1"], ["file", "a.mp3", "audio/mpeg"], ["b0undary", "0"]]


def test_a_field_that_is_there_several_times_is_a_list_in_what_it_says() -> None:
    name = "timestamp_granularities[]"
    body = field(name, b"4111 1111") + MODEL + field(name, b"1111 1111") + END
    assert json.loads(read_form(body, TYPE).texts)[:2] == [[name, "4111 1111", "1111 1111"], ["model", "whisper-1"]]


def named(disposition: str) -> bytes:
    return f"--b0undary\r\nContent-Disposition: form-data; {disposition}\r\n\r\nx\r\n--b0undary--".encode()


@pytest.mark.parametrize(
    ("body", "name", "filename"),
    [
        (named("name=model"), "model", None),
        (named('name="image[]"; filename="a b.png"'), "image[]", "a b.png"),
        (named("name=file; filename=a.mp3; filename*=utf-8''a.mp3"), "file", "a.mp3"),
        (named('name="file"; filename="\u00fc.mp3"; filename*=UTF-8\'\'%C3%BC.mp3'), "file", "\u00fc.mp3"),
        (named('name="file"; filename=""'), "file", ""),
    ],
)
def test_what_clients_write_is_read(body: bytes, name: str, filename: str | None) -> None:
    (part,) = read_form(body, TYPE).parts
    assert (part.name, part.filename) == (name, filename)


@pytest.mark.parametrize(
    "headers",
    [
        "Content-Type: text/plain; charset=utf-8",
        "content-type: application/json",
        "Content-Transfer-Encoding: 8bit",
        "Content-Length: 1",
    ],
)
def test_headers_that_change_nothing_are_read(headers: str) -> None:
    assert read_form(field("model", b"x", f"\r\n{headers}") + END, TYPE).text("model") == "x"


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/form-data; boundary=b0undary",
        'multipart/form-data; boundary="b0undary"',
        "Multipart/Form-Data;boundary=b0undary ; charset=UTF-8",
    ],
)
def test_content_types_that_say_one_thing(content_type: str) -> None:
    assert is_form(content_type)
    assert read_form(MODEL + END, content_type).text("model") == "whisper-1"


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "application/json",
        "multipart/form-data",
        "multipart/mixed; boundary=b0undary",
        "multipart/form-data; boundary=b0undary; boundary=other",
        "multipart/form-data; boundary=b0undary, multipart/form-data; boundary=other",
        "multipart/form-data; boundary=b0undary; charset=utf-16",
        "multipart/form-data; boundary=b0undary; type=x",
        'multipart/form-data; boundary="b0undary "',
        'multipart/form-data; boundary="b0\\"undary"',
        "multipart/form-data; charset=utf-8",
    ],
)
def test_content_types_that_may_be_read_in_two_ways(content_type: str) -> None:
    with pytest.raises(BadBody):
        read_form(MODEL + END, content_type)


@pytest.mark.parametrize(
    "body",
    {
        "nothing": b"",
        "a preamble": b"preamble\r\n" + MODEL + END,
        "an empty line first": b"\r\n" + MODEL + END,
        "an epilogue": MODEL + END + b"epilogue",
        "two line ends behind it": MODEL + END + b"\r\n",
        "no end": MODEL,
        "half an end": MODEL + b"--b0undary-",
        "no part": END,
        "line ends without a carriage return": (MODEL + END).replace(b"\r\n", b"\n"),
        "a boundary that goes on": MODEL + b"--b0undaryx\r\n" + END,
        "a space behind a boundary": (MODEL + FILE + END).replace(b"1\r\n--b0undary\r\n", b"1\r\n--b0undary \r\n"),
        "a boundary inside, after another line end": field("prompt", b"a\n--b0undary\r\n") + END,
        "a boundary inside, in a line": field("prompt", b"a --b0undary") + END,
        "a field twice": MODEL + MODEL + END,
        "a model in brackets": MODEL + field("model[]", b"x") + END,
        "a model in a file": field("model", b"x", '; filename="a"') + END,
        "a model by its number": field("model[0]", b"x") + END,
        "no headers": b"--b0undary\r\n\r\nx\r\n" + END,
        "no name": b'--b0undary\r\nContent-Disposition: form-data; filename="a"\r\n\r\nx\r\n' + END,
        "another disposition": MODEL.replace(b"form-data", b"attachment") + END,
        "a name with a quote in it": field('mo\\"del', b"x") + END,
        "a name with an escape": field("mo%64el", b"x") + END,
        "a name with a space": field("model ", b"x") + END,
        "two names": field("prompt", b"x", '; name="model"') + END,
        "a file name before the name": named('filename="a"; name="file"'),
        "file names that differ": named('name="file"; filename="a"; filename*=utf-8\'\'b'),
        "a file name in another character set": named('name="file"; filename="a"; filename*=latin-1\'\'a'),
        "an extended file name alone": named("name=\"file\"; filename*=utf-8''a"),
        "a file name with an escape": named('name="file"; filename="a\\";name=\\"model"'),
        "a file name that is not UTF-8": named('name="file"; filename="~"').replace(b"~", b"\xff"),
        "a header twice": field("model", b"x", '\r\nContent-Disposition: form-data; name="prompt"') + END,
        "a header over two lines": field("model", b"x", '\r\n ; filename="a"') + END,
        "a header with half a line end": field("model", b"x", "\r\nContent-Type: text/plain\nX: y") + END,
        "an unknown header": field("model", b"x", "\r\nX-Name: prompt") + END,
        "an encoding": field("model", b"eA==", "\r\nContent-Transfer-Encoding: base64") + END,
        "another length": field("model", b"x", "\r\nContent-Length: 0") + END,
        "another character set": field("model", b"x", "\r\nContent-Type: text/plain; charset=utf-16") + END,
        "a field that says it is a picture": field("model", b"x", "\r\nContent-Type: image/png") + END,
        "a file of no type": field("file", b"x", '; filename="a"\r\nContent-Type: /') + END,
        "a field that is not UTF-8": field("prompt", b"\xff") + END,
        "too many parts": b"".join(field(f"f{n}", b"x") for n in range(MOST_PARTS + 1)) + END,
        "headers that are too long": field("a", b"x", f'; filename="{"a" * MOST_HEAD}"') + END,
    }.items(),
    ids=lambda pair: pair[0],
)
def test_what_may_be_read_in_two_ways_is_refused(body: tuple[str, bytes]) -> None:
    with pytest.raises(BadBody):
        read_form(body[1], TYPE)


def test_fields_of_several_values_may_be_given_again() -> None:
    body = field("include[]", b"a") + field("include[]", b"b") + END
    assert [part.name for part in read_form(body, TYPE).parts] == ["include[]"] * 2


@given(st.lists(st.binary(max_size=40), min_size=1, max_size=5))
def test_another_parser_reads_the_same(contents: list[bytes]) -> None:
    parts = [field(f"f{n}", data, f'; filename="{n}"') for n, data in enumerate(contents)]
    body = b"".join(parts) + END
    try:
        form = read_form(body, TYPE)
    except BadBody:
        assert any(b"--b0undary" in data for data in contents)
        return
    assert [form.content(part) for part in form.parts] == contents
    message = email.message_from_bytes(f"Content-Type: {TYPE}\r\n\r\n".encode() + body, policy=email.policy.HTTP)
    names = [part.get_param("name", header="content-disposition") for part in message.iter_parts()]
    assert names == [part.name for part in form.parts]


def test_a_body_tells_its_boundary() -> None:
    assert read_form(MODEL + END, told_by(MODEL + END)).text("model") == "whisper-1"
    assert told_by(b"{}") == ""


@pytest.mark.parametrize(
    ("boundary", "digits"),
    [("B4111111111111111", "4111111111111111"), ("4111-1111--", "4111-1111"), ("----WebKitForm", ""), ("a1b2c", "1b2")],
)
def test_a_boundary_is_a_text_too(boundary: str, digits: str) -> None:
    body = (MODEL + END).replace(b"b0undary", boundary.encode())
    assert json.loads(read_form(body, told_by(body)).texts)[-1] == [boundary, digits]
