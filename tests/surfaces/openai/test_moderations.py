from __future__ import annotations

import pytest

from router.core.reading import BadBody
from router.surfaces.openai.moderations import MODEL, Moderations
from tests.core.conftest import Make

MODERATIONS = Moderations()
ANSWER = b'{"id":"modr-1","model":"omni-moderation-latest","results":[{"flagged":false,"categories":{}}]}'


def test_texts_and_pictures_are_read() -> None:
    text = MODERATIONS.read(b'{"input":["one","three"],"max_tokens":10}')
    assert (text.input_tokens, text.max_output_tokens, text.unreadable) == (3, 0, ())
    picture = (
        b'{"input":[{"type":"text","text":"one"},{"type":"image_url","image_url":{"url":"https://a.test/b.png"}}]}'
    )
    reading = MODERATIONS.read(picture)
    assert (reading.unreadable, reading.addresses) == (("image",), ("https://a.test/b.png",))
    assert reading.modalities == {"text", "image"}


@pytest.mark.parametrize("body", [b'{"input":"one"}', b'{"input":"one","metadata":{"tags":"a"}}'])
def test_who_names_no_model_gets_the_endpoints_own(body: bytes, make: Make) -> None:
    reading = MODERATIONS.read(body)
    assert reading.model == MODEL
    assert MODERATIONS.edit(body, reading, make.route("api", upstream_model=MODEL)) is body
    edited = MODERATIONS.edit(body, reading, make.route("api", upstream_model="guard"))
    assert edited == b'{"model":"guard",' + body[1:]


def test_a_body_that_says_nothing_is_still_json_with_a_model(make: Make) -> None:
    edited = MODERATIONS.edit(b" { }", MODERATIONS.read(b" { }"), make.route("api", upstream_model="guard"))
    assert edited == b' {"model":"guard" }'


@pytest.mark.parametrize("model", [b"null", b'""', b"5"])
def test_a_model_that_is_none_is_refused(model: bytes) -> None:
    with pytest.raises(BadBody):
        MODERATIONS.read(b'{"input":"one","model":%b}' % model)


def test_an_answer_has_results() -> None:
    assert MODERATIONS.read_answer(ANSWER) == (True, None)
    assert not MODERATIONS.read_answer(b'{"id":"modr-1"}')[0]
