from __future__ import annotations

import json

from router.surfaces.openai.media.forms import example_of
from router.surfaces.openai.media.image_edits import ImageEdits
from tests.core.conftest import Make

EDITS = ImageEdits()


def test_pictures_in_a_form_are_unreadable_and_words_are_not() -> None:
    reading = EDITS.read(example_of("m", {"prompt": "A hat", "n": "2", "stream": "false", "size": "512x512"}, "image"))
    assert (reading.unreadable, reading.modalities, reading.answers) == (("image",), {"text", "image"}, 2)
    assert (reading.units.images, reading.units.image_input, reading.units.image_kind) == (2, 50_000, " 512x512")
    assert ["prompt", "A hat"] in json.loads(reading.texts)


def test_pictures_may_be_named_by_their_addresses_and_ids(make: Make) -> None:
    body = (
        b'{"model":"m","prompt":"A hat","images":[{"image_url":"https://a.test/b.png"},{"file_id":"file-1"}],'
        b'"mask":{"file_id":"file-2"}}'
    )
    reading = EDITS.read_as(body, "application/json")
    assert "image" in reading.unreadable and reading.addresses == ("https://a.test/b.png",)
    assert reading.refers_to == ("file-1", "file-2")
    assert EDITS.edit(body, reading, make.route(upstream_model="x")) == body.replace(b'"m"', b'"x"')
    assert EDITS.read_as(b'{"prompt":"A hat","images":"x"}', "").refers_to == ()


def test_an_answer_has_pictures() -> None:
    assert EDITS.read_answer(b'{"data":[{"url":"https://a.test/b.png"}]}')[0]
    assert EDITS.text_bytes_of(b"{}") == 0
