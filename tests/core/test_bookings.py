from __future__ import annotations

import pytest
from msgspec import msgpack
from msgspec.structs import replace

from router.core.bookings import Booking, priced, used
from router.core.values import Cell, PriceTier, Rates, Settlement, Tariff, Usage

CLOUD = Cell("openai", "cloud", "chat", "search", "app")
BOOKED = Settlement("id", CLOUD, 1.0, Usage(20, output=900, estimated=True), 1, 1, error=False, eligible=False)


def tariff(price: float, **services: float) -> Tariff:
    def tiers(rate: float) -> tuple[PriceTier, ...]:
        return (PriceTier(0, Rates(rate, 2 * rate, rate, rate)),)

    return Tariff(tiers(price), {name: tiers(rate) for name, rate in services.items()})


BOOKING = Booking(BOOKED, 100, 1000, tariff(1.0, flex=0.5))


def test_what_it_took_is_believed_as_far_as_it_can_be() -> None:
    assert used(BOOKING, Usage(11, 4, output=7)) == Usage(11, 4, output=7)
    assert used(BOOKING, Usage(11, output=10**6)) == Usage(11, output=1000, estimated=True)


@pytest.mark.parametrize(
    ("service", "local", "guessed", "estimated"),
    [
        *(("", False, False, False), ("flex", False, False, False), ("priority", False, False, True)),
        *(("priority", True, False, False), ("", False, True, True)),
    ],
)
def test_a_price_that_nobody_knows_makes_an_estimate(service: str, local: bool, guessed: bool, estimated: bool) -> None:
    booking = replace(BOOKING, settlement=replace(BOOKED, local=local), guessed=guessed)
    assert used(booking, Usage(11, output=7, service=service)).estimated is estimated


def test_the_tier_that_was_booked_holds_where_the_report_names_none() -> None:
    booking = replace(BOOKING, settlement=replace(BOOKED, usage=replace(BOOKED.usage, service="flex")))
    usage = used(booking, Usage(10, output=5))
    assert usage.service == "flex" and priced(booking, usage)[0] == 10.0


def test_it_is_compared_with_the_cheapest_of_the_other_side() -> None:
    usage = Usage(10, output=5)
    assert priced(BOOKING, usage) == (20.0, 20.0)
    own = replace(BOOKING, settlement=replace(BOOKED, local=True))
    assert priced(own, usage) == (20.0, 0.0)
    assert priced(replace(own, others=(tariff(9.0), tariff(3.0))), usage) == (20.0, 60.0)


def test_it_can_be_written_down() -> None:
    booking = replace(BOOKING, others=(tariff(3.0),))
    assert msgpack.decode(msgpack.encode(booking), type=Booking) == booking
