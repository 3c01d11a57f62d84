"""What a person sees who made a mistake: where it is, what is wrong, and what would be right.

Each row changes one thing in the valid policy of conftest.py.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from router.config.load import PolicyError
from router.core.cost.strategies import STRATEGIES
from router.core.sensitivity.finders import FINDERS
from router.core.values import Plan

MALFORMED: list[tuple[str, str, str, str]] = [
    (
        "unknown key, close to a known one",
        "    serves: {chat: my-model}",
        "    serve: {chat: my-model}",
        (
            '10:5: backends.gpu.serve: unknown key "serve"; did you mean "serves"? known keys: zone, serves, '
            "quality, cost, power, api_key, capacity, connect_timeout, first_byte_timeout, answer_timeout, "
            "idle_timeout, stream_timeout, stream_usage, url, urls, kind, gpu, gpus"
        ),
    ),
    (
        "unknown key, close to none",
        "models:\n",
        "colour: red\nmodels:\n",
        (
            '19:1: colour: unknown key "colour"; known keys: version, zones, backends, models, secrets, sensitivity, '
            "rules, cost, health, retry, ledger, media, server, alerts, playground, budget, teams, keys"
        ),
    ),
    (
        "half a price",
        "price: {input: 1, output: 4}",
        "price: {input: 1}",
        (
            '18:28: backends.openai.serves.chat.price.output: missing key "output": add it, such as "output: 0.6", '
            "or instead of it one of second, characters, image, images, searches"
        ),
    ),
    (
        "unknown key deep down",
        "price: {input: 1, output: 4}",
        "price: {input: 1, output: 4, outptu: 5}",
        (
            '18:57: backends.openai.serves.chat.price.outptu: unknown key "outptu"; did you mean "output"? '
            "known keys: input, output, cached_input, cache_write, cache_write_1h, request, audio_input, "
            "audio_cached_input, audio_output, image_input, image_cached_input, image_output, second, characters, "
            "image, images, searches"
        ),
    ),
    (
        "an upstream's name for a model that is empty",
        "chat: my-model",
        'chat: ""',
        "10:20: backends.gpu.serves.chat: must not be empty",
    ),
    (
        "duplicate key",
        "  cloud: {}",
        "  cloud: {}\n  local: {}",
        "5:3: zones.local: duplicate key; it is already set on line 3: keep one of them",
    ),
    (
        "missing key",
        "    zone: cloud\n",
        "",
        '12:3: backends.openai.zone: missing key "zone": add it, such as "zone: local"',
    ),
    (
        "missing section",
        "models:\n  chat: {backends: [gpu, openai], aliases: [gpt]}\n",
        "",
        '1:1: models: missing key "models": add it, such as "models: {chat: {backends: [gpu, openai]}}"',
    ),
    (
        "missing key of a list item",
        "name: app, ",
        "",
        '30:5: keys[0].name: missing key "name": add it, such as "name: search-app"',
    ),
    (
        "misspelt kind",
        "kind: vllm",
        "kind: vlm",
        (
            '8:11: backends.gpu.kind: "vlm" is not a kind; did you mean "vllm"? it is one of vllm (a vLLM '
            "server), openai (any API that speaks OpenAI's protocol), anthropic (Anthropic's API), or litellm (all "
            "other providers, through litellm)"
        ),
    ),
    (
        "missing kind",
        "    kind: openai\n",
        "",
        (
            '12:3: backends.openai.kind: missing key "kind": one of vllm (a vLLM server), openai (any API that '
            "speaks OpenAI's protocol), anthropic (Anthropic's API), or litellm (all other providers, through "
            "litellm)"
        ),
    ),
    (
        "neither url nor urls",
        "    url: https://api.openai.com/v1\n",
        "",
        "12:3: backends.openai: give either url or urls",
    ),
    (
        "address of another scheme",
        "url: https://api.openai.com/v1",
        "url: ftp://api.openai.com/v1",
        (
            "15:10: backends.openai.url: must be an http or https address such as http://127.0.0.1:8000/v1, "
            "without user, password, ? or #"
        ),
    ),
    (
        "address with a password",
        "url: https://api.openai.com/v1",
        "url: https://me:hunter2@api.openai.com/v1",
        (
            "15:10: backends.openai.url: must be an http or https address such as http://127.0.0.1:8000/v1, "
            "without user, password, ? or #"
        ),
    ),
    (
        "number where text is wanted",
        "chat: my-model",
        "chat: 7",
        '10:20: backends.gpu.serves.chat: must be text or a mapping, such as "7" (in quotes); this is a number',
    ),
    (
        "text where a list is wanted",
        "backends: [gpu, openai]",
        "backends: gpu",
        "20:20: models.chat.backends: must be a list, such as [gpu]; this is text",
    ),
    (
        "list where a mapping is wanted",
        "zones:\n  local: {owned: true}\n  cloud: {}",
        "zones: [local, cloud]",
        "2:8: zones: must be a mapping, such as {local: {owned: true}, cloud: {}}; this is a list",
    ),
    (
        "text where a number is wanted",
        "usd_per_hour: 1.5",
        "usd_per_hour: 1.5 USD",
        "11:26: backends.gpu.cost.usd_per_hour: must be a number, such as 1.59; this is text",
    ),
    (
        "negative price",
        "input: 1,",
        "input: -1,",
        "18:43: backends.openai.serves.chat.price.input: must be at least 0; this is -1",
    ),
    (
        "yes and no in quotes",
        "owned: true",
        'owned: "yes"',
        "3:18: zones.local.owned: must be true or false, such as true; this is text",
    ),
    (
        "value that is not permitted",
        "rules:\n",
        "cost: {strategy: cheap}\nrules:\n",
        (
            '27:18: cost.strategy: "cheap" is not permitted; did you mean "cheapest"? it is one of '
            + ", ".join(STRATEGIES)
        ),
    ),
    (
        "version in quotes",
        "version: 1",
        'version: "1"',
        '1:10: version: must be 1, without quotes; this is "1"',
    ),
    (
        "missing version",
        "version: 1\n",
        "",
        '1:1: version: missing key "version": add it, such as "version: 1"',
    ),
    (
        "later version",
        "version: 1",
        "version: 2",
        "1:10: version: must be 1; this is 2",
    ),
    (
        "empty section",
        "rules:\n",
        "retry:\nrules:\n",
        "27:7: retry: is empty; it must be a mapping, such as {} (or remove the line)",
    ),
    (
        "empty list",
        "find: [iban]",
        "find: []",
        "26:14: sensitivity.detectors[0].find: must not be empty; such as [credit_card, us_ssn]",
    ),
    (
        "unknown detector",
        "find: [iban]",
        "find: [ssn]",
        (
            '26:15: sensitivity.detectors[0].find[0]: "ssn" is not permitted; did you mean "us_ssn"? it is one of '
            + ", ".join(FINDERS)
        ),
    ),
    (
        "detector that does nothing",
        "{find: [iban], raise_to: restricted}",
        "{find: [iban]}",
        "26:7: sensitivity.detectors[0]: a detector needs raise_to, tag or both",
    ),
    (
        "duration without a unit",
        "rules:\n",
        "retry: {deadline: 30}\nrules:\n",
        "27:19: retry.deadline: a duration is a number and a unit, such as 250ms, 2s, 15m or 1h",
    ),
    (
        "hours of one digit",
        '"00-06"',
        '"0-6"',
        (
            '28:43: rules[0].when.hours: hours are two-digit hours "from-to" such as "00-06" or "22-04" (the '
            "end is excluded)"
        ),
    ),
    (
        "unknown time zone",
        "rules:\n",
        "cost: {timezone: Mars}\nrules:\n",
        "27:18: cost.timezone: a time zone is an IANA name such as UTC or Europe/Berlin",
    ),
    (
        "mix that is no whole",
        "rules:\n",
        "cost: {mix: {input: 0.5, output: 0.4}}\nrules:\n",
        "27:8: cost.mix: input, cached and output must add up to 1",
    ),
    (
        "too large a share",
        "rules:\n",
        "cost: {hysteresis: 1}\nrules:\n",
        "27:20: cost.hysteresis: must be less than 1; this is 1",
    ),
    (
        "name with a space",
        "name: app,",
        "name: my app,",
        "30:12: keys[0].name: a name may not contain spaces, | or control characters",
    ),
    (
        "secret in the policy",
        "env:OPENAI_API_KEY",
        "sk-hunter2",
        "16:14: backends.openai.api_key: a secret is given as env:NAME or file:PATH, never in the policy itself",
    ),
    (
        "hash that is none",
        '"0000000000000000000000000000000000000000000000000000000000000002"',
        "hunter2",
        (
            "31:27: keys[1].sha256: must be the SHA-256 of the key as 64 small hex digits; `breakeven key new "
            "NAME` prints it"
        ),
    ),
    (
        "unknown zone",
        "zone: cloud",
        "zone: clout",
        '13:11: backends.openai.zone: there is no zone "clout"; did you mean "cloud"? zones: local, cloud',
    ),
    (
        "unknown zone in a level",
        "levels: {public: [local, cloud]",
        "levels: {public: [local, moon]",
        '22:28: sensitivity.levels.public[1]: there is no zone "moon"; zones: local, cloud',
    ),
    (
        "unknown backend",
        "backends: [gpu, openai]",
        "backends: [gpu, opnai]",
        ('20:26: models.chat.backends[1]: there is no backend "opnai"; did you mean "openai"? backends: gpu, openai'),
    ),
    (
        "backend that does not serve the model",
        "models:\n",
        "models:\n  embed: {backends: [openai]}\n",
        (
            '20:22: models.embed.backends[0]: backend "openai" does not serve "embed": add "embed: <the name '
            'that the upstream knows>" to backends.openai.serves, or take it off this list'
        ),
    ),
    (
        "served model that nobody defines",
        "{chat: my-model}",
        "{chat: my-model, embed: other}",
        '10:30: backends.gpu.serves.embed: there is no model "embed"; models: chat',
    ),
    (
        "alias that is a model",
        "aliases: [gpt]",
        "aliases: [chat]",
        '20:45: models.chat.aliases[0]: "chat" is the name of a model: an alias must be another name',
    ),
    (
        "alias of two models",
        "aliases: [gpt]",
        "aliases: [gpt, gpt]",
        '20:50: models.chat.aliases[1]: "gpt" is already an alias of "chat": take it off one of them',
    ),
    (
        "unknown default level",
        "default: public",
        "default: internal",
        '23:12: sensitivity.default: there is no level "internal"; levels: public, restricted',
    ),
    (
        "unknown level of a detector",
        "raise_to: restricted",
        "raise_to: secret",
        '26:32: sensitivity.detectors[0].raise_to: there is no level "secret"; levels: public, restricted',
    ),
    (
        "levels in the wrong order",
        "{public: [local, cloud], restricted: [local]}",
        "{restricted: [local], public: [local, cloud]}",
        (
            '22:49: sensitivity.levels.public[1]: level "public" permits zone "cloud", which the less '
            'restricted level "restricted" does not: levels go from the least to the most restricted, so each '
            "may only keep or drop zones of the one above it; change the order or the zones"
        ),
    ),
    (
        "unknown tag in a rule",
        "tag: phi,",
        "tag: phy,",
        '28:31: rules[0].when.tag: there is no tag "phy"; did you mean "phi"? tags: phi',
    ),
    (
        "key with an alias",
        "team: web",
        "models: [gpt]",
        '30:102: keys[0].models[0]: "gpt" is an alias: give the model\'s own name, "chat"',
    ),
    (
        "two keys of one name",
        "name: batch",
        "name: app",
        "31:12: keys[1].name: keys[0] has this name already: each must be different",
    ),
    (
        "one key twice",
        "000000000002",
        "000000000001",
        "31:27: keys[1].sha256: keys[0] is this very key already: each must be different",
    ),
    (
        "cost of a cloud backend",
        "    zone: cloud\n",
        "    zone: cloud\n    cost: {usd_per_hour: 1}\n",
        (
            '14:5: backends.openai.cost: "cost" is what an owned backend costs, but zone "cloud" is not owned: '
            'give "price" under serves, or set "owned: true" on the zone'
        ),
    ),
    (
        "unknown price",
        "{model: gpt-x, price: {input: 1, output: 4}}",
        "gpt-x-of-the-future",
        (
            '18:13: backends.openai.serves.chat: no published price of "gpt-x-of-the-future" at "openai": give '
            'its price: "{model: gpt-x-of-the-future, price: {input: 0.15, output: 0.6}}" (USD per million '
            'tokens), or correct the name or "provider"'
        ),
    ),
    (
        "misspelt limit",
        "team: web",
        "budget: {usd_per_mnth: 200}",
        (
            '30:102: keys[0].budget.usd_per_mnth: unknown key "usd_per_mnth"; did you mean "usd_per_month"? known '
            "keys: usd_per_minute, usd_per_day, usd_per_month, tokens_per_minute, tokens_per_day, "
            "tokens_per_month, requests_per_minute, requests_per_day, concurrent_requests, local, cloud, models, "
            "soft, on_budget_exhausted"
        ),
    ),
    (
        "limit below nothing",
        "rules:\n",
        "budget: {cloud: {usd_per_day: -1}}\nrules:\n",
        "27:31: budget.cloud.usd_per_day: must be at least 0; this is -1",
    ),
    (
        "limit that Redis cannot count",
        "rules:\n",
        "budget: {tokens_per_month: 10000000000000000}\nrules:\n",
        "27:28: budget.tokens_per_month: must be at most 1000000000000000; this is 10000000000000000",
    ),
    (
        "amount beyond what the ledger's numbers are exact for",
        "rules:\n",
        "budget: {usd_per_month: 9000001}\nrules:\n",
        "27:25: budget.usd_per_month: must be at most 9000000; this is 9000001",
    ),
    (
        "half a request",
        "rules:\n",
        "teams: {web: {budget: {concurrent_requests: 0.5}}}\nrules:\n",
        "27:45: teams.web.budget.concurrent_requests: must be a whole number, such as 32; this is a number",
    ),
    (
        "money without end",
        "rules:\n",
        "budget: {usd_per_month: .nan}\nrules:\n",
        "27:25: budget.usd_per_month: must be a finite number",
    ),
    (
        "money as text",
        "rules:\n",
        "budget: {usd_per_month: $200}\nrules:\n",
        "27:25: budget.usd_per_month: must be a number, such as 200; this is text",
    ),
    (
        "limit of a limit",
        "rules:\n",
        "budget: {local: {models: {}}}\nrules:\n",
        (
            '27:18: budget.local.models: unknown key "models"; known keys: usd_per_minute, usd_per_day, '
            "usd_per_month, tokens_per_minute, tokens_per_day, tokens_per_month, requests_per_minute, "
            "requests_per_day, concurrent_requests"
        ),
    ),
    (
        "limits straight below a team",
        "rules:\n",
        "teams: {web: {usd_per_month: 200}}\nrules:\n",
        '27:15: teams.web.usd_per_month: unknown key "usd_per_month"; known keys: budget',
    ),
    (
        "what to do when a budget is exhausted",
        "rules:\n",
        "budget: {on_budget_exhausted: local}\nrules:\n",
        (
            '27:31: budget.on_budget_exhausted: "local" is not permitted; did you mean "local_only"? it is one of '
            "refuse, local_only"
        ),
    ),
    (
        "limit of an unknown model",
        "rules:\n",
        "budget: {models: {chta: {usd_per_day: 1}}}\nrules:\n",
        '27:19: budget.models.chta: there is no model "chta"; did you mean "chat"? models: chat',
    ),
    (
        "limit of an alias",
        "team: web",
        "budget: {models: {gpt: {usd_per_day: 1}}}",
        '30:111: keys[0].budget.models.gpt: "gpt" is an alias: give the model\'s own name, "chat"',
    ),
    (
        "limit of a team for an unknown model",
        "rules:\n",
        "teams: {web: {budget: {models: {best: {}}}}}\nrules:\n",
        '27:33: teams.web.budget.models.best: there is no model "best"; models: chat',
    ),
    (
        "answers of no length",
        "aliases: [gpt]",
        "max_output_tokens: 0",
        "20:54: models.chat.max_output_tokens: must be greater than 0; this is 0",
    ),
    (
        "tab",
        "  cloud: {}",
        "\tcloud: {}",
        (
            "4:1: a character that cannot stand here: a tab used for indentation (use spaces), or text that "
            "starts with @, ` or % (put it in quotes)"
        ),
    ),
    (
        "bracket that is never closed",
        "backends: [gpu, openai]",
        "backends: [gpu, openai",
        "20:20: the list that begins here is never closed (add the missing ]), or a text in it needs quotes",
    ),
    (
        "colon in text",
        "chat: my-model",
        "chat: my: model",
        "10:13: the mapping that begins here is never closed (add the missing }), or a text in it needs quotes",
    ),
    (
        "merge key",
        "  cloud: {}",
        "  cloud: {<<: {owned: true}}",
        "4:11: zones.cloud: merge keys (<<) are not supported: write the keys out",
    ),
    (
        "YAML tag",
        "owned: true",
        "owned: !!python/name:os.system true",
        "3:18: zones.local.owned: YAML tags (!…) are not supported: write a plain value",
    ),
    (
        "name of a zone with a space",
        "  cloud: {}",
        "  my cloud: {}\n  cloud: {}",
        "4:3: zones.my cloud: a name may not contain spaces, | or control characters",
    ),
    (
        "backend listed twice",
        "backends: [gpu, openai]",
        "backends: [gpu, openai, gpu]",
        '20:34: models.chat.backends[2]: "gpu" is listed twice: keep one',
    ),
    (
        "yes as a name",
        "name: app,",
        "name: yes,",
        (
            "30:12: keys[0].name: must be text, such as search-app (yes, no, on, off, true and false are text "
            "only in quotes); this is true or false"
        ),
    ),
    (
        "empty name",
        "name: app,",
        'name: "",',
        "30:12: keys[0].name: must not be empty",
    ),
    (
        "number without end",
        "usd_per_hour: 1.5",
        "usd_per_hour: .inf",
        "11:26: backends.gpu.cost.usd_per_hour: must be a finite number",
    ),
    (
        "address that is a list",
        "url: http://127.0.0.1:8000/v1",
        "url: [a, b]",
        "9:10: backends.gpu.url: must be text, such as http://127.0.0.1:8000/v1; this is a list",
    ),
]


@pytest.mark.parametrize(("old", "new", "message"), [row[1:] for row in MALFORMED], ids=[row[0] for row in MALFORMED])
def test_a_mistake_is_explained(
    old: str, new: str, message: str, edited: Callable[[str, str], str], plan: Callable[[str], Plan]
) -> None:
    with pytest.raises(PolicyError) as caught:
        plan(edited(old, new))
    assert str(caught.value) == f"policy.yaml:{message}"


def test_the_policy_they_begin_with_is_valid(base: str, plan: Callable[[str], Plan]) -> None:
    assert plan(base).levels == ("public", "restricted")


def test_break_even_needs_to_know_what_every_own_backend_costs(base: str, plan: Callable[[str], Plan]) -> None:
    text = base.replace("    cost: {usd_per_hour: 1.5}\n", "") + "cost: {strategy: breakeven}\n"
    with pytest.raises(PolicyError) as caught:
        plan(text)
    assert str(caught.value) == (
        'policy.yaml:6:3: backends.gpu.cost: missing key "cost": cost.strategy: breakeven needs to know what this '
        'backend costs; add it, such as "cost: {usd_per_hour: 1.59}"'
    )


def test_a_rule_may_ask_for_break_even_too(base: str, plan: Callable[[str], Plan]) -> None:
    text = base.replace("    cost: {usd_per_hour: 1.5}\n", "").replace(
        "zones: [local]}", "cost: {strategy: breakeven}}"
    )
    with pytest.raises(PolicyError, match=r'missing key "cost": rules\[0\].cost.strategy: breakeven needs to know'):
        plan(text)


def test_a_name_has_an_end(edited: Callable[[str, str], str], plan: Callable[[str], Plan]) -> None:
    with pytest.raises(PolicyError, match="must have at most 128 characters"):
        plan(edited("name: app,", f"name: {'x' * 129},"))


def test_all_mistakes_are_shown_at_once_from_top_to_bottom(base: str, plan: Callable[[str], Plan]) -> None:
    text = (
        base.replace("  cloud: {}", "  cloud: {}\n  cloud: {}")  # YAML
        .replace("kind: vllm", "kind: vlm\n    colour: red")  # shape, below a kind that is unknown
        .replace("hours: ", "hour: ")
        .replace("zone: cloud", "zone: clout")  # references
        .replace("team: web", "models: [chat, embed]")
    )
    with pytest.raises(PolicyError) as caught:
        plan(text)
    assert [(problem.line, problem.field) for problem in caught.value.problems] == [
        (5, "zones.cloud"),
        (9, "backends.gpu.kind"),
        (10, "backends.gpu.colour"),
        (15, "backends.openai.zone"),
        (30, "rules[0].when.hour"),
        (32, "keys[0].models[1]"),
    ]


def test_prices_are_looked_up_although_references_are_broken(
    edited: Callable[[str, str], str], plan: Callable[[str], Plan]
) -> None:
    text = edited("{model: gpt-x, price: {input: 1, output: 4}}", "no-such-model").replace("tag: phi", "tag: phy")
    with pytest.raises(PolicyError) as caught:
        plan(text)
    assert [problem.field for problem in caught.value.problems] == ["backends.openai.serves.chat", "rules[0].when.tag"]


def test_a_misspelt_key_is_not_reported_as_missing_too(
    edited: Callable[[str, str], str], plan: Callable[[str], Plan]
) -> None:
    with pytest.raises(PolicyError) as caught:
        plan(edited("    zone: cloud\n", "    zon: cloud\n"))
    assert [problem.field for problem in caught.value.problems] == ["backends.openai.zon"]


HUNTER = "hunter2"
HIDING_PLACES = [
    ("env:OPENAI_API_KEY", HUNTER),
    ("env:OPENAI_API_KEY", f"[{HUNTER}]"),
    ("env:OPENAI_API_KEY", f"{{{HUNTER}: 1}}"),
    ("env:OPENAI_API_KEY", f"{{{HUNTER}: 1, {HUNTER}: 2}}"),
    ("env:OPENAI_API_KEY", f"@{HUNTER}"),
    ("env:OPENAI_API_KEY", f"*{HUNTER}"),
    ("env:OPENAI_API_KEY", f"!{HUNTER} x"),
    ("env:OPENAI_API_KEY", f"'{HUNTER}"),
    ("env:OPENAI_API_KEY", f"x: {HUNTER}"),
    ("https://api.openai.com/v1", f"https://u:{HUNTER}@api.openai.com/v1"),
    ("https://api.openai.com/v1", f"[https://u:{HUNTER}@api.openai.com/v1]"),
    ('"0000000000000000000000000000000000000000000000000000000000000002"', HUNTER),
    ('"0000000000000000000000000000000000000000000000000000000000000002"', f"[{HUNTER}]"),
]


@pytest.mark.parametrize(("old", "new"), HIDING_PLACES, ids=[new for _, new in HIDING_PLACES])
def test_a_secret_is_never_repeated(
    old: str, new: str, edited: Callable[[str, str], str], plan: Callable[[str], Plan]
) -> None:
    with pytest.raises(PolicyError) as caught:
        plan(edited(old, new))
    assert HUNTER not in str(caught.value)
    assert HUNTER not in repr(caught.value.problems)
    # A traceback prints the errors that led to this one, and pydantic's repeat their input.
    assert caught.value.__context__ is None or caught.value.__suppress_context__


def test_a_number_as_hash_is_not_repeated(edited: Callable[[str, str], str], plan: Callable[[str], Plan]) -> None:
    with pytest.raises(PolicyError) as caught:
        plan(edited('"0000000000000000000000000000000000000000000000000000000000000002"', "123456789"))
    assert "123456789" not in str(caught.value)
