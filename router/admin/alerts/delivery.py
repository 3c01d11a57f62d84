"""Sends what waits, to each target apart from the others: one that hangs holds up nobody else.

A message is taken with a lease, sent, and written down as delivered once its target has answered. Who is killed in
between leaves a lease that ends, and the message is sent again with the same id. One that its target refuses for what
it says is taken apart after a few times, and what is refused alone goes out of the way of what comes after: it is given
up, or rests beside the others and is tried for its day, if it is critical or nothing shows that it is not the target.
"""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
import time
from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from router.admin.alerts.targets.registry import sender_of
from router.admin.alerts.targets.target import MayBeRefused, NotDelivered, Refused, Sender, TooLong
from router.core.alerts.notices import Message
from router.core.alerts.routes import is_quiet, lanes_of_target, target_of
from router.core.policy import Policy
from router.core.resilience.backoff import backoff
from router.core.values import Plan
from router.ledger.alerts import REFUSALS, AlertBook
from router.ledger.errors import LedgerUnavailable

LEASE_SECONDS = 60.0
"""Beyond the target's own time limit: a message that is being sent is nobody else's."""
FIRST_WAIT, LONGEST_WAIT = 2.0, 300.0
"""Seconds before a message that failed is tried again."""
TOO_OLD_SECONDS = 86_400.0
"""A message of which nothing is newer is given up."""
TICK_SECONDS = 1.0

log = logging.getLogger("breakeven.alerts")

SenderOf = Callable[[str, Policy, Callable[[], float]], Sender]


class Delivery:
    """From one book, in the background. `plan` is the policy in force."""

    def __init__(
        self,
        book: AlertBook,
        plan: Callable[[], Plan],
        *,
        clock: Callable[[], float] = time.time,
        sender: SenderOf = sender_of,
        lease: float = LEASE_SECONDS,
    ) -> None:
        self._book, self._plan, self._clock, self._sender = book, plan, clock, sender
        self._lease = lease
        self._who = secrets.token_hex(8)
        self._under_way: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Until cancelled."""
        try:
            while True:
                self.start_due()
                await asyncio.sleep(TICK_SECONDS)
        finally:
            for task in self._under_way.values():
                task.cancel()
            await asyncio.gather(*self._under_way.values(), return_exceptions=True)

    def start_due(self) -> None:
        """One task for each lane that has none."""
        self._under_way = {lane: task for lane, task in self._under_way.items() if not task.done()}
        policy = self._plan().policy
        for name in () if policy.alerts is None else policy.alerts.targets:
            for lane in lanes_of_target(name):
                if lane not in self._under_way:
                    self._under_way[lane] = asyncio.create_task(self._try(lane, policy))

    async def _try(self, lane: str, policy: Policy) -> None:
        try:
            await self.deliver(lane, policy)
        except LedgerUnavailable:
            pass  # it waits there
        except Exception:  # a defect of ours: the next message must go all the same
            log.exception("alert not sent", extra={"target": target_of(lane)})

    async def deliver(self, lane: str, policy: Policy) -> bool:
        """Whether there was a message, and it arrived. Raises `LedgerUnavailable`."""
        alerts = policy.alerts
        if alerts is None:
            return False
        name = target_of(lane)
        target = alerts.targets[name]
        hour = datetime.fromtimestamp(self._clock(), ZoneInfo(policy.cost.timezone)).hour
        if is_quiet(lane, target.quiet, hour):
            return False
        message = await self._book.take(lane, self._who, target.timeout + self._lease, alerts.group)
        if message is None:
            return False
        if self._is_old(message):  # a gateway was off for long, or the target was not in its policy
            return await self._give_up(lane, message, "nobody could send it in time")
        try:
            # Its own limits end it; this one is for a defect in them, and the lease lasts longer.
            async with asyncio.timeout(target.timeout + self._lease / 2):
                await self._sender(name, policy, self._clock).send(message)
        except Refused as error:
            await self._refused(lane, message, error)
            return False
        except (NotDelivered, TimeoutError) as error:
            await self._failed(lane, message, str(error) or "it took too long")
            return False
        except Exception as error:
            await self._failed(lane, message, f"it failed ({type(error).__name__})")
            raise
        await self._book.end(lane, self._who, message, "delivered", 0, "")
        return True

    def _is_old(self, message: Message) -> bool:
        return self._clock() - max(each.at for each in message.notices) > TOO_OLD_SECONDS

    async def _failed(self, lane: str, message: Message, why: str) -> None:
        if self._is_old(message):
            await self._give_up(lane, message, why)
            return
        wait = backoff(message.attempts + 1, FIRST_WAIT, LONGEST_WAIT, random.random())
        log.warning("alert not delivered", extra=_told(lane, message, why) | {"again_in": round(wait, 1)})
        await self._book.end(lane, self._who, message, "failed", wait, why)

    async def _refused(self, lane: str, message: Message, error: Refused) -> None:
        refusals, why = message.refusals + 1, str(error)
        if len(message.notices) > 1 and (refusals >= REFUSALS or isinstance(error, TooLong)):
            log.warning("alerts refused together", extra=_told(lane, message, why) | {"alerts": len(message.notices)})
            await self._book.end(lane, self._who, message, "parted", 0, why)
        elif self._is_old(message) or (refusals >= REFUSALS and _is_of_the_message(message, refusals, error)):
            await self._give_up(lane, message, why)
        elif refusals >= REFUSALS:
            wait = backoff(1, LONGEST_WAIT, LONGEST_WAIT, random.random())
            log.warning("alert refused, and tried beside the others", extra=_told(lane, message, why))
            await self._book.end(lane, self._who, message, "aside", wait, why)
        else:
            wait = backoff(refusals, FIRST_WAIT, LONGEST_WAIT, random.random())
            log.warning("alert refused", extra=_told(lane, message, why) | {"again_in": round(wait, 1)})
            await self._book.end(lane, self._who, message, "refused", wait, why)

    async def _give_up(self, lane: str, message: Message, why: str) -> bool:
        log.error("alert given up", extra=_told(lane, message, why) | {"alerts": len(message.notices)})
        await self._book.end(lane, self._who, message, "dropped", 0, why)
        return False


def _is_of_the_message(message: Message, refusals: int, error: Refused) -> bool:
    """Whether a single alert would be refused whenever it is sent, and matters little enough to believe that."""
    if any(each.severity == "critical" for each in message.notices):
        return False
    return not isinstance(error, MayBeRefused) or refusals > REFUSALS


def _told(lane: str, message: Message, why: str) -> dict[str, str | int | float]:
    """For the log: neither an address nor what the message says."""
    return {"target": target_of(lane), "message_id": message.id, "attempts": message.attempts + 1, "why": why}
