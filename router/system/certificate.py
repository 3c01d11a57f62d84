"""The certificate that a port is served with, and those that take its place while it is served.

Off is an object: `NoCertificate` has no context, and nothing of it changes.
"""

from __future__ import annotations

import ssl
from pathlib import Path

_Stamp = tuple[int, int, int, int]


class CertificateUnusable(Exception):
    """The text says what is wrong with which file, and nothing of what is in it."""


class NoCertificate:
    context: ssl.SSLContext | None = None
    """For servers; None where they speak plain HTTP."""

    def poll(self) -> bool:
        """Take over files that have changed. True when that was done. Raises CertificateUnusable, once for each change;
        what was served before is served on."""
        return False


class Certificate(NoCertificate):
    """Of two files in PEM form: a chain, the server's own certificate first, and its key, which is not encrypted.

    Whoever renews them writes one after the other, or swaps a link (as Kubernetes does with secrets): files count once
    two polls in a row have seen the same. Raises CertificateUnusable.
    """

    def __init__(self, chain: str, key: str) -> None:
        self._files = chain, key
        self._taken = self._seen = self._stamps()
        # Servers keep the context that they began with: each handshake is given the newest in its place.
        self.context = self._newest = _loaded(chain, key)
        self.context.sni_callback = self._renew

    def _renew(self, handshake: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        handshake.context = self._newest

    def poll(self) -> bool:
        stamps = self._stamps()
        settled, self._seen = stamps == self._seen, stamps
        if stamps == self._taken or not settled:
            return False
        self._taken = stamps
        self._newest = _loaded(*self._files)
        return True

    def _stamps(self) -> tuple[_Stamp | None, ...]:
        return tuple([_stamp(each) for each in self._files])


def certificate_of(chain: str, key: str) -> NoCertificate:
    """Of the paths that were given, both or none. Raises CertificateUnusable."""
    if bool(chain) != bool(key):
        given, missing = ("--tls-cert", "--tls-key") if chain else ("--tls-key", "--tls-cert")
        raise CertificateUnusable(
            f"{given} needs {missing} beside it: the certificate's chain and its key, in PEM form"
        )
    return Certificate(chain, key) if chain else NoCertificate()


def _stamp(path: str) -> _Stamp | None:
    try:
        status = Path(path).stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_dev, status.st_ino


def _loaded(chain: str, key: str) -> ssl.SSLContext:
    _check(chain, "--tls-cert", b"CERTIFICATE-----", "certificate")
    _check(key, "--tls-key", b"PRIVATE KEY-----", "private key")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])

    def nobody_types() -> str:
        raise CertificateUnusable(f"--tls-key: {key} is encrypted, and nobody is asked for its passphrase: decrypt it")

    try:
        context.load_cert_chain(chain, key, password=nobody_types)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise CertificateUnusable(
                f"--tls-key: the key in {key} is not that of the certificate in {chain}"
            ) from None
        raise CertificateUnusable(f"--tls-cert, --tls-key: {chain} and {key} cannot be used: {_why(error)}") from None
    return context


def _check(path: str, option: str, needed: bytes, name: str) -> None:
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise CertificateUnusable(f"{option}: {path} cannot be read: {error.strerror or error}") from None
    if needed not in content:
        raise CertificateUnusable(f"{option}: {path} holds no {name} in PEM form")


def _why(error: ssl.SSLError) -> str:
    return (error.reason or "it is not valid").replace("_", " ").lower()
