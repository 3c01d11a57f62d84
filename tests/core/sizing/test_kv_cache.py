from __future__ import annotations

import pytest
from msgspec.structs import replace

from router.core.sizing.kv_cache import Paging, conversation_bytes, kv_room, token_bytes
from router.core.sizing.shape import KvLayers, ModelShape

PAGING = Paging(1024, 512)


def with_kv(shape: ModelShape, *kv: KvLayers) -> ModelShape:
    return replace(shape, kv=kv)


def test_keys_and_values_of_every_layer(dense: ModelShape) -> None:
    assert token_bytes(dense, PAGING) == 2 * 10 * 4 * 64 * 2
    assert token_bytes(dense, replace(PAGING, element_bytes=1.0)) == 2 * 10 * 4 * 64


@pytest.mark.parametrize(("cards", "heads"), [(2, 2), (4, 1), (8, 1)])
def test_cards_divide_heads_as_far_as_there_are_some(dense: ModelShape, cards: int, heads: int) -> None:
    assert token_bytes(dense, replace(PAGING, cards=cards)) == 2 * 10 * heads * 64 * 2


def test_each_card_holds_a_latent_vector_whole(dense: ModelShape) -> None:
    latent = with_kv(dense, KvLayers(61, 576, 1))
    assert token_bytes(latent, replace(PAGING, cards=8)) == token_bytes(latent, PAGING) == 61 * 576 * 2


def test_pages_that_fill_the_room(dense: ModelShape) -> None:
    page = 16 * 10240
    found = kv_room(dense, PAGING, 100.5 * page)
    assert (found.blocks, found.tokens, found.conversations) == (100, 1600, 100 / 64)
    assert kv_room(dense, PAGING, -1).tokens == 0


def test_a_window_holds_no_more_than_it_looks_back_at_and_what_is_on_its_way(dense: ModelShape) -> None:
    """10 layers of each kind make two groups: 64 pages of one, and (128 - 1 + 512)/16 + 1 of the other."""
    mixed = with_kv(dense, KvLayers(10, 512, 4), KvLayers(10, 512, 4, 128))
    found = kv_room(mixed, PAGING, 105 * 16 * 10240)
    assert found.conversations == 105 / (64 + 41)
    assert found.tokens == 1024


def test_a_context_that_a_window_would_hold_is_held_alone(dense: ModelShape) -> None:
    mixed = with_kv(dense, KvLayers(10, 512, 4), KvLayers(10, 512, 4, 4096))
    assert kv_room(mixed, PAGING, 129 * 16 * 10240).conversations == 1


def test_layers_are_grouped_by_the_smaller_kind(dense: ModelShape) -> None:
    """5 and 25: six groups of five. 10 and 12: two groups of twelve, of which one has layers that nobody uses."""
    gemma = with_kv(dense, KvLayers(5, 512, 4), KvLayers(25, 512, 4, 128))
    assert kv_room(gemma, PAGING, (64 + 5 * 41) * 16 * 5120).conversations == 1
    near = with_kv(dense, KvLayers(10, 512, 4), KvLayers(12, 512, 4, 128))
    assert kv_room(near, PAGING, (64 + 41) * 16 * 12288).conversations == 1


def test_a_step_reads_what_a_conversation_looks_back_at(dense: ModelShape) -> None:
    mixed = with_kv(dense, KvLayers(10, 512, 4), KvLayers(10, 512, 4, 128))
    assert conversation_bytes(mixed, PAGING, 1000) == 10 * 1024 * 1000 + 10 * 1024 * 128
    assert conversation_bytes(mixed, PAGING, 100) == 20 * 1024 * 100
