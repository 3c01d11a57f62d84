from __future__ import annotations

import pytest
from msgspec.structs import replace

from router.core.sizing.cards import SMALL, Card
from router.core.sizing.fit import Setup, fewest_cards, fit
from router.core.sizing.overhead import Overhead
from router.core.sizing.quantization import BF16, FP8, MXFP4
from router.core.sizing.shape import ModelShape
from router.core.sizing.weights import weight_bytes
from tests.core.sizing.conftest import GIB


def test_what_is_left_is_for_the_kv_cache(dense: ModelShape, card: Card, release: Overhead) -> None:
    found = fit(dense, card, Setup(BF16, 1024), release)
    assert found.room == pytest.approx(0.9 * 4 * GIB - weight_bytes(dense, BF16) - release.bytes_of(dense, SMALL))
    assert found.tokens == int(found.room // (16 * 10240)) * 16
    assert found.token == 10240
    assert found.fits
    assert found.why_not == ""


def test_a_share_of_the_card_and_fewer_requests(dense: ModelShape, card: Card, release: Overhead) -> None:
    less = fit(dense, card, Setup(BF16, 1024, utilization=0.8), release)
    more = fit(dense, card, Setup(BF16, 1024, utilization=0.8, running=16), release)
    assert (less.utilization, less.overhead) == (0.8, release.bytes_of(dense, SMALL))
    assert more.room > less.room


def test_weights_that_leave_no_room(dense: ModelShape, card: Card, release: Overhead) -> None:
    found = fit(dense, replace(card, memory_gib=1.5), Setup(BF16, 1024), release)
    assert found.room < 0
    assert not found.fits
    assert found.why_not == "its weights and what vLLM takes for itself leave no room for a KV cache"


def test_a_context_that_is_too_long(dense: ModelShape, card: Card, release: Overhead) -> None:
    longer = replace(dense, context=None)
    found = fit(longer, card, Setup(BF16, 1_000_000), release)
    assert found.why_not.startswith("its KV cache holds no conversation of 1,000,000 tokens; the longest is about ")


def test_more_conversations_than_fit(dense: ModelShape, card: Card, release: Overhead) -> None:
    found = fit(dense, card, Setup(BF16, 1024, conversations=10_000), release)
    assert found.why_not == f"{found.conversations:.1f} conversations of 1,024 tokens fit at once, not 10000"


def test_the_fewest_cards(dense: ModelShape, card: Card, release: Overhead) -> None:
    small = replace(card, memory_gib=2.2)
    cheap = replace(release, outside_torch={1: 0.25, 2: 0.3})
    assert fewest_cards(dense, small, Setup(FP8, 1024), cheap).cards == 1
    assert fewest_cards(dense, small, Setup(BF16, 1024, conversations=50), cheap).cards == 2


def test_where_none_is_enough_one_says_why(dense: ModelShape, card: Card, release: Overhead) -> None:
    found = fewest_cards(dense, replace(card, memory_gib=0.2), Setup(BF16, 1024), release)
    assert found.cards == 1
    assert not found.fits


def test_no_context_is_longer_than_the_model_was_made_for(dense: ModelShape, card: Card, release: Overhead) -> None:
    assert fit(dense, card, Setup(BF16, 8192), release).fits
    found = fit(dense, card, Setup(BF16, 8193), release)
    assert found.why_not == "it was made for 8,192 tokens, and vLLM refuses to start it with a context of 8,193"


def test_weights_that_a_card_is_too_old_for(dense: ModelShape, card: Card, release: Overhead) -> None:
    old = replace(card, capability=7.5)
    assert fit(dense, old, Setup(FP8, 1024), release).fits
    found = fit(dense, old, Setup(MXFP4, 1024), release)
    assert found.why_not == ("vLLM serves mxfp4 weights on cards of compute capability 8.0 and newer, and it has 7.5")
    assert fit(dense, card, Setup(MXFP4, 1024), release).fits
