from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from router.config.load import Problem, load
from router.config.problems import PolicyError
from router.core.values import Plan


def test_the_version_is_the_beginning_of_the_files_hash(base: str, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(base)
    assert load(tmp_path / "policy.yaml").version == hashlib.sha256(base.encode()).hexdigest()[:12]


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(PolicyError) as caught:
        load(tmp_path / "policy.yaml")
    assert str(caught.value) == f"{tmp_path}/policy.yaml: cannot be read: No such file or directory"


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "policy.yaml").open("wb") as file:
        file.truncate(10**10)
    with pytest.raises(PolicyError, match="larger than 1000000 bytes"):
        load(tmp_path / "policy.yaml")


def test_a_file_that_is_not_utf_8(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_bytes(b"version: 1\n# caf\xe9\n")
    with pytest.raises(PolicyError, match=r"policy.yaml:2:6: not UTF-8"):
        load(tmp_path / "policy.yaml")


def test_a_byte_order_mark_does_not_matter(base: str, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_bytes(b"\xef\xbb\xbf" + base.encode())
    assert load(tmp_path / "policy.yaml").models


@pytest.mark.parametrize("text", ["[]", "hello", "7"])
def test_a_file_that_is_no_policy_at_all(text: str, plan: Callable[[str], Plan]) -> None:
    with pytest.raises(PolicyError) as caught:
        plan(text)
    assert str(caught.value) == (
        "policy.yaml:1:1: the file must be a mapping with the keys version, zones, backends, models and so on"
    )


def test_problems_are_sorted_and_each_is_told_once() -> None:
    later, earlier = Problem("p.yaml", 10, 1, "a", "x"), Problem("p.yaml", 9, 5, "b", "y")
    error = PolicyError([later, earlier, later])
    assert error.problems == (earlier, later)
    assert str(error) == "p.yaml:9:5: b: y\np.yaml:10:1: a: x"


def test_the_price_list_is_not_imported_when_the_policy_gives_all_prices(base: str, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(base)
    code = (
        "import sys; from router.config.load import load; load(sys.argv[1]); "
        "assert not any(name.startswith('genai_prices') for name in sys.modules)"
    )
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", code, tmp_path / "policy.yaml"], cwd=root, check=True, timeout=60)
