"""Compares what the policy says that backends serve with what these list: now and then, and when it has changed.

A name that the provider does not have is a warning here and not a surprise to whoever asks for it.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable, Mapping

from router.app.assemble import backend_specs
from router.config.secrets import MissingSecretError
from router.config.unlisted_models import Listings, unlisted
from router.core.values import Plan
from router.ledger.errors import LedgerUnavailable
from router.ledger.power import PowerLink
from router.ledger.shared_status import tell_unlisted
from router.upstream.errors import UpstreamError
from router.upstream.model_listing import listed_at

TICK_SECONDS = 30.0
LISTED_SECONDS = 3600.0
"""Between two questions about the same policy."""
ANSWER_SECONDS = 10.0

log = logging.getLogger("breakeven.models")


async def listings_of(plan: Plan, tls: ssl.SSLContext) -> tuple[Listings, Mapping[str, str]]:
    """What backends list that can be asked, and why others did not tell, by backend. A backend whose units are switched
    is not asked: it may be off."""
    try:
        specs = backend_specs(plan, "", tls)
    except MissingSecretError as missing:
        return {}, {name: str(missing) for name, each in plan.policy.backends.items() if each.lists_models}
    asked = [(spec, spec.targets[0]) for spec in specs if spec.backend.lists_models and not spec.powered]
    answers = await asyncio.gather(*(listed_at(target, ANSWER_SECONDS) for _, target in asked), return_exceptions=True)
    listed: dict[str, frozenset[str]] = {}
    silent: dict[str, str] = {}
    for (spec, _), answer in zip(asked, answers, strict=True):
        if isinstance(answer, frozenset):
            listed[spec.name] = answer
        elif isinstance(answer, UpstreamError):
            silent[spec.name] = str(answer)
        else:
            raise answer
    return listed, silent


class ModelListings:
    """Of the control plane. `unlisted` is what was found last, by backend."""

    def __init__(self, url: str, plan: Callable[[], Plan], tls: ssl.SSLContext) -> None:
        """Raises ValueError for a ledger's URL that cannot be used."""
        self.unlisted: Mapping[str, tuple[str, ...]] = {}
        self._link = PowerLink(url)
        self._plan = plan
        self._tls = tls
        self._asked: tuple[str, float] = "", float("-inf")

    async def run(self) -> None:
        """Until cancelled."""
        try:
            while True:
                try:
                    await self.look()
                except LedgerUnavailable:
                    pass  # it is told again the next time
                except Exception:  # a defect of ours: the next look must come all the same
                    log.exception("models not compared with what backends list")
                await asyncio.sleep(TICK_SECONDS)
        finally:
            self._link.close()

    async def look(self) -> None:
        """Raises `LedgerUnavailable`."""
        plan, now = self._plan(), asyncio.get_running_loop().time()
        if self._asked[0] != plan.version or now - self._asked[1] >= LISTED_SECONDS:
            listed, _ = await listings_of(plan, self._tls)
            self._asked = plan.version, now
            found = unlisted(plan.policy, listed)
            if found and found != self.unlisted:
                log.warning("models that their backends do not list", extra={"backends": found})
            self.unlisted = found
        await tell_unlisted(await self._link.connection(), self.unlisted)
