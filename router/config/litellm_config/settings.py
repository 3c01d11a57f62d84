"""All sections but model_list: what has a counterpart here, and what to do about what has none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from msgspec import Struct

from router.config.litellm_config.deployments import Pairs
from router.config.litellm_config.key_names import with_advice
from router.config.litellm_config.model_names import as_name
from router.config.litellm_config.notes import Note
from router.config.litellm_config.reader import Reader, seconds_text
from router.config.problems import FieldPath

_SHARED = ("router_settings", "litellm_settings")
"""Where retries and the like may stand; the first one counts where both do."""
_MOST_ATTEMPTS = 10
_FALLBACKS = ("fallbacks", "context_window_fallbacks", "content_policy_fallbacks", "default_fallbacks")
_CARRIED: Mapping[str, frozenset[str]] = {
    "router_settings": frozenset(
        {"num_retries", "timeout", "allowed_fails", "cooldown_time", "retry_after", "model_group_alias", "fallbacks"}
        | {"routing_strategy"}
    ),
    "litellm_settings": frozenset(
        {
            "num_retries",
            "request_timeout",
            "allowed_fails",
            "cooldown_time",
            "drop_params",
            "max_budget",
            "budget_duration",
        }
    )
    | {"fallbacks", "model_alias_map"},
    "general_settings": frozenset({"global_max_parallel_requests"}),
}
_NOTHING_TO_DO: Mapping[str, frozenset[str]] = {
    "router_settings": frozenset(
        {"enable_pre_call_checks", "set_verbose", "debug_level", "client_ttl", "polling_interval"}
    ),
    "litellm_settings": frozenset(
        {"set_verbose", "json_logs", "suppress_debug_info", "turn_off_message_logging", "telemetry"}
    ),
    "general_settings": frozenset(
        {"store_model_in_db", "disable_spend_logs", "disable_master_key_return", "proxy_batch_write_at"}
    ),
}
"""What is so here anyway: contexts are checked, logs are JSON and hold no content, spending is always booked."""
_ROUTING = {
    "simple-shuffle": "`cost.strategy` says which side is preferred, and on a side the cheaper backend goes first",
    "least-busy": "of equal servers the least loaded one is asked; between backends `cost.strategy` decides",
    "usage-based-routing": "limits are kept by budgets; between backends `cost.strategy` decides",
    "usage-based-routing-v2": "limits are kept by budgets; between backends `cost.strategy` decides",
    "latency-based-routing": "nothing goes by latency alone: slow backends lose their turn after `first_byte_timeout`",
}
_REDIS = "the ledger's server is named when the gateway starts: breakeven serve --redis URL, or BREAKEVEN_REDIS"
_CALLBACKS = (
    "metrics for Prometheus are at /metrics, traces go to OTEL_EXPORTER_OTLP_ENDPOINT, and `breakeven export` has all"
    " requests; nothing is sent to other services, and no content to any"
)
_CACHE = "answers are not cached here: providers' and vLLM's own prompt caches are used, and booked at their prices"
_ALERTS = "deploy/ has alert rules for Prometheus: nothing is sent from here"
_KEYS_IN_DB = (
    "keys of its database are not read: make new ones with `breakeven key new NAME`, in the policy or with --store"
)
_ALL_ENDPOINTS = (
    "a key may use every endpoint of its models: say which models serve which, as `serves: {m: {endpoints: […]}}`"
)
_SIGN_IN = "the gateway knows keys only: put what signs people in before it"
_SECTION: Mapping[str, tuple[str, str, bool]] = {
    # setting: where the comment goes, what it says, whether something has to be done
    "cache": ("", _CACHE, False),
    "cache_params": ("", _CACHE, False),
    "callbacks": ("", _CALLBACKS, False),
    "success_callback": ("", _CALLBACKS, False),
    "failure_callback": ("", _CALLBACKS, False),
    "service_callbacks": ("", _CALLBACKS, False),
    "redis_host": ("ledger", _REDIS, False),
    "redis_port": ("ledger", _REDIS, False),
    "redis_password": ("ledger", _REDIS, False),
    "redis_url": ("ledger", _REDIS, False),
    "redis_db": ("ledger", _REDIS, False),
    "retry_policy": ("retry", "what is tried again is the same for every policy: docs/policy.md has the table", False),
    "model_group_retry_policy": ("retry", "how often is said for all models together", False),
    "stream_timeout": ("retry", "give each backend its `first_byte_timeout`", False),
    "max_fallbacks": ("retry", "`retry.attempts` bounds all attempts together", False),
    "disable_cooldowns": ("health", "a backend that failed always rests: make `health.cooldown` short", False),
    "allowed_fails_policy": (
        "health",
        "failures of all kinds count alike, but for rate limits, which rest one model",
        False,
    ),
    "routing_strategy_args": ("cost", "there is nothing to tune", False),
    "enable_tag_filtering": ("cost", "say under `rules:` what requests with a tag may use", True),
    "provider_budget_config": ("budget", "limits are of models, keys, teams and all together: give them there", True),
    "default_max_parallel_requests": ("budget", "give each backend its `capacity.max_running`", True),
    "max_parallel_requests": ("budget", "give each backend its `capacity.max_running`", True),
    "max_internal_user_budget": ("budget", "there are no users: give keys or teams their budgets", True),
    "default_internal_user_params": ("budget", "there are no users: give keys or teams their budgets", True),
    "max_end_user_budget": ("budget", "there are no end users: give keys or teams their budgets", True),
    "default_team_params": ("budget", "give teams their budgets under `teams:`", True),
    "default_key_generate_params": ("keys", "give each key its budget and its models where it is made", True),
    "upperbound_key_generate_params": ("keys", "give each key its budget and its models where it is made", True),
    "role_permissions": ("keys", "there are no roles of clients: say what each key may use, as `keys[].models`", True),
    "allowed_routes": ("keys", _ALL_ENDPOINTS, True),
    "public_routes": ("keys", "nothing is served without a key, but on loopback", True),
    "admin_only_routes": ("keys", _ALL_ENDPOINTS, True),
    "enforce_user_param": ("keys", "a request without a user is served: give each user or app a key", True),
    "enforced_params": ("keys", "requests are served without them: let the app see to it", True),
    "allowed_model_region": ("", "where data goes is a zone here: give backends of a region one of their own", True),
    "default_team_settings": ("budget", "give teams their budgets under `teams:`", True),
    "database_url": ("keys", _KEYS_IN_DB, True),
    "custom_auth": ("keys", _SIGN_IN, True),
    "enable_jwt_auth": ("keys", _SIGN_IN, True),
    "litellm_jwtauth": ("keys", _SIGN_IN, True),
    "allowed_ips": ("keys", "addresses are not looked at: let a firewall do it", True),
    "alerting": ("", _ALERTS, False),
    "alerting_threshold": ("", _ALERTS, False),
    "alerting_args": ("", _ALERTS, False),
    "alert_types": ("", _ALERTS, False),
    "pass_through_endpoints": (
        "",
        "there are no pass-through routes: they would escape the egress gate and budgets",
        True,
    ),
    "completion_model": ("", "a request names its model: there is no default one", False),
    "max_request_size_mb": ("", "give `server: {max_body_bytes: N}`", False),
    "background_health_checks": ("health", "vLLMs are probed for nothing, and paid APIs never", False),
    "health_check_interval": (
        "health",
        "give `health: {probe_interval: 2s}` for vLLMs; paid APIs are never probed",
        False,
    ),
}
_TOP = {
    "guardrails": (
        "",
        "look at `sensitivity.detectors`: what they find decides where a request may go, and nothing is masked",
        True,
    ),
    "environment_variables": (
        "",
        "put these variables into the environment of the gateway; their values were not read",
        True,
    ),
    "include": ("", "other files were not read: put everything into one, and import that", True),
    "mcp_servers": ("", "there are no MCP servers here: clients ask them themselves", True),
    "vector_store_registry": ("", "say which backend keeps such objects, as its `resources`", True),
}
_READ = frozenset({"model_list", "router_settings", "litellm_settings", "general_settings", "credential_list"})


class Alias(Struct, frozen=True):
    path: FieldPath
    name: str
    model: str
    """That it stands for."""


class Settings(Struct, frozen=True):
    retry: Pairs
    health: Pairs
    strategy: str
    """Empty where it does not matter."""
    drop: bool
    aliases: tuple[Alias, ...]
    notes: Mapping[str, tuple[Note, ...]]
    """By the section of the policy that they belong to; "" for none."""


def settings(reader: Reader) -> Settings:
    retry, retry_notes = _retry(reader)
    strategy, cost_notes = _strategy(reader)
    every = [*(("retry", each) for each in retry_notes), *(("cost", each) for each in cost_notes), *_left_out(reader)]
    notes = {
        section: tuple(note for place, note in every if place == section)
        for section in dict.fromkeys(s for s, _ in every)
    }
    return Settings(
        retry=retry,
        health=_health(reader),
        strategy=strategy,
        drop=reader.get(("litellm_settings", "drop_params")) is True,
        aliases=tuple(_aliases(reader)),
        notes=notes,
    )


def _first(reader: Reader, *fields: str) -> FieldPath:
    """Where the first of these stands that does."""
    places = [(section, field) for field in fields for section in _SHARED]
    return next((place for place in places if reader.get(place) is not None), places[0])


def _retry(reader: Reader) -> tuple[Pairs, list[Note]]:
    pairs: list[tuple[str, str]] = []
    notes: list[Note] = []
    retries = _first(reader, "num_retries")
    if (number := reader.number(retries)) is not None:
        pairs.append(("attempts", str(min(int(number) + 1, _MOST_ATTEMPTS))))
        if number >= _MOST_ATTEMPTS:
            notes.append(Note(retries, f"at most {_MOST_ATTEMPTS} attempts are made of a request"))
    timeout = _first(reader, "timeout", "request_timeout")
    if seconds := reader.number(timeout):
        pairs.append(("deadline", seconds_text(seconds)))
        notes.append(Note(timeout, "is the time until the first byte here, over all attempts; streams may go on"))
    after = reader.number(("router_settings", "retry_after"))
    if after:
        pairs += [("backoff", seconds_text(after)), *([("max_backoff", seconds_text(after))] if after > 2 else [])]
    return tuple(pairs), notes


def _health(reader: Reader) -> Pairs:
    pairs: list[tuple[str, str]] = []
    if (fails := reader.number(_first(reader, "allowed_fails"))) is not None:
        pairs.append(("failures_to_open", str(int(fails) + 1)))
    if seconds := reader.number(_first(reader, "cooldown_time")):
        pairs.append(("cooldown", seconds_text(seconds)))
    return tuple(pairs)


def _strategy(reader: Reader) -> tuple[str, list[Note]]:
    place = ("router_settings", "routing_strategy")
    name = reader.text(place)
    if not name:
        return "", []
    if name == "cost-based-routing":
        return "cheapest", []
    if name not in _ROUTING:
        known = ", ".join((*_ROUTING, "cost-based-routing"))
        return "", [Note(place, f"is none of LiteLLM's that are known here, which are {known}")]
    return "", [Note(place, f"{name}: {_ROUTING[name]}")]


def _aliases(reader: Reader) -> Iterator[Alias]:
    for section, field in (("router_settings", "model_group_alias"), ("litellm_settings", "model_alias_map")):
        for alias in reader.mapping((section, field)):
            place = (section, field, alias)
            model = reader.text((*place, "model") if isinstance(reader.get(place), dict) else place)
            yield Alias(place, as_name(alias), model)


def _left_out(reader: Reader) -> Iterator[tuple[str, Note]]:
    for section in ("router_settings", "litellm_settings", "general_settings"):
        for field in reader.mapping((section,)):
            if field not in _CARRIED[section] | _NOTHING_TO_DO[section] and field not in _FALLBACKS:
                yield _told(reader, (section, field), _SECTION)
    for place in _hidden_aliases(reader):
        yield "", Note(place, "names are never hidden here: this one is in the list of models")
    if reader.number(cooldown := _first(reader, "cooldown_time")) == 0:
        yield "health", Note(cooldown, "a backend that failed always rests: make `health.cooldown` short")
    top = reader.mapping(())
    for field in top:
        if field not in _READ:
            yield _told(reader, (field,), _TOP)


def _hidden_aliases(reader: Reader) -> Iterator[FieldPath]:
    place = ("router_settings", "model_group_alias")
    for alias in reader.mapping(place):
        if isinstance(reader.get((*place, alias)), dict) and reader.get((*place, alias, "hidden")) is True:
            yield (*place, alias, "hidden")


def _told(reader: Reader, place: FieldPath, table: Mapping[str, tuple[str, str, bool]]) -> tuple[str, Note]:
    field = str(place[-1])
    if field == "master_key":
        return "keys", _master_key(reader, place)
    if field in table:
        section, text, todo = table[field]
        return section, with_advice(reader, Note(place, text, todo))
    close = get_close_matches(
        field, (*table, *_READ, *(name for names in _CARRIED.values() for name in names)), n=1, cutoff=0.85
    )
    meant = f" (did you mean {close[0]}?)" if close else ""
    told = Note(place, f"is not known here{meant}, and was left out: look whether it is needed", todo=True)
    return "", with_advice(reader, told)


def _master_key(reader: Reader, place: FieldPath) -> Note:
    secret = "" if reader.variable(place) else "a SECRET stands there in clear text, and was not copied. "
    return Note(
        place,
        f"{secret}There is no key that may do everything: `breakeven key new NAME` makes one for each app and prints"
        " the lines for `keys:`, and the dashboard has a token of its own. Without keys only loopback is served",
        todo=True,
    )
