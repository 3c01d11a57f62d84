"""What passes between a worker and the process that reads for it, there and back."""

from __future__ import annotations

import msgspec
import pytest

from router.core.policy import Detector
from router.core.sensitivity.detectors import Detectors, compile_detectors
from router.core.values import Label
from router.gateway.body_messages import LENGTHS, BodyToRead, Brought, Found, Refused
from router.surfaces.registry import SURFACES

BODY = b'{"model":"chat","messages":[{"role":"user","content":"mail me: ann@example.com"}],"max_tokens":7}'
LABEL = Label(level="restricted", tags=("mail",), source="detector email")
MAIL = (Detector(find=("email",), tag="mail"),)


def test_the_head_of_a_frame_is_twelve_bytes_and_tells_of_bodies_beyond_four_gigabytes():
    assert LENGTHS.size == 12
    assert LENGTHS.unpack(LENGTHS.pack(5, 1 << 40)) == (5, 1 << 40)


@pytest.mark.parametrize(
    "value",
    [
        BodyToRead("chat", "gzip", 10, b"[]"),
        Brought(reading=SURFACES["chat"].read(BODY), labels=(LABEL,), spent=True),
        Brought(refused=Refused(400, "invalid_type", "no", "model")),
        Brought(defect="ValueError\nreading.py:1"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_sent_is_what_arrives(value):
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(value), type=type(value)) == value


def test_found_answers_for_the_body_without_looking_at_it_again():
    class Watched(Detectors):
        looked = 0

        def scan_body(self, body):
            self.looked += 1
            return ()

    watched = Watched()
    assert Found(watched, (LABEL,)).scan_body(BODY) == (LABEL,)
    assert watched.looked == 0


@pytest.mark.parametrize("detectors", [(), MAIL], ids=["none", "with tags"])
def test_found_is_like_the_detectors_that_it_speaks_for(detectors):
    """Headers are still looked at here, and whether there can be tags decides whether a body's own count."""
    real = compile_detectors(detectors)
    found = Found(real, ())
    assert found.gives_tags == real.gives_tags == bool(detectors)
    assert found.scan(["ann@example.com"]) == real.scan(["ann@example.com"])
