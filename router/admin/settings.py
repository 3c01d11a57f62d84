"""What the control plane's process is told."""

from __future__ import annotations

from msgspec import Struct

from router.admin.auth.oidc.settings import OidcSettings
from router.core.client_address import ProxyHeader


class AdminSettings(Struct, frozen=True):
    """Handed over on standard input, because it holds secrets, which `repr` leaves out."""

    policy: str
    last_good: str
    """A copy of the last policy that was good."""
    generated: bool
    """The policy was made from the environment, and is made anew at every start."""
    host: str
    port: int
    gateway_host: str
    """Where the gateway listens: some policies may not be served everywhere."""
    redis: str
    data_dir: str
    admin_token: str
    viewer_token: str = ""
    allowed_hosts: tuple[str, ...] = ()
    trusted_proxies: tuple[str, ...] = ()
    """Addresses and networks of proxies whose word about where somebody asks from counts."""
    proxy_header: ProxyHeader | None = None
    """That they write; None: either."""
    oidc: OidcSettings | None = None
    """The provider that people sign in with."""
    tls_cert: str = ""
    tls_key: str = ""
    """Paths, empty for plain HTTP."""
    simulated: bool = False
    """The policy's backends only pretend, which every page says."""
    gateway_port: int = 0
    """0 where no gateway is beside it."""
    playground_secret: str = ""
    """Shared with the workers alone, see `core.playground`."""

    def __repr__(self) -> str:
        return f"AdminSettings({self.host}:{self.port})"
