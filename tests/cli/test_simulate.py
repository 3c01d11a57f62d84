from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.simulating import POLICY, ask

from router.cli import main
from router.simulate.requests import RecordedRequest


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """p.yaml, and t.csv with a hundred requests, one a minute."""
    monkeypatch.chdir(tmp_path)
    Path("p.yaml").write_text(POLICY.replace("POWER\n", ""))
    lines = [f"2026-05-11 {minute // 60:02d}:{minute % 60:02d}:00,1000,100" for minute in range(100)]
    Path("t.csv").write_text("\n".join(["TIMESTAMP,ContextTokens,GeneratedTokens", *lines]))
    return tmp_path


def test_what_a_policy_would_have_cost(files, capsys):
    assert main(["simulate", "t.csv", "--policy", "p.yaml"]) == 0
    printed = capsys.readouterr().out

    assert printed.startswith("Simulated: ") and "100 requests" in printed and "cloud alone      $0.30" in printed


def test_json_has_every_figure(files, capsys):
    assert main(["simulate", "t.csv", "--policy", "p.yaml", "--json", "--scale", "2"]) == 0
    data = json.loads(capsys.readouterr().out)

    assert data["simulated"] is True and data["figures"]["requests"] == 200


def test_a_limit_that_holds_is_the_exit_status(files, capsys):
    command = ["simulate", "t.csv", "--policy", "p.yaml"]
    assert main([*command, "--fail-if", "usd > 1000"]) == 0
    assert main([*command, "--fail-if", "usd > 1000", "--fail-if", "requests == 100"]) == 1
    assert main([*command, "--fail-if", "usd_hindsight > 1"]) == 1
    told = capsys.readouterr().err
    assert (
        "failed: requests == 100 (requests is 100)\n" in told
        and "failed: usd_hindsight > 1 (usd_hindsight has no value here)" in told
    )


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--fail-if", "dollars > 1"], "there is no figure 'dollars'"),
        (["--backend", "cpu:slots=1"], "the policy has no backend 'cpu'; it has: gpu, api"),
        (["--backend", "gpu:size=1"], "'size=1' is no setting"),
    ],
)
def test_a_wrong_command_line_is_told(files, capsys, more: list[str], told: str):
    assert main(["simulate", "t.csv", "--policy", "p.yaml", *more]) == 2
    assert told in capsys.readouterr().err


def test_a_scale_is_a_number(files, capsys):
    with pytest.raises(SystemExit):
        main(["simulate", "t.csv", "--policy", "p.yaml", "--scale", "many"])


def test_backends_are_as_they_are_said_to_be(files, capsys):
    command = ["simulate", "t.csv", "--policy", "p.yaml", "--json", "--backend", "api:first_byte=2,speed=1000"]
    assert main(command) == 0
    assert json.loads(capsys.readouterr().out)["figures"]["cloud_first_byte_p50"] == pytest.approx(2.0, rel=0.02)


@pytest.mark.parametrize(
    ("file", "content", "told"),
    [
        ("t.csv", "TIMESTAMP,ContextTokens,GeneratedTokens\nnow,1,2\n", "t.csv:2: column TIMESTAMP"),
        ("t.csv", "TIMESTAMP,ContextTokens,GeneratedTokens\n", "there is no request in it"),
        ("p.yaml", "version: 1\n", "p.yaml"),
    ],
)
def test_what_is_wrong_with_a_file_is_told_and_nothing_is_half_read(files, capsys, file, content, told):
    Path(file).write_text(content)
    assert main(["simulate", "t.csv", "--policy", "p.yaml"]) == 1
    captured = capsys.readouterr()
    assert told in captured.err and not captured.out


def test_a_file_that_is_not_there_is_told(files, capsys):
    assert main(["simulate", "none.csv", "--policy", "p.yaml"]) == 1
    assert "none.csv" in capsys.readouterr().err


def test_two_policies_are_shown_side_by_side(files, capsys):
    Path("q.yaml").write_text(Path("p.yaml").read_text() + "cost: {strategy: local_first}\n")
    command = ["simulate", "t.csv", "--policy", "p.yaml", "--against", "q.yaml"]
    assert main([*command, "--html", "r.html"]) == 0
    printed = capsys.readouterr().out
    assert "100 requests went elsewhere, 0 went where they went." in printed
    assert "100: api (threshold-below), and gpu (local-first) there; $0.30 instead of $0.00; such as line 2" in printed
    assert "q.yaml" in Path("r.html").read_text()

    assert main([*command, "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["against"]["figures"]["own_requests"] == 100 and data["moved"][0]["requests"] == 100
    assert data["same"] == 0


def test_the_last_days_alone(files, capsys):
    assert main(["simulate", "t.csv", "--policy", "p.yaml", "--json", "--days", "0.01"]) == 0
    assert json.loads(capsys.readouterr().out)["figures"]["requests"] == 15
    with pytest.raises(SystemExit):
        main(["simulate", "t.csv", "--policy", "p.yaml", "--days", "0"])


def test_progress_is_shown_on_a_terminal_alone(files, capsys, monkeypatch: pytest.MonkeyPatch):
    lines = [f"2026-05-11 00:{second // 60:02d}:{second % 60:02d},10,1" for second in range(600)]
    Path("t.csv").write_text("\n".join(["TIMESTAMP,ContextTokens,GeneratedTokens", *lines]))
    monkeypatch.setattr("router.cli.simulate._SHOWN_EVERY", -1.0)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert main(["simulate", "t.csv", "--policy", "p.yaml"]) == 0
    told = capsys.readouterr().err
    assert "256 requests, up to 2026-05-11 00:04 UTC" in told and told.endswith("\x1b[K")


def test_backends_are_fitted_to_records_that_say_when_answers_began(files, capsys, monkeypatch: pytest.MonkeyPatch):
    command = ["simulate", "t.csv", "--policy", "p.yaml", "--fit", "t.csv"]
    assert main(command) == 1
    assert "a fit takes 50 answers of a backend" in capsys.readouterr().err

    def read(path: str, columns: object) -> Iterator[RecordedRequest]:
        return iter(
            [ask(9.0 * n, decided="api", first_byte=0.3, seconds=2.28, output=100, stream=True) for n in range(200)]
        )

    monkeypatch.setattr("router.cli.simulate._read", read)
    assert main(command) == 0
    assert capsys.readouterr().out.startswith(
        "fitted to 200 answers of api: speed=50,first_byte=0.3; of those left out"
    )
    assert main([*command, "--json", "--backend", "api:speed=10"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert len(data["fitted"]) == 1 and data["figures"]["latency_p50"] == pytest.approx(0.3 + 9.9, rel=0.03)


def test_any_other_file_is_read_by_its_columns(files, capsys):
    Path("t.csv").write_text("when,in,out,who\n2026-05-11T00:00:00Z,1000,100,app\n2026-05-11T00:01:00Z,1000,100,app\n")
    command = ["simulate", "t.csv", "--policy", "p.yaml", "--json"]
    assert main(command) == 1 and "--columns" in capsys.readouterr().err
    assert main([*command, "--columns", "at=when,input=in,output=out,key=who"]) == 0
    assert json.loads(capsys.readouterr().out)["figures"]["requests"] == 2
    with pytest.raises(SystemExit):
        main([*command, "--columns", "at=when"])


def test_an_own_export_that_is_read_by_its_columns_loses_its_levels_which_is_told(files, capsys):
    line = {
        "time": "2026-05-11T00:00:00Z",
        "kind": "settled",
        "request_id": "r",
        "model": "chat",
        "sensitivity": "high",
    }
    Path("t.jsonl").write_text(json.dumps({**line, "input_tokens": 1000, "output_tokens": 100}) + "\n")
    columns = ["--columns", "at=time,input=input_tokens,output=output_tokens"]
    assert main(["simulate", "t.jsonl", "--policy", "p.yaml", *columns]) == 0
    assert "warning: t.jsonl is what `breakeven export` writes: --columns leaves out" in capsys.readouterr().err


def test_a_report_that_a_full_disk_does_not_take_is_named(files, capsys):
    assert main(["simulate", "t.csv", "--policy", "p.yaml", "--html", "/dev/full"]) == 1
    assert capsys.readouterr().err == "/dev/full: no space left on device\n"


def test_so_many_days_are_told_with_the_most(files, capsys):
    with pytest.raises(SystemExit):
        main(["simulate", "t.csv", "--policy", "p.yaml", "--days", "99999"])
    assert "a number of days is above 0 and up to 3660, such as 7 or 0.5" in capsys.readouterr().err


def test_a_report_that_cannot_be_written_is_told_before_anything_is_played(files, capsys):
    assert main(["simulate", "none.csv", "--policy", "p.yaml", "--html", "nowhere/r.html"]) == 1
    assert capsys.readouterr().err == "nowhere/r.html: cannot be written, since there is no folder nowhere\n"


def test_a_report_that_is_there_is_replaced_only_where_that_is_said(files, capsys):
    Path("r.html").write_text("mine")
    command = ["simulate", "t.csv", "--policy", "p.yaml", "--html", "r.html"]
    assert main(command) == 1
    assert (
        capsys.readouterr().err.startswith("r.html: is there already: name a new file")
        and "mine" in Path("r.html").read_text()
    )
    assert main([*command, "--force"]) == 0
    assert "mine" not in Path("r.html").read_text()


def test_a_file_that_cannot_be_had_is_told_in_words(files, capsys):
    for command in (["none.csv", "--policy", "p.yaml"], ["t.csv", "--policy", "p.yaml", "--fit", "none.csv"]):
        assert main(["simulate", *command]) == 1
        assert capsys.readouterr().err == "none.csv: no such file or directory\n"


def test_a_draft_that_lets_restricted_requests_leave_is_caught(files, capsys):
    Path("draft.yaml").write_text(
        Path("p.yaml").read_text().replace("restricted: [local]", "restricted: [local, cloud]")
    )
    fields = {"kind": "settled", "model": "chat", "sensitivity": "restricted", "input_tokens": 10, "output_tokens": 1}
    records = [{**fields, "request_id": f"r{n}", "time": f"2026-05-11T00:0{n}:00Z"} for n in range(3)]
    Path("week.jsonl").write_text("\n".join(map(json.dumps, records)))
    command = ["simulate", "week.jsonl", "--policy", "draft.yaml", "--against", "p.yaml"]

    assert main([*command, "--fail-if", "restricted_left > 0", "--html", "r.html"]) == 1
    said = capsys.readouterr()
    assert "WARNING: 3 requests that may not leave would leave.\n" in said.out.split("\n\n")[0] + "\n"
    assert "failed: restricted_left > 0 (restricted_left is 3)" in said.err
    assert "3 requests that may not leave would leave." in Path("r.html").read_text()
    assert main([*command, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["warnings"] == ["3 requests that may not leave would leave"]


def test_what_lies_far_ahead_is_said_before_it_is_waited_for(files, capsys, monkeypatch: pytest.MonkeyPatch):
    days = ["2026-05-11 00:00:00", "2027-05-11 00:00:00"]
    Path("t.csv").write_text("\n".join(["TIMESTAMP,ContextTokens,GeneratedTokens", *[f"{day},10,1" for day in days]]))
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert main(["simulate", "t.csv", "--policy", "p.yaml"]) == 0
    assert "2 requests, up to 2027-05-11" in capsys.readouterr().err
