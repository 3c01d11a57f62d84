from __future__ import annotations

from router.core.units import Units
from router.core.values import Usage
from router.surfaces.openai.media.images import Images
from tests.core.conftest import Make

IMAGES = Images()


def test_a_prompt_is_readable_and_pictures_are_counted() -> None:
    reading = IMAGES.read(b'{"model":"dall-e-3","prompt":"A cat","n":2,"size":"1024x1792","quality":"hd"}')
    assert (reading.unreadable, reading.answers, reading.input_tokens) == ((), 2, 2)
    assert (reading.units.images, reading.units.image_kind) == (2, "hd 1024x1792")
    assert reading.likely == Units(images=2, image_kind="hd 1024x1792")
    assert IMAGES.read(b'{"prompt":"A cat"}').model == "dall-e-2"
    assert IMAGES.read(b'{"prompt":"A cat","images":[{"file_id":"f"}]}').units.image_input == 50_000


def test_it_goes_on_as_it_came_but_for_the_model(make: Make) -> None:
    body = b'{"prompt":"A cat", "model":"cats","stream":true}'
    edited = IMAGES.edit(body, IMAGES.read(body), make.route("gpu", upstream_model="gpt-image-1"))
    assert edited == body.replace(b"cats", b"gpt-image-1")
    scanner = IMAGES.scanner(IMAGES.read(body), make.route())
    scanner.feed(b'data: {"type":"image_generation.partial_image"}\n\n')
    assert scanner.events == 1


def test_an_answer_has_pictures() -> None:
    body = b'{"data":[{"url":"https://a.test/b.png"}]}'
    assert IMAGES.read_answer(body) == (True, Usage(units=Units(images=1)))
    assert IMAGES.usage_of(body) == Usage(units=Units(images=1))
    assert IMAGES.text_bytes_of(body) == 0
