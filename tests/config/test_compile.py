from __future__ import annotations

from collections.abc import Callable

from router.config.compile import compile_plan
from router.core.cost.timeline import DAY, Timeline, always, built
from router.core.policy import Cost, Mix, Policy
from router.core.translation import LOST_IN_TRANSLATION
from router.core.values import GpuFigures, KeyGrant, Permits, Plan, PriceTier, Rates, Tariff

PlanOf = Callable[[str], Plan]


def at_all_times(rates: Rates) -> Timeline[Tariff]:
    return always(Tariff((PriceTier(0, rates),)))


def flat(price: float) -> Timeline[Tariff]:
    return at_all_times(Rates(price, price, price, price))


def test_a_plan_holds_the_policy(base: str, plan: PlanOf) -> None:
    made = plan(base)
    assert made.zones == {"local", "cloud"}
    assert made.levels == ("public", "restricted")
    assert made.level_zones == (frozenset({"local", "cloud"}), frozenset({"local"}))
    assert made.policy.version == 1


def test_routes_take_the_defaults_of_their_kind(base: str, plan: PlanOf) -> None:
    gpu, openai = plan(base).models["chat"].routes
    assert (gpu.backend, gpu.zone, gpu.owned, gpu.ends_at_context, gpu.upstream_model) == (
        "gpu",
        "local",
        True,
        True,
        "my-model",
    )
    assert gpu.endpoints == {
        *("chat", "completions", "responses", "messages", "count_tokens", "tokenize", "detokenize")
    }
    assert gpu.modalities == {"text"}
    assert (gpu.context, gpu.quality, gpu.stream_usage) == (None, None, True)
    assert openai.endpoints > {"chat", "completions", "embeddings", "moderations", "responses"}
    assert openai.modalities == {"text", "image", "audio", "file", "video"}
    assert not openai.owned


def test_a_route_has_what_can_be_translated_into_what_it_speaks(base: str, plan: PlanOf) -> None:
    _, openai = plan(base).models["chat"].routes
    assert openai.translated == {"messages"} < openai.endpoints
    for given, translated in (("chat", {"messages", "responses"}), ("embeddings", set())):
        text = base.replace("{model: gpt-x,", f"{{model: gpt-x, endpoints: [{given}],")
        assert plan(text).models["chat"].routes[1].translated == translated


def test_a_litellm_route_has_what_the_adapter_has(base: str, plan: PlanOf) -> None:
    text = base.replace("    kind: openai\n    url: https://api.openai.com/v1\n", "    kind: litellm\n")
    assert plan(text).models["chat"].routes[1].endpoints == {"chat", "embeddings", "messages", "responses"}


def test_what_is_served_overrides_the_backend(edited: Callable[[str, str], str], plan: PlanOf) -> None:
    served = "{model: m, endpoints: [chat], modalities: [text, image], context: 4096, quality: 0}"
    text = edited("{chat: my-model}", f"{{chat: {served}}}\n    quality: 0.9\n    stream_usage: false")
    gpu = plan(text).models["chat"].routes[0]
    assert gpu.upstream_model == "m"
    assert gpu.endpoints == {"chat"}
    assert gpu.modalities == {"text", "image"}
    assert (gpu.context, gpu.quality, gpu.stream_usage) == (4096, 0.0, False)


def test_the_backends_quality_is_inherited(edited: Callable[[str, str], str], plan: PlanOf) -> None:
    text = edited("    serves: {chat: my-model}", "    serves: {chat: my-model}\n    quality: 0.9")
    assert plan(text).models["chat"].routes[0].quality == 0.9


def test_aliases_are_the_model_itself(base: str, plan: PlanOf) -> None:
    models = plan(base).models
    assert models["gpt"] is models["chat"]
    assert models["gpt"].name == "chat"


def test_keys_are_found_by_their_hash(base: str, plan: PlanOf) -> None:
    text = base.replace("team: web", "team: web, models: [chat], zones: [local], sensitivity: restricted, tags: [phi]")
    keys = plan(text).keys
    app = KeyGrant("app", "web", Permits(frozenset({"chat"}), frozenset({"local"}), "restricted", ("phi",)))
    assert keys["1".rjust(64, "0")] == app
    assert keys["2".rjust(64, "0")] == KeyGrant("batch", "default", Permits())


def test_budgets_come_with_their_keys_and_longest_answers_with_their_models(
    edited: Callable[[str, str], str], plan: PlanOf
) -> None:
    made = plan(edited("team: web", "budget: {usd_per_day: 5, soft: 0.5}"))
    app, batch = made.keys["1".rjust(64, "0")], made.keys["2".rjust(64, "0")]
    assert app.budget is not None and (app.budget.usd_per_day, app.budget.soft) == (5.0, 0.5)
    assert batch.budget is None
    assert made.models["chat"].max_output_tokens is None
    longest = plan(edited("aliases: [gpt]", "aliases: [gpt], max_output_tokens: 99")).models["gpt"]
    assert longest.max_output_tokens == 99


def test_a_team_with_a_budget_need_not_have_a_key_yet(edited: Callable[[str, str], str], plan: PlanOf) -> None:
    text = edited("tag: phi, hours", "team: search, hours") + "teams: {search: {budget: {requests_per_day: 9}}}\n"
    team = plan(text).policy.teams["search"]
    assert team.budget is not None and team.budget.requests_per_day == 9


def test_a_policy_without_keys_or_sensitivity(base: str, plan: PlanOf) -> None:
    made = plan(base[: base.index("sensitivity:")])
    assert (made.keys, made.levels, made.level_zones) == ({}, (), ())


def _policy() -> Policy:
    """Two own and two cloud backends; one model is on both sides, one only in the cloud, one only at home."""
    data = {
        "version": 1,
        "zones": {"local": {"owned": True}, "cloud": {}},
        "backends": {
            name: {"zone": zone, "kind": "vllm", "url": "http://x/v1", "serves": dict.fromkeys(serves, "m"), **more}
            for name, zone, serves, more in (
                ("a", "local", ["both", "home"], {"cost": {"usd_per_hour": 1.0, "ops_usd_per_day": 6.0}}),
                ("b", "local", ["both"], {"cost": {"usd_per_hour": 2.0, "usd_per_million_tokens": 0.4}}),
                ("c", "cloud", ["both", "cloudy"], {}),
                ("d", "cloud", ["both"], {}),
            )
        },
        "models": {
            "both": {"backends": ["a", "b", "c", "d"]},
            "cloudy": {"backends": ["c"]},
            "home": {"backends": ["a"]},
        },
    }
    return Policy.model_validate(data)


PRICES = {
    ("a", "both"): flat(0),
    ("a", "home"): flat(0),
    ("b", "both"): flat(0.4),
    # c has the cheaper input, d the cheaper output: 0.75 x 1 + 0.25 x 9 = 3 against 0.75 x 2 + 0.25 x 2 = 2
    ("c", "both"): at_all_times(Rates(input=1, output=9, cached_input=1, cache_write=1)),
    ("d", "both"): at_all_times(Rates(input=2, output=2, cached_input=2, cache_write=2)),
    ("c", "cloudy"): flat(0.1),
}


def test_a_model_is_eligible_where_both_sides_serve_it() -> None:
    models = compile_plan(_policy(), "v", PRICES).models
    assert {name: model.eligible for name, model in models.items()} == {"both": True, "cloudy": False, "home": False}


def test_the_mix_decides_what_is_cheapest() -> None:
    policy = _policy().model_copy(update={"cost": Cost(mix=Mix(input=1.0, cached=0.0, output=0.0))})
    assert compile_plan(policy, "v", PRICES).cloud_reference.at(0) == Rates(1, 9, 1, 1)


def test_the_break_even_compares_with_the_cheapest_eligible_cloud_route() -> None:
    # cloudy is cheaper still, but no own GPU serves it.
    assert compile_plan(_policy(), "v", PRICES).cloud_reference.at(0) == Rates(2, 2, 2, 2)


def test_without_an_eligible_model_there_is_nothing_to_compare_with() -> None:
    policy = _policy()
    alone = policy.model_copy(update={"models": {"home": policy.models["home"], "cloudy": policy.models["cloudy"]}})
    assert compile_plan(alone, "v", PRICES).cloud_reference.at(0) is None


def test_the_gpus_cost_is_the_sum_of_the_own_backends() -> None:
    figures = compile_plan(_policy(), "v", PRICES).gpu
    assert figures == GpuFigures(24 * 1.0 + 6.0 + 24 * 2.0, 0.2, None)


def test_capacity_is_known_when_every_own_backend_tells_it(base: str, plan: PlanOf) -> None:
    text = base.replace("{usd_per_hour: 1.5}", "{usd_per_hour: 1.5}\n    capacity: {tokens_per_second: 1000}")
    assert plan(text).gpu.capacity_tokens_per_day == 86_400_000


def test_variable_cost_is_weighted_by_what_each_backend_can_serve() -> None:
    policy = _policy()
    speeds = {"a": 3000.0, "b": 1000.0}
    backends = {
        name: backend.model_copy(
            update={"capacity": backend.capacity.model_copy(update={"tokens_per_second": speeds.get(name)})}
        )
        for name, backend in policy.backends.items()
    }
    figures = compile_plan(policy.model_copy(update={"backends": backends}), "v", PRICES).gpu
    assert figures.variable_usd_per_million == 0.1
    assert figures.capacity_tokens_per_day == 4000 * 86_400


def test_a_policy_without_own_gpus_has_no_figures(base: str, plan: PlanOf) -> None:
    text = base.replace("local: {owned: true}", "local: {}").replace("    cost: {usd_per_hour: 1.5}\n", "")
    text = text.replace("{chat: my-model}", "{chat: {model: m, price: {input: 1, output: 1}}}")
    assert plan(text).gpu == GpuFigures(0, 0, None)


def test_the_reference_follows_the_prices_of_the_time() -> None:
    """d is the cheaper one until its price doubles, and then c, whose price stays."""
    cheap, dear = Rates(2, 2, 2, 2), Rates(4, 4, 4, 4)
    doubled = built(0, [DAY], [], lambda now: Tariff((PriceTier(0, cheap if now < DAY else dear),)))
    plan = compile_plan(_policy(), "v", PRICES | {("d", "both"): doubled})
    assert [plan.cloud_reference.at(now) for now in (DAY - 1, DAY)] == [cheap, Rates(1, 9, 1, 1)]


def test_what_translation_loses_stands_beside_what_the_kind_loses(base: str, plan: PlanOf) -> None:
    _, openai = plan(base).models["chat"].routes
    assert openai.loses == {"messages": LOST_IN_TRANSLATION["messages"]}
    text = base.replace("    kind: openai\n    url: https://api.openai.com/v1\n", "    kind: litellm\n")
    text = text.replace("    api_key: env:OPENAI_API_KEY\n", "")
    of_gemini = plan(text.replace("model: gpt-x", "model: gemini/x")).models["chat"].routes[1]
    assert of_gemini.loses == LOST_IN_TRANSLATION
    of_claude = plan(text.replace("model: gpt-x", "model: anthropic/x")).models["chat"].routes[1]
    assert of_claude.loses == {"responses": LOST_IN_TRANSLATION["responses"]}
