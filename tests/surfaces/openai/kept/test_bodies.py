from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.policy import Detector
from router.core.reading import BadBody, Reading
from router.core.sensitivity.detectors import compile_detectors
from router.core.sensitivity.gate import MALFORMED
from router.core.values import Label
from router.surfaces.openai.kept.bodies import named_in, read, within


def said(**fields: Any) -> Reading:
    return read(json.dumps(fields).encode())


def form(*parts: bytes, head: bytes = b'content-disposition: form-data; name="file"; filename="a"') -> bytes:
    return b"".join(b"--b\r\n%b\r\n\r\n%b\r\n" % (head, part) for part in parts) + b"--b--\r\n"


@pytest.mark.parametrize(
    ("fields", "ids"),
    [
        ({"file_ids": ["file-1", "file-2"]}, ["file-1", "file-2"]),
        ({"input_file_id": "anything-1"}, ["anything-1"]),
        ({"training_file": "t", "validation_file": "v"}, ["t", "v"]),
        ({"conversation": "c"}, ["c"]),
        ({"whatever": {"deep": [["vs_1"]]}}, ["vs_1"]),
        ({"items": [{"type": "item_reference", "id": "msg_1"}]}, ["msg_1"]),
        ({"items": [{"type": "item_reference", "id": 7}]}, []),
        ({"file_id": "not an id"}, []),
        ({"name": "my files", "type": "file_search", "tools": [{"type": "file_search"}]}, []),
        ({"metadata": {"a": "file-1"}, "custom_id": "file-1"}, []),
        ({"n": 1, "b": True, "z": None}, []),
    ],
)
def test_whom_it_names(fields: dict[str, Any], ids: list[str]) -> None:
    assert list(said(**fields).refers_to) == ids


def test_what_cannot_be_read_counts_as_such() -> None:
    image = {"type": "input_image", "image_url": "https://cats.example/a.png"}
    reading = said(items=[{"role": "user", "content": [image]}, {"type": "reasoning", "encrypted_content": "gAAA"}])
    assert (reading.unreadable, reading.sealed) == (("image",), ("encrypted content",))
    assert "https://cats.example/a.png" in reading.addresses
    assert said(items=[{"type": 7, "text": "Hi"}]).unreadable == ()
    assert said(x="data:image/png;base64," + "A" * 64).unreadable == ("base64 data",)


def test_labels_are_those_of_its_metadata() -> None:
    assert said(metadata={"sensitivity": "restricted"}).labels == (Label(level="restricted", source="metadata"),)
    assert said(name="x").labels == ()


def test_labels_are_those_of_the_fields_of_a_form() -> None:
    head = b'content-disposition: form-data; name="metadata[sensitivity]"'
    assert read(form(b"restricted", head=head)).labels == (Label(level="restricted", source="metadata"),)
    assert read(form(b"\xff\xd8", head=head.replace(b"sens", b"x"))).labels == (Label(MALFORMED, (), "metadata"),)


@pytest.mark.parametrize("body", [b"[]", b"{", b'{"a":1,"a":2}', b'{"a":"\xff"}', b'{"a":1e999999}'])
def test_a_body_that_is_none_is_refused(body: bytes) -> None:
    with pytest.raises(BadBody):
        read(body)


def test_a_body_that_is_too_deep_is_refused() -> None:
    with pytest.raises(BadBody, match="'a'"):
        read(b'{"a":' + b"[" * 100 + b"]" * 100 + b"}")


@pytest.mark.parametrize(
    "content",
    [b"\x00\x01", b"\x89PNG", b"\xff\xfe", b"%PDF-1.7", b"%!PS", b"{\\rtf1 x}", b"PK\x03\x04"],
)
def test_a_file_that_is_no_text_cannot_be_read(content: bytes) -> None:
    assert read(form(content)).unreadable == ("file",)


def test_a_text_file_is_read() -> None:
    reading = read(form("Grüße,\tworld\r\n".encode(), b"assistants"))
    assert (reading.unreadable, reading.refers_to) == ((), ())
    assert read(form(b"SGk=", head=b"Content-Transfer-Encoding: base64")).unreadable == ("file",)


def test_a_form_names_by_whole_parts() -> None:
    assert read(form(b"file-1", b"see file-2", b"assistants")).refers_to == ("file-1",)
    assert read(form(b"\x00", b"file-1")).refers_to == ("file-1",)


def test_requests_that_are_worked_off_later_name_by_their_lines() -> None:
    lines = (
        {"custom_id": "file-1", "body": {"input": [{"file_id": "file-2"}], "previous_response_id": "resp_3"}},
        {"custom_id": "2", "body": {"tools": [{"type": "file_search", "vector_store_ids": ["vs_4"]}]}},
    )
    body = form(b"\n".join(json.dumps(each).encode() for each in lines))
    assert set(read(body).refers_to) == {"file-2", "resp_3", "vs_4"} and read(body).unreadable == ()
    assert read(form(b'{"custom_id": "1", "body"')).unreadable == ("file",)


@pytest.mark.parametrize(
    ("answer", "ids"),
    [
        ({"id": "batch_1", "output_file_id": "file-1", "error_file_id": "file-2"}, ["file-1", "file-2"]),
        ({"id": "upload_1", "file": {"id": "file-3"}}, ["file-3"]),
        ({"id": "ftjob-1", "result_files": ["file-4", 5, ""]}, ["file-4"]),
        ({"id": "file-5", "output_file_id": None, "file": "x", "result_files": None}, []),
        ([1], []),
    ],
)
def test_what_an_answer_says_was_made(answer: Any, ids: list[str]) -> None:
    assert list(named_in(json.dumps(answer).encode())) == ids


def test_what_is_no_answer_says_nothing() -> None:
    assert list(named_in(b"{")) == []


DETECTORS = compile_detectors((Detector(find=("credit_card",), raise_to="restricted"),))
CARD = b" 4111 1111 1111 1111 "


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xd8\xff\xe0\x00\x10JFIF" + CARD,
        b"%PDF-1.7\n\xe2\xe3\xcf\xd3" + CARD,
        b"gr\xfc\xdfe" + CARD,
        CARD.decode().encode("utf-16"),
        CARD.decode().encode("utf-16-be"),
        rb"C:\Users\xi \N{SNOWMAN} \477" + CARD,
        b'{"a": "\\u0034111 1111 1111 1111"}',
    ],
)
def test_detectors_find_what_is_plain_in_any_file(content: bytes) -> None:
    assert DETECTORS.scan_body(read(form(content)).texts)


def test_detectors_see_every_byte_of_a_form_that_is_none() -> None:
    assert DETECTORS.scan_body(read(b"--B4111111111111111\r\n\r\n--B4111111111111111--").texts)
    assert DETECTORS.scan_body(read(b"--\xff" + CARD).texts)


@given(st.binary(max_size=200))
def test_any_bytes_in_a_form_can_be_looked_through(data: bytes) -> None:
    for body in (form(data), form(b"x", head=data), b"--" + data):
        reading = read(body)
        json.loads(reading.texts)
        DETECTORS.scan_body(reading.texts)


@pytest.mark.parametrize(
    ("answer", "ids"),
    [
        (b'{"id":"run_12345678"}', ["run_12345678"]),
        (b'{"object":"list","data":[{"id":"msg_12345678"},{"id":7},"x"]}', ["msg_12345678"]),
        (b'{"id":"2","data":{}}', []),
        (b"[1]", []),
        (b"{", []),
    ],
)
def test_what_was_made_within_an_object_is_known_by_ids_that_nothing_else_has(answer, ids):
    assert within(answer) == ids


def test_sounds_are_mentioned_by_their_ids_and_made_voices_named():
    lines = [{"custom_id": "1", "body": body} for body in ({"audio": {"id": "audio_1"}}, {"voice": {"id": "voice_1"}})]
    lines.append({"custom_id": "2", "body": {"voice": "alloy"}})
    lines.append({"custom_id": "3", "body": {"voice": "voice_2", "input": "voice_3", "audio": {"voice": "voice_4"}}})
    reading = read(form("\n".join(map(json.dumps, lines)).encode(), b"x"))
    assert (reading.mentions, reading.refers_to) == (("audio_1",), ("voice_1", "voice_2", "voice_4"))


def test_what_videos_and_voices_are_made_from_is_named() -> None:
    asked = read(json.dumps({"video": {"id": "v1"}, "characters": [{"id": "char_1"}], "consent": "given"}).encode())
    assert (asked.mentions, asked.refers_to) == (("v1",), ("char_1", "given"))
