from __future__ import annotations

import pytest
from msgspec.structs import replace

from router.core.sizing.cards import LARGE, SMALL, Batch
from router.core.sizing.overhead import Overhead, overhead_of, version_key
from router.core.sizing.shape import ModelShape
from tests.core.sizing.conftest import GIB


def test_the_sampler_holds_every_entry_of_the_vocabulary_for_each_request(dense: ModelShape, release: Overhead) -> None:
    expected = 0.1 + (14.5 * 1024 * 65_536 + 2 * 8192 * 1024) / GIB + 0.25
    assert release.bytes_of(dense, LARGE) == pytest.approx(expected * GIB)


def test_with_few_requests_the_rest_is_the_peak(dense: ModelShape, release: Overhead) -> None:
    assert replace(release, least=0.77).bytes_of(dense, Batch(1, 1)) == pytest.approx((0.77 + 0.25) * GIB)


def test_experts_pictures_and_graphs_take_more(dense: ModelShape, experts: ModelShape, release: Overhead) -> None:
    plain = release.bytes_of(dense, SMALL)
    assert release.bytes_of(experts, SMALL) == pytest.approx(plain + 0.5 * GIB)
    assert release.bytes_of(replace(dense, sees=True), SMALL) == pytest.approx(plain + 0.25 * GIB)
    assert replace(release, graphs=1.0).bytes_of(dense, SMALL) == pytest.approx(plain + GIB)


@pytest.mark.parametrize(("cards", "outside"), [(1, 0.25), (2, 2.0), (8, 2.0)])
def test_cards_that_speak_to_each_other_take_more(
    dense: ModelShape, release: Overhead, cards: int, outside: float
) -> None:
    alone = release.bytes_of(dense, SMALL) - 0.25 * GIB
    assert release.bytes_of(dense, SMALL, cards) == pytest.approx(alone + outside * GIB)


@pytest.mark.parametrize(
    ("version", "since"),
    [("0.9.2", "0.11"), ("0.16.0", "0.11"), ("v0.17", "0.17"), ("0.18.3", "0.17"), ("1.0", "0.19")],
)
def test_the_newest_that_is_not_newer(release: Overhead, version: str, since: str) -> None:
    known = [replace(release, since=each) for each in ("0.11", "0.17", "0.19")]
    assert overhead_of(version, known).since == since


def test_what_is_no_version() -> None:
    with pytest.raises(ValueError, match="latest"):
        version_key("latest")
