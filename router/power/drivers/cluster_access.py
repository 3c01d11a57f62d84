"""Where a Kubernetes API is, and how one says there who asks: from a pod's service account, or from a kubeconfig."""

from __future__ import annotations

import base64
import binascii
import os
import ssl
import tempfile
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml
from msgspec import Struct

from router.config.bounded_files import read_regular
from router.power.drivers.driver import DriverError

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_MOST_BYTES = 1024 * 1024


class ClusterAccess(Struct, frozen=True):
    url: str
    """Of the API, without a path's slash at its end."""
    namespace: str
    tls: ssl.SSLContext | None
    token: str = ""
    token_file: str = ""
    """Read again for every request: the cluster puts a new token there before the old one ends."""

    def __repr__(self) -> str:
        return f"ClusterAccess({self.url!r})"

    def headers(self) -> dict[str, str]:
        """Raises DriverError when the token cannot be read."""
        token = _text(self.token_file, "the token").strip() if self.token_file else self.token
        return {"authorization": f"Bearer {token}"} if token else {}


def of_the_pod(folder: Path = SERVICE_ACCOUNT, environment: Mapping[str, str] = os.environ) -> ClusterAccess:
    """Raises DriverError where this is no pod, or one without a service account."""
    host, port = environment.get("KUBERNETES_SERVICE_HOST", ""), environment.get("KUBERNETES_SERVICE_PORT", "443")
    if not host:
        raise DriverError("this is no pod of a cluster (KUBERNETES_SERVICE_HOST is not set): give power.kubeconfig")
    authority = f"[{host}]" if ":" in host else host
    try:
        tls = ssl.create_default_context(cafile=str(folder / "ca.crt"))
    except (OSError, ssl.SSLError):
        raise DriverError(f"{folder}/ca.crt cannot be used: is automountServiceAccountToken off?") from None
    namespace = _text(str(folder / "namespace"), "the namespace").strip()
    return ClusterAccess(f"https://{authority}:{port}", namespace, tls, token_file=str(folder / "token"))


def of_kubeconfig(path: str, context: str | None = None) -> ClusterAccess:
    """With a token, a file with one, or a client certificate. Raises DriverError."""
    config = _mapping(_parsed(path))
    name = context or config.get("current-context")
    if not name:
        raise DriverError(f"{path} has no current-context: give power.context")
    chosen = _named(config, "contexts", "context", name, path)
    cluster = _named(config, "clusters", "cluster", chosen.get("cluster"), path)
    user = _named(config, "users", "user", chosen.get("user"), path)
    _refuse_unsupported(cluster, user, path)
    url = str(cluster.get("server", "")).rstrip("/")
    token, token_file = str(user.get("token") or ""), str(user.get("tokenFile") or "")
    if not url.startswith("https://") and not _on_this_machine(url):
        raise DriverError(f"{path} has a server without TLS on another machine, which would see the credentials")
    return ClusterAccess(
        url,
        str(chosen.get("namespace") or "default"),
        _tls(cluster, user, path) if url.startswith("https://") else None,
        token="" if token_file else token,
        token_file=_beside(path, token_file) if token_file else "",
    )


def _refuse_unsupported(cluster: Mapping[str, Any], user: Mapping[str, Any], path: str) -> None:
    if cluster.get("insecure-skip-tls-verify"):
        raise DriverError(f"{path} has insecure-skip-tls-verify: give certificate-authority instead")
    for section, field in ((cluster, "proxy-url"), (cluster, "tls-server-name"), (user, "exec"), (user, "username")):
        if section.get(field):
            raise DriverError(f"{path} has {field}, which is not supported: give a token or a client certificate")


def _tls(cluster: Mapping[str, Any], user: Mapping[str, Any], path: str) -> ssl.SSLContext:
    try:
        authority = _bytes(cluster, "certificate-authority", path)
        tls = ssl.create_default_context(cadata=None if authority is None else authority.decode())
        certificate, key = _bytes(user, "client-certificate", path), _bytes(user, "client-key", path)
        if certificate is not None and key is not None:
            # Only files can be loaded, and only we can read this one.
            with tempfile.NamedTemporaryFile() as both:
                both.write(certificate + b"\n" + key)
                both.flush()
                tls.load_cert_chain(both.name)
    except (OSError, ValueError) as error:  # ssl's errors are of these kinds
        raise DriverError(f"{path} has certificates that cannot be used ({type(error).__name__})") from None
    return tls


def _bytes(section: Mapping[str, Any], field: str, path: str) -> bytes | None:
    """What is in the file itself, or in one that it names."""
    given, named = section.get(f"{field}-data"), section.get(field)
    if given:
        try:
            return base64.b64decode(str(given), validate=True)
        except binascii.Error:
            raise DriverError(f"{path} has {field}-data that is not base64") from None
    return read_regular(_beside(path, str(named)), _MOST_BYTES) if named else None


def _parsed(path: str) -> Any:
    try:
        return yaml.safe_load(_text(path, "the kubeconfig"))
    except yaml.YAMLError:
        raise DriverError(f"{path} is no YAML") from None


def _named(config: Mapping[str, Any], section: str, kind: str, name: Any, path: str) -> Mapping[str, Any]:
    items = config.get(section)
    for item in map(_mapping, items if isinstance(items, list) else []):
        if item.get("name") == name:
            return _mapping(item.get(kind))
    raise DriverError(f'{path} has no {kind} "{name}"')


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _beside(path: str, name: str) -> str:
    """Names in a kubeconfig are relative to it."""
    return str(Path(path).parent / name)


def _text(path: str, what: str) -> str:
    try:
        return read_regular(path, _MOST_BYTES).decode()
    except OSError as error:
        raise DriverError(f"{what} cannot be read from {path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise DriverError(f"{what} cannot be read from {path}: it is not text") from None


def _on_this_machine(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
