"""Follows the policy file: a good edit is adopted as a whole, a broken one leaves the last good policy serving."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
from collections.abc import Callable
from pathlib import Path

from router.config.load import read_bytes, version_of
from router.config.problems import PolicyError
from router.config.secrets import MissingSecretError
from router.config.watch import PolicyFile
from router.core.values import Plan

POLL_SECONDS = 0.5
NOT_ADOPTED = "policy not adopted, the last good one stays"

log = logging.getLogger("breakeven.policy")


class NotServable(Exception):
    """The policy is valid but may not be served here; the text says why and what to do."""


def check_servable(plan: Plan, host: str) -> None:
    """Raises NotServable for a policy without keys on an address that others can reach."""
    if plan.keys or _is_loopback(host):
        return
    raise NotServable(
        f"the policy has no keys, so anybody who reaches {host} could spend your money: "
        "add a key (`breakeven key new NAME` prints one), or listen on 127.0.0.1"
    )


def keep_copy(plan: Plan, policy: str, copy: Path) -> bool:
    """Keep the policy's content for starts while the file is broken. False when it changed after the plan was read.

    Raises PolicyError when the file cannot be read any more, OSError when the copy cannot be written.
    """
    content = read_bytes(policy)
    if version_of(content) != plan.version:
        return False
    fresh = copy.with_suffix(".new")
    fresh.touch(mode=0o600)
    fresh.write_bytes(content)
    fresh.replace(copy)
    return True


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def follow(file: PolicyFile, host: str, adopt: Callable[[Plan], None]) -> None:
    """Poll until cancelled; `adopt` is called with every new good plan. The file's first poll was taken already."""
    while True:
        await asyncio.sleep(POLL_SECONDS)
        try:
            found = await asyncio.to_thread(file.poll)
            if found is not None:
                _take_over(found, host, adopt)
        except (PolicyError, NotServable, MissingSecretError) as error:
            log.error(NOT_ADOPTED, extra={"problems": str(error).splitlines()})
        except Exception:  # a defect of ours, after which the next edit must be seen all the same
            log.exception(NOT_ADOPTED)


def _take_over(found: Plan | PolicyError, host: str, adopt: Callable[[Plan], None]) -> None:
    if isinstance(found, PolicyError):
        raise found
    check_servable(found, host)
    adopt(found)
    log.info("policy adopted", extra={"policy": found.version})
