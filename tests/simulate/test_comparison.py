from __future__ import annotations

from support.simulating import POWER, ask, plan, simulation

from router.simulate.comparison import Comparison, Move, run_both


def test_requests_that_went_elsewhere_are_counted_by_both_reasons():
    compared, first, second = Comparison(), ask(id="a"), ask(id="b")
    compared.one(first, "gpu", "gpu-on", 1.0)
    compared.other(second, "api", "spill", 5e6)
    compared.other(first, "api", "gpu-off", 2e6)
    compared.one(second, "api", "gpu-off", 4e6)
    for number in range(5):
        request = ask(id=str(number))
        compared.other(request, "", "gpu_off", 0.0)
        compared.one(request, "gpu", "gpu-on", 0.0)

    assert compared.same == 1, "the same backend for another reason"
    most, least = compared.moved()
    assert most == Move("gpu", "gpu-on", "", "gpu_off", requests=5, examples=("0", "1", "2"))
    assert (least.requests, least.against_usd, least.examples) == (1, 2.0, ("a",))
    assert not compared._ones and not compared._others


def test_two_policies_see_the_same_requests():
    compared = Comparison()
    one, other = simulation(plan(power=POWER), tell=compared.one), simulation(plan(), tell=compared.other)
    run_both(one, other, [ask(2.0 * number) for number in range(2000)])

    assert one.books.requests == other.books.requests == 2000
    assert compared.same + sum(move.requests for move in compared.moved()) == 2000
    reasons = {(move.reason, move.against_reason) for move in compared.moved()}
    assert reasons <= {("gpu-on", "threshold-below"), ("gpu-off", "threshold-above")} and reasons
    assert not compared._ones and not compared._others
