"""Every surface has what the proofs over all surfaces need of it, and that is true of it."""

from __future__ import annotations

import json
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.samples.registry import SAMPLES
from support.samples.sample import SAID, Sample

from router.core.policy import Detector, DetectorName
from router.core.reading import BadBody, Reading
from router.core.sensitivity.detectors import compile_detectors
from router.surfaces.base import Surface
from router.surfaces.registry import SURFACES
from tests.core.conftest import Make

EVERY = pytest.mark.parametrize("name", SURFACES)
LONG = "word " * 2000
LIMIT = 300
DETECTORS = compile_detectors((Detector(find=get_args(DetectorName), raise_to="restricted"),))
HOSTILE = (b"\xff\xd8\xff", b"\\x", b"\\N{", b"\\U0001", b"\\477", b"\\", b"\xed\xa0\x80", b"\x00")


def test_each_surface_has_a_sample() -> None:
    lacking, unknown = SURFACES.keys() - SAMPLES.keys(), SAMPLES.keys() - SURFACES.keys()
    assert not lacking, f"no sample of {sorted(lacking)}: the proofs over every surface need one in support/samples"
    assert not unknown, f"samples of no surface: {sorted(unknown)}"


def of(name: str) -> tuple[Surface, Sample]:
    assert name in SAMPLES, f"{name} has no sample in support/samples"
    return SURFACES[name], SAMPLES[name]


def read(name: str, body: bytes) -> Reading:
    surface, sample = of(name)
    return surface.read_as(body, sample.content_type)


@EVERY
def test_its_bodies_are_read_with_a_text_in_each_place(name: str) -> None:
    _, sample = of(name)
    for place in sample.places:
        body = sample.body(place, "canary")
        reading = read(name, body)
        assert b"canary" in (reading.texts or body), f"{name}: detectors do not see the {place}"
        assert reading.model == "chat"
        assert bool(reading.unreadable + reading.sealed) == sample.sealed, f"{name}: {place}: {reading}"


@EVERY
@given(data=st.data())
def test_whatever_stands_in_a_body_it_is_refused_or_detectors_can_read_it(name: str, data: st.DataObject) -> None:
    surface, sample = of(name)
    body = sample.body(data.draw(st.sampled_from(sorted(sample.places))))
    at, more = data.draw(st.integers(0, len(body))), data.draw(st.binary(max_size=9) | st.sampled_from(HOSTILE))
    body = body[:at] + more + body[at:]
    try:
        reading = surface.read_as(body, sample.content_type)
    except BadBody:
        return
    DETECTORS.scan_body(reading.texts or body)


@EVERY
def test_what_no_detector_reads_is_called_unreadable(name: str) -> None:
    _, sample = of(name)
    assert sample.unreadable or sample.sealed
    for kind in sample.unreadable:
        reading = read(name, sample.body(kind))
        assert reading.unreadable or reading.sealed, f"{name}: {kind} is taken for text"


@EVERY
def test_what_a_backend_would_fetch_is_known_by_its_address(name: str) -> None:
    _, sample = of(name)
    for kind in sample.outside:
        reading = read(name, sample.body(kind, "elsewhere"))
        assert reading.addresses == ("https://elsewhere.example/a.png",), f"{name}: {kind}"
        assert reading.unreadable, f"{name}: {kind} is taken for text"


@EVERY
def test_texts_that_a_model_gets_are_counted(name: str) -> None:
    surface, sample = of(name)
    for place in sample.places.keys() - sample.beside:
        little, much = read(name, sample.body(place)), read(name, sample.body(place, LONG))
        least = 0 if surface.free else len(LONG) // 3 - 5
        assert much.input_tokens - little.input_tokens >= least, f"{name}: {place} is not counted"
        assert surface.free or much.input_bound >= little.input_bound + len(LONG) - 5


@EVERY
def test_its_answers_are_answers(name: str) -> None:
    surface, sample = of(name)
    body = sample.answer(11, 7)
    assert SAID.encode() in body
    assert not surface.error_status(body)
    if sample.media_type != "application/json":
        assert read(name, sample.body()).binary
        return
    fit, usage = surface.read_answer(body)
    assert fit, f"{name}: its sample's answer is none"
    assert (usage is not None) == sample.reports, f"{name}: what its answers report is not what its sample says"
    if usage is not None and not surface.free:
        assert usage.output in (0, 7) and bool(usage.output) == surface.writes


@EVERY
def test_its_streams_are_streams(name: str, make: Make) -> None:
    surface, sample = of(name)
    reading = read(name, sample.stream())
    if sample.events is None:
        assert not reading.stream, f"{name} streams, and its sample has no events"
        return
    assert reading.stream
    events = sample.events(11, 7)
    assert [sample.end in event for event in events] == [*[False] * (len(events) - 1), True]
    scanner = surface.scanner(reading, make.route("gpu"))
    for number, event in enumerate(events):
        assert scanner.feed(event) == event
        assert scanner.first_complete == (number >= sample.signs), f"{name}: its event {number}"
        assert not scanner.error and not scanner.malformed
    assert scanner.done and scanner.usage is not None
    assert (scanner.usage.input, scanner.usage.output) == (11, 7)
    assert SAID.encode() in b"".join(events)
    scanner.feed(sample.failure)
    assert scanner.error


@EVERY
def test_a_limit_on_its_answers_is_known(name: str) -> None:
    surface, sample = of(name)
    if sample.limit is None:
        assert read(name, sample.body()).max_output_tokens is not None, f"{name}: nothing limits its answers"
    else:
        assert surface.writes
        assert read(name, sample.body(**sample.limit(LIMIT))).max_output_tokens == LIMIT


@EVERY
def test_its_errors_have_the_shape_that_the_sample_knows(name: str) -> None:
    surface, sample = of(name)
    assert sample.error(json.loads(surface.error(429, "rate_limit_exceeded", "Slow down.", None, None)))


@EVERY
def test_ids_of_what_is_kept_are_found(name: str) -> None:
    _, sample = of(name)
    for kind in sample.references:
        assert read(name, sample.body(kind, "kept_1")).refers_to == ("kept_1",), f"{name}: {kind}"
