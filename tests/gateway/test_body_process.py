"""The process that reads large bodies, in this process: one frame in, one frame out."""

from __future__ import annotations

import gzip
import io
from types import SimpleNamespace

import msgspec
from support.compiled import interpreted_only

from router.core.policy import Detector
from router.core.sensitivity.detectors import compile_detectors
from router.gateway import body_process as helper
from router.gateway.body_messages import LENGTHS, BodyToRead, Brought, Found
from router.gateway.body_process import fetch, serve_one, told_of
from router.surfaces.registry import SURFACES

DETECTORS = (Detector(find=("credit_card",), raise_to="restricted"), Detector(find=("email",), tag="mail"))
CARD = b'{"model":"chat","messages":[{"role":"user","content":"4111 1111 1111 1111"}],"metadata":{"tags":"a,b"}}'


def errand(**changes) -> BodyToRead:
    return msgspec.structs.replace(BodyToRead("chat", "", 10_000, told_of(DETECTORS)), **changes)


def test_it_reads_and_scans_as_the_worker_does():
    brought, plain = fetch(errand(), CARD)
    assert brought.reading == SURFACES["chat"].read(CARD) and plain == b""
    assert brought.labels == compile_detectors(DETECTORS).scan_body(CARD) != ()
    again, plain = fetch(errand(encoding="gzip"), gzip.compress(CARD))
    assert (again, plain) == (brought, CARD)


def test_what_records_keep_of_whom_it_is_for_is_told_with_it():
    assert fetch(errand(), CARD)[0].dimensions == ()
    said = b'{"model":"chat","messages":[],"user":"u-17"}'
    assert fetch(errand(dimensions=("user",)), said)[0].dimensions == ("user=u-17",)


def test_it_seeks_the_policys_own_patterns_without_their_examples():
    own = Detector(pattern="4111 [0-9]{4}", name="project", tag="own", matches=("4111 1111",), ignores=("only here",))
    brought, _ = fetch(errand(detectors=told_of((*DETECTORS, own))), CARD)
    assert [label.source for label in brought.labels] == ["detector credit_card", "detector project"]
    assert b"only here" not in told_of((own,))


def test_what_it_refuses_is_refused_as_the_worker_does():
    refused = fetch(errand(), b"[]")[0].refused
    assert refused is not None and (refused.status, refused.code) == (400, "invalid_json")
    refused = fetch(errand(), b'{"model":7}')[0].refused
    assert refused is not None and (refused.code, refused.param) == ("invalid_type", "model")
    refused = fetch(errand(encoding="gzip", limit=10), gzip.compress(CARD))[0].refused
    assert refused is not None and (refused.status, refused.code) == (413, "request_too_large")


@interpreted_only
def test_a_body_that_takes_too_much_memory_is_refused(monkeypatch):
    def too_much(body: bytes, content_type: str) -> None:
        raise MemoryError

    monkeypatch.setattr(helper, "READERS", {"chat": SimpleNamespace(read_as=too_much)})
    refused = fetch(errand(), CARD)[0].refused
    assert refused is not None and refused.status == 413


@interpreted_only
def test_a_defect_tells_its_place_and_nothing_of_the_body(monkeypatch):
    def broken(body: bytes, content_type: str) -> None:
        raise ValueError(body)

    monkeypatch.setattr(helper, "READERS", {"chat": SimpleNamespace(read_as=broken)})
    defect = fetch(errand(), CARD)[0].defect
    assert defect.startswith("ValueError\n") and "test_body_process.py" in defect and "4111" not in defect


def test_frames_follow_each_other_until_there_is_none(monkeypatch):
    monkeypatch.setattr(helper, "SPENT_BYTES", 1 << 40)  # whatever this process has grown to
    head = msgspec.msgpack.encode(errand())
    frame = LENGTHS.pack(len(head), len(CARD)) + head + CARD
    asked, told = io.BytesIO(frame * 2), io.BytesIO()
    assert [serve_one(asked, told) for _ in range(3)] == [True, True, False]
    told.seek(0)
    for _ in range(2):
        size, body = LENGTHS.unpack(told.read(LENGTHS.size))
        brought = msgspec.msgpack.decode(told.read(size), type=Brought)
        assert brought.reading == SURFACES["chat"].read(CARD) and (body, brought.spent) == (0, False)


def test_it_ends_once_it_has_grown(monkeypatch):
    monkeypatch.setattr(helper, "SPENT_BYTES", 0)
    head = msgspec.msgpack.encode(errand())
    told = io.BytesIO()
    assert not serve_one(io.BytesIO(LENGTHS.pack(len(head), len(CARD)) + head + CARD), told)
    assert told.getvalue()


def test_found_answers_for_one_body_and_looks_at_all_else():
    detectors = compile_detectors(DETECTORS)
    found = Found(detectors, ())
    assert found.scan_body(CARD) == () and found.gives_tags
    assert found.scan(["4111 1111 1111 1111"]) == detectors.scan(["4111 1111 1111 1111"])
