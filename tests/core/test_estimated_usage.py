from __future__ import annotations

import pytest

from router.core.estimated_usage import as_asked, bounded, counted_within, estimate, not_below, weight_of, with_input
from router.core.units import NO_UNITS, Units
from router.core.values import Usage


def test_an_estimate_says_that_it_is_one() -> None:
    assert estimate(10, events=3) == Usage(input=10, output=3, estimated=True)
    assert estimate(10, events=3, text_bytes=17) == Usage(input=10, output=5, estimated=True)
    assert estimate(-1) == Usage(estimated=True)


def test_what_a_request_cannot_have_taken_is_cut_off_and_marked() -> None:
    reported = Usage(input=900_000_000, cached=500, cache_write=400, output=7)
    assert bounded(reported, 600, 100) == Usage(600, 500, 100, 7, True)
    assert bounded(Usage(input=5, output=900_000_000), 600, 100) == Usage(5, 0, 0, 100, True)
    honest = Usage(input=600, output=100)
    assert bounded(honest, 600, 100) is honest


def test_so_few_tokens_do_not_hold_so_much_text() -> None:
    assert not_below(Usage(5, output=0), 33) == Usage(5, output=33, estimated=True)
    assert not_below(Usage(5, output=1), 500) == Usage(5, output=500, estimated=True)
    spaces = Usage(5, output=16)
    assert not_below(spaces, 16 * 128 // 4) is spaces
    silent = Usage(5)
    assert not_below(silent, 0) is not_below(silent, 32) is silent


@pytest.mark.parametrize(
    ("text", "weight"), [("", 0), (" word", 5), ("2026", 8), ("a 1", 4), ("ö", 4), ("日本", 12), ("{}\n", 3)]
)
def test_digits_and_letters_of_other_alphabets_make_shorter_tokens(text: str, weight: int) -> None:
    assert weight_of(text.encode()) == weight


def test_what_is_cut_off_keeps_its_service_tier() -> None:
    assert bounded(Usage(100, output=1, service="flex"), 10, 10) == Usage(10, 0, 0, 1, True, service="flex")


def test_what_is_cut_off_has_no_parts_that_are_more_than_it() -> None:
    units = Units(
        audio_input=8, audio_cached=3, image_input=8, image_cached=3, audio_output=5, image_output=5, images=2
    )
    cut = bounded(Usage(100, 4, output=10, units=units), 10, 6)
    assert cut.units == Units(8, 3, 5, image_input=2, image_cached=1, image_output=1, images=2)
    assert bounded(Usage(100, 4, output=10), 10, 6).units is NO_UNITS


def test_an_estimate_has_the_units_that_are_likely() -> None:
    assert estimate(10, units=Units(milliseconds=9)) == Usage(10, estimated=True, units=Units(milliseconds=9))


def test_the_request_alone_says_what_was_spoken_and_of_which_kind_pictures_are() -> None:
    asked = Units(characters=9, images=3, image_kind="hd")
    assert as_asked(Usage(units=Units(images=2)), asked).units == Units(characters=9, images=2, image_kind="hd")
    assert as_asked(Usage(units=Units(characters=2, image_kind="low")), Units()).units == Units(
        characters=2, image_kind="low"
    )


def test_searches_that_are_not_reported_are_as_many_as_is_likely() -> None:
    likely = Units(searches=2)
    assert as_asked(Usage(), Units(searches=9), likely).units == likely
    assert as_asked(Usage(units=Units(searches=1)), Units(searches=9), likely).units == Units(searches=1)


def test_a_report_of_searches_alone_has_the_tokens_of_its_request() -> None:
    searched = Units(searches=2)
    assert with_input(Usage(units=searched), 40) == Usage(40, estimated=True, units=searched)
    told = Usage(30, units=searched)
    assert with_input(told, 40) is told
    drawn = Usage(units=Units(images=1))
    assert with_input(drawn, 40) is drawn


def test_no_answer_has_more_sound_or_pictures_than_its_request_says_at_most() -> None:
    most = Units(milliseconds=9000, images=2)
    honest = Usage(units=Units(milliseconds=8400, images=2))
    assert counted_within(honest, most) is honest
    absurd = Usage(units=Units(milliseconds=36_000_000, images=2, image_kind="hd"))
    assert counted_within(absurd, most) == Usage(
        units=Units(milliseconds=9000, images=2, image_kind="hd"), estimated=True
    )
    assert counted_within(Usage(units=Units(searches=3)), most) == Usage(estimated=True)
    assert counted_within(Usage(units=Units(images=3)), most) == Usage(units=Units(images=2), estimated=True)
