from __future__ import annotations

import pytest

from router.config.secrets import MissingSecretError
from router.power.drivers.driver import DriverError
from router.power.no_driver import NoDriver


async def test_it_says_why_it_can_do_nothing():
    driver = NoDriver("env:TOKEN is not set")
    seen = await driver.look()
    assert (seen.units, seen.why) == (None, "env:TOKEN is not set")
    for change in (driver.start, driver.stop):
        with pytest.raises(DriverError, match="env:TOKEN is not set"):
            await change(1)
    await driver.close()


async def test_units_whose_secret_is_missing_are_not_known_and_the_others_go_on(house):
    controller = house.start()

    def missing(name: str, policy: object) -> object:
        raise MissingSecretError("env:TOKEN is not set")

    controller._make_driver = missing
    await house.run(20)
    told = await house.told()
    assert not told.known and "env:TOKEN is not set" in (await house.events())[-1].explanation
