"""The policy in the page: looked at, checked, tried, applied, rolled back. The file on disk is the truth."""

from __future__ import annotations

import asyncio
import json
import re
import stat

import msgspec
import pytest
from support.control import ADMIN, API, POLICY, VIEWER
from support.policy_numbers import NUMBERS, SETTINGS, name_of, policy_with

from router.admin.auth.session_cookie import COOKIE
from router.admin.policy import service as desk_module
from router.admin.policy.file import NotWritten
from router.cli import main
from router.config.load import version_of
from router.config.presidio_environment import PRESIDIO_PYTHON
from router.core.values import Usage

BETTER = POLICY.replace("strategy: threshold", "strategy: local_first")
BROKEN = POLICY.replace("zone: cloud", "zone: clowd")
V1, V2 = version_of(POLICY.encode()), version_of(BETTER.encode())


async def apply(plane, text: str, version: str, **options):
    return await plane.post("/api/policy/apply", {"text": text}, headers={"if-match": f'"{version}"'}, **options)


async def look_twice(plane) -> None:
    """A new content is taken over once two looks have seen it."""
    for _ in range(2):
        await asyncio.to_thread(plane.control.desk.look)


# --- putting together


async def test_a_draft_is_merged_with_the_file_as_it_is_now(plane):
    plane.policy.write_text(POLICY + "# theirs\n")
    answer = (await plane.post("/api/policy/merge", {"base": POLICY, "text": BETTER}, ADMIN)).json
    assert answer["text"] == BETTER + "# theirs\n" and answer["conflicts"] == 0
    assert answer["text_version"] == version_of((POLICY + "# theirs\n").encode())
    assert "+# theirs" in answer["theirs"] and "# theirs" not in answer["mine"]
    assert (await apply(plane, answer["text"], answer["text_version"])).status == 200
    assert plane.policy.read_text() == BETTER + "# theirs\n"


async def test_a_merge_that_was_not_finished_is_no_policy_even_within_a_long_string(plane):
    edits = [POLICY.replace("version: 1", f"version: 1 # {who}") for who in ("me", "them")]
    plane.policy.write_text(edits[1])
    answer = (await plane.post("/api/policy/merge", {"base": POLICY, "text": edits[0]}, ADMIN)).json
    assert answer["conflicts"] == 1
    inside = f'{edits[1]}rules: [{{name: "\n{answer["text"]}", when: {{}}}}]\n'
    for text in (answer["text"], inside):
        check = (await plane.post("/api/policy/check", {"text": text})).json
        assert not check["ok"] and "a merge was not finished here" in check["problems"][0]["message"]
        refused = await apply(plane, text, answer["text_version"])
        assert (refused.status, refused.code) == (422, "policy_broken")
    assert plane.policy.read_text() == edits[1]


async def test_a_viewer_merges_with_what_is_in_force(plane):
    plane.policy.write_text(BROKEN)
    await look_twice(plane)
    answer = (await plane.post("/api/policy/merge", {"base": POLICY, "text": BETTER}, VIEWER)).json
    assert answer["text"] == BETTER and answer["text_version"] == version_of(BROKEN.encode())
    assert "clowd" not in str(answer)


def as_role(plane, role: str) -> dict[str, str]:
    """Headers of somebody with this role, as a page sends them."""
    cookie, session = plane.control.sessions.open(role, "ada", teams=None)
    return {"cookie": f"{COOKIE}={cookie}", "x-csrf-token": session.csrf}


@pytest.mark.parametrize("broken", [BROKEN, POLICY + "nonsense: [\n", POLICY.replace("version: 1", "api_key: sk-real")])
@pytest.mark.parametrize("role", ["editor", "admin"])
async def test_over_an_edit_that_was_refused_whoever_may_write_can_apply_and_knows_what_it_replaces(
    plane, role, broken
):
    headers = as_role(plane, role)
    begun = (await plane.ask("GET", "/api/policy", headers=headers)).json
    plane.policy.write_text(broken)
    await look_twice(plane)
    late = await plane.post(
        "/api/policy/apply", {"text": BETTER}, "", headers=headers | {"if-match": begun["text_version"]}
    )
    assert (late.status, late.code) == (412, "changed_meanwhile")
    merged = (await plane.post("/api/policy/merge", {"base": begun["text"], "text": BETTER}, "", headers=headers)).json
    seen = (await plane.ask("GET", "/api/policy", headers=headers)).json
    assert merged["text_version"] == seen["text_version"] == seen["file_version"] == version_of(broken.encode())
    assert seen["refused"] and seen["text"] == (broken if role == "admin" else POLICY)
    assert ("Applying replaces that edit" in seen["note"]) == (role == "editor")
    done = await plane.post(
        "/api/policy/apply", {"text": BETTER}, "", headers=headers | {"if-match": merged["text_version"]}
    )
    assert done.status == 200, done.body
    assert plane.policy.read_text() == BETTER


async def test_an_edit_that_is_about_to_be_taken_over_is_not_written_over_unseen(plane):
    headers = as_role(plane, "editor")
    plane.policy.write_text(BROKEN)
    await look_twice(plane)
    plane.policy.write_text(POLICY + "# theirs\n")  # not yet looked at
    seen = (await plane.ask("GET", "/api/policy", headers=headers)).json
    assert not seen["refused"] and seen["file_version"] != seen["text_version"] == V1
    sent = headers | {"if-match": seen["text_version"]}
    assert (await plane.post("/api/policy/apply", {"text": BETTER}, "", headers=sent)).status == 412
    await look_twice(plane)
    merged = (await plane.post("/api/policy/merge", {"base": POLICY, "text": BETTER}, "", headers=headers)).json
    sent = headers | {"if-match": merged["text_version"]}
    assert (await plane.post("/api/policy/apply", {"text": merged["text"]}, "", headers=sent)).status == 200
    assert plane.policy.read_text() == BETTER + "# theirs\n"


async def test_the_schema_is_the_commands(plane, capsys):
    answer = (await plane.get("/api/policy/schema", VIEWER)).json
    assert main(["schema"]) == 0
    assert answer == json.loads(capsys.readouterr().out)


async def test_shares_of_a_mix_are_no_more_than_all(plane):
    answer = await plane.post("/api/policy/explain", {"mix": {"cached": 0.6, "output": 0.6}}, VIEWER)
    assert answer.status == 400
    assert (await plane.post("/api/policy/explain", {"mix": {"cached": 0.6, "output": 0.4}}, VIEWER)).json["ok"]


# --- looking


async def test_who_has_just_applied_reads_what_they_applied(plane, monkeypatch):
    asked_for, taken_over = asyncio.Event(), plane.control.desk.taken_over

    async def waited() -> None:
        asked_for.set()
        await taken_over()

    monkeypatch.setattr(plane.control.desk, "taken_over", waited)
    assert (await apply(plane, BETTER, V1)).status == 200
    asked = asyncio.create_task(plane.get("/api/policy", VIEWER))
    async with asyncio.timeout(10):
        await asked_for.wait()
    await look_twice(plane)  # as the gateway does by itself, half a second later
    answer = (await asked).json
    assert (answer["version"], answer["text_version"], answer["running_text"]) == (V2, V2, BETTER)


async def test_nobody_waits_for_what_does_not_come_into_force(plane, monkeypatch):
    monkeypatch.setattr(desk_module, "TAKEN_OVER_SECONDS", 0.01)
    assert (await apply(plane, BETTER, V1)).status == 200
    plane.policy.write_text(BROKEN)  # somebody else was there first
    await look_twice(plane)
    answer = (await plane.get("/api/policy", ADMIN)).json
    assert answer["version"] == V1 and answer["reload"]["problems"]


async def test_the_text_with_its_state(plane):
    answer = (await plane.get("/api/policy")).json
    assert answer["text"] == answer["running_text"] == POLICY
    assert answer["version"] == answer["text_version"] == V1 and answer["path"] == str(plane.policy)
    assert answer["reload"]["adopted"] and answer["writable"] and answer["note"] == ""


async def test_a_broken_edit_on_disk_is_shown_with_its_problems_while_the_last_good_one_runs(plane):
    plane.policy.write_text(BROKEN)
    await look_twice(plane)
    answer = (await plane.get("/api/policy", ADMIN)).json
    assert answer["text"] == BROKEN and answer["running_text"] == POLICY and answer["version"] == V1
    (problem,) = answer["reload"]["problems"]
    assert not answer["reload"]["adopted"] and (problem["line"], problem["field"]) == (6, "backends.api.zone")


async def test_a_good_edit_on_disk_is_taken_over_and_remembered(plane):
    plane.policy.write_text(BETTER)
    await look_twice(plane)
    assert (await plane.get("/api/policy")).json["version"] == V2
    entries = (await plane.get("/api/policy/history")).json["entries"]
    assert [(each["version"], each["how"], each["who"]) for each in entries] == [
        (V2, "edited", "the disk"),
        (V1, "found", "the disk"),
    ]


async def test_while_the_file_is_broken_at_the_start_the_last_good_copy_is_in_force(start, settings, policy, tmp_path):
    policy.write_text(BROKEN)
    (tmp_path / "last-good.yaml").write_text(POLICY)
    answer = (await (await start()).get("/api/policy", ADMIN)).json
    assert answer["version"] == V1 and answer["text"] == BROKEN and not answer["reload"]["adopted"]


async def test_a_policy_that_may_not_be_served_here_is_not_taken_over(start):
    plane = await start(servable=lambda plan: "it has no keys" if plan.version == V2 else "")
    plane.policy.write_text(BETTER)
    await look_twice(plane)
    state = (await plane.get("/api/policy")).json
    assert state["version"] == V1 and state["reload"]["why"] == "it has no keys"
    assert (await apply(plane, BETTER + "\n", V2)).status == 200
    check = (await plane.post("/api/policy/check", {"text": BETTER})).json
    assert not check["ok"] and check["problems"][0]["message"] == "it has no keys"


# --- checking


async def test_a_draft_gets_the_errors_of_the_command_line(plane, tmp_path, capsys):
    answer = (await plane.post("/api/policy/check", {"text": BROKEN}, VIEWER)).json
    (tmp_path / "draft.yaml").write_text(BROKEN)
    assert main(["check", str(tmp_path / "draft.yaml")]) == 1
    printed = capsys.readouterr().err
    (problem,) = answer["problems"]
    assert not answer["ok"] and answer["cases"] is None
    assert f":{problem['line']}:{problem['column']}: {problem['field']}: {problem['message']}" in printed


@pytest.mark.parametrize("kind", ["nearly the largest", "6,000 digits", "true"])
async def test_a_number_that_is_none_is_told_with_its_setting(kind, plane):
    of_each_section = {path[0]: path for path in SETTINGS.values()}
    for path in of_each_section.values():
        answer = await plane.post("/api/policy/check", {"text": policy_with(path, NUMBERS[kind])}, VIEWER)
        problems = answer.json["problems"]
        assert answer.status == 200 and any(name_of(path) in each["field"] for each in problems), path
        assert all(len(each["message"]) < 1000 for each in problems), path


async def test_a_draft_gets_the_warnings_of_the_command_line(plane, tmp_path, capsys):
    text = POLICY + "retry: {attempts: 1}\n"
    answer = (await plane.post("/api/policy/check", {"text": text}, VIEWER)).json
    (tmp_path / "draft.yaml").write_text(text)
    assert main(["check", str(tmp_path / "draft.yaml")]) == 0
    printed = capsys.readouterr().err
    assert answer["ok"] and "retry.attempts" in {each["field"] for each in answer["warnings"]}
    for each in answer["warnings"]:
        assert f"{each['field']}: {each['message']} (line {each['line']})" in printed


async def test_a_draft_is_compared_with_what_is_running(plane):
    diff = (await plane.post("/api/policy/check", {"text": BETTER})).json["diff"]
    assert f"--- {V1} (in force)\n+++ draft\n" in diff
    assert "-cost: {strategy: threshold," in diff and "+cost: {strategy: local_first," in diff
    assert (await plane.post("/api/policy/check", {"text": POLICY})).json["diff"] == ""


async def test_the_cases_beside_the_policy_are_tried_on_the_draft(plane):
    cases = plane.policy.with_name("policy.cases.yaml")
    cases.write_text("- {name: cheap, request: {prompt: Hi}, expect: {backend: api}}\n")
    good = (await plane.post("/api/policy/check", {"text": POLICY})).json
    assert good["ok"] and good["cases"] == {"file": cases.name, "count": 1, "passed": True, "problems": []}
    bad = (await plane.post("/api/policy/check", {"text": BETTER})).json
    assert not bad["ok"] and bad["problems"] == [] and not bad["cases"]["passed"]
    assert 'case "cheap": expected backend api, got gpu' in bad["cases"]["problems"][0]["message"]


async def test_only_the_admin_learns_whether_a_secret_exists(plane, tmp_path):
    draft = POLICY.replace("kind: openai,", f"kind: openai, api_key: 'file:{tmp_path}/absent',")
    draft += f"secrets: {{'{tmp_path}/absent': [127.0.0.1]}}\n"
    assert (await plane.post("/api/policy/check", {"text": draft}, VIEWER)).json["problems"] == []
    (problem,) = (await plane.post("/api/policy/check", {"text": draft}, ADMIN)).json["problems"]
    assert problem["field"] == "backends.api.api_key"


# --- trying


async def test_a_request_is_tried_against_the_draft(plane):
    draft = {"text": BETTER, "prompt": "Hello", "headers": {"x-breakeven-sensitivity": "restricted"}}
    answer = (await plane.post("/api/policy/explain", draft, VIEWER)).json
    assert answer["ok"] and answer["version"] == V2
    assert answer["explanation"]["decision"]["permitted_zones"] == ["local"]
    assert "outcome      forward: gpu" in answer["explanation"]["text"]


async def test_only_an_admin_has_presidio_load_what_a_draft_names(plane, monkeypatch):
    """Whether a folder exists is nobody else's business; a viewer's draft is tried as if all had been found."""
    monkeypatch.setenv(PRESIDIO_PYTHON, "/nowhere/python")
    names = f"{{presidio: {{model: {plane.policy.parent}}}, detectors: [{{entities: [PERSON], raise_to: restricted}}], "
    draft = {"text": POLICY.replace("sensitivity: {", f"sensitivity: {names}"), "prompt": "Hello"}
    told = [
        (await plane.post("/api/policy/explain", draft, who)).json["explanation"]["text"] for who in (VIEWER, ADMIN)
    ]
    assert "presidio: it is asked about requests that are served" in told[0]
    assert "presidio: it cannot be started" in told[1]


async def test_without_a_draft_it_is_tried_against_what_runs(plane):
    answer = (await plane.post("/api/policy/explain", {"tokens": 600_000, "key": "app", "down": ["gpu"]})).json
    assert answer["version"] == V1 and answer["explanation"]["decision"]["backends"][0]["backend"] == "api"


async def test_it_is_tried_with_the_break_even_of_the_traffic(plane, settle):
    """24 USD a day, and a cloud that charges 9 per million for what is asked for, not 1.25: 2.7 instead of 19.2 M."""
    draft = {"text": POLICY.replace("strategy: threshold,", "strategy: breakeven,"), "tokens": 3_000_000}
    draft["text"] = draft["text"].replace(" threshold_tokens_per_day: 500000,", "")
    before = (await plane.post("/api/policy/explain", draft)).json
    await settle(API, usage=Usage(input=2_000_000, output=0), cost=18_000_000)
    after = (await plane.post("/api/policy/explain", draft)).json
    assert "below the break-even of 19,200,000" in before["explanation"]["text"]
    assert "above the break-even of 2,666,667" in after["explanation"]["text"]


async def test_a_broken_draft_explains_nothing_but_itself(plane):
    answer = (await plane.post("/api/policy/explain", {"text": BROKEN})).json
    assert not answer["ok"] and answer["explanation"] is None and answer["problems"][0]["line"] == 6


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"key": "nobody"}, "unknown_key"),
        ({"full": ["nothing"]}, "unknown_backend"),
        ({"body": {"messages": []}}, "bad_request"),
        ({"hour": 24}, "bad_body"),
    ],
)
async def test_what_cannot_be_tried_is_said(asked, code, plane):
    answer = await plane.post("/api/policy/explain", asked)
    assert (answer.status, answer.code) == (400, code)


# --- applying


async def test_an_edit_cannot_have_the_machine_run_a_program(plane):
    """What it runs to switch units is said in the file alone; when it does, may be edited."""
    power = "power: {driver: command, start: {run: [touch, /x]}, stop: {run: [x]}, look: {run: [x]}, mode: always}"
    switched = re.sub(r"(kind: vllm, )", rf"\1{power}, ", POLICY, count=1)
    assert switched != POLICY
    refused = await apply(plane, switched, V1)
    assert (refused.status, refused.code) == (422, "policy_broken")
    assert "only in the file itself" in refused.json["error"]["problems"][0]["message"]
    plane.policy.write_text(switched)
    await look_twice(plane)
    version = (await plane.get("/api/policy")).json["version"]
    assert (await apply(plane, switched.replace("mode: always", "mode: never"), version)).status == 200


async def test_an_edit_cannot_send_a_secret_elsewhere(plane, monkeypatch):
    """Neither by naming another host for it, nor by going back to a version that did; the file's owner can."""
    monkeypatch.setenv("THE_KEY", "k")
    keyed = POLICY.replace("kind: openai,", "kind: openai, api_key: env:THE_KEY,")
    refused = await apply(plane, keyed, V1)
    assert (refused.status, refused.code) == (422, "policy_broken")
    assert "add to the policy's file: secrets: {THE_KEY: [" in refused.json["error"]["problems"][0]["message"]
    bound = f"{keyed}secrets: {{THE_KEY: [127.0.0.1]}}\n"
    refused = await apply(plane, bound, V1)
    assert (refused.status, refused.code) == (422, "policy_broken")
    assert "only in the file itself" in refused.json["error"]["problems"][0]["message"]
    assert plane.policy.read_text() == POLICY
    plane.policy.write_text(bound)
    await look_twice(plane)
    version = (await plane.get("/api/policy")).json["version"]
    assert (await apply(plane, f"{bound}# an edit\n", version)).status == 200
    plane.policy.write_text(POLICY)
    await look_twice(plane)
    back = await plane.post("/api/policy/rollback", {"version": version}, headers={"if-match": V1})
    assert (back.status, back.code) == (422, "policy_broken")
    assert plane.policy.read_text() == POLICY


async def test_applying_writes_the_file_as_it_was_sent_and_keeps_its_mode(plane):
    plane.policy.chmod(0o640)
    answer = await apply(plane, BETTER, V1)
    assert answer.status == 200, answer.body
    assert (answer.json["version"], answer.json["previous"], answer.json["changed"]) == (V2, V1, True)
    assert plane.policy.read_text() == BETTER and stat.S_IMODE(plane.policy.stat().st_mode) == 0o640
    await look_twice(plane)
    assert (await plane.get("/api/policy")).json["version"] == V2


async def test_who_applied_what_is_remembered_once(plane):
    body = {"text": BETTER, "note": "cheaper <b>"}
    await plane.post("/api/policy/apply", body, headers={"if-match": V1})
    await look_twice(plane)
    entries = (await plane.get("/api/policy/history")).json["entries"]
    assert [(each["how"], each["who"], each["note"]) for each in entries] == [
        ("applied", "admin (token, 127.0.0.1)", "cheaper <b>"),
        ("found", "the disk", ""),
    ]


async def test_a_lost_update_is_refused(plane):
    assert (await apply(plane, BETTER, V1)).status == 200
    late = await apply(plane, POLICY + "# mine\n", V1)
    assert (late.status, late.code, late.json["error"]["version"]) == (412, "changed_meanwhile", V2)
    assert plane.policy.read_text() == BETTER


async def test_of_two_at_once_one_is_refused(plane):
    drafts = [POLICY + f"# {number}\n" for number in range(4)]
    answers = await asyncio.gather(*(apply(plane, draft, V1) for draft in drafts))
    assert sorted(answer.status for answer in answers) == [200, 412, 412, 412]
    winner = next(draft for draft, answer in zip(drafts, answers, strict=True) if answer.status == 200)
    assert plane.policy.read_text() == winner


async def test_an_edit_on_disk_counts_as_an_update_too(plane):
    plane.policy.write_text(POLICY + "# by hand\n")
    assert (await apply(plane, BETTER, V1)).status == 412


async def test_an_edit_has_to_say_where_it_began(plane):
    for headers in ({}, {"if-match": "*"}):
        answer = await plane.post("/api/policy/apply", {"text": BETTER}, headers=headers)
        assert (answer.status, answer.code) == (428, "version_needed")


async def test_a_broken_draft_is_not_written(plane):
    answer = await apply(plane, BROKEN, V1)
    assert (answer.status, answer.code) == (422, "policy_broken")
    assert answer.json["error"]["problems"][0]["line"] == 6 and plane.policy.read_text() == POLICY


async def test_the_same_text_changes_nothing(plane):
    before = plane.policy.stat().st_ino
    answer = (await apply(plane, POLICY, V1)).json
    assert not answer["changed"] and plane.policy.stat().st_ino == before


async def test_a_broken_edit_that_is_written_over_can_still_be_read(plane):
    plane.policy.write_text(BROKEN)
    await look_twice(plane)
    broken = version_of(BROKEN.encode())
    assert (await apply(plane, BETTER, broken)).status == 200
    entries = (await plane.get("/api/policy/history")).json["entries"]
    assert [each["how"] for each in entries] == ["applied", "replaced", "found"]
    assert (await plane.get(f"/api/policy/history/{broken}", ADMIN)).json["text"] == BROKEN
    assert (await plane.get(f"/api/policy/history/{broken}", VIEWER)).code == "unknown_version"


async def test_a_secret_pasted_into_the_file_by_mistake_is_not_shown_to_viewers(plane):
    pasted = POLICY.replace("kind: openai,", "kind: openai, api_key: sk-a-real-secret,")
    plane.policy.write_text(pasted)
    await look_twice(plane)
    for path in ("/api/policy", "/api/backends", "/api/policy/history"):
        assert b"sk-a-real-secret" not in (await plane.get(path, VIEWER)).body
    answer = (await plane.get("/api/policy", VIEWER)).json
    assert answer["text"] == POLICY and answer["text_version"] == version_of(pasted.encode())
    refused = await apply(plane, pasted, version_of(pasted.encode()))
    assert refused.code == "policy_broken" and b"sk-a-real-secret" not in refused.body


async def test_a_file_that_cannot_be_written_says_what_to_do(plane, monkeypatch):
    def refuse(path, content):
        raise NotWritten("it is on a read-only file system")

    monkeypatch.setattr(desk_module, "write_policy", refuse)
    answer = await apply(plane, BETTER, V1)
    assert (answer.status, answer.code) == (409, "policy_not_writable")
    assert "read-only" in answer.json["error"]["message"]


async def test_a_generated_policy_warns_that_edits_do_not_last(start, settings):
    plane = await start(given=msgspec.structs.replace(settings, generated=True))
    assert "made anew at every start" in (await plane.get("/api/policy")).json["note"]
    assert "made anew at every start" in (await apply(plane, BETTER, V1)).json["note"]


# --- rolling back


async def roll_back(plane, version: str, seen: str):
    return await plane.post("/api/policy/rollback", {"version": version}, headers={"if-match": seen})


async def test_rolling_back_writes_the_earlier_text(plane):
    await apply(plane, BETTER, V1)
    old = (await plane.get(f"/api/policy/history/{V1}")).json
    assert old["text"] == POLICY and old["diff"] == ""  # what is in force is not taken over yet
    answer = await roll_back(plane, V1, V2)
    assert answer.status == 200 and plane.policy.read_text() == POLICY
    entries = (await plane.get("/api/policy/history")).json["entries"]
    assert [each["how"] for each in entries] == ["rolled back", "applied", "found"]


async def test_rolling_back_is_an_update_like_any_other(plane):
    await apply(plane, BETTER, V1)
    assert (await roll_back(plane, V1, V1)).status == 412
    assert (await roll_back(plane, "0" * 12, V2)).code == "unknown_version"
    assert (await plane.get("/api/policy/history/nothing")).code == "unknown_version"


async def test_what_was_never_in_force_is_written_anew_only_by_who_may_read_it(plane):
    """An edit that lost a section was refused, and may hold a secret: an editor who wrote over it unseen cannot have it
    back unseen."""
    lost = re.sub(r"(?m)^sensitivity:.*\n", "", POLICY) + "# a secret\n"
    editor, version = as_role(plane, "editor"), version_of(lost.encode())
    plane.policy.write_text(lost)
    await look_twice(plane)
    assert (await apply(plane, BETTER, version)).status == 200
    await look_twice(plane)
    sent = {"version": version, "losing": ["sensitivity"]}
    refused = await plane.post("/api/policy/rollback", sent, "", headers=editor | {"if-match": V2})
    read = await plane.ask("GET", f"/api/policy/history/{version}", headers=editor)
    assert (refused.status, refused.code) == (read.status, read.code) == (404, "unknown_version")
    assert plane.policy.read_text() == BETTER
    admin = as_role(plane, "admin") | {"if-match": V2}
    assert (await plane.post("/api/policy/rollback", {"version": version}, "", headers=admin)).code == "sections_lost"
    read = (await plane.get(f"/api/policy/history/{version}", ADMIN)).json
    assert [each["field"] for each in read["lost"]] == ["sensitivity"]
    assert (await plane.post("/api/policy/rollback", sent, "", headers=admin)).status == 200
    assert plane.policy.read_text() == lost
