from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from router.config.applied_policy import note_applied, note_source
from router.config.load import load
from router.config.problems import PolicyError
from router.config.watch import LONG_QUIET_SECONDS, QUIET_SECONDS, PolicyFile, refusal
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
    assert isinstance(settled(file), PolicyError)


def test_an_edit_that_loses_a_section_which_protects_is_refused_until_that_is_said(path: Path, base: str) -> None:
    """Also where all of the rest was edited, and the file was put in place whole."""
    file = PolicyFile(path)
    file.poll()
    rest = "# edited\n" + re.sub(r"(?m)^(sensitivity|rules):.*\n(?:[ #].*\n|\n)*", "", base) + "rules: []\n"
    new = path.with_name("new.yaml")
    new.write_text(rest)
    new.replace(path)
    told = settled(file)
    assert isinstance(told, PolicyError)
    (problem,) = told.problems
    assert problem.field == "sensitivity" and "write `sensitivity: {levels: {any: [" in problem.message
    path.write_text(rest + problem.message.partition("write `")[2].partition("`")[0] + "\n")
    assert isinstance(settled(file), Plan)
    path.write_text(rest)
    assert isinstance(settled(file), PolicyError)


def test_what_somebody_applied_may_lose_it_and_may_end_as_it_likes(path: Path, base: str, tmp_path: Path) -> None:
    rest = base[: base.index("sensitivity:")].rstrip()
    file = PolicyFile(path, last_good=tmp_path / "last-good.yaml", writer=lambda _: None)
    file.poll()
    note_applied(tmp_path / "last-good.yaml", rest.encode())
    path.write_text(rest)
    assert isinstance(settled(file), Plan)
    path.write_text(base)
    note_applied(tmp_path / "last-good.yaml", base.encode())
    assert isinstance(settled(file), Plan)
    path.write_text(rest + "\n")
    note_applied(tmp_path / "last-good.yaml", b"another")
    assert settled(file) is None, "it is not known whether it is whole"


def test_what_was_refused_is_taken_over_once_it_is_applied_as_it_is(path: Path, base: str, tmp_path: Path) -> None:
    rest = base[: base.index("sensitivity:")]
    file = PolicyFile(path, last_good=tmp_path / "last-good.yaml")
    file.poll()
    path.write_text(rest)
    assert isinstance(settled(file), PolicyError)
    note_applied(tmp_path / "last-good.yaml", rest.encode())
    path.write_text(rest)
    assert isinstance(settled(file), Plan)


def test_what_begins_later_takes_the_copy_of_what_is_in_force_and_judges_the_file_by_it(
    path: Path, base: str, tmp_path: Path
) -> None:
    copy = tmp_path / "last-good.yaml"
    file = PolicyFile(path, last_good=copy)
    with pytest.raises(PolicyError, match=r"last-good\.yaml"):
        file.resume()
    copy.write_text(base)
    plan, content = file.resume()
    assert plan.policy.sensitivity is not None and content == base.encode()
    assert settled(file) is None
    path.write_text(base[: base.index("sensitivity:")])
    assert isinstance(settled(file), PolicyError)
    path.write_text(base.replace("usd_per_hour: 1.5", "usd_per_hour: 2.5"))
    assert isinstance(settled(file), Plan)


def test_going_back_to_what_is_served_is_no_news(path: Path, base: str) -> None:
    file = PolicyFile(path)
    file.poll()
    path.write_text(base + "# a remark\n")
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


def test_what_ends_within_a_line_was_cut_short_however_it_was_saved(path: Path, base: str) -> None:
    """By a disk that was full, or a copy that was killed; what was edited above the cut makes no difference."""
    path.write_text("# revision 11\n" + base + "# the end, of it\n")
    file = PolicyFile(path)
    file.poll()
    edited = "# revision 12\n" + base
    path.write_text(edited + "# the end,")
    told = settled(file)
    assert isinstance(told, PolicyError) and "cut short" in str(told)
    path.write_text(edited)
    assert isinstance(settled(file), Plan)
    replaced = path.with_name("new.yaml")
    replaced.write_text(edited + "# the")
    replaced.replace(path)
    assert isinstance(settled(file), PolicyError)


TAIL = """\
  - {name: last, sha256: "0000000000000000000000000000000000000000000000000000000000000003"}
teams:
  web:
    budget: {usd_per_day: 10}
  data:
    budget: {usd_per_day: 20}
"""


def test_what_ends_where_the_policy_in_force_goes_on_to_protect_is_refused_until_its_end_is_marked(
    path: Path, base: str
) -> None:
    """A copy that was killed at a line's end: nobody has the file open any more."""
    path.write_text(base + TAIL)
    file = PolicyFile(path)
    file.poll()
    shorter = "# edited\n" + base + TAIL[: TAIL.index("  data:")]
    path.write_text(shorter)
    told = settled(file)
    assert isinstance(told, PolicyError) and "says more at `teams.data`" in str(told) and "a line `...`" in str(told)
    path.write_text(shorter + "...\n")
    plan = settled(file)
    assert isinstance(plan, Plan) and list(plan.policy.teams) == ["web"]


def test_the_last_keys_can_be_taken_away(path: Path, base: str) -> None:
    """One that leaked must not go on working because its line was the last one."""
    path.write_text(base + TAIL.partition("teams:")[0])
    file = PolicyFile(path)
    file.poll()
    path.write_text(base)
    plan = settled(file)
    assert isinstance(plan, Plan) and [key.name for key in plan.policy.keys] == ["app", "batch"]


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def answers(file: PolicyFile, clock: Clock, seconds: float) -> list[Plan | PolicyError]:
    """What polls of so long say, every half second."""
    found = []
    for _ in range(round(seconds * 2)):
        clock.now += 0.5
        found.append(file.poll())
    return [each for each in found if each is not None]


def test_where_it_is_not_known_whether_somebody_writes_it_must_stand_unchanged_for_a_while(
    path: Path, base: str
) -> None:
    """As of a file of another user, or on a network's disk."""
    clock = Clock()
    file = PolicyFile(path, writer=lambda _: None, clock=clock)
    assert isinstance(file.poll(), Plan)
    for price in ("2.5", "3.5"):
        path.write_text(base.replace("usd_per_hour: 1.5", f"usd_per_hour: {price}"))
        assert not answers(file, clock, QUIET_SECONDS)
    (plan,) = answers(file, clock, 1)
    assert isinstance(plan, Plan) and plan.gpu.fixed_usd_per_day == 84


def test_there_what_is_written_again_and_again_is_not_taken_even_with_the_same_content(path: Path, base: str) -> None:
    clock = Clock()
    file = PolicyFile(path, writer=lambda _: None, clock=clock)
    file.poll()
    for second in range(10):
        path.write_text(base + "# more\n")
        os.utime(path, (1_000_000_000 + second, 1_000_000_000 + second))
        assert not answers(file, clock, 2)
    assert len(answers(file, clock, 4)) == 1


def test_there_what_ends_where_the_policy_in_force_goes_on_is_waited_for_longer(path: Path, base: str) -> None:
    path.write_text(base + "retry: {attempts: 2}\nhealth: {cooldown: 20s}\n")
    clock = Clock()
    file = PolicyFile(path, writer=lambda _: None, clock=clock)
    file.poll()
    path.write_text("# edited\n" + base + "retry: {attempts: 2}\n")
    (told,) = answers(file, clock, LONG_QUIET_SECONDS)
    assert isinstance(told, PolicyError) and "ends where the policy in force goes on" in str(told)
    (plan,) = answers(file, clock, 1)
    assert isinstance(plan, Plan) and plan.policy.health.cooldown != 20


def test_a_start_and_a_check_refuse_what_a_running_gateway_does(path: Path, base: str, tmp_path: Path) -> None:
    copy, lost = tmp_path / "last-good.yaml", base[: base.index("sensitivity:")]
    copy.write_text(base)
    path.write_text(lost)
    assert refusal(path, load(path), copy) is None  # of whichever file that is a copy
    note_source(copy, path)
    assert "sensitivity: is in the policy in force" in str(refusal(path, load(path), copy))
    note_applied(copy, lost.encode())
    assert refusal(path, load(path), copy) is None
    path.write_text(base + "# a remark\n")
    assert refusal(path, load(path), copy) is None


@pytest.mark.parametrize("kept", ["version: [", None])
def test_without_a_copy_that_can_be_read_nothing_is_refused(
    path: Path, base: str, tmp_path: Path, kept: str | None
) -> None:
    copy = tmp_path / "last-good.yaml"
    note_source(copy, path)
    if kept is not None:
        copy.write_text(kept)
    path.write_text(base[: base.index("sensitivity:")])
    assert refusal(path, load(path), copy) is None
