"""Plans of small policies."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from router.config.load import plan_of
from router.core.values import Plan

_POLICY = """
version: 1
zones: {local: {owned: true}, cloud: {}}
backends:
  gpu: {zone: local, kind: openai, url: http://127.0.0.1:1/v1, serves: {chat: tiny}}
  api: {zone: cloud, kind: openai, url: http://127.0.0.1:2/v1, serves: {chat: gpt-4o-mini}}
models: {chat: {backends: [api, gpu]}, cloudy: {backends: [api]}}
"""
_SENSITIVITY = """
sensitivity:
  levels: {public: [local, cloud], internal: [local, cloud], restricted: [local]}
  default: public
  tags: {places: [local]}
  presidio: %s
  detectors: [%s]
"""


def plan_of_text(detectors: Sequence[str] | None, presidio: str = "{model: en_core_web_sm}") -> Plan:
    """With these detectors, in YAML; None for a policy without levels."""
    text = _POLICY.replace("{chat: gpt-4o-mini}", "{chat: gpt-4o-mini, cloudy: gpt-4o-mini}")
    if detectors is not None:
        text += _SENSITIVITY % (presidio, ", ".join(detectors))
    return plan_of(text.encode(), "p.yaml", now=datetime(2026, 11, 1, tzinfo=UTC))
