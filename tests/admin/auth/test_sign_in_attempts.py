from support.control import Clock

from router.admin.auth.sign_in_attempts import MOST_ADDRESSES, MOST_FAILURES, WINDOW_SECONDS, Attempts


def test_failures_count_by_address_and_within_the_window():
    clock = Clock()
    attempts = Attempts(clock)
    for _ in range(MOST_FAILURES):
        assert attempts.wait("a") == 0
        attempts.failed("a")
        clock.now += 1
    assert attempts.wait("a") == WINDOW_SECONDS - MOST_FAILURES
    assert attempts.wait("b") == 0
    clock.now += attempts.wait("a")
    assert attempts.wait("a") == 0


def test_many_addresses_do_not_fill_the_memory():
    attempts = Attempts(Clock())
    for number in range(MOST_ADDRESSES + 50):
        attempts.failed(str(number))
    assert len(attempts._failed) == MOST_ADDRESSES
