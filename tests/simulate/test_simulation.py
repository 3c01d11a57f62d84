from __future__ import annotations

import random

import pytest
from support.simulating import MONDAY, POLICY, POWER, ask, plan, played, simulation

from router.simulate.figures import outcome_of
from router.simulate.powered_units import PoweredUnits
from router.simulate.shape import Shape

QUICK = Shape(speed=100.0, first_byte=0.0, slots=8)
KEY = f"""
keys:
  - {{name: app, team: search, sha256: "{"a" * 64}", budget: {{BUDGET}}}}
"""


def figures(done):
    return outcome_of(done, "p.yaml").figures


def limited(budget: str, **changes: str):
    return plan(POLICY + KEY.replace("{BUDGET}", f"{{{budget}}}"), **changes)


def test_below_the_threshold_requests_are_bought_and_above_it_they_stay():
    done = played(plan(), [ask(10.0 * number) for number in range(1000)])

    bought = -(-500_000 // 1100)
    assert figures(done)["cloud_requests"] == pytest.approx(bought, abs=2), "as many as make 500,000 tokens"
    assert figures(done)["usd_cloud"] == pytest.approx(figures(done)["cloud_requests"] * (0.002 + 0.001))
    assert figures(done)["usd_cloud_alone"] == pytest.approx(1000 * 0.003)
    assert figures(done)["usd_rent"] == pytest.approx(10_000 / 3600, rel=0.01)
    assert set(done.books.reasons) == {("gpu", "threshold-above"), ("api", "threshold-below")}


def test_what_may_not_leave_never_does():
    levels = [ask(number, level="restricted") for number in range(50)]
    tags = [ask(50.0 + number, tags=("patient",)) for number in range(50)]
    done = played(plan(), [*levels, *tags])

    assert (figures(done)["restricted"], figures(done)["restricted_left"]) == (100, 0)
    assert figures(done)["cloud_requests"] == 0 and done.books.reasons["gpu", "only-permitted"] == 100


def test_a_request_that_left_would_be_told():
    done = simulation(plan())
    assert done._is_labelled_for(ask(level="internal"), done.plan.models["chat"].routes[1])
    assert not done._is_labelled_for(ask(level="restricted"), done.plan.models["chat"].routes[1])
    assert not done._is_labelled_for(ask(tags=("patient",)), done.plan.models["chat"].routes[1])


def test_when_the_preferred_side_is_full_requests_spill():
    at_home = plan(**{"models:": "cost: {strategy: local_first}\nmodels:"})
    done = played(at_home, [ask(0.0) for _ in range(20)], gpu=QUICK)

    assert figures(done)["spilled"] == 12 and figures(done)["own_requests"] == 8
    assert done.books.reasons == {("gpu", "local-first"): 8, ("api", "spill"): 12}


def test_what_may_only_stay_waits_in_its_turn_and_not_for_ever():
    asked = [ask(0.001 * number, level="restricted", output=1001, id=str(number)) for number in range(48)]
    told = []
    done = simulation(plan(), tell=lambda *fate: told.append(fate), gpu=QUICK)
    done.run(asked)

    # Eight at a time, ten seconds each: those that would begin after 30 s have given up by then.
    assert [fate[0].id for fate in told if fate[1] == "gpu"] == [str(number) for number in range(32)]
    assert figures(done)["refused"] == 16 and done.books.refusals == {"backends_full": 16}
    assert figures(done)["waited"] == 24 and 9.5 < figures(done)["wait_p50"] < 20.5


def test_a_full_queue_refuses_at_once():
    small = plan(**{"queue_timeout: 30s": "queue: 2"})
    done = played(small, [ask(level="restricted") for _ in range(20)], gpu=QUICK)

    assert (figures(done)["own_requests"], figures(done)["refused"]) == (10, 10)


def test_who_waits_is_not_overtaken():
    told = []
    one = Shape(speed=100.0, first_byte=0.0, slots=1)
    done = simulation(
        plan(**{"max_running: 8": "max_running: 1", "models:": "cost: {strategy: local_first}\nmodels:"}),
        tell=lambda *fate: told.append((fate[0].id, fate[1], fate[2])),
        gpu=one,
    )
    done.run(
        [
            ask(0.0, level="restricted", id="first", output=101),
            ask(0.1, level="restricted", id="waits", output=101),
            ask(0.5, id="newcomer", output=101),
        ]
    )
    assert told == [
        ("first", "gpu", "only-permitted"),
        ("waits", "gpu", "only-permitted"),
        ("newcomer", "api", "spill"),
    ]


def test_probes_say_that_its_own_queue_is_full_and_that_it_is_not_any_more():
    busy = Shape(speed=10.0, first_byte=0.0, slots=1)
    without_most = plan(**{", max_running: 8": ", max_waiting: 2", "models:": "cost: {strategy: local_first}\nmodels:"})
    done = played(without_most, [ask(0.5 * number, output=51) for number in range(20)], gpu=busy)
    assert figures(done)["spilled"] > 5 and figures(done)["own_requests"] > 3

    waiting = plan(**{", max_running: 8": ", max_waiting: 2"})
    done = played(waiting, [ask(0.5 * number, output=11, level="restricted") for number in range(20)], gpu=busy)
    assert figures(done)["refused"] == 0 and figures(done)["waited"] > 0, "it is asked again while somebody waits"


def test_a_unit_is_started_when_it_saves_its_rent_and_stopped_when_it_does_not():
    steady = [ask(2.0 * number) for number in range(9000)]  # $5.4 an hour in the cloud, for five hours
    late = [ask(18_000 + 1000.0 * number) for number in range(30)]
    told = []
    done = simulation(plan(power=POWER), tell=lambda *fate: told.append(fate[1]))
    done.run([*steady, *late])

    assert figures(done)["starts"] == 1 and 5.0 < figures(done)["hours_on"] < 8.0
    assert told[0] == told[-1] == "api" and told.count("gpu") > 8000
    assert done.books.reasons["api", "gpu-off"] == told.count("api")
    assert figures(done)["usd_hindsight"] <= figures(done)["usd"] < 0.5 * figures(done)["usd_cloud_alone"]


def test_a_unit_is_paid_for_no_longer_than_the_controller_that_steps_every_second_has_it():
    """It starts in five minutes, stays for five and a half from the look on that sees the answer, and drains."""
    short = plan(power=POWER + "      min_on: 330s\n", **{"usd_per_hour: 1.0": "usd_per_hour: 60, billing: 1m"})
    done = played(short, [ask(level="restricted"), ask(3000.0)])

    assert figures(done)["hours_on"] == pytest.approx(696 / 3600, abs=2 / 3600)
    assert figures(done)["usd_rent"] == pytest.approx(12.0)


@pytest.mark.parametrize("seed", range(6))
def test_steps_at_events_do_what_steps_every_second_do(seed, monkeypatch):
    draw = random.Random(seed)
    settings = f"      min_on: {draw.choice((60, 333, 1800))}s\n      min_off: {draw.choice((0, 100))}s\n"
    settings += draw.choice(("", "      schedule: 01-02\n"))
    cost = f"usd_per_hour: {draw.choice((1, 4))}, billing: {draw.choice(('1m', '20m'))}"
    of = plan(power=POWER + settings, **{"usd_per_hour: 1.0": cost})
    busy = [draw.uniform(0, 9000) for _ in range(1500)] + [draw.uniform(0, 2000) for _ in range(1500)]
    rare = [draw.uniform(0, 10_000) for _ in range(2)]
    asked = [ask(at, id="any") for at in busy] + [ask(at, level="restricted") for at in rare]
    asked.sort(key=lambda each: each.at)
    few = played(of, asked, gpu=QUICK)
    monkeypatch.setattr(PoweredUnits, "_wait", lambda self: 1.0)
    every = played(of, asked, gpu=QUICK)

    phases = [[(change.after, change.reason) for change in each.units["gpu"].changes] for each in (few, every)]
    times = [[change.at - MONDAY for change in each.units["gpu"].changes] for each in (few, every)]
    assert phases[0] == phases[1] and len(phases[0]) >= 2
    assert times[0] == pytest.approx(times[1], abs=2.0)
    assert figures(few)["usd"] == pytest.approx(figures(every)["usd"], rel=0.01)


def test_one_waiting_restricted_request_wakes_one_unit():
    done = played(plan(power=POWER), [ask(60.0 * number, level="restricted") for number in range(10)])

    assert (figures(done)["starts"], figures(done)["refused"], figures(done)["restricted_left"]) == (1, 0, 0)
    assert 200 < figures(done)["wait_p99"] < 310, "as long as the start takes"


@pytest.mark.parametrize(("output", "within"), [(2, 3.0), (20_000, 12.0)])
def test_all_who_waited_for_a_start_go_on_soon_after_it(output, within):
    """Whether answers end, or only probes say again that there is room."""
    started = Shape(speed=100.0, first_byte=0.0, start=5.0)
    unbounded = plan(power=POWER, **{"max_running: 8, ": ""})
    burst = [ask(0.05 * number, level="restricted", output=output) for number in range(40)]
    done = played(unbounded, burst, gpu=started)

    assert (figures(done)["refused"], figures(done)["waited"]) == (0, 40)
    assert figures(done)["wait_p99"] < 5.0 + within


def test_a_start_that_takes_too_long_is_refused():
    slow = Shape(speed=100.0, first_byte=0.0, start=2000.0)
    done = played(plan(power=POWER), [ask(level="restricted")], gpu=slow)

    assert done.books.refusals == {"gpu_off": 1}
    never = plan(power=POWER.replace("driver: command", "driver: command\n      mode: never"))
    assert played(never, [ask(level="restricted")]).books.refusals == {"gpu_off": 1}


def test_units_that_are_stopped_cut_what_runs_beyond_the_drain():
    endless = Shape(speed=0.05, first_byte=0.0, decode=1000.0)
    short = POWER + "      drain: 10s\n      min_on: 1m\n"
    asked = [ask(level="restricted", output=2), *[ask(400.0 + number, output=1000) for number in range(5)]]
    done = played(plan(power=short), [*asked, ask(20_000.0)], gpu=endless)

    assert figures(done)["cut"] == 5 and done.books.refusals == {"cut-at-stop": 5}


def test_several_units_share_the_demand_and_sleep_saves_no_rent():
    text = POLICY.replace(
        "  api:",
        "  other:\n    zone: local\n    kind: vllm\n    url: http://127.0.0.1:9000/v1\n"
        "    serves: {chat: llama}\n    cost: {usd_per_hour: 2.0}\n    power: {driver: sleep, card: c}\n  api:",
    )
    both = plan(text, power=POWER, **{"backends: [gpu, api]": "backends: [gpu, other, api]"})
    done = played(both, [ask(2.0 * number) for number in range(4000)])

    assert (done.units["other"].starts, done.units["gpu"].starts) == (1, 0), "which comes last sees what is left"
    assert done.units["gpu"].savings.of(1) == 0 < done.units["other"].savings.of(1)
    assert done.meters["other"].hours_on == pytest.approx(figures(done)["hours"], rel=0.01)


def test_limits_refuse_when_they_have_run_out_and_say_when():
    done = played(limited("usd_per_day: 0.1"), [ask(60.0 * number, key="app", limit=200) for number in range(100)])

    assert done.books.refusals == {"insufficient_quota": figures(done)["refused"]}
    [ran_out] = outcome_of(done, "p").exhausted
    assert ran_out.name == "key app: usd_per_day" and 1500 < ran_out.first - MONDAY < 2100
    assert figures(done)["usd_cloud"] <= 0.1 and figures(done)["over_budget"] == ran_out.refused > 50


def test_where_the_cloud_has_run_out_requests_stay_at_home():
    spare = limited("cloud: {usd_per_day: 0.1}, on_budget_exhausted: local_only")
    done = played(spare, [ask(60.0 * number, key="app", limit=200) for number in range(100)], gpu=QUICK)
    assert figures(done)["refused"] == 0 and done.books.reasons["gpu", "budget-exhausted"] > 50

    slow = Shape(speed=0.1, first_byte=0.0, slots=8)
    full = played(spare, [ask(60.0 * number, key="app", limit=200) for number in range(100)], gpu=slow)
    assert full.books.refusals["insufficient_quota"] > 0, "where that is full, too"
    assert all(kept.held == 0 for kept in full.counting.kept.values())


def test_minutes_that_are_over_are_forgotten():
    done = played(limited("requests_per_minute: 1"), [ask(30.0 * number, key="app") for number in range(400)])

    assert figures(done)["refused"] == 200 and len(done.counting.kept) < 150


def test_a_policy_that_compares_with_the_traffic_knows_its_price():
    by_volume = plan(**{"models:": "cost: {strategy: breakeven}\nmodels:"})
    done = played(by_volume, [ask(5.0 * number) for number in range(3000)])

    assert done._price == pytest.approx(3000 / 1100, rel=0.01)


def test_what_refuses_without_a_backend_is_counted_by_its_code():
    done = played(plan(), [ask(model="unknown"), ask(1.0, endpoint="embeddings")])

    assert done.books.refusals["model_not_found"] == 1 and figures(done)["refused"] >= 1


def test_two_replicas_share_the_requests():
    two = plan(
        **{
            "url: http://127.0.0.1:8000/v1": "urls: [http://127.0.0.1:8000/v1, http://127.0.0.1:8001/v1]",
            "models:": "cost: {strategy: local_first}\nmodels:",
        }
    )
    done = played(two, [ask(0.0) for _ in range(20)], gpu=QUICK)

    assert figures(done)["own_requests"] == 16


def test_the_same_traffic_gives_the_same_figures():
    asked = [ask(3.0 * number, level="restricted" if number % 7 == 0 else "") for number in range(2000)]
    one, other = (played(plan(power=POWER), asked) for _ in range(2))

    assert outcome_of(one, "p") == outcome_of(other, "p")


def test_what_was_refused_when_it_was_recorded_is_as_long_as_is_known_of_it():
    refused = [ask(10.0, input=0, output=0, estimated_input=500, limit=limit) for limit in (None, 30)]
    done = played(plan(), [ask(0.0, output=200), *refused])

    [row] = done.books.rows()
    assert (row.input, row.output, figures(done)["guessed"]) == (2000, 430, 2)
    alone = played(plan(), refused[:1])
    assert alone.books.rows()[0].output == 0, "nothing tells how long answers are"
