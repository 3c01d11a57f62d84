"""What the process may not do, whatever its libraries would: connect anywhere, or leave a picture of its memory."""

from __future__ import annotations

import resource

from router.upstream.outbound_guard import OutboundGuard


def confine() -> None:
    """For good."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    OutboundGuard(()).install()
