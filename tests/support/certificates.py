"""Certificates that sign themselves, made by the openssl that is installed."""

from __future__ import annotations

import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Pair:
    chain: Path
    key: Path

    @property
    def options(self) -> tuple[str, ...]:
        return "--tls-cert", str(self.chain), "--tls-key", str(self.key)

    def trusted(self) -> ssl.SSLContext:
        """For a client that believes this one alone."""
        return ssl.create_default_context(cafile=str(self.chain))

    def replace_with(self, other: Pair) -> None:
        """As who renews them does: one file after the other, each at once."""
        for mine, its in ((self.chain, other.chain), (self.key, other.key)):
            fresh = mine.with_suffix(".new")
            fresh.write_bytes(its.read_bytes())
            fresh.replace(mine)


def self_signed(folder: Path, name: str) -> Pair:
    """Of localhost and 127.0.0.1, for two days; `name` is in its subject."""
    pair = Pair(folder / f"{name}.pem", folder / f"{name}.key")
    command = ["openssl", "req", "-x509", "-nodes", "-days", "2", "-newkey", "ec", "-pkeyopt"]
    command += ["ec_paramgen_curve:P-256", "-subj", f"/O={name}/CN=localhost"]
    command += [
        "-addext",
        "subjectAltName=DNS:localhost,IP:127.0.0.1",
        "-out",
        str(pair.chain),
        "-keyout",
        str(pair.key),
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return pair


def encrypted(pair: Pair, folder: Path) -> Pair:
    """The same, with a key that needs a passphrase."""
    locked = Pair(pair.chain, folder / "locked.key")
    command = ["openssl", "pkey", "-in", str(pair.key), "-aes256", "-passout", "pass:secret", "-out", str(locked.key)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return locked


def subject_of(certificate: dict[str, object] | None) -> str:
    """The name that `self_signed` was given."""
    assert certificate is not None
    return next(value for [(field, value)] in certificate["subject"] if field == "organizationName")  # type: ignore[attr-defined]
