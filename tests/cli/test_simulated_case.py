from __future__ import annotations

from pathlib import Path

import pytest
from support.simulating import POLICY

from router.cli import main

CASE = "- name: a day\n  simulate: {requests: t.csv, fail_if: [LIMIT]MORE}\n"


@pytest.fixture
def check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """What `check` says of a case with this limit, from another folder than the policy's."""
    folder = tmp_path / "policies"
    folder.mkdir()
    monkeypatch.chdir(tmp_path)
    (folder / "p.yaml").write_text(POLICY.replace("POWER\n", ""))
    lines = [f"2026-05-11 00:{minute:02d}:00,1000,100" for minute in range(60)]
    (folder / "t.csv").write_text("\n".join(["TIMESTAMP,ContextTokens,GeneratedTokens", *lines]))

    def run(limit: str, more: str = "") -> tuple[int, str]:
        (folder / "p.cases.yaml").write_text(CASE.replace("LIMIT", limit).replace("MORE", more))
        status = main(["check", "policies/p.yaml"])
        told = capsys.readouterr()
        return status, told.out + told.err

    return run


def test_traffic_within_its_limits_is_a_case_that_passes(check):
    status, told = check("usd > 100")

    assert status == 0 and "ok policies/p.yaml (1 case)" in told


def test_a_limit_that_holds_is_shown_at_its_line(check):
    status, told = check("requests == 60")

    assert status == 1
    assert (
        "policies/p.cases.yaml:2:" in told and 'case "a day": requests == 60 holds, simulated: requests is 60' in told
    )
    assert check("usd_hindsight > 1")[1].endswith("usd_hindsight > 1 cannot be told: usd_hindsight has no value here\n")


@pytest.mark.parametrize(
    ("limit", "more", "told"),
    [
        ("dollars > 1", "", "there is no figure 'dollars'"),
        ("usd > 100", ", backends: {cpu: speed=1}", "the policy has no backend 'cpu'"),
        ("usd > 100", ", days: 0", "days"),
    ],
)
def test_what_is_wrong_with_a_case_is_told(check, limit: str, more: str, told: str):
    status, printed = check(limit, more)
    assert status == 1 and told in printed


def test_traffic_that_cannot_be_read_is_told(check, tmp_path: Path):
    (tmp_path / "policies" / "t.csv").unlink()
    status, told = check("usd > 100")
    assert status == 1 and "t.csv" in told


def test_scale_days_and_backends_are_those_of_the_command(check):
    more = ', scale: 2, days: 0.0208, backends: {api: "first_byte=3"}'
    assert check("requests != 60 or cloud_first_byte_p50 < 2.9", more)[0] == 0


def test_requests_that_are_not_there_are_told_in_words(check):
    Path("policies/t.csv").unlink()
    status, told = check("usd > 100")

    assert status == 1 and "t.csv: no such file or directory" in told and "Errno" not in told
