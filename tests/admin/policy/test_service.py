"""The file on disk is the truth; what is in force follows it, and what is written over is not lost."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import msgspec
import pytest
from support.control import POLICY
from support.waiting import until

from router.admin.errors import ApiError
from router.admin.policy import service as desk_module
from router.admin.policy.history import PolicyHistory
from router.admin.policy.service import GENERATED, Author, Earlier, PolicyLocation, PolicyService, problems_of
from router.config.load import version_of
from router.config.problems import PolicyError, Problem

BETTER = POLICY.replace("strategy: threshold", "strategy: local_first")
BARE = re.sub(r"(?m)^sensitivity:.*\n", "", POLICY)
BROKEN = POLICY.replace("zone: cloud", "zone: clowd")
V1, V2 = version_of(POLICY.encode()), version_of(BETTER.encode())
ME = Author("admin (token, 10.0.0.9)", "cheaper")


def unnoted(old: str, new: str) -> None:
    """The audit has tests of its own."""


@pytest.fixture
def make(policy, tmp_path, clock):
    """A desk at the policy's file; what it forbids to serve is given by version."""

    def make(forbidden: str = "", *, generated: bool = False) -> PolicyService:
        place = PolicyLocation(policy, tmp_path / "last-good.yaml", generated)
        history = PolicyHistory(tmp_path / "history")
        made = PolicyService(place, history, lambda plan: "it has no keys" if plan.version == forbidden else "", clock)
        made.start()
        return made

    return make


@pytest.fixture
def desk(make) -> PolicyService:
    return make()


def told(desk: PolicyService) -> list[str]:
    """How versions came into the history, latest first."""
    return [each.how for each in desk.history.entries()]


def edit(desk: PolicyService, policy: Path, text: str) -> None:
    policy.write_text(text)
    desk.look()
    desk.look()


def test_a_new_content_is_taken_over_once_two_looks_have_seen_it(desk, policy):
    policy.write_text(BETTER)
    desk.look()
    assert desk.plan.version == V1
    desk.look()
    assert desk.plan.version == V2 and desk.state().reload.adopted and told(desk) == ["edited", "found"]


def test_a_restart_finds_what_it_left_and_remembers_it_once(make):
    make()
    assert told(make()) == ["found"]


def test_a_broken_edit_leaves_in_force_what_was_and_says_what_is_wrong_with_it(desk, policy):
    edit(desk, policy, BROKEN)
    state = desk.state()
    assert (state.version, state.reload.adopted, state.reload.version) == (V1, False, "")
    assert [each.field for each in state.reload.problems] == ["backends.api.zone"]
    text = desk.text()
    assert (text.text, text.running_text, text.text_version) == (BROKEN, POLICY, version_of(BROKEN.encode()))


def test_so_does_one_that_may_not_be_served_here(make, policy):
    desk = make(V2)
    edit(desk, policy, BETTER)
    reload = desk.state().reload
    assert (reload.adopted, reload.version, reload.why) == (False, V2, "it has no keys") and desk.plan.version == V1


async def test_a_draft_that_loses_what_protects_is_told_so_and_is_taken_over_once_it_is_applied(desk, policy):
    """Whoever sees that and applies it means it; a file that merely changed is refused."""
    draft = desk.check(BARE, with_secrets=False)
    assert draft.ok and draft.warnings[0].field == "sensitivity" and "apply it as it is" in draft.warnings[0].message
    edit(desk, policy, BARE)
    assert not desk.state().reload.adopted and [each.field for each in desk.state().reload.problems] == ["sensitivity"]
    applied = await desk.apply(BARE, version_of(BARE.encode()), ME, unnoted)
    desk.look()
    desk.look()
    assert not applied.changed and desk.plan.policy.sensitivity is None and desk.state().reload.adopted


async def test_it_is_not_applied_where_that_cannot_be_kept(desk, policy, monkeypatch):
    def full(path: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(desk_module, "note_applied", full)
    with pytest.raises(ApiError, match="No space left") as refused:
        await desk.apply(BETTER, V1, ME, unnoted)
    assert refused.value.status == 409 and policy.read_text() == POLICY


def test_a_restart_judges_the_file_by_the_copy_of_what_is_in_force(make, policy, tmp_path):
    (tmp_path / "last-good.yaml").write_text(POLICY)
    assert make().state().reload.adopted
    policy.write_text(BARE)
    desk = make()
    assert desk.plan.policy.sensitivity is not None and not desk.state().reload.adopted
    edit(desk, policy, BARE)
    assert [each.field for each in desk.state().reload.problems] == ["sensitivity"]
    edit(desk, policy, BETTER)
    assert desk.plan.version == V2 and desk.state().reload.adopted


def test_a_file_that_is_gone_cannot_be_shown_or_written_and_the_plan_stays(desk, policy):
    policy.unlink()
    desk.look()
    assert desk.plan.version == V1
    with pytest.raises(ApiError, match="policy") as refused:
        desk.text()
    assert (refused.value.status, refused.value.answer.error.code) == (503, "policy_unreadable")


async def test_following_goes_on_after_a_look_that_failed(desk, monkeypatch, caplog):
    looks = []

    def look() -> None:
        looks.append(True)
        if len(looks) == 1:
            raise OSError("of this look")

    monkeypatch.setattr(desk_module, "FOLLOW_SECONDS", 0.001)
    monkeypatch.setattr(desk, "look", look)
    following = asyncio.create_task(desk.follow())
    await until(lambda: len(looks) >= 2)
    following.cancel()
    assert "policy not followed" in caplog.text


def test_a_history_that_cannot_be_written_keeps_no_policy_from_being_served(desk, policy, monkeypatch, caplog):
    def full(*_) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(desk.history, "add", full)
    edit(desk, policy, BETTER)
    assert desk.plan.version == V2 and "history cannot be written" in caplog.text


def test_a_draft_is_judged_without_being_written(desk, policy):
    good, bad = desk.check(BETTER, with_secrets=True), desk.check(BROKEN, with_secrets=True)
    assert good.ok and good.version == V2 and "+cost: {strategy: local_first," in good.diff and good.cases is None
    assert not bad.ok and [each.field for each in bad.problems] == ["backends.api.zone"]
    assert policy.read_text() == POLICY and told(desk) == ["found"]


def test_cases_that_are_broken_themselves_let_no_draft_pass(desk, policy):
    policy.with_name("policy.cases.yaml").write_text("- {")
    answer = desk.check(BETTER, with_secrets=False)
    assert not answer.ok and answer.problems == [] and answer.cases.problems[0].file == "policy.cases.yaml"


async def test_applying_writes_and_remembers_who_and_why(desk, policy):
    applied = await desk.apply(BETTER, V1, ME, unnoted)
    assert (applied.version, applied.previous, applied.changed, applied.note) == (V2, V1, True, "")
    assert policy.read_text() == BETTER and desk.plan.version == V1  # until it was looked at
    entry = desk.history.entries()[0]
    assert (entry.version, entry.how, entry.who, entry.note) == (V2, "applied", ME.who, ME.note)
    desk.look()
    desk.look()
    assert desk.plan.version == V2 and told(desk) == ["applied", "found"]


async def test_of_two_who_began_at_the_same_version_one_is_refused(desk, policy):
    drafts = [f"{BETTER}# {number}\n" for number in range(5)]
    answers = await asyncio.gather(*(desk.apply(draft, V1, ME, unnoted) for draft in drafts), return_exceptions=True)
    refused = [each for each in answers if isinstance(each, ApiError)]
    assert len(refused) == 4 and {each.status for each in refused} == {412}
    assert {each.answer.error.version for each in refused} == {version_of(policy.read_bytes())}


@pytest.mark.parametrize("text", [BROKEN, BETTER, POLICY + "secrets: {OPENAI_API_KEY: [evil.example]}\n"])
async def test_nothing_is_written_that_is_broken_or_not_servable_or_sends_a_secret_elsewhere(make, policy, text):
    desk = make(V2)
    with pytest.raises(ApiError, match="nothing was written") as refused:
        await desk.apply(text, V1, ME, unnoted)
    assert refused.value.status == 422 and refused.value.answer.error.problems
    assert policy.read_text() == POLICY and told(desk) == ["found"]


async def test_what_was_never_in_force_and_is_written_over_is_kept(desk, policy):
    edit(desk, policy, BROKEN)
    await desk.apply(BETTER, version_of(BROKEN.encode()), ME, unnoted)
    assert told(desk) == ["applied", "replaced", "found"]
    assert desk.history.text(version_of(BROKEN.encode())) == BROKEN.encode()


async def test_the_same_content_is_not_written_again(desk, monkeypatch):
    monkeypatch.setattr(desk_module, "write_policy", lambda *_: pytest.fail("it was written"))
    assert not (await desk.apply(POLICY, V1, ME, unnoted)).changed


WINDOWS = POLICY.replace("\n", "\r\n").encode()


async def test_what_is_applied_has_the_line_ends_of_the_file(make, policy):
    policy.write_bytes(WINDOWS)
    desk = make()
    untouched = desk.check(POLICY, with_secrets=False)
    assert untouched.diff == "" and untouched.version == desk.plan.version == version_of(WINDOWS)
    assert not (await desk.apply(POLICY, version_of(WINDOWS), ME, unnoted)).changed
    edited = desk.check(BETTER, with_secrets=False)
    assert [line[0] for line in edited.diff.splitlines()[3:] if line[0] in "+-"] == ["-", "+"]
    applied = await desk.apply(BETTER, version_of(WINDOWS), ME, unnoted)
    assert policy.read_bytes() == BETTER.replace("\n", "\r\n").encode()
    assert applied.version == edited.version == version_of(policy.read_bytes())


def test_two_edits_of_a_file_with_other_line_ends_are_put_together(make, policy):
    policy.write_bytes(WINDOWS)
    desk = make()
    policy.write_bytes(WINDOWS + b"# theirs\r\n")
    merged = desk.merge(WINDOWS.decode(), f"# mine\n{POLICY}", desk.text())
    assert merged.conflicts == 0 and merged.text == f"# mine\n{POLICY}# theirs\n"
    assert [diff.count("\n+") for diff in (merged.mine, merged.theirs)] == [2, 2], (
        "a line each, and that of the heading"
    )


async def test_rolling_back_is_applying_what_the_history_has(desk, policy):
    await desk.apply(BETTER, V1, ME, unnoted)
    await desk.roll_back(Earlier(V1, for_admin=False), V2, ME, unnoted)
    assert policy.read_text() == POLICY and told(desk) == ["rolled back", "applied", "found"]
    with pytest.raises(ApiError) as refused:
        await desk.roll_back(Earlier("0" * 12, for_admin=True), V1, ME, unnoted)
    assert (refused.value.status, refused.value.answer.error.code) == (404, "unknown_version")


async def test_rolling_back_to_what_protects_less_is_meant_when_it_says_so(desk, policy):
    edit(desk, policy, BARE)
    await desk.apply(BARE, version_of(BARE.encode()), ME, unnoted)
    for text in (BARE, POLICY):
        edit(desk, policy, text)
    back = Earlier(version_of(BARE.encode()), for_admin=False)
    with pytest.raises(ApiError, match=r'send `losing: \["sensitivity"\]`') as refused:
        await desk.roll_back(back, V1, ME, unnoted)
    assert refused.value.status == 409 and refused.value.answer.error.code == "sections_lost"
    assert "every zone may see every request" in refused.value.answer.error.problems[0].message
    assert policy.read_text() == POLICY
    await desk.roll_back(msgspec.structs.replace(back, losing=("sensitivity",)), V1, ME, unnoted)
    assert policy.read_text() == BARE


async def test_a_policy_made_from_the_environment_says_that_edits_do_not_last(make):
    desk = make(generated=True)
    assert desk.text().note == (await desk.apply(BETTER, V1, ME, unnoted)).note == GENERATED


def test_plans_that_were_in_force_can_be_had_by_version_and_others_not(desk, policy):
    edit(desk, policy, BETTER)
    assert [desk.plan_of_version(each).version for each in (V1, V2)] == [V1, V2]
    assert desk.plan_of_version("0" * 12) is None


def test_a_rehearsal_neither_fails_nor_writes(desk, policy):
    for text in (BETTER, BROKEN, "\0"):
        desk.rehearse(text.encode())
    assert policy.read_text() == POLICY and told(desk) == ["found"]


def test_a_difference_ends_each_of_its_lines_though_the_file_does_not(desk):
    assert desk.diff(b"a\nb", b"a\nc", "1", "2").splitlines()[-2:] == ["-b", "+c"]


def test_a_problem_names_its_file_and_not_where_that_lies():
    [problem] = problems_of(PolicyError([Problem("/etc/gate/policy.yaml", 3, 4, "keys", "wrong")]))
    assert (problem.file, problem.line, problem.column, problem.field) == ("policy.yaml", 3, 4, "keys")
