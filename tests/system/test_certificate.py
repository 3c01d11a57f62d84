"""Handshakes here are between two contexts in this process."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from support.certificates import Pair, encrypted, self_signed, subject_of

from router.system.certificate import Certificate, CertificateUnusable, NoCertificate, certificate_of


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Pair, Pair]:
    folder = tmp_path_factory.mktemp("pairs")
    return self_signed(folder, "first"), self_signed(folder, "second")


@pytest.fixture
def pair(tmp_path: Path, pairs: tuple[Pair, Pair]) -> Pair:
    """Files that may be changed."""
    made = Pair(tmp_path / "tls.pem", tmp_path / "tls.key")
    made.replace_with(pairs[0])
    return made


def shaken(server: ssl.SSLContext | None, trusted: Pair, **client: object) -> ssl.SSLObject:
    """The client's side of a connection."""
    assert server is not None
    context = trusted.trusted()
    context.set_alpn_protocols(["h2", "http/1.1"])
    for name, value in client.items():
        setattr(context, name, value)
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = context.wrap_bio(to_client, to_server, server_hostname="localhost")
    theirs = server.wrap_bio(to_server, to_client, server_side=True)
    for side in (ours, theirs) * 3:
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            pass
    return ours


def test_plain_is_an_object() -> None:
    off = certificate_of("", "")
    assert type(off) is NoCertificate and off.context is None and not off.poll()


def test_clients_speak_http_1_1_and_no_old_tls(pair: Pair) -> None:
    context = certificate_of(str(pair.chain), str(pair.key)).context
    found = shaken(context, pair)
    assert (found.version(), found.selected_alpn_protocol()) == ("TLSv1.3", "http/1.1")
    assert subject_of(found.getpeercert()) == "first"
    assert shaken(context, pair, maximum_version=ssl.TLSVersion.TLSv1_2).version() == "TLSv1.2"
    assert context is not None and context.minimum_version == ssl.TLSVersion.TLSv1_2


def test_renewed_files_are_served_once_they_are_settled(pair: Pair, pairs: tuple[Pair, Pair]) -> None:
    certificate = Certificate(str(pair.chain), str(pair.key))
    assert not certificate.poll()
    pair.replace_with(pairs[1])
    assert [certificate.poll(), certificate.poll(), certificate.poll()] == [False, True, False]
    assert subject_of(shaken(certificate.context, pairs[1]).getpeercert()) == "second"


def test_a_broken_pair_is_told_once_and_leaves_the_one_before(pair: Pair, pairs: tuple[Pair, Pair]) -> None:
    certificate = Certificate(str(pair.chain), str(pair.key))
    pair.chain.write_bytes(pairs[1].chain.read_bytes())
    assert not certificate.poll()
    with pytest.raises(CertificateUnusable, match="is not that of the certificate"):
        certificate.poll()
    assert not certificate.poll()
    assert subject_of(shaken(certificate.context, pairs[0]).getpeercert()) == "first"
    pair.key.unlink()
    assert not certificate.poll()
    with pytest.raises(CertificateUnusable, match=r"--tls-key: .* cannot be read"):
        certificate.poll()
    pair.replace_with(pairs[1])
    assert [certificate.poll(), certificate.poll()] == [False, True]
    assert subject_of(shaken(certificate.context, pairs[1]).getpeercert()) == "second"


def test_one_without_the_other_is_none() -> None:
    with pytest.raises(CertificateUnusable, match="--tls-cert needs --tls-key"):
        certificate_of("a.pem", "")
    with pytest.raises(CertificateUnusable, match="--tls-key needs --tls-cert"):
        certificate_of("", "a.key")


def test_what_cannot_be_used_is_named(tmp_path: Path, pairs: tuple[Pair, Pair]) -> None:
    first, second = pairs
    text, broken = tmp_path / "text", tmp_path / "broken"
    text.write_text("no PEM")
    broken.write_text("-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n")
    cases = [
        (tmp_path / "none", first.key, f"--tls-cert: {tmp_path}/none cannot be read: No such file or directory"),
        (first.chain, tmp_path, f"--tls-key: {tmp_path} cannot be read: Is a directory"),
        (text, first.key, f"--tls-cert: {text} holds no certificate in PEM form"),
        (first.chain, text, f"--tls-key: {text} holds no private key in PEM form"),
        (first.key, first.key, f"--tls-cert: {first.key} holds no certificate in PEM form"),
        (
            first.chain,
            second.key,
            f"--tls-key: the key in {second.key} is not that of the certificate in {first.chain}",
        ),
        (first.chain, encrypted(first, tmp_path).key, "is encrypted, and nobody is asked for its passphrase"),
        (broken, first.key, f"--tls-cert, --tls-key: {broken} and {first.key} cannot be used: "),
    ]
    for chain, key, told in cases:
        with pytest.raises(CertificateUnusable) as found:
            certificate_of(str(chain), str(key))
        assert told in str(found.value)
