import json

import pytest

from router.cli import main
from router.core.values import Cell

NOON = 1_779_271_200.0
GPU = Cell("gpu", "local", "chat", "search", "app")
CLOUD = Cell("openai", "cloud", "chat", "sales", "bot")
EXPORT = "date,model,requests,input_tokens,output_tokens,cost_usd\n2026-05-20,gpt-4o-mini-2024-07-18,2,2000,100,{}\n"
POLICY = """\
version: 1
zones: {local: {owned: true}, cloud: {}}
backends:
  gpu: {zone: local, kind: vllm, url: "http://127.0.0.1:8000/v1", serves: {chat: llama}, cost: {usd_per_hour: 1}}
  openai: {zone: cloud, kind: openai, url: "https://api.openai.com/v1", api_key: "env:KEY", serves: {chat: gpt-4o-mini}}
models: {chat: {backends: [gpu, openai]}}
"""


@pytest.fixture
def reconcile(books, tmp_path):
    """Two requests to the cloud and one to a GPU; the command, on an export with some cost or text."""
    books.settle(GPU)
    books.settle(CLOUD, cost=250_000)
    books.settle(CLOUD, NOON + 3600, cost=250_000)
    (tmp_path / "policy.yaml").write_text(POLICY)

    def run(export: str, *arguments: str) -> int:
        invoice = tmp_path / "invoice.csv"
        invoice.write_text(export if "," in export else EXPORT.format(export))
        return main(["ledger", "reconcile", str(invoice), "--redis", books.url, *arguments])

    return run


def policy(tmp_path) -> tuple[str, str]:
    return "--policy", str(tmp_path / "policy.yaml")


def test_an_export_that_agrees(reconcile, tmp_path, capsys):
    assert reconcile("0.50", *policy(tmp_path)) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Days in UTC; their figures: generic"
    assert lines[2].split("  ")[0] == "day"
    assert lines[3].split() == [
        "2026-05-20",
        "gpt-4o-mini",
        "2,100",
        "2,100",
        "+0",
        "0.500000",
        "0.500000",
        "+0.000000",
    ]
    assert lines[-1] == "Their figures and ours agree within the tolerance (1 % or 0.01 USD)."


def test_a_difference_is_shown(reconcile, tmp_path, capsys):
    assert reconcile("0.75", *policy(tmp_path)) == 1
    output = capsys.readouterr().out
    assert "-0.250000              cost" in output
    assert "1 of 1 lines differ by more than the tolerance (1 % or 0.01 USD)." in output


@pytest.mark.parametrize(("tolerance", "status"), [(["--tolerance", "50"], 0), (["--tolerance-usd", "0.3"], 0)])
def test_the_tolerance_can_be_chosen(reconcile, tmp_path, tolerance, status):
    assert reconcile("0.75", *policy(tmp_path), *tolerance) == status


def test_the_same_as_json(reconcile, tmp_path, capsys):
    assert reconcile("0.75", *policy(tmp_path), "--json") == 1
    report = json.loads(capsys.readouterr().out)
    assert (report["agrees"], report["compared"]) == (False, ["requests", "input", "output", "cost"])
    assert report["lines"] == [
        {
            "day": "2026-05-20",
            "model": "gpt-4o-mini",
            "theirs": {"requests": 2, "input": 2000, "output": 100, "cost_usd": 0.75},
            "ours": {"requests": 2, "input": 2000, "output": 100, "cost_usd": 0.5},
            "beyond_tolerance": ["cost"],
        }
    ]


def test_models_can_be_named_without_a_policy(reconcile):
    assert reconcile("0.50", "--backend", "openai", "--map", "chat=gpt-4o-mini") == 0
    assert reconcile("0.50", "--backend", "openai") == 1


def test_days_can_be_chosen(reconcile, tmp_path):
    export = EXPORT.format("0.5") + "2026-05-21,gpt-4o-mini,1,1,1,9.0\n"
    assert reconcile(export, *policy(tmp_path)) == 1
    assert reconcile(export, *policy(tmp_path), "--to", "2026-05-20") == 0


@pytest.mark.parametrize(
    ("export", "arguments", "message"),
    [
        ("0.5", (), "--backend whose export this is; there are gpu, openai"),
        ("0.5x", ("--backend", "openai"), "invoice.csv: line 2, column cost_usd: '0.5x' is not a number"),
        ("date,model,cost_usd\n", ("--backend", "openai"), "it has no usage"),
        ("date,model,cost_usd\n1970-01-01,m,1\n2026-05-20,m,1\n", ("--backend", "openai"), "1 to 1000 days"),
        ("0.5", ("--backend", "openai", "--timezone", "Mars/Olympus"), "Mars/Olympus"),
        ("0.5", ("--backend", "openai", "--from", "someday"), "a day is"),
        ("0.5", ("--policy", "/no/such/policy.yaml"), "policy.yaml"),
    ],
)
def test_what_cannot_be_used_is_explained(reconcile, capsys, export, arguments, message):
    assert reconcile(export, *arguments) == 2
    assert message in capsys.readouterr().err


def test_a_backend_that_the_policy_does_not_have_is_named(reconcile, tmp_path, capsys):
    assert reconcile("0.5", *policy(tmp_path), "--backend", "gpu") == 2
    assert "no cloud backend gpu; there are openai" in capsys.readouterr().err


@pytest.mark.parametrize("argument", [["--map", "chat"], ["--tolerance", "much"], ["--tolerance-usd", "-1"]])
def test_a_wrong_argument_is_explained(capsys, argument):
    with pytest.raises(SystemExit) as exit:
        main(["ledger", "reconcile", "invoice.csv", *argument])
    assert exit.value.code == 2
    assert "such as" in capsys.readouterr().err


def test_a_missing_file_is_named(books, capsys):
    assert main(["ledger", "reconcile", "no-such.csv", "--redis", books.url]) == 2
    assert "no-such.csv" in capsys.readouterr().err
