"""The policy that serves when none was given: made from the environment, written out to be copied and edited."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml
from msgspec import Struct

from router.core.policy_fields import with_version

HEADER = """\
# Written by `breakeven serve` at every start without --policy: edits here are lost.
# Copy it, edit the copy, and start with: breakeven serve --policy my-policy.yaml
"""

OPENAI_URL = "https://api.openai.com/v1"
CHAT_MODEL = "gpt-4o-mini"
EMBEDDING_MODEL = "text-embedding-3-small"
ANTHROPIC_URL = "https://api.anthropic.com/v1"
ANTHROPIC_MODEL = "claude-haiku-4-5"
CLAUDE = "claude-*"
SIMULATED_MODEL = "simulated-llama"
"""It answers for Anthropic's models, too: what is pretended to be in the cloud is OpenAI's API alone."""
ADAPTER_MODELS = {
    "GEMINI_API_KEY": ("gemini", "gemini/gemini-2.5-flash"),
}


class Found(Struct, frozen=True):
    """What there is to route between. `simulated`: URLs of the pretended backends by zone, when nothing is real."""

    vllm_url: str = ""
    vllm_model: str = ""
    """Empty while nobody knows it: then it serves under the names that it lists once it answers."""
    openai: bool = False
    anthropic: bool = False
    adapter_variables: tuple[str, ...] = ()
    simulated: Mapping[str, str] = {}

    @property
    def nothing(self) -> bool:
        return not (self.vllm_url or self.cloud)

    @property
    def cloud(self) -> bool:
        return self.openai or self.anthropic or bool(self.adapter_variables)


def look_around(environment: Mapping[str, str]) -> Found:
    """Backends that the environment names."""
    vllm_url = environment.get("VLLM_BASE_URL", "")
    return Found(
        vllm_url=with_version(vllm_url) if vllm_url else "",
        vllm_model=environment.get("VLLM_MODEL", ""),
        openai=bool(environment.get("OPENAI_API_KEY")),
        anthropic=bool(environment.get("ANTHROPIC_API_KEY")),
        adapter_variables=tuple(name for name in ADAPTER_MODELS if environment.get(name)),
    )


def unusable(environment: Mapping[str, str]) -> str:
    """What is wrong with an address in the environment; empty when nothing is."""
    url = environment.get("VLLM_BASE_URL", "")
    if not url or url.startswith(("http://", "https://")):
        return ""
    return f"VLLM_BASE_URL is no address: it begins with http:// or https://, such as http://{url.rpartition('@')[2]}"


def default_policy(found: Found) -> str:
    """YAML text of a whole policy."""
    backends = _backends(found)
    models = {"chat": _chat(backends)} | _embeddings(backends) | _any_other(backends)
    document = {
        "version": 1,
        "zones": {"local": {"owned": True}, "cloud": {}},
        "backends": backends,
        "models": models,
        "sensitivity": {
            "levels": {"public": ["local", "cloud"], "internal": ["local", "cloud"], "restricted": ["local"]},
            "default": "internal",
            "sealed": "internal",
            "detectors": [{"find": ["credit_card", "iban", "us_ssn", "api_key"], "raise_to": "restricted"}],
        },
        "cost": {"strategy": "threshold", "threshold_tokens_per_day": 500_000},
    }
    return HEADER + yaml.safe_dump(document, sort_keys=False, default_flow_style=None, width=110)


def _backends(found: Found) -> dict[str, Any]:
    if found.simulated:
        gpu = _vllm(found.simulated["local"], SIMULATED_MODEL)
        gpu["serves"] |= {CLAUDE: SIMULATED_MODEL}
        return {
            "simulated-gpu": gpu,
            "simulated-cloud": _openai(found.simulated["cloud"], None),
        }
    backends: dict[str, Any] = {}
    if found.vllm_url:
        backends["gpu"] = _vllm(found.vllm_url, found.vllm_model)
    if found.openai:
        backends["openai"] = _openai(OPENAI_URL, "env:OPENAI_API_KEY")
    if found.anthropic:
        backends["anthropic"] = _anthropic()
    for variable in found.adapter_variables:
        name, model = ADAPTER_MODELS[variable]
        backends[name] = {
            "zone": "cloud",
            "kind": "litellm",
            "api_key": f"env:{variable}",
            "serves": {"chat": {"model": model, "endpoints": ["chat"]}},
        }
    return backends


def _vllm(url: str, model: str) -> dict[str, Any]:
    serves = {"chat": model, "*": "*"} if model else {"*": "*"}
    return {"zone": "local", "kind": "vllm", "url": url, "serves": serves, "cost": {"usd_per_hour": 1.59}}


def _openai(url: str, api_key: str | None) -> dict[str, Any]:
    serves: dict[str, Any] = {"chat": CHAT_MODEL}
    serves |= {EMBEDDING_MODEL: {"model": EMBEDDING_MODEL, "endpoints": ["embeddings"]}, "*": "*"}
    backend: dict[str, Any] = {"zone": "cloud", "kind": "openai", "url": url, "serves": serves}
    return backend | ({"api_key": api_key, "resources": "all"} if api_key else {})


def _anthropic() -> dict[str, Any]:
    """In its own dialect; who speaks OpenAI's reaches it through the adapter."""
    serves = {"chat": ANTHROPIC_MODEL, CLAUDE: CLAUDE}
    backend = {"zone": "cloud", "kind": "anthropic", "url": ANTHROPIC_URL, "serves": serves}
    return backend | {"api_key": "env:ANTHROPIC_API_KEY"}


def _chat(backends: Mapping[str, Any]) -> dict[str, Any]:
    """Every backend whose model is known; names that apps already ask for lead here too: they need not change."""
    served = {name: backend["serves"]["chat"] for name, backend in backends.items() if "chat" in backend["serves"]}
    names = [each if isinstance(each, str) else each["model"] for each in served.values()]
    aliases = dict.fromkeys(name.rpartition("/")[2] for name in names)
    return {"backends": list(served), "aliases": [name for name in aliases if name != "chat"]}


def _embeddings(backends: Mapping[str, Any]) -> dict[str, Any]:
    serving = [name for name, backend in backends.items() if EMBEDDING_MODEL in backend["serves"]]
    return {EMBEDDING_MODEL: {"backends": serving}} if serving else {}


def _any_other(backends: Mapping[str, Any]) -> dict[str, Any]:
    """Whatever else an app asks for goes on under the name that it gave."""
    found = {}
    for pattern in ("*", CLAUDE):
        serving = [name for name, backend in backends.items() if pattern in backend["serves"]]
        if serving:
            found[pattern] = {"backends": serving}
    return found
