from __future__ import annotations

import pytest

from router.surfaces.openai.stored_objects import grows, id_in, id_of_response_in, not_found, not_kept, sounds_in
from router.surfaces.registry import SURFACES


@pytest.mark.parametrize(
    ("body", "id"),
    [
        (b'{"id":"resp_1","object":"response"}', "resp_1"),
        (b'{"object":"response"}', ""),
        (b'{"id":7}', ""),
        (b"[DONE]", ""),
        (b"[" * 100_000, ""),
    ],
)
def test_an_object_tells_its_id(body: bytes, id: str) -> None:
    assert id_in(body) == id


def test_an_event_tells_the_id_of_its_response() -> None:
    assert id_of_response_in(b'{"type":"response.created","response":{"id":"resp_1"}}') == "resp_1"
    assert {id_of_response_in(each) for each in (b"{}", b'{"response":7}', b"[DONE]")} == {""}


@pytest.mark.parametrize(
    ("answer", "ids"),
    [
        (b'{"choices":[{"message":{"audio":{"id":"audio_1","data":"//8="}}}]}', ("audio_1",)),
        (
            b'{"choices":[{"delta":{"audio":{"id":"audio_1"}}},{"delta":{"audio":{"id":"audio_2"}}}]}',
            ("audio_1", "audio_2"),
        ),
        (b'{"choices":[{"delta":{"audio":{"data":"//8="}}}]}', ()),
        (b'{"choices":[{"message":{"audio":null,"content":"Hi"}}]}', ()),
        (b'{"choices":[{"message":{"audio":"audio_1"}}]}', ()),
        (b'{"choices":[{"message":{"content":"Hi"}}]}', ()),
        (b'{"choices":[],"x":"audio"}', ()),
        (b'{"audio"', ()),
    ],
)
def test_an_answer_tells_the_ids_of_what_it_says_in_sound(answer: bytes, ids: tuple[str, ...]) -> None:
    assert sounds_in(answer) == ids


def test_a_conversation_grows_and_a_response_does_not() -> None:
    assert grows("conv_1") and grows("cntr_1") and grows("whatever-1")
    assert not grows("resp_1") and not grows("file-1") and not grows("file_1") and not grows("audio_1")
    assert not grows("voice_1") and not_found("voice_1").message == "Voice with id 'voice_1' not found."
    assert SURFACES["chat"].grows("conv_1") and not SURFACES["chat"].grows("resp_1")


def test_a_response_that_is_not_there_is_a_bad_request() -> None:
    told = not_kept("resp_1")
    assert (told.status, told.code, told.param) == (400, "previous_response_not_found", "previous_response_id")
    assert told.message == "Previous response with id 'resp_1' not found."
    assert SURFACES["chat"].not_kept("resp_1") == told


@pytest.mark.parametrize(
    ("id", "message"),
    [
        ("conv_1", "Conversation with id 'conv_1' not found."),
        ("7", "Object with id '7' not found."),
        ("vs_<script>", "Vector store with id that was given not found."),
    ],
)
def test_all_else_is_not_found(id: str, message: str) -> None:
    assert not_kept(id) == not_found(id)
    assert (not_found(id).status, not_found(id).message) == (404, message)
