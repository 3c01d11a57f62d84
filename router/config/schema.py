"""The JSON Schema of the policy file, for editors, and the examples that it shares with error messages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from router.core.limits.measures import MEASURES
from router.core.policy import Policy
from router.surfaces.registry import SURFACES

EXAMPLES: Mapping[str, Any] = {
    "zones": ["local", "cloud"],
    "zone": "local",
    "owned": True,
    "backends": ["gpu", "openai"],
    "url": "http://127.0.0.1:8000/v1",
    "urls": ["http://10.0.0.1:8000/v1", "http://10.0.0.2:8000/v1"],
    "api_base": "https://llm.example.com/v1",
    "hosts": ["api.example.com"],
    "secrets": {"LLM_TOKEN": ["llm.example.com"]},
    "proxy": "http://proxy.example.com:3128",
    "provider": "openai",
    "api_key": "env:OPENAI_API_KEY",
    "serves": {"chat": "gpt-4o-mini"},
    "model": "gpt-4o-mini",
    "models": ["chat"],
    "aliases": ["gpt-4o-mini"],
    "endpoints": ["chat", "completions"],
    "context": 131072,
    "modalities": ["text", "image"],
    "quality": 0.88,
    "quality_floor": 0.8,
    "price": {"input": 0.15, "output": 0.6},
    "input": 0.15,
    "output": 0.6,
    "cached_input": 0.075,
    "cache_write": 0.3,
    "usd_per_hour": 1.59,
    "purchase_usd": 28_000,
    "gpu": "L40S",
    "gpus": 2,
    "max_running": 64,
    "tokens_per_second": 2500,
    "power": {"driver": "process", "launch": {"model": "org/model-awq", "quantization": "awq"}},
    "driver": "process",
    "launch": {"model": "org/model-awq", "quantization": "awq", "max_model_len": 8192},
    "python": "/opt/vllm/bin/python",
    "quantization": "awq",
    "gpu_memory_utilization": 0.9,
    "max_model_len": 8192,
    "dtype": "bfloat16",
    "tensor_parallel_size": 2,
    "args": ["--enable-prefix-caching"],
    "env": {"HF_TOKEN": "env:HF_TOKEN"},
    "run": ["sky", "start", "--yes", "llm"],
    "start": {"run": ["sky", "start", "--yes", "llm"], "timeout": "15m"},
    "stop": {"run": ["sky", "stop", "--yes", "llm"], "timeout": "5m"},
    "look": {"run": ["/etc/breakeven/look"], "timeout": "10s"},
    "namespace": "inference",
    "kubeconfig": "/etc/breakeven/kubeconfig",
    "card": "gpu-0",
    "wake_for": ["restricted"],
    "schedule": "08-20 Mon-Fri",
    "levels": {"internal": ["local", "cloud"], "restricted": ["local"]},
    "default": "internal",
    "unreadable": "restricted",
    "sealed": "internal",
    "tags": ["phi"],
    "detectors": [{"find": ["credit_card", "us_ssn"], "raise_to": "restricted"}],
    "find": ["credit_card", "us_ssn"],
    "entities": ["PERSON", "LOCATION"],
    "presidio": {"model": "en_core_web_sm"},
    "raise_to": "restricted",
    "sensitivity": "internal",
    "tag": "phi",
    "level": "restricted",
    "rules": [{"name": "night batch", "when": {"tag": "batch"}, "cost": {"strategy": "local_first"}}],
    "when": {"tag": "batch"},
    "hours": "00-06",
    "timezone": "Europe/Berlin",
    "dimensions": ["user", "metadata.project"],
    "cors_origins": ["https://app.example.com"],
    "keys": [{"name": "search-app", "sha256": "0" * 64, "team": "search"}],
    "name": "search-app",
    "team": "search",
    "sha256": "0" * 64,
    "key": "search-app",
    "cost": {"usd_per_hour": 1.59},
    "budget": {"usd_per_month": 200, "requests_per_minute": 600},
    "teams": {"search": {"budget": {"usd_per_month": 500}}},
    "max_output_tokens": 4096,
    **{setting.name: setting.example for measure in MEASURES for setting in measure.settings},
    "local": {"tokens_per_day": 2_000_000},
    "cloud": {"usd_per_month": 200},
}
"""By the name of a field. Where a name means two things, `_EXAMPLES_WITHIN` has the other."""

_EXAMPLES_WITHIN: Mapping[tuple[str, str], Any] = {
    ("Policy", "zones"): {"local": {"owned": True}, "cloud": {}},
    ("Policy", "backends"): {
        "gpu": {"zone": "local", "kind": "vllm", "url": EXAMPLES["url"], "serves": {"chat": "my-model"}}
    },
    ("Policy", "models"): {"chat": {"backends": ["gpu", "openai"]}},
    ("Policy", "sensitivity"): {"levels": EXAMPLES["levels"], "default": "internal"},
    ("Policy", "cost"): {"strategy": "threshold", "threshold_tokens_per_day": 500_000},
    ("Sensitivity", "tags"): {"phi": ["local"]},
    ("Presidio", "model"): "en_core_web_sm",
    ("Launch", "model"): "org/model-awq",
    ("KubernetesPower", "name"): "vllm",
    ("KubernetesPower", "context"): "prod",
    ("Retry", "budget"): 0.2,
    ("Budget", "models"): {"chat": {"requests_per_minute": 60}},
    ("When", "model"): "chat",
    ("Alerts", "targets"): {
        "ops": {"kind": "webhook", "url": "https://ops.example.com/breakeven", "secret": "env:ALERT_SECRET"}
    },
    ("WebhookTarget", "url"): "https://ops.example.com/breakeven",
    ("WebhookTarget", "secret"): "env:ALERT_SECRET",
    ("SlackTarget", "url"): "env:SLACK_WEBHOOK",
    ("TeamsTarget", "url"): "env:TEAMS_WEBHOOK",
    ("MailTarget", "host"): "smtp.example.com",
    ("MailTarget", "user"): "breakeven",
    ("MailTarget", "password"): "env:SMTP_PASSWORD",
    ("MailTarget", "sender"): "breakeven@example.com",
    ("MailTarget", "to"): ["ops@example.com"],
    ("AppriseTarget", "url"): "env:APPRISE_URL",
    ("WeeklyReport", "to"): ["ops"],
    ("Send", "when"): ["limit", "backend_down"],
    ("Send", "to"): ["ops"],
    ("Rule", "cost"): {"strategy": "local_first"},
    ("Rule", "name"): "night batch",
}

_DURATIONS = r"^\d+(\.\d+)?(ms|s|m|h)$"


def policy_schema() -> dict[str, Any]:
    """JSON Schema, draft 2020-12, of the policy file."""
    schema = annotated(Policy.model_json_schema())
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "Breakeven policy",
        "description": "Where LLM requests may go, what that costs, and which side is preferred.",
    }


def annotated(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with examples, and with defaults as they are written in the file; changes it in place."""
    for title, name, field in list(_fields(schema)):
        example = _EXAMPLES_WITHIN.get((title, name), EXAMPLES.get(name))
        if example is not None and "const" not in field:
            field.setdefault("examples", [example])
        if field.get("pattern") == _DURATIONS:
            field["default"] = f"{field['default']:g}s"
        elif "$ref" in field:
            field.pop("default", None)
        if name in ("endpoint", "endpoints"):
            _name_surfaces(field)
        if name == "api_key":
            field["description"] = "Where the key is kept, never the key itself: env:NAME or file:PATH."
            field["anyOf"] = [{"type": "string", "pattern": "^(env|file):.+"}, {"type": "null"}]
        if name == "version":
            field["description"] = "Of this file format."
    return schema


def _name_surfaces(field: dict[str, Any]) -> None:
    """Core knows of an endpoint only that it is a name."""
    for one in (field, *field.get("anyOf", ())):
        if one.get("type") == "string":
            one["enum"] = list(SURFACES)
        elif one.get("type") == "array":
            _name_surfaces(one["items"])


def _fields(schema: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for section in (schema, *schema.get("$defs", {}).values()):
        for name, field in section.get("properties", {}).items():
            yield section.get("title", ""), name, field
