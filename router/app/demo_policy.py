"""The policy of `breakeven demo`, and the keys that its traffic is sent with."""

from __future__ import annotations

import hashlib
import json
import secrets
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from router.simulate.traffic import Sender

GPU, CLOUD = "simulated-gpu", "simulated-cloud"
CLOUD_MODEL = "gpt-4o"
LOCAL_MODEL = "simulated-llama"
CONTEXT = 131_072


class Application(Struct, frozen=True):
    """One of those who send the day's requests."""

    name: str
    team: str
    model: str = "chat"
    sensitivity: str = ""


APPLICATIONS = (
    Application("ide", "engineering", "code"),
    Application("search-page", "search"),
    Application("review-bot", "engineering", "code"),
    Application("support-bot", "support"),
    Application("patient-records", "health", sensitivity="restricted"),
    Application("notebooks", "research"),
    Application("indexer", "search"),
    Application("reports", "research"),
)

_POLICY = """\
# Written by `breakeven demo`. Edit it while the day runs, here or on the dashboard's policy page, and see what changes.
# Both backends only pretend. The prices are real ones: what an NVIDIA L40S rents for, and what gpt-4o costs.
version: 1
zones:
  local: {owned: true}
  cloud: {}
backends:
  simulated-gpu:
    zone: local
    kind: vllm
    url: %(local)s
    serves: {chat: %(local_model)s, code: %(local_model)s}
    cost: {usd_per_hour: 0.79}                # $18.96 a day while it is on
    power:                                    # on while it saves its rent, or when a request may go nowhere else
      driver: command
      start: {run: [%(copy)s, %(on)s, %(switch)s]}
      stop: {run: [%(copy)s, %(off)s, %(switch)s]}
      look: {run: [%(show)s, %(switch)s]}
      start_time: 5s
      drain: 5s
      min_on: 1m
      min_off: 1h
    capacity: {tokens_per_second: 1000}       # 86.4 million tokens a day
  simulated-cloud:
    zone: cloud
    kind: openai
    url: %(cloud)s
    serves:                                   # USD per million tokens
      chat: {model: %(cloud_model)s, price: {input: 2.5, cached_input: 1.25, output: 10}}
      code: {model: %(cloud_model)s, price: {input: 2.5, cached_input: 1.25, output: 10}}
models:
  chat: {backends: [simulated-gpu, simulated-cloud], aliases: [%(cloud_model)s]}
  code: {backends: [simulated-gpu, simulated-cloud]}
sensitivity:
  levels:
    internal: [local, cloud]
    restricted: [local]                       # never leaves, whatever the volume
  default: internal
  detectors:
    - {find: [credit_card, iban, us_ssn], raise_to: restricted}
cost:
  strategy: breakeven                         # while the GPU is off the cloud, while it is on the GPU
  window: trailing_24h
keys:
"""


def make_senders() -> tuple[Sender, ...]:
    """One per application, each with a key made just now."""
    return tuple(Sender(each.name, f"bk-{secrets.token_urlsafe(32)}", each.model) for each in APPLICATIONS)


class Switch:
    """Files that stand for a rental's API: what the GPU's own says decides whether it answers."""

    def __init__(self, folder: Path) -> None:
        self.file, self._on, self._off = (folder / name for name in ("gpu-state", "on", "off"))

    def make(self) -> None:
        """Off at first."""
        self._on.write_text("on\n")
        self._off.write_text("off\n")
        self.file.write_text("off\n")

    def words(self) -> dict[str, str]:
        paths = {"on": self._on, "off": self._off, "switch": self.file}
        programs = {"copy": shutil.which("cp") or "cp", "show": shutil.which("cat") or "cat"}
        return {name: json.dumps(str(value)) for name, value in (paths | programs).items()}


def demo_policy(urls: Mapping[str, str], senders: Sequence[Sender], switch: Switch | None = None) -> str:
    """YAML text; `urls` by zone."""
    words = (switch or Switch(Path())).words()
    head = _POLICY % {**urls, **words, "local_model": LOCAL_MODEL, "cloud_model": CLOUD_MODEL}
    return head + "".join(_key(*pair) for pair in zip(APPLICATIONS, senders, strict=True))


def _key(application: Application, sender: Sender) -> str:
    least = f", sensitivity: {application.sensitivity}" if application.sensitivity else ""
    digest = hashlib.sha256(sender.key.encode()).hexdigest()
    return f'  - {{name: {application.name}, team: {application.team}{least}, sha256: "{digest}"}}\n'
