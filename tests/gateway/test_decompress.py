import gzip
import zlib

import pytest

from router.gateway.decompress import ALWAYS_FINE, MOST_RATIO, encoding_of, inflate, inflate_short
from router.gateway.errors import ApiError

TEXT = b'{"model":"chat"}'


@pytest.mark.parametrize(("name", "encoding"), [("gzip", "gzip"), (" X-GZIP ", "x-gzip"), ("identity", ""), ("", "")])
def test_encodings_are_known_by_their_names(name, encoding):
    assert encoding_of({"content-encoding": name}) == encoding
    assert encoding_of({}) == ""


def test_both_kinds_are_inflated():
    assert inflate(gzip.compress(TEXT), "gzip", 100) == TEXT == inflate(zlib.compress(TEXT), "deflate", 100)


def test_the_limit_is_exact():
    body = gzip.compress(b"x" * 1000)
    assert len(inflate(body, "gzip", 1000)) == 1000
    with pytest.raises(ApiError, match="larger than 999 bytes"):
        inflate(body, "gzip", 999)


def test_what_grows_beyond_all_proportion_is_refused_before_it_has_grown():
    bomb = gzip.compress(b" " * 40_000_000)
    assert len(bomb) * MOST_RATIO < 40_000_000
    with pytest.raises(ApiError, match="more than 100 times") as refused:
        inflate(bomb, "gzip", 100_000_000)
    assert refused.value.status == 413


def test_little_may_be_compressed_well():
    body = gzip.compress(b" " * ALWAYS_FINE)
    assert len(body) * MOST_RATIO < len(inflate(body, "gzip", 100_000_000)) == ALWAYS_FINE


def test_short_bodies_are_told_from_others_without_inflating_them():
    assert inflate_short(gzip.compress(b"x" * 100), "gzip", 100) == b"x" * 100
    assert inflate_short(gzip.compress(b"x" * 101), "gzip", 100) is None


@pytest.mark.parametrize("body", [b"no gzip", gzip.compress(TEXT, mtime=0)[:-9], b""], ids=["no gzip", "cut", "empty"])
def test_what_is_broken_is_refused(body):
    for attempt in (lambda: inflate(body, "gzip", 100), lambda: inflate_short(body, "gzip", 100)):
        with pytest.raises(ApiError) as refused:
            attempt()
        assert (refused.value.status, refused.value.code) == (400, "malformed_body")


@pytest.mark.parametrize("behind", [gzip.compress(b"more"), b"\0", b"more"], ids=["another", "a zero", "text"])
def test_what_follows_the_compressed_body_is_not_dropped_in_silence(behind):
    for read in (inflate, inflate_short):
        with pytest.raises(ApiError, match="follows the gzip body"):
            read(gzip.compress(TEXT) + behind, "gzip", 1000)
