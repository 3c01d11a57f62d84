"""Follows the certificate's files: new ones are served to new connections, broken ones change nothing.

And says where one is missing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from router.app.reload import POLL_SECONDS, is_loopback_address
from router.system.certificate import CertificateUnusable, NoCertificate

log = logging.getLogger("breakeven.tls")


async def follow_certificate(certificate: NoCertificate) -> None:
    """Poll until cancelled; without a certificate there is nothing to do."""
    while certificate.context is not None:
        await asyncio.sleep(POLL_SECONDS)
        try:
            if await asyncio.to_thread(certificate.poll):
                log.info("certificate renewed")
        except CertificateUnusable as error:
            log.error("certificate not renewed, the one before is served on", extra={"why": str(error)})
        except Exception:  # a defect of ours, after which the next change must be seen all the same
            log.exception("certificate not renewed, the one before is served on")


def warn_of_plain_http(hosts: Mapping[str, str]) -> None:
    """By the options that name them. In the log alone: a proxy before it may speak TLS."""
    for option, host in hosts.items():
        if not is_loopback_address(host):
            message = "plain HTTP beyond loopback: keys and prompts can be read on the way"
            instead = "--tls-cert and --tls-key, or a proxy that speaks TLS"
            log.warning(message, extra={"option": option, "host": host, "instead": instead})
