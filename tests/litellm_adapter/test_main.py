"""When the process does not start, it says why. None of this needs litellm."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]


def run(folder: Path, policy: str = "version: 1") -> subprocess.CompletedProcess[str]:
    """Start it with `folder` first among the installed packages."""
    (folder / "policy.yaml").write_text(policy)
    command = [
        sys.executable,
        "-m",
        "router.litellm_adapter",
        "--policy",
        str(folder / "policy.yaml"),
        "--socket",
        str(folder / "s"),
    ]
    environment = {**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{PROJECT}"}
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60)


def pretend_installed(folder: Path, version: str) -> None:
    """A litellm whose import would leave a trace."""
    metadata = folder / f"litellm-{version}.dist-info" / "METADATA"
    metadata.parent.mkdir()
    metadata.write_text(f"Metadata-Version: 2.1\nName: litellm\nVersion: {version}\n")
    (folder / "litellm.py").write_text(f"open({str(folder / 'imported')!r}, 'w').close()\n")


@pytest.mark.parametrize("version", ["1.82.7", "1.82.8", "1.107.0"])
def test_malicious_releases_are_refused_before_they_are_imported(tmp_path: Path, version: str) -> None:
    pretend_installed(tmp_path, version)
    ended = run(tmp_path)
    assert ended.returncode == 1
    assert f"litellm {version} is a known malicious release" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "imported").exists()


def test_a_broken_policy_is_reported_in_its_own_words(tmp_path: Path) -> None:
    pretend_installed(tmp_path, "1.106.2")
    ended = run(tmp_path)
    assert ended.returncode == 1
    assert "policy.yaml" in ended.stderr and "zones" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (tmp_path / "imported").exists()
