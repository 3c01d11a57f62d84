"""The recorded day is there, is what its source note says, and needs nothing from outside the package."""

from __future__ import annotations

from importlib.resources import files

from router.simulate.day import DAY_SECONDS, recorded_day


def test_it_is_one_day_in_order():
    times = [each.at for each in recorded_day()]
    assert times == sorted(times) and times[0] >= 0
    assert 0.9 * DAY_SECONDS < times[-1] < DAY_SECONDS


def test_it_has_the_requests_and_tokens_of_its_source_note():
    day = recorded_day()
    note = files("router.simulate").joinpath("data/SOURCE.md").read_text()
    assert f"{len(day):,} requests" in note
    assert f"{sum(each.input + each.output for each in day) / 1e6:.1f} million tokens" in note
    assert "Apache-2.0" in note and "not a raw trace" in note


def test_its_licence_is_beside_it():
    licence = files("router.simulate").joinpath("data/LICENSE.ServeGen.txt").read_text()
    assert "Apache License" in licence and "Version 2.0" in licence
