"""Variables that would move other people's clients, or tell what they send."""

from __future__ import annotations

import re
from collections.abc import Iterable

_STEERING = re.compile(
    r"(?:^|_)PROXY$"  # HTTP_PROXY, all_proxy, NO_PROXY, and what single libraries call theirs
    r"|^SSLKEYLOGFILE$"
    r"|^OPENSSL_CONF$"
    r"|^(?:LOCALDOMAIN|RES_OPTIONS|HOSTALIASES)$"
    r"|^NETRC$",
    re.IGNORECASE,
)


def steering(names: Iterable[str]) -> tuple[str, ...]:
    """Those of the names that no process of ours is to inherit: where requests go is said in the policy alone.

    `SSL_CERT_FILE` and `SSL_CERT_DIR` stay: they say whom to trust, and an own vLLM may have an own certificate.
    """
    return tuple(sorted(name for name in names if _STEERING.search(name)))
