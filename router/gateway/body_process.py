"""The process that reads large bodies for a worker: inflates, decodes and scans them, one after the other.

It begins with the first large body and ends with the worker, however that ends. What it says never holds anything
of a body but what a decision needs.
"""

from __future__ import annotations

import ctypes
import gc
import os
import resource
import signal
import sys
import traceback
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

import msgspec

from router.core.policy import Detector
from router.core.reading import BadBody
from router.core.sensitivity.detectors import Detectors, compile_detectors
from router.gateway.body_messages import LENGTHS, READY, BodyToRead, Brought, Refused
from router.gateway.decompress import inflate
from router.gateway.detector_memory import new_memory
from router.gateway.dimensions import dimensions_named
from router.gateway.errors import ApiError
from router.surfaces.registry import READERS

MOST_MEMORY = 3 * 1024**3
"""Bytes of address space. A body that takes more than that to be read is refused."""
SPENT_BYTES = 256 * 1024 * 1024
"""It ends with more than this in memory: what Python's heap has once had it rarely gives back."""
_PR_SET_PDEATHSIG = 1
_decode = msgspec.msgpack.Decoder(BodyToRead).decode
_encode = msgspec.msgpack.Encoder().encode


def main(parent: int) -> None:
    """Serve standard input until it ends. `parent` is the worker's process id."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the worker may still have requests to drain
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, resource.getrlimit(resource.RLIMIT_AS)[1]))
    gc.disable()  # decoded JSON has no cycles, and looking for them takes longer than decoding
    sys.stdout.buffer.write(READY)
    sys.stdout.buffer.flush()
    while serve_one(sys.stdin.buffer, sys.stdout.buffer):
        pass


def serve_one(asked: BinaryIO, told: BinaryIO) -> bool:
    """False when nothing more is to be served."""
    lengths = asked.read(LENGTHS.size)
    if len(lengths) < LENGTHS.size:
        return False
    head_bytes, body_bytes = LENGTHS.unpack(lengths)
    errand = _decode(asked.read(head_bytes))
    brought, plain = fetch(errand, asked.read(body_bytes))
    spent = _resident() > SPENT_BYTES
    head = _encode(msgspec.structs.replace(brought, spent=spent))
    told.write(LENGTHS.pack(len(head), len(plain)) + head)
    told.write(plain)
    told.flush()
    return not spent


def fetch(errand: BodyToRead, body: bytes) -> tuple[Brought, bytes]:
    """What a body says, and the body if it was inflated."""
    try:
        plain = inflate(body, errand.encoding, errand.limit) if errand.encoding else body
        surface = READERS[errand.surface]
        reading = surface.read_as(plain, errand.content_type)
        labels = _detectors(errand.detectors).scan_body(reading.texts or plain)
        if reading.texts and not errand.keep_texts:
            reading = msgspec.structs.replace(reading, texts=b"")  # may be as long as the body, and was looked at
        dimensions = _dimensions(errand.dimensions).of(surface, plain)
        return Brought(reading, labels, dimensions), plain if errand.encoding else b""
    except ApiError as refusal:
        refused = Refused(refusal.status, refusal.code, refusal.message)
    except BadBody as bad:
        refused = Refused(400, bad.code or "invalid_request", bad.message, bad.param)
    except MemoryError:
        refused = Refused(413, "request_too_large", "The request takes more memory to be read than there is for it.")
    except Exception as error:
        where = "".join(traceback.format_tb(error.__traceback__))
        return Brought(defect=f"{type(error).__name__}\n{where}"), b""
    return Brought(refused=refused), b""


@lru_cache(maxsize=4)
def _detectors(given: bytes) -> Detectors:
    detectors = tuple([Detector.model_validate(each) for each in msgspec.json.decode(given)])
    return compile_detectors(detectors, new_memory())


_dimensions = lru_cache(maxsize=4)(dimensions_named)


def told_of(detectors: tuple[Detector, ...]) -> bytes:
    """Detectors as `BodyToRead` has them: without their examples, which only whoever loads a policy asks about."""
    examples = {"matches", "ignores"}
    told = [each.model_dump(mode="json", exclude_defaults=True, exclude=examples) for each in detectors]
    return msgspec.json.encode(told)


def _resident() -> int:
    """Bytes that it has in memory; 0 where the system does not tell. (Linux counts the parent's in the peak.)"""
    try:
        return int(Path("/proc/self/statm").read_bytes().split()[1]) * resource.getpagesize()
    except OSError:
        return 0
