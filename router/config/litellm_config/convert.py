"""A LiteLLM proxy's config -> the text of a policy, and whether anything is left to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import PurePath

from msgspec import Struct
from msgspec.structs import replace

from router.config.backend_hosts import hosts_of
from router.config.decode import WrongShapeError, adapter_of, decode
from router.config.litellm_config.backends import backends
from router.config.litellm_config.deployments import deployments
from router.config.litellm_config.key_names import KeyNames
from router.config.litellm_config.limits import limits
from router.config.litellm_config.model_names import model_names
from router.config.litellm_config.models import Served, Tiers, default_fallbacks, models, with_aliases, with_fallbacks
from router.config.litellm_config.notes import Note
from router.config.litellm_config.policy_text import MadePolicy, text_of
from router.config.litellm_config.providers import OUTSIDE, OWN
from router.config.litellm_config.reader import Reader, read
from router.config.litellm_config.settings import settings
from router.config.load import plan_of
from router.config.prices import price_table
from router.config.problems import PolicyError
from router.config.secret_hosts import permitted_hosts
from router.config.yaml_document import parse
from router.core.host_patterns import covers
from router.core.policy import Policy


class Imported(Struct, frozen=True):
    text: str
    models: int
    backends: int
    todo: int
    """Things that are marked in the text."""
    problems: tuple[str, ...]
    """What `breakeven check` says of it."""


def convert(content: bytes, name: str, now: datetime) -> Imported:
    """`name` is the file's, for messages and comments. Raises PolicyError with all that is wrong with the config."""
    reader = read(content, name)
    policy = _policy(reader, PurePath(name).name, now)
    reader.raise_if_wrong()

    def line(note: Note) -> int:
        return reader.line(note.path)

    policy = replace(policy, secrets=_secrets(text_of(policy, line)))
    problems = _problems(text_of(policy, line), now)
    return Imported(
        text=text_of(policy, line, problems),
        models=len(policy.models),
        backends=len(policy.backends),
        todo=sum(note.todo for note in policy.every_note()),
        problems=problems,
    )


def _policy(reader: Reader, source: str, now: datetime) -> MadePolicy:
    given = settings(reader)
    found = list(deployments(reader, KeyNames(reader), given.drop))
    if not found:
        reader.raise_if_wrong()
    made = backends(found)
    names = model_names(reader)
    named, aliases = with_aliases(models(made), given.aliases, names)
    policy = MadePolicy(
        source=source,
        backends=made,
        models=list(named.values()),
        secrets={},
        limits=limits(reader, found),
        retry=given.retry,
        health=given.health,
        strategy=given.strategy or ("local_first" if {each.zone for each in made} == {OWN, OUTSIDE} else ""),
        notes={**given.notes, "": (*given.notes.get("", ()), *default_fallbacks(reader))},
    )
    made, named = with_fallbacks(reader, made, named, _prices(policy, now), names, aliases)
    return replace(policy, backends=made, models=list(named.values()))


def _prices(policy: MadePolicy, now: datetime) -> Mapping[Served, Tiers]:
    """What each backend charges now for each of its models."""
    read = _policy_of(text_of(policy, lambda _: 0))
    prices = {} if read is None else price_table(read, now)[0]
    return {route: tariff.at(now.timestamp()).tiers for route, tariff in prices.items()}


def _policy_of(text: str) -> Policy | None:
    """None where it cannot be read as one."""
    try:
        return decode(parse(text, "").data, adapter_of(Policy))
    except WrongShapeError:
        return None


def _secrets(text: str) -> Mapping[str, Sequence[str]]:
    """Hosts of keys that would not be sent there otherwise; none where the policy cannot be read."""
    policy = _policy_of(text)
    if policy is None:
        return {}
    found: dict[str, list[str]] = {}
    for backend in policy.backends.values():
        secret = (backend.api_key or "").partition(":")[2]
        refused = [host for host in hosts_of(backend) if secret and not covers(permitted_hosts(policy, secret), host)]
        if refused:
            found.setdefault(secret, []).extend(refused)
    # A key that is named goes nowhere else, so the hosts that it may go to anyway are named with them.
    return {secret: _all_hosts(policy, secret) for secret in found}


def _all_hosts(policy: Policy, secret: str) -> list[str]:
    using = [each for each in policy.backends.values() if (each.api_key or "").partition(":")[2] == secret]
    return list(dict.fromkeys(host for each in using for host in hosts_of(each)))


def _problems(text: str, now: datetime) -> tuple[str, ...]:
    """By their fields: lines move when these are written above them."""
    try:
        plan_of(text.encode(), "", now=now)
    except PolicyError as error:
        return tuple(f"{each.field}: {each.message}" if each.field else each.message for each in error.problems)
    return ()
