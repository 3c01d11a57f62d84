"""`provider/model` and an address, as LiteLLM has them -> the kind of backend that reaches it here."""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

from msgspec import Struct

from router.config.providers import PROVIDERS

OWN, OUTSIDE = "local", "cloud"
"""Zones of the policy that is made."""
_OPENAI = "https://api.openai.com/v1"
_ANTHROPIC = "https://api.anthropic.com/v1"
_VLLM = frozenset({"hosted_vllm", "vllm"})
_OLLAMA = frozenset({"ollama", "ollama_chat"})
_SPEAK_OPENAI = frozenset(
    {
        *("openai", "custom_openai", "openai_like", "text-completion-openai", "litellm_proxy"),
        *("lm_studio", "llamafile", "xinference", "docker_model_runner", "infinity"),
    }
)
"""Providers of LiteLLM's whose servers speak OpenAI's dialect at the address that is given."""
_BARE = {
    r"gpt-|chatgpt-|o\d|text-embedding-|dall-e|whisper|tts-|omni-moderation|text-moderation|ft:|codex": "openai",
    r"claude": "anthropic",
    r"gemini": "vertex_ai",
    r"command": "cohere",
}
"""How names of models begin that LiteLLM takes without a provider."""
_INNER = (".local", ".internal", ".lan", ".home.arpa", ".svc", ".localhost")
_NAME = re.compile(r"([a-z0-9_-]+\.)*[a-z][a-z0-9_-]*")
"""No number in one of the spellings that are addresses, too: 134744072 and 0x08080808 are 8.8.8.8."""
_PRIVATE = tuple(
    ip_network(text) for text in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")
)
_SECRET_SEGMENT = re.compile(r"(?=[^/]*\d)(?=[^/]*[A-Za-z])[\w~+=-]{20,}")
"""Of a path: as long, and as mixed, as keys are and names are not."""
_PUBLIC = (
    f"this vLLM is at a public address, and so in {OUTSIDE}: if it is yours, say `zone: {OWN}`, and"
    f" `{OWN}: {{owned: true}}` under zones"
)
_CLEAN = re.compile(r"https?://[^\s/?#@]+(/[^\s?#]*)?")
_VERSION = re.compile(r"/v\d+$")


class Reached(Struct, frozen=True):
    """How a backend reaches a model."""

    kind: str
    zone: str
    model: str
    """What the upstream calls it; of a litellm backend with its provider."""
    url: str = ""
    api_base: str = ""
    endpoints: tuple[str, ...] = ()
    unreachable: str = ""
    """Why the address is none that could be used."""
    hint: str = ""
    """What somebody who knows this server should look at."""


def provider_of(model: str, named: str) -> tuple[str, str]:
    """Provider and model; no provider where LiteLLM would not know one either. `named` is custom_llm_provider."""
    if named:
        return named, model.removeprefix(f"{named}/")
    provider, slash, name = model.partition("/")
    if slash:
        return provider, name
    if model == "*":
        return "openai", model
    return next((found for begins, found in _BARE.items() if re.match(begins, model)), ""), model


def reached(provider: str, model: str, address: str) -> Reached:
    """`address` is api_base; empty where none is given."""
    if any(map(_SECRET_SEGMENT.fullmatch, address.partition("://")[2].split("/")[1:])):
        return _at_no_address(provider, model, "has what may be a SECRET in its path, so it was not copied")
    if address and not _CLEAN.fullmatch(address):
        return _at_no_address(provider, model, "is no plain http or https address, or has a password or a query in it")
    if provider in _VLLM:
        return _vllm(provider, model, address)
    if provider in _OLLAMA:
        base = (address or "http://localhost:11434").rstrip("/")
        return _openai(provider, model, base if _VERSION.search(base) else f"{base}/v1")
    if provider in _SPEAK_OPENAI:
        return _openai(provider, model, address or (_OPENAI if "openai" in provider else ""))
    if provider == "anthropic":
        return Reached("anthropic", zone_of(address), model, url=with_version(address or _ANTHROPIC))
    return Reached("litellm", zone_of(address), f"{provider}/{model}", api_base=address)


def _vllm(provider: str, model: str, address: str) -> Reached:
    if not address:
        return _at_no_address(provider, model, "is not given")
    zone = zone_of(address)
    return Reached("vllm", zone, model, url=with_version(address), hint="" if zone == OWN else _PUBLIC)


def _openai(provider: str, model: str, address: str) -> Reached:
    if not address:
        return _at_no_address(provider, model, "is not given")
    zone = zone_of(address)
    endpoints = ("completions",) if provider == "text-completion-openai" else ()
    hint = ""
    if zone == OWN and provider in ("openai", "custom_openai", "openai_like"):
        hint = "if this server is a vLLM, say `kind: vllm`: then its health and its queue are looked at"
    elif zone == OUTSIDE and urlsplit(address).hostname != "api.openai.com":
        hint = "its prices are looked up as OpenAI's: say `provider:` or `price:` if somebody else sends the bill"
    return Reached("openai", zone, model, url=with_version(address), endpoints=endpoints, hint=hint)


def _at_no_address(provider: str, model: str, why: str) -> Reached:
    """`.invalid` is nobody's, for ever, so nothing goes anywhere."""
    made = reached(provider, model, f"https://{re.sub(r'[^a-z0-9]', '-', provider.lower())}.invalid/v1")
    return Reached(made.kind, OUTSIDE, made.model, made.url, made.api_base, made.endpoints, unreachable=why)


def with_version(address: str) -> str:
    base = address.rstrip("/")
    return base if _VERSION.search(base) or urlsplit(base).path not in ("", "/") else f"{base}/v1"


def zone_of(address: str) -> str:
    """OWN only for what cannot be anybody else's: whatever is wrongly called own would be trusted with everything."""
    host = (urlsplit(address).hostname or "") if address else ""
    try:
        literal = ip_address(host)
    except ValueError:
        inner = _NAME.fullmatch(host) is not None and ("." not in host or host.endswith(_INNER))
        return OWN if inner else OUTSIDE
    return OWN if any(literal in network for network in _PRIVATE) else OUTSIDE


def is_known(provider: str) -> bool:
    """Whether requests for it can be sent without an address."""
    return provider in PROVIDERS
