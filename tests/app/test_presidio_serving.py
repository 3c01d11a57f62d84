"""A whole gateway that has names sought: what is found decides, silence counts as found, and no start without it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support import serving
from support.presidio import need_presidio, small_pipeline
from support.serving import Serving, eventually

from router.config.presidio_environment import PRESIDIO_PYTHON

pytestmark = pytest.mark.timeout(600)  # importing Presidio takes long on a machine that is busy
PATIENCE = 180.0
POLICY = """
version: 1
zones: {local: {owned: true}, cloud: {}}
backends:
  gpu: {zone: local, kind: openai, url: "%(gpu)s", serves: {chat: simulated-llama}}
  api: {zone: cloud, kind: openai, url: "%(api)s", serves: {chat: gpt-4o-mini}}
models: {chat: {backends: [api, gpu]}}
sensitivity:
  levels: {public: [local, cloud], restricted: [local]}
  default: public
  presidio: {model: %(model)s, timeout: 15s}
  detectors: [{entities: [PERSON], raise_to: restricted}]
"""


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "STARTS_WITHIN", PATIENCE)
    monkeypatch.setattr(serving, "PATIENCE", PATIENCE)


def written(folder: Path, pretended: dict[str, str], model: str) -> Path:
    path = folder / "names.yaml"
    path.write_text(POLICY % {**pretended, "model": model})
    return path


def backend_for(gateway: Serving, text: str) -> str:
    answer = gateway.ask(messages=[{"role": "user", "content": text}])
    assert answer.status == 200, answer.body
    return answer.backend


def test_what_is_found_decides_and_silence_counts_as_found(
    tmp_path: Path, pretended: dict[str, str], serve: Callable[..., Serving]
) -> None:
    python = need_presidio()
    policy = written(tmp_path, pretended, small_pipeline(python, tmp_path))
    gateway = serve(policy, "--workers", "2", environment={PRESIDIO_PYTHON: python})
    assert backend_for(gateway, "Write to Ada Lovelace") == "gpu"
    assert backend_for(gateway, "Write to nobody") == "api"

    (presidio,) = gateway.children("router.app.presidio_process")
    presidio.kill()
    serving.wait_for_end(presidio)
    assert backend_for(gateway, "Write to somebody") == "gpu"
    assert "not running" in gateway.log("not looked at")[-1]["why"]
    eventually(lambda: backend_for(gateway, "Write to somebody") == "api", PATIENCE)


def test_where_it_is_not_installed_nothing_is_served(tmp_path: Path, pretended: dict[str, str]) -> None:
    looked = [sys.executable, "-c", "import presidio_analyzer"]
    if not subprocess.run(looked, capture_output=True, check=False).returncode:
        pytest.skip("Presidio is installed for the Python of these tests")
    policy = written(tmp_path, pretended, "en_core_web_sm")
    code, _, told = serving.refused(
        tmp_path / "data", "--policy", str(policy), environment={PRESIDIO_PYTHON: sys.executable}
    )
    assert code not in (0, None)
    assert "entities are sought by Presidio, which is not installed: scripts/environment.sh presidio" in told
