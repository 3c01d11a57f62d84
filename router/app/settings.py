"""What `breakeven serve` was asked for, and what a worker needs of it."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from router.core.client_address import ProxyHeader


class ServeSettings(Struct, frozen=True):
    """`policy` is a path, or empty for the built-in default; `redis` a URL, or empty for the embedded server."""

    policy: str = ""
    accept_policy: bool = False
    """Take the file as it is, also where a running gateway would refuse what was lost of it."""
    host: str = "127.0.0.1"
    port: int = 8080
    workers: int = 1
    redis: str = ""
    data_dir: str = ""
    fsync: Literal["everysec", "always"] = "everysec"
    """Of the embedded server."""
    grace: float = 30.0
    """Seconds that running answers have to finish after SIGTERM."""
    admin_host: str = "127.0.0.1"
    admin_port: int = 8081
    admin_token_file: str = ""
    viewer_token_file: str = ""
    oidc_file: str = ""
    """Of the provider that people sign in with; empty when tokens are all that there is."""
    admin_allowed_hosts: tuple[str, ...] = ()
    admin_trusted_proxies: tuple[str, ...] = ()
    """Addresses and networks of proxies whose word about where somebody asks from counts."""
    admin_proxy_header: ProxyHeader | None = None
    """That they write; None: either."""
    tls_cert: str = ""
    tls_key: str = ""
    """Paths of both ports' certificate chain and its key; empty for plain HTTP."""
    shown_key: str = ""
    """A key that may be shown on the terminal, in the line to paste."""
    simulated: bool = False
    """Whoever serves knows that the policy's backends only pretend."""


class WorkerSettings(Struct, frozen=True):
    """Handed to a worker on its standard input, because `redis` may hold a password."""

    policy: str
    last_good: str
    """A copy of the last policy that was good, for a start while the policy is broken."""
    host: str
    port: int
    redis: str
    adapter_socket: str
    untranslated: str
    """Why nothing can be translated for backends; empty when the adapter does it."""
    grace: float
    presidio_folder: str = ""
    """Where the process that looks for entities has its socket."""
    journal: str = ""
    """Folder of the ledger's journals."""
    wakes: str = ""
    """Folder of what is wanted of the controller while the ledger is lost."""
    tls_cert: str = ""
    tls_key: str = ""
    playground_secret: str = ""
    """Shared with the control plane alone, see `core.playground`."""
