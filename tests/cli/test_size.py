from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from router.cli import main
from router.config.sizing.catalogue import load_catalogue
from router.core.power.policy import Launch


@pytest.fixture(autouse=True)
def no_ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BREAKEVEN_DATA_DIR", str(tmp_path / "nothing"))
    monkeypatch.delenv("BREAKEVEN_REDIS", raising=False)


def told(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> str:
    assert main(["size", *arguments]) == status
    out, err = capsys.readouterr()
    return out if status == 0 else out + err


def test_without_a_model_the_article_is_corrected(capsys: pytest.CaptureFixture[str]) -> None:
    text = told(capsys)
    assert "there is no Llama 4 of 8B; 3.1 has one" in text
    assert [line.split("  ")[0] for line in text.splitlines()[3:7]] == [
        "Llama 4 8B", "Llama 4 70B", "Mistral Large", "Qwen 2.5 72B",
    ]  # fmt: skip


def test_a_model_on_cards(capsys: pytest.CaptureFixture[str]) -> None:
    text = told(
        capsys, "llama-3.1-8b", "--gpu", "L40S", "--gpu", "h100", "--quantization", "awq", "--against", "gpt-4o-mini"
    )
    rows = [line.split() for line in text.splitlines() if line.startswith("awq ")]
    assert [row[1] for row in rows] == ["L40S", "H100"]
    assert "an estimate that servers stay below" in text
    launch = yaml.safe_load(text[text.index("launch:") :])["launch"]
    assert Launch.model_validate(launch).model == "hugging-quants/Meta-Llama-3.1-8B-Instruct-AWQ-INT4"


def test_json_is_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    data = json.loads(told(capsys, "qwen3-8b", "--gpu", "H100", "--json", "--volume", "1000000", "--rent", "2.5"))
    assert data["tokens_per_day"] == 1_000_000
    assert data["options"][0]["cost"]["low"]["usd_per_million_at_volume"] == pytest.approx(60.0)
    assert len(json.loads(told(capsys, "--json"))["rows"]) == 4


def test_a_config_of_ones_own(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps({**load_catalogue().models["llama-3.1-8b"].config, "model_type": "mine"}))
    text = told(capsys, str(config), "--gpu", "H100", "--vllm", "0.16.0")
    assert 'its weights may be far off: model_type "mine" is not known here' in text
    assert "vLLM 0.11 or later" in text


def test_what_fits_nowhere(capsys: pytest.CaptureFixture[str]) -> None:
    text = told(capsys, "deepseek-r1", "--gpu", "L4", status=1)
    assert "fp8 on L4 does not fit: its weights and what vLLM takes for itself leave no room for a KV cache." in text


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["llama-3.1-8"], 'llama-3.1-8: no such model; did you mean "llama-3.1-8b"?'),
        (["llama-3.1-8b", "--gpu", "H10"], 'H10: no such card; did you mean "H100"?'),
        (
            ["llama-3.1-8b", "--against", "text-embedding-3-small"],
            "text-embedding-3-small: the price list has no price of",
        ),
        (["llama-3.1-8b", "--against", "gpt-4o-mnii"], "gpt-4o-mnii: the price list has no such model; did you mean"),
        (
            ["llama-3.1-8b", "--vllm", "newest"],
            "newest is no version of vLLM: one such as 0.32.0; what vLLM takes changed in",
        ),
        (["llama-3.1-8b", "--vllm", "0.1"], "nothing is known of vLLM 0.1, which is older than 0.11; what vLLM takes"),
    ],
)
def test_names_that_there_are_not(capsys: pytest.CaptureFixture[str], arguments: list[str], says: str) -> None:
    assert says in told(capsys, *arguments, status=2)


@pytest.mark.parametrize(
    "arguments",
    [["--context", "0"], ["--concurrency", "two"], ["--rent", "-1"], ["--rent", "free"], ["--volume", "1.5"]],
)
def test_amounts_that_are_none(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["size", "llama-3.1-8b", *arguments])
    assert caught.value.code == 2
    assert "above 0" in capsys.readouterr().err


def test_a_config_that_is_wrong(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{\n  "hidden_size": 4096\n}')
    text = told(capsys, str(tmp_path), status=1)
    assert text.splitlines()[0].startswith(
        f'{tmp_path}/config.json:1:1: intermediate_size: missing key "intermediate_s'
    )
    assert len(text.splitlines()) == 4


def test_a_config_that_is_no_json_is_told_with_its_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"hidden_size": 4096,\n "x": }')
    assert told(capsys, str(tmp_path), status=1) == f"{tmp_path}/config.json:2:7: not valid JSON: Expecting value\n"


def test_a_name_that_several_cards_begin_with(capsys: pytest.CaptureFixture[str]) -> None:
    text = told(capsys, "llama-3.1-8b", "--gpu", "a100", status=2)
    assert 'a100: no such card; did you mean "A100-40" or "A100-80"? there are A10, ' in text


def test_records_that_are_a_trace(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    trace = tmp_path / "t.csv"
    trace.write_text("TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03.9,4808,10\n")
    text = told(capsys, "llama-3.1-8b", "--records", str(trace), status=1)
    assert text == f"{trace}: it is a trace (azure), which tells no backend: give what `breakeven export` writes\n"


def test_a_context_that_a_config_does_not_tell_has_to_be_given(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    config = dict(load_catalogue().models["llama-3.1-8b"].config)
    del config["max_position_embeddings"]
    (tmp_path / "config.json").write_text(json.dumps(config))

    assert "say which is meant with --context" in told(capsys, str(tmp_path), "--gpu", "H100", status=2)
    assert "made for a context that its config does not tell" in told(
        capsys, str(tmp_path), "--gpu", "H100", "--context", "8192"
    )


def test_a_context_beyond_what_the_model_was_made_for_fits_nowhere(capsys: pytest.CaptureFixture[str]) -> None:
    text = told(capsys, "llama-3.1-8b", "--gpu", "H200", "--context", "200000", status=1)
    assert "it was made for 131,072 tokens, and vLLM refuses to start it with a context of 200,000" in text


RECORD = {
    "kind": "settled",
    "model": "chat",
    "endpoint": "chat",
    "backend": "gpu",
    "zone": "local",
    "input_tokens": 900,
    "output_tokens": 100,
    "sent_us": 0,
    "first_byte_us": 100_000,
    "duration_us": 2_000_000,
}


def test_what_was_measured_stands_beside_the_estimate(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    records = tmp_path / "records.jsonl"
    times = [f"2026-11-02T00:00:{second:02d}.000000Z" for second in range(0, 40, 4)]
    lines = [json.dumps({**RECORD, "time": time, "request_id": f"r{time}"}) for time in times]
    records.write_text("\n".join(lines))
    arguments = ("llama-3.1-8b", "--gpu", "L40S", "--records", str(records))
    text = told(capsys, *arguments)

    assert "As measured by this gateway" in text and "gpu: 500 tokens a second, in 0.0 hours and 10 answers" in text
    assert "At 10 K tokens a day" in text
    data = json.loads(told(capsys, *arguments, "--json"))
    assert data["tokens_per_day"] == 10_000 and data["measured"][0]["busy_seconds"] == 20.0
    assert "measured" not in json.loads(told(capsys, *arguments[:3], "--json"))


def test_records_that_are_not_there_or_none(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert "none.jsonl: no such file" in told(capsys, "llama-3.1-8b", "--records", "none.jsonl", status=1)
    (tmp_path / "r.jsonl").write_text("{}")
    assert "r.jsonl" in told(capsys, "llama-3.1-8b", "--records", str(tmp_path / "r.jsonl"), status=1)
