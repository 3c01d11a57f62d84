"""What every ledger does, whatever it is made of."""

from router.core.limits.counters import LOCAL, NO_COUNTERS
from router.core.values import Cell, Mixture, Row, Usage

CLOUD = Cell("openai", "cloud", "chat", "search", "app")
GPU = Cell("gpu", "local", "chat", "search", "app")
ONCE = Row(CLOUD, 1, input=100, cached=30, output=7, cost=250, eligible_tokens=107, cloud_value=250)
DAY = 86_400.0


async def test_settling_counts_what_happened(book, hold_of, settlement_of):
    hold = hold_of(book.ledger)
    await book.ledger.reserve(hold)
    assert await book.rows() == []
    book.ledger.settle(settlement_of(hold, usage=Usage(100, 30, 0, 7), cost=250, counterfactual=900))
    assert await book.rows() == [
        Row(
            CLOUD,
            requests=1,
            input=100,
            cached=30,
            output=7,
            cost=250,
            counterfactual=900,
            eligible_tokens=107,
            cloud_value=250,
        )
    ]


async def test_totals_add_up_by_cell(book, hold_of, settlement_of):
    for n in range(1, 21):
        hold = hold_of(book.ledger, cell=GPU if n % 2 else CLOUD)
        await book.ledger.reserve(hold)
        usage = Usage(input=n, cached=1, output=2 * n, estimated=n % 5 == 0)
        book.ledger.settle(settlement_of(hold, usage=usage, cost=n * 10, counterfactual=n, error=n > 18))
    assert await book.rows() == [
        Row(GPU, 10, 1, 100, 10, 200, 1000, 100, estimated=2, eligible_tokens=300, cloud_value=100),
        Row(
            CLOUD,
            10,
            1,
            110,
            10,
            220,
            cost=1100,
            counterfactual=110,
            estimated=2,
            eligible_tokens=330,
            cloud_value=1100,
        ),
    ]


async def test_it_counts_where_it_was_served_not_where_it_was_held(book, hold_of, settlement_of):
    hold = hold_of(book.ledger, cell=GPU)
    await book.ledger.reserve(hold)
    book.ledger.settle(settlement_of(hold, cell=CLOUD))
    assert [row.cell for row in await book.rows()] == [CLOUD]


async def test_large_numbers_stay_exact(book, hold_of, settlement_of):
    for _ in range(2):
        hold = hold_of(book.ledger)
        await book.ledger.reserve(hold)
        book.ledger.settle(settlement_of(hold, usage=Usage(input=2**50 + 1), cost=2**51 + 3))
    (row,) = await book.rows()
    assert (row.input, row.cost) == (2**51 + 2, 2**52 + 6)


async def test_names_may_hold_anything(book, hold_of, settlement_of):
    cell = Cell("a|b", "100%", "%7C", "tüm 日本", '"\\{}')
    hold = hold_of(book.ledger, cell=cell, lease=60.0)
    await book.ledger.reserve(hold)
    book.ledger.settle(settlement_of(hold))
    await book.ledger.reserve(hold_of(book.ledger, cell=cell, lease=60.0))
    assert [(row.cell, row.requests) for row in await book.rows()] == [(cell, 1)]


async def test_settling_twice_counts_once(book, hold_of, settlement_of):
    hold = hold_of(book.ledger)
    await book.ledger.reserve(hold)
    book.ledger.settle(settlement_of(hold))
    book.ledger.settle(settlement_of(hold))
    await book.rows()
    book.ledger.settle(settlement_of(hold, cost=9999))
    (row,) = await book.rows()
    assert (row.requests, row.cost) == (1, 250)
    assert book.ledger.volume.seen("today", hold.at) == Mixture(70, 30, 7)


async def test_a_settlement_without_a_hold_is_not_counted(book, hold_of, settlement_of):
    book.ledger.settle(settlement_of(hold_of(book.ledger)))
    assert await book.rows() == []
    assert book.ledger.volume.seen("today", hold_of(book.ledger).at) == Mixture()


async def test_releasing_counts_nothing(book, hold_of, settlement_of):
    hold = hold_of(book.ledger)
    await book.ledger.reserve(hold)
    book.ledger.release(hold.id)
    book.ledger.settle(settlement_of(hold))
    book.ledger.release(hold.id)
    assert await book.rows() == []


async def test_a_record_counts_without_a_hold_and_says_so(book, hold_of, settlement_of):
    hold = hold_of(book.ledger)
    book.ledger.record(settlement_of(hold), NO_COUNTERS)
    assert await book.rows() == [
        Row(CLOUD, 1, input=100, cached=30, output=7, cost=250, unheld=1, eligible_tokens=107, cloud_value=250)
    ]
    assert book.ledger.volume.seen("today", hold.at) == Mixture(70, 30, 7)


async def test_what_was_booked_of_the_background_is_taken_back_for_what_it_took(book, hold_of, settlement_of):
    hold = hold_of(book.ledger)
    await book.ledger.reserve(hold)
    booked = settlement_of(hold, usage=Usage(200, 0, 0, 900, True), cost=9000, counterfactual=8000)
    book.ledger.settle(booked)
    await book.rows()
    book.ledger.correct(booked, settlement_of(hold))
    assert await book.rows() == [ONCE]
    assert book.ledger.volume.seen("today", hold.at) == Mixture(70, 30, 7)


async def test_a_correction_that_comes_first_takes_nothing_from_the_settlement(book, hold_of, settlement_of):
    """Of another worker, which may be late with it."""
    hold = hold_of(book.ledger)
    await book.ledger.reserve(hold)
    booked = settlement_of(hold, usage=Usage(200, 0, 0, 900, True), cost=9000)
    book.ledger.correct(booked, settlement_of(hold))
    await book.rows()
    book.ledger.settle(booked)
    assert await book.rows() == [ONCE]


async def test_an_expired_hold_is_charged_as_held(book, hold_of, clock):
    hold = hold_of(book.ledger, input=1000, output=500, cost=4000)
    await book.ledger.reserve(hold)
    clock.now += 899
    await book.ledger.sweep()
    assert await book.rows() == []
    clock.now += 61
    await book.ledger.sweep()
    await book.ledger.sweep()
    assert await book.rows() == [
        Row(CLOUD, 1, input=1000, output=500, cost=4000, unsettled=1, eligible_tokens=1500, cloud_value=4000)
    ]
    assert book.ledger.volume.seen("today", clock.now) == Mixture(1000, 0, 500)


async def test_a_late_settlement_corrects_the_charge(book, hold_of, settlement_of, clock):
    hold = hold_of(book.ledger, cell=GPU)
    await book.ledger.reserve(hold)
    clock.now += 1000
    await book.ledger.sweep()
    for _ in range(2):
        book.ledger.settle(settlement_of(hold, cell=CLOUD))
        rows = {row.cell: row for row in await book.rows()}
        assert rows == {
            GPU: Row(GPU),
            CLOUD: Row(CLOUD, 1, input=100, cached=30, output=7, cost=250, eligible_tokens=107, cloud_value=250),
        }
        assert book.ledger.volume.seen("today", clock.now) == Mixture(70, 30, 7)


async def test_a_late_release_takes_the_charge_back(book, hold_of, clock):
    hold = hold_of(book.ledger)
    await book.ledger.reserve(hold)
    clock.now += 1000
    await book.ledger.sweep()
    book.ledger.release(hold.id)
    assert await book.rows() == [Row(CLOUD)]
    assert book.ledger.volume.seen("today", clock.now) == Mixture()


async def test_holds_expire_however_long_nobody_swept(book, hold_of, clock):
    await book.ledger.sweep()
    for _ in range(2):
        await book.ledger.reserve(hold_of(book.ledger, clock.now))
        clock.now += 30 * DAY
    await book.ledger.sweep()
    assert [row.unsettled for row in await book.rows("2026-05-20", "2026-06-19")] == [2]


async def test_days_are_local(book, hold_of, settlement_of):
    before_midnight = 1_779_314_399.0  # 2026-05-20T23:59:59 in Berlin
    for at in (before_midnight, before_midnight + 1):
        hold = hold_of(book.ledger, at)
        await book.ledger.reserve(hold)
        book.ledger.settle(settlement_of(hold))
    assert [row.requests for row in await book.rows("2026-05-20")] == [1]
    assert [row.requests for row in await book.rows("2026-05-21")] == [1]
    assert [row.requests for row in await book.rows("2026-05-20", "2026-05-21")] == [2]


async def test_only_eligible_tokens_are_volume(book, hold_of, settlement_of):
    hold = hold_of(book.ledger, eligible=False)
    await book.ledger.reserve(hold)
    book.ledger.settle(settlement_of(hold))
    await book.rows()
    assert book.ledger.volume.seen("trailing_24h", hold.at) == Mixture()


async def test_ids_are_never_the_same(book):
    ids = {book.ledger.next_id(0.0, 900.0) for _ in range(1000)}
    assert len(ids) == 1000
    assert all(id.startswith("00000016") for id in ids)


async def test_what_could_not_leave_is_counted_by_itself(book, hold_of, settlement_of, clock):
    """Settled, and charged as held."""
    hold = hold_of(book.ledger, eligible=False, captive=True, cell=GPU, sides=LOCAL)
    late = hold_of(book.ledger, eligible=False, captive=True, cell=GPU, sides=LOCAL, local_cost=4000)
    for each in (hold, late):
        await book.ledger.reserve(each)
    book.ledger.settle(settlement_of(hold, cost=3))
    assert [figures_of_captives(row) for row in await book.rows()] == [(1, 107, 3)]
    clock.now += 2000
    await book.ledger.sweep()
    assert [figures_of_captives(row) for row in await book.rows()] == [(2, 1607, 4003)]


def figures_of_captives(row: Row) -> tuple[int, int, int]:
    assert (row.eligible_tokens, row.cloud_value) == (0, 0)
    return row.captive, row.captive_tokens, row.captive_cost
