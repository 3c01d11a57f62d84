from __future__ import annotations

import base64
import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.fake_cluster import FakeCluster

from router.power.drivers.cluster_access import ClusterAccess, of_kubeconfig, of_the_pod
from router.power.drivers.driver import DriverError
from router.power.drivers.http_client import Answer, HttpClient, NoAnswerError

PATH = "/apis/apps/v1/namespaces/inference/deployments/vllm/scale"


class Certificates:
    """One that signs itself, for a server at 127.0.0.1; clients may show it, too."""

    def __init__(self, folder: Path) -> None:
        self.key, self.certificate = folder / "key.pem", folder / "ca.crt"
        subprocess.run(
            [
                *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"),
                *("-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(self.key), "-out", str(self.certificate)),
            ],
            check=True,
            capture_output=True,
        )

    def of_server(self, asks_clients: bool = False) -> ssl.SSLContext:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(self.certificate, self.key)
        if asks_clients:
            tls.load_verify_locations(self.certificate)
            tls.verify_mode = ssl.CERT_REQUIRED
        return tls


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


async def asked(access: ClusterAccess) -> Answer:
    client = HttpClient()
    try:
        return await client.ask("GET", access.url + PATH, 10, headers=access.headers(), tls=access.tls)
    finally:
        await client.close()


def kubeconfig(folder: Path, cluster: Any, user: Any, **context: str) -> str:
    path = folder / "kubeconfig"
    config = {
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"} | context}],
        "current-context": "x",
    }
    path.write_text(yaml.safe_dump(config))
    return str(path)


def encoded(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


async def test_a_pod_is_told_all_by_its_service_account(tmp_path: Path, certificates: Certificates) -> None:
    (tmp_path / "token").write_text("token-1\n")
    (tmp_path / "namespace").write_text("inference")
    (tmp_path / "ca.crt").write_bytes(certificates.certificate.read_bytes())
    async with FakeCluster().served(certificates.of_server()) as cluster:
        port = cluster.url.rpartition(":")[2]
        environment = {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": port}
        access = of_the_pod(tmp_path, environment)
        assert access.url == cluster.url and access.namespace == "inference" and "token-1" not in repr(access)
        assert (await asked(access)).status == 200
        cluster.tokens = {"token-2"}
        assert (await asked(access)).status == 401
        (tmp_path / "token").write_text("token-2")
        assert (await asked(access)).status == 200
    assert of_the_pod(tmp_path, {"KUBERNETES_SERVICE_HOST": "fd00::1"}).url == "https://[fd00::1]:443"


def test_what_is_no_pod(tmp_path: Path) -> None:
    with pytest.raises(DriverError, match=r"this is no pod of a cluster .* give power\.kubeconfig"):
        of_the_pod(tmp_path, {})
    with pytest.raises(DriverError, match="automountServiceAccountToken"):
        of_the_pod(tmp_path, {"KUBERNETES_SERVICE_HOST": "10.0.0.1"})


@pytest.mark.parametrize("inside", [True, False])
async def test_a_kubeconfig_with_a_token(tmp_path: Path, certificates: Certificates, inside: bool) -> None:
    (tmp_path / "token").write_text("token-1")
    (tmp_path / "ca.crt").write_bytes(certificates.certificate.read_bytes())
    authority = encoded(certificates.certificate)
    trusted = {"certificate-authority-data": authority} if inside else {"certificate-authority": "ca.crt"}
    user = {"token": "token-1"} if inside else {"tokenFile": "token", "token": "an older one"}
    async with FakeCluster().served(certificates.of_server()) as cluster:
        path = kubeconfig(tmp_path, {"server": f"{cluster.url}/"} | trusted, user, namespace="inference")
        access = of_kubeconfig(path, "x")
        assert access.namespace == "inference" and (await asked(access)).status == 200
        untrusted = of_kubeconfig(kubeconfig(tmp_path, {"server": cluster.url}, user))
        assert untrusted.namespace == "default"
        with pytest.raises(NoAnswerError, match="its certificate is not one that is trusted here"):
            await asked(untrusted)


async def test_a_kubeconfig_with_a_client_certificate(tmp_path: Path, certificates: Certificates) -> None:
    shown = {
        "client-certificate-data": encoded(certificates.certificate),
        "client-key": str(certificates.key),
    }
    trusted = {"certificate-authority": str(certificates.certificate)}
    async with FakeCluster().served(certificates.of_server(asks_clients=True)) as cluster:
        cluster.tokens = {""}
        server = {"server": cluster.url} | trusted
        assert (await asked(of_kubeconfig(kubeconfig(tmp_path, server, shown)))).status == 200
        with pytest.raises(NoAnswerError):
            await asked(of_kubeconfig(kubeconfig(tmp_path, server, {})))


SERVER = {"server": "https://127.0.0.1:9"}


@pytest.mark.parametrize(
    ("cluster", "user", "why"),
    [
        (SERVER | {"insecure-skip-tls-verify": True}, {}, "give certificate-authority instead"),
        (SERVER | {"proxy-url": "http://p"}, {}, "has proxy-url, which is not supported"),
        (SERVER, {"exec": {"command": "aws"}}, "has exec, which is not supported"),
        (SERVER | {"certificate-authority-data": "%"}, {}, "certificate-authority-data that is not base64"),
        (SERVER | {"certificate-authority": "nowhere"}, {}, "certificates that cannot be used"),
        (SERVER | {"certificate-authority-data": "QUJD"}, {}, "certificates that cannot be used"),
        ({"server": "http://10.0.0.1"}, {"token": "t"}, "without TLS on another machine"),
        ({}, {}, "without TLS on another machine"),
    ],
)
def test_what_is_refused(tmp_path: Path, cluster: Any, user: Any, why: str) -> None:
    with pytest.raises(DriverError, match=why):
        of_kubeconfig(kubeconfig(tmp_path, cluster, user))


def test_a_cluster_on_this_machine_may_do_without_tls(tmp_path: Path) -> None:
    for server in ("http://localhost:8001", "http://127.0.0.1:8001", "http://[::1]:8001"):
        access = of_kubeconfig(kubeconfig(tmp_path, {"server": server}, {"token": "t"}))
        assert (access.tls, access.headers()) == (None, {"authorization": "Bearer t"})


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"a: [", "is no YAML"),
        (b"\xff", "it is not text"),
        (b"[]", "no current-context"),
        (b"current-context: x", 'no context "x"'),
        (b"current-context: x\ncontexts: [{name: x, context: {cluster: c}}, 1]", 'no cluster "c"'),
    ],
)
def test_a_file_that_is_no_kubeconfig(tmp_path: Path, content: bytes, why: str) -> None:
    path = tmp_path / "kubeconfig"
    path.write_bytes(content)
    with pytest.raises(DriverError, match=why):
        of_kubeconfig(str(path))
    with pytest.raises(DriverError, match=r"the kubeconfig cannot be read from .*: No such file"):
        of_kubeconfig(str(tmp_path / "nowhere"))
