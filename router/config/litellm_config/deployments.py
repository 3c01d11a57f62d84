"""Entries of model_list, each as the backend that it needs and the model that it is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import NamedTuple
from urllib.parse import urlsplit

from msgspec import Struct

from router.config.litellm_config.key_names import KeyNames, with_advice
from router.config.litellm_config.model_names import RENAMED, model_names
from router.config.litellm_config.notes import Note
from router.config.litellm_config.providers import OUTSIDE, Reached, is_known, provider_of, reached
from router.config.litellm_config.reader import Reader, seconds_text
from router.config.prices import published_rates
from router.config.problems import FieldPath
from router.core.backend_kinds import LitellmBackend, Served
from router.core.name_patterns import STAR

Pairs = tuple[tuple[str, str], ...]
"""Settings with their values as YAML."""

_WRITE = "write it in the place of the one that ends in .invalid, wherever that stands"
_NO_KEY = (
    "none is given: LiteLLM would send {} there. Here a key goes only where it is meant to: give `api_key: env:NAME` if"
    " this server asks for one, and its host under `secrets:`"
)
_ANYBODY = (
    "there, a name goes to the provider that it begins with; here this goes to OpenAI alone: add patterns such as"
    ' "claude-*" under `models:` and under `serves:` of other backends'
)
_GROUPS = "there are no groups of models, so every key may use this one: say which may, as `keys[].models`"
_REGION = "where data goes is a zone here: give this backend one of its own, and say what may go there"
_MILLION = 1_000_000
_PRICES = {
    "input_cost_per_token": "input",
    "output_cost_per_token": "output",
    "cache_read_input_token_cost": "cached_input",
    "cache_creation_input_token_cost": "cache_write",
}
_ENDPOINTS = {
    "completion": "completions",
    "embedding": "embeddings",
    "image_generation": "images",
    "audio_transcription": "transcriptions",
    "audio_speech": "speech",
    "rerank": "rerank",
    "moderation": "moderations",
    "responses": "responses",
}
"""By mode, the endpoint that works; a chat has those of its backend's kind."""
_CARRIED = frozenset(
    {
        *("model", "api_base", "base_url", "api_key", "custom_llm_provider", "litellm_credential_name"),
        *("rpm", "tpm", "max_budget", "budget_duration", "timeout", "stream_timeout", "drop_params"),
        *("max_parallel_requests", *_PRICES),
    }
)
_INFO_CARRIED = frozenset({"mode", "base_model", "max_input_tokens", "id", *_PRICES})
_INFO_RESTRICTS = {
    "access_groups": _GROUPS,
    "team_id": "it was one team's there, and every key may use it here: say which may, as `keys[].models`",
    "supported_environments": "it is served wherever this policy is: take it out of the one where it is not wanted",
}
"""Who may, or where: not carried over, it would be everybody, everywhere."""
_INFO_MEANS_NOTHING = frozenset(
    {"max_tokens", "max_output_tokens", "description", "db_model", "litellm_provider", "key"}
)


_ENTRY = ("model_name", "litellm_params", "model_info")


class Environment(NamedTuple):
    variable: str
    what: str


_FROM_ENVIRONMENT: Mapping[str, Environment] = {
    "api_version": Environment("AZURE_API_VERSION", "Azure's version of its API"),
    "vertex_project": Environment("VERTEXAI_PROJECT", "the project"),
    "vertex_location": Environment("VERTEXAI_LOCATION", "the region"),
    "vertex_credentials": Environment("GOOGLE_APPLICATION_CREDENTIALS", "the path of a file with the credentials"),
    "aws_region_name": Environment("AWS_REGION_NAME", "the region"),
    "aws_access_key_id": Environment("AWS_ACCESS_KEY_ID", "the key's id"),
    "aws_secret_access_key": Environment("AWS_SECRET_ACCESS_KEY", "the secret key"),
    "aws_session_token": Environment("AWS_SESSION_TOKEN", "the session's token"),
    "aws_profile_name": Environment("AWS_PROFILE", "the profile"),
    "azure_ad_token": Environment("AZURE_AD_TOKEN", "the token of Entra ID"),
    "tenant_id": Environment("AZURE_TENANT_ID", "the tenant of Entra ID"),
    "client_id": Environment("AZURE_CLIENT_ID", "the client's id"),
    "client_secret": Environment("AZURE_CLIENT_SECRET", "the client's secret"),
}
"""What the adapter finds in the gateway's environment, one for all backends."""
_LEFT_OUT = {
    "weight": "shares of traffic are not set here: of equal backends the cheaper and less loaded one goes first",
    "max_retries": "how often is said for all backends together, under `retry:`",
    "max_tokens": "requests are sent on as they came: set it in the app, or `max_output_tokens` under `models:`, which"
    " is what a budget holds where the client sets no limit",
    "temperature": "requests are sent on as they came: set it in the app",
    "organization": "no header of that kind is added: use a key of that organization",
    "extra_headers": "no headers are added; those of the client pass, but for credentials",
    "headers": "no headers are added; those of the client pass, but for credentials",
    "tags": "backends have no tags: say under `rules:` what requests with a tag may use, or under `sensitivity.tags`",
    "mock_response": "no answers are made up; `breakeven demo` has simulated backends",
    "use_in_pass_through": "there are no pass-through routes, since they would escape the egress gate and budgets",
    "cooldown_time": "said for all backends together, as `health.cooldown`",
    "allowed_fails": "said for all backends together, as `health.failures_to_open`",
    "order": "which is asked first is not counted out here: own backends or clouds, as `cost.strategy` says, and of"
    " clouds the cheaper one; they stand in that order, which decides between equal ones",
    "aws_role_name": "give the machine that role, or the adapter's environment its credentials",
}


_RESTRICTS = {"region_name": _REGION, "allowed_model_region": _REGION}


class Deployment(Struct, frozen=True):
    path: FieldPath
    name: str
    """The model that clients ask for."""
    provider: str
    reached: Reached
    api_key: str
    settings: Pairs
    """Of the backend."""
    served: Pairs
    """Of the model at that backend, besides its name."""
    requests: float | None
    """A minute, at most."""
    tokens: float | None
    dollars: float | None
    duration: str
    order: float
    notes: tuple[Note, ...]


def deployments(reader: Reader, keys: KeyNames, drop: bool) -> Iterator[Deployment]:
    """In the order in which they are preferred. `drop` is what is said of drop_params for all."""
    names = model_names(reader)
    found = [_deployment(reader, keys, names, drop, index) for index in range(len(reader.listing(("model_list",))))]
    yield from sorted((each for each in found if each is not None), key=lambda each: each.order)


def _deployment(reader: Reader, keys: KeyNames, names: Mapping[str, str], drop: bool, index: int) -> Deployment | None:
    """None for one that is reported as wrong."""
    path: FieldPath = ("model_list", index)
    if not reader.mapping(path):
        reader.wrong(path, "an entry has a model_name and litellm_params")
        return None
    params: FieldPath = (*path, "litellm_params")
    given = reader.needed((*path, "model_name"), "chat")
    name = names.get(given, "")
    if name.count(STAR) > 1:
        reader.wrong((*path, "model_name"), 'a pattern has one "*" here: write it with one, such as "openai/*"')
    reader.mapping(params)
    model = reader.needed((*params, "model"), "openai/gpt-4o")
    provider, rest = provider_of(model, reader.text((*params, "custom_llm_provider")))
    if model and not (provider and rest):
        reader.wrong(
            (*params, "model"), "is no provider and model that LiteLLM would know: write both, such as openai/NAME"
        )
    if not (name and rest and provider):
        return None
    address, address_notes = _address(reader, params)
    here = reached(provider, rest, address)
    if here.unreachable and not address_notes:
        address_notes = (_no_address(reader, params, here.unreachable),)
    api_key, key_notes = _key(reader, keys, params, provider, here)
    settings, more = _settings(reader, params, here, drop)
    served, others = _served(reader, path, here)
    if model == "*":
        address_notes = (*address_notes, Note((*params, "model"), _ANYBODY, todo=True))
    hint = (Note((*params, "model"), here.hint),) if here.hint and not here.unreachable else ()
    renamed = () if name == given else (Note((*path, "model_name"), f"{RENAMED} {name}", todo=True),)
    notes = (*renamed, *address_notes, *key_notes, *hint, *more, *others, *_left_out(reader, path))
    return Deployment(
        path=path,
        name=name,
        provider=provider,
        reached=here,
        api_key=api_key,
        settings=settings,
        served=served,
        requests=reader.number((*params, "rpm")),
        tokens=reader.number((*params, "tpm")),
        dollars=reader.number((*params, "max_budget")),
        duration=reader.text((*params, "budget_duration")),
        order=reader.number((*params, "order")) or 0.0,
        notes=tuple(notes),
    )


def _of_credential(reader: Reader, params: FieldPath, field: str) -> FieldPath:
    """Where a field of the credential stands that is named by litellm_credential_name."""
    wanted = reader.text((*params, "litellm_credential_name"))
    for index in range(len(reader.listing(("credential_list",))) if wanted else 0):
        if reader.text(("credential_list", index, "credential_name")) == wanted:
            return ("credential_list", index, "credential_values", field)
    return (*params, field)


def _place(reader: Reader, params: FieldPath, *fields: str) -> FieldPath:
    """The first of these that is given, there or in the credential that is named there."""
    every = [place for field in fields for place in ((*params, field), _of_credential(reader, params, field))]
    return next((place for place in every if reader.get(place) is not None), (*params, fields[0]))


def _address(reader: Reader, params: FieldPath) -> tuple[str, tuple[Note, ...]]:
    place = _place(reader, params, "api_base", "base_url")
    variable = reader.variable(place)
    if not variable:
        return reader.text(place), ()
    note = Note(
        place, f"the address stands in the variable {variable}, and a policy takes none from there: {_WRITE}", True
    )
    return f"https://{variable.lower().replace('_', '-')}.invalid/v1", (note,)


def _no_address(reader: Reader, params: FieldPath, why: str) -> Note:
    place = _place(reader, params, "api_base", "base_url")
    return Note(place, f"its address {why}: {_WRITE}", todo=True)


def _key(
    reader: Reader, keys: KeyNames, params: FieldPath, provider: str, here: Reached
) -> tuple[str, tuple[Note, ...]]:
    place = _place(reader, params, "api_key")
    given = bool(_address(reader, params)[0])
    host = urlsplit(here.url or here.api_base).hostname
    reference, notes = keys.reference(place, host if given and host else provider)
    if reference or here.zone != OUTSIDE or here.kind in ("litellm", "vllm"):
        return reference, notes  # the adapter finds a provider's usual key by itself
    usual = keys.usual(here.kind)
    if not given:
        return f"env:{usual}", notes
    return "", (*notes, Note((*params, "api_key"), _NO_KEY.format(usual), todo=True))


def _settings(reader: Reader, params: FieldPath, here: Reached, drop: bool) -> tuple[Pairs, list[Note]]:
    pairs: list[tuple[str, str]] = []
    notes: list[Note] = []
    for theirs, ours in {"stream_timeout": "first_byte_timeout", "timeout": "answer_timeout"}.items():
        place = (*params, theirs)
        seconds = reader.number(place)
        if reader.variable(place):
            notes.append(Note(place, f"stands in a variable: write it as `{ours}: 60s`", todo=True))
        elif seconds:
            pairs.append((ours, seconds_text(seconds)))
    running = reader.number((*params, "max_parallel_requests"))
    if running:
        pairs.append(("capacity", f"{{max_running: {int(running)}}}"))
        notes.append(
            Note(
                (*params, "max_parallel_requests"),
                "holds for each worker of the gateway, and for all models of the backend",
            )
        )
    if here.kind == "litellm" and (drop or reader.get((*params, "drop_params")) is True):
        pairs.append(("drop_unsupported", "true"))
    provider = here.model.partition("/")[0]
    if here.kind == "litellm" and not here.api_base and not is_known(provider):
        notes.append(
            Note(
                (*params, "model"),
                "where this provider answers is not known here: add `hosts: [api.example.com]`",
                True,
            )
        )
    return tuple(pairs), notes


def _served(reader: Reader, path: FieldPath, here: Reached) -> tuple[Pairs, list[Note]]:
    pairs: list[tuple[str, str]] = []
    notes: list[Note] = []
    info: FieldPath = (*path, "model_info")
    mode = reader.text((*info, "mode"))
    endpoint = _ENDPOINTS.get(mode, "")
    endpoints = (endpoint,) if endpoint else here.endpoints
    if endpoints:
        pairs.append(("endpoints", f"[{', '.join(endpoints)}]"))
    if here.kind == "litellm" and endpoint and endpoint not in LitellmBackend.default_endpoints:
        notes.append(
            Note((*info, "mode"), f"the adapter does not pass {endpoint} on: nobody serves it here", todo=True)
        )
    context = reader.number((*info, "max_input_tokens"))
    if context:
        pairs.append(("context", str(int(context))))
    price = _given_price(reader, path)
    if not price and reader.text((*info, "base_model")):
        price, note = _price_of_base(reader, info, here)
        notes += note
    if price:
        pairs.append(("price", f"{{{', '.join(f'{name}: {usd}' for name, usd in price.items())}}}"))
    return tuple(pairs), notes


def _given_price(reader: Reader, path: FieldPath) -> dict[str, str]:
    """USD per million tokens, where LiteLLM has them per token."""
    given = {
        ours: _usd(_MILLION * usd)
        for theirs, ours in _PRICES.items()
        for section in ("model_info", "litellm_params")
        if (usd := reader.number((*path, section, theirs))) is not None
    }
    return {"input": "0", "output": "0", **given} if given else {}


def _price_of_base(reader: Reader, info: FieldPath, here: Reached) -> tuple[dict[str, str], list[Note]]:
    """Nothing where the price list knows the deployment's own name, or does not know that of base_model either."""
    base = reader.text((*info, "base_model"))
    known = base if "/" in base else f"{here.model.partition('/')[0] if here.kind == 'litellm' else here.kind}/{base}"
    if _published(here.model) or not (price := _published(known)):
        return {}, []
    return price, [
        Note((*info, "base_model"), "its price is written down as it is published today: it does not follow the list")
    ]


def _published(model: str) -> dict[str, str]:
    if "/" not in model:
        return {}
    served = Served(model=model)
    backend = LitellmBackend(kind="litellm", zone=OUTSIDE, serves={"model": model})
    rates = published_rates(backend, served)
    if rates is None:
        return {}
    return {"input": _usd(rates.input), "output": _usd(rates.output), "cached_input": _usd(rates.cached_input)}


def _usd(amount: float) -> str:
    return f"{amount:.6f}".rstrip("0").rstrip(".")


def _left_out(reader: Reader, path: FieldPath) -> Iterator[Note]:
    params, info = (*path, "litellm_params"), (*path, "model_info")
    for field in reader.mapping(params):
        place = (*params, field)
        if field in _FROM_ENVIRONMENT:
            variable, what = _FROM_ENVIRONMENT[field]
            yield Note(
                place, f"put {what} into the gateway's environment, as {variable}: one for all backends", todo=True
            )
        elif field in _RESTRICTS:
            yield Note(place, _RESTRICTS[field], todo=True)
        elif field in _LEFT_OUT:
            yield with_advice(reader, Note(place, _LEFT_OUT[field]))
        elif field not in _CARRIED:
            yield with_advice(reader, _unknown(place, (*_CARRIED, *_LEFT_OUT, *_FROM_ENVIRONMENT)))
    for field in reader.mapping(info):
        if field in _INFO_RESTRICTS:
            yield Note((*info, field), _INFO_RESTRICTS[field], todo=True)
        elif field not in _INFO_CARRIED | _INFO_MEANS_NOTHING:
            yield Note((*info, field), "nothing here goes by it")
    for field in reader.mapping(path):
        if field not in _ENTRY:
            yield with_advice(reader, _unknown((*path, field), _ENTRY))


def _unknown(place: FieldPath, known: tuple[str, ...]) -> Note:
    close = get_close_matches(str(place[-1]), known, n=1, cutoff=0.8)
    meant = f" (did you mean {close[0]}?)" if close else ""
    return Note(place, f"is not known here{meant}, and was left out: look whether it is needed", todo=True)
