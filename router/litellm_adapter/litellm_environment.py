"""What litellm finds in its environment, which it reads when it is imported."""

from __future__ import annotations

import re
from collections.abc import MutableMapping

from router.upstream.proxy_environment import steering

SETTINGS = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",
    "LITELLM_LOCAL_BLOG_POSTS": "True",
    "LITELLM_TELEMETRY": "False",
    "LITELLM_LOG": "CRITICAL",
    "LITELLM_RUST": "False",
    "DISABLE_AIOHTTP_TRUST_ENV": "True",
    "MAX_IMAGE_URL_DOWNLOAD_SIZE_MB": "0",
    # It searches its errors for secrets, which holds the process for seconds where one is as long as an answer; nobody
    # is shown them but the adapter, which does that itself.
    "LITELLM_DISABLE_REDACT_SECRETS": "True",
    # Any other mode loads a .env file from the working directory.
    "LITELLM_MODE": "PRODUCTION",
}
"""It stays offline but for the providers, fetches no media, uses Python's own sockets, and is quiet."""

_REDIRECTING = re.compile(
    r"_(?:API_BASE|BASE_URL|API_URL|ENDPOINT|ENDPOINT_URL\w*|URL|HOST)$|^AIOHTTP_TRUST_ENV$|^SSL_(?:VERIFY|SECURITY_LEVEL)$",
    re.IGNORECASE,
)
_IDENTITY = frozenset({"IDENTITY_ENDPOINT", "MSI_ENDPOINT", "AWS_EC2_METADATA_SERVICE_ENDPOINT"})


def prepare(environment: MutableMapping[str, str]) -> tuple[str, ...]:
    """Set SETTINGS and remove variables that would move a provider's address: only the policy's `api_base` may. Proxies
    go as well.

    Keys and cloud identities stay, for backends without `api_key` (AWS, Google). Returns the removed names.
    """
    redirecting = {name for name in environment if _REDIRECTING.search(name) and name not in _IDENTITY}
    removed = tuple(sorted(redirecting | set(steering(environment))))
    for name in removed:
        del environment[name]
    inherited = [name for name in environment if name.startswith("LITELLM_")]
    for name in inherited:
        del environment[name]
    environment.update(SETTINGS)
    return removed
