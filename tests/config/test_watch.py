from __future__ import annotations

import os
from pathlib import Path

import pytest

from router.config.problems import PolicyError
from router.config.watch import PolicyFile
from router.core.values import Plan


@pytest.fixture
def path(base: str, tmp_path: Path) -> Path:
    (tmp_path / "policy.yaml").write_text(base)
    return tmp_path / "policy.yaml"


def settled(file: PolicyFile) -> Plan | PolicyError | None:
    """What the second of two polls says; the first one only takes note."""
    assert file.poll() is None
    return file.poll()


def test_the_first_poll_gives_the_plan_and_the_next_one_nothing(path: Path) -> None:
    file = PolicyFile(path)
    assert isinstance(file.poll(), Plan)
    assert file.poll() is None


def test_an_edit_in_place(path: Path, base: str) -> None:
    file = PolicyFile(path)
    file.poll()
    path.write_text(base.replace("usd_per_hour: 1.5", "usd_per_hour: 2.5"))
    plan = settled(file)
    assert isinstance(plan, Plan)
    assert plan.gpu.fixed_usd_per_day == 60


def test_an_edit_of_the_same_size_within_the_same_tick_of_the_clock(path: Path, base: str) -> None:
    file = PolicyFile(path)
    before = path.stat()
    file.poll()
    path.write_text(base.replace("usd_per_hour: 1.5", "usd_per_hour: 2.5"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert isinstance(settled(file), Plan)


def test_an_old_file_is_not_read_again(path: Path) -> None:
    os.utime(path, (1_000_000_000, 1_000_000_000))
    file = PolicyFile(path)
    file.poll()
    path.chmod(0)
    assert file.poll() is None


def test_a_touch_changes_nothing(path: Path) -> None:
    file = PolicyFile(path)
    file.poll()
    os.utime(path, (1_000_000_000, 1_000_000_000))
    assert file.poll() is None


def test_a_broken_edit_is_reported_once_and_put_right_by_the_next(path: Path, base: str) -> None:
    file = PolicyFile(path)
    file.poll()
    path.write_text(base[:400])
    error = settled(file)
    assert isinstance(error, PolicyError)
    assert error.problems[0].path_of_file == str(path)
    assert file.poll() is None
    path.write_text(base[:450])
    assert isinstance(settled(file), PolicyError)
    path.write_text(base)
    assert isinstance(settled(file), Plan)


def test_a_file_that_vanishes_is_reported_once(path: Path, base: str) -> None:
    file = PolicyFile(path)
    file.poll()
    path.unlink()
    assert isinstance(settled(file), PolicyError)
    assert file.poll() is None
    path.write_text(base)
    assert isinstance(settled(file), Plan)


def test_a_swapped_link_as_in_a_config_map(tmp_path: Path, base: str) -> None:
    for name, price in (("one", "1.5"), ("two", "2.5")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "policy.yaml").write_text(base.replace("usd_per_hour: 1.5", f"usd_per_hour: {price}"))
        os.utime(tmp_path / name / "policy.yaml", (1_000_000_000, 1_000_000_000))
    (tmp_path / "data").symlink_to("one")
    (tmp_path / "policy.yaml").symlink_to("data/policy.yaml")
    file = PolicyFile(tmp_path / "policy.yaml")
    file.poll()
    (tmp_path / "next").symlink_to("two")
    (tmp_path / "next").rename(tmp_path / "data")
    plan = settled(file)
    assert isinstance(plan, Plan)
    assert plan.gpu.fixed_usd_per_day == 60


def test_secrets_are_looked_for_when_asked(path: Path) -> None:
    assert isinstance(PolicyFile(path, with_secrets=True).poll(), PolicyError)


def test_a_half_written_file_that_happens_to_be_valid_is_not_taken(path: Path, base: str) -> None:
    without_sensitivity = base[: base.index("sensitivity:")]
    file = PolicyFile(path)
    file.poll()
    path.write_text(without_sensitivity)
    assert file.poll() is None
    path.write_text(base)
    assert file.poll() is None
    assert file.poll() is None
    path.write_text(without_sensitivity)
    assert isinstance(settled(file), Plan)


def test_going_back_to_what_is_served_is_no_news(path: Path, base: str) -> None:
    file = PolicyFile(path)
    file.poll()
    path.write_text(base + "# a remark")
    file.poll()
    path.write_text(base)
    assert settled(file) is None


def test_a_file_that_is_still_being_written_is_waited_for(path: Path, base: str) -> None:
    """Its first half may be a valid policy, and stand there for minutes: a slow copy, a full disk."""
    file = PolicyFile(path)
    file.poll()
    half = "# copied\n" + base[: base.index("sensitivity:")]
    with path.open("w") as written:
        written.write(half)
        written.flush()
        found = [file.poll() for _ in range(25)]
        (told,) = [each for each in found if each is not None]
        assert isinstance(told, PolicyError) and "once that closes it" in str(told)
        written.write(base[base.index("sensitivity:") :])
    plan = settled(file)
    assert isinstance(plan, Plan) and plan.policy.sensitivity.detectors


def test_what_ends_within_a_line_of_the_policy_in_force_was_cut_short(path: Path, base: str) -> None:
    """By a disk that was full. Editors that leave out a last line end replace the file, or write one that differs."""
    path.write_text(base + "retry: {attempts: 2}\n")
    file = PolicyFile(path)
    file.poll()
    path.write_text(base.rstrip())
    told = settled(file)
    assert isinstance(told, PolicyError) and "cut short" in str(told)
    path.write_text(base)
    assert isinstance(settled(file), Plan)
    path.write_text(base + "# end")
    assert isinstance(settled(file), Plan)
    path.write_text(base + "#")
    assert isinstance(settled(file), PolicyError)
    replaced = path.with_name("new.yaml")
    replaced.write_text(base + "#")
    replaced.replace(path)
    assert isinstance(settled(file), Plan)
