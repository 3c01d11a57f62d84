"""Follows the policy file: a good edit is adopted as a whole, a broken one leaves the last good policy serving."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from router.config.applied_policy import note_source
from router.config.load import read_bytes, version_of
from router.config.problems import PolicyError
from router.config.secrets import MissingSecretError
from router.config.warnings import warnings_of
from router.config.watch import PolicyFile
from router.core.values import Plan
from router.system.atomic_file import replace_file

POLL_SECONDS = 0.5
READ_SECONDS = 10.0
PRETENDED = "no policy was given: the gateway wrote one, with prices that only stand for yours"
NOT_TAKEN_AT_START = (
    "the policy's file holds an edit that a running gateway refuses: what was last in force is served; "
    "`breakeven serve --accept-policy` takes the file as it is"
)
NOT_ADOPTED = "policy not adopted, the last good one stays"

log = logging.getLogger("breakeven.policy")


class NotServable(Exception):
    """The policy is valid but may not be served here; the text says why and what to do."""


def check_servable(plan: Plan, host: str) -> None:
    """Raises NotServable for a policy that asks for no key on an address that others can reach."""
    if plan.keys or plan.policy.server.stored_keys or is_loopback_address(host):
        return
    raise NotServable(
        f"the policy has no keys, so anybody who reaches {host} could spend your money: "
        "add a key (`breakeven key new NAME` prints one), keep keys in the ledger (`server: {stored_keys: true}`), "
        "or listen on 127.0.0.1"
    )


def keep_copy(plan: Plan, policy: str, copy: Path) -> bool:
    """Keep the policy's content for starts while the file is broken. False when it changed after the plan was read.

    Raises PolicyError when the file cannot be read any more, OSError when the copy cannot be written.
    """
    content = read_bytes(policy)
    if version_of(content) != plan.version:
        return False
    replace_file(copy, content)
    note_source(copy, policy)
    return True


def warn(plan: Plan, policy: str, *, pretended: bool = False) -> None:
    """Say in the log what a policy that was taken over permits, and is probably not meant. Nothing once it has changed
    again. `pretended`: nobody wrote it, and its prices are those of backends that are simulated."""
    with contextlib.suppress(PolicyError):
        content = read_bytes(policy)
        if version_of(content) == plan.version:
            for warning in warnings_of(content, policy, plan):
                if pretended:
                    log.info(PRETENDED, extra={"policy": plan.version, "hint": str(warning)})
                else:
                    log.warning("policy warning", extra={"policy": plan.version, "warning": str(warning)})


def is_loopback_address(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _tell_nobody(problems: Sequence[str]) -> None:
    pass


async def follow(
    file: PolicyFile,
    host: str,
    adopt: Callable[[Plan], None],
    tell: Callable[[Sequence[str]], None] = _tell_nobody,
) -> None:
    """Poll until cancelled; `adopt` is called with every new good plan. The file's first poll was taken already.

    `tell` is called after each edit with what is wrong with it: nothing when it was adopted.
    """
    while True:
        await asyncio.sleep(POLL_SECONDS)
        try:
            found = await _polled(file)
            if found is not None:
                _take_over(found, host, adopt)
                tell(())
        except (PolicyError, NotServable, MissingSecretError) as error:
            problems = str(error).splitlines()
            log.error(NOT_ADOPTED, extra={"problems": problems})
            tell(problems)
        except Exception:  # a defect of ours, after which the next edit must be seen all the same
            log.exception(NOT_ADOPTED)
            tell(("the gateway failed on this policy; its log has the details",))


async def _polled(file: PolicyFile) -> Plan | PolicyError | None:
    """What the file says. Somewhere on a network a file may be waited for without end: then the log says so."""
    reading = asyncio.ensure_future(asyncio.to_thread(file.poll))
    done, _ = await asyncio.wait((reading,), timeout=READ_SECONDS)
    if not done:
        log.error("the policy's files take long to be read, edits wait for that", extra={"path": str(file.path)})
    return await reading


def _take_over(found: Plan | PolicyError, host: str, adopt: Callable[[Plan], None]) -> None:
    if isinstance(found, PolicyError):
        raise found
    check_servable(found, host)
    adopt(found)
    log.info("policy adopted", extra={"policy": found.version})
