from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from router.config.sizing.advice import not_looked_at, what_does_not_fit
from router.config.sizing.catalogue import load_catalogue
from tests.config.test_warnings import plan_with

LLAMA_8B = "meta-llama/Llama-3.1-8B-Instruct"
LLAMA_70B_AWQ = "casperhansen/llama-3.3-70b-instruct-awq"


def told(served: Any = LLAMA_8B, launch: dict[str, Any] | None = None, **settings: Any) -> list[tuple[str, str]]:
    backend = {"zone": "local", "kind": "vllm", "url": "http://127.0.0.1:1/v1", "serves": {"chat": served}, **settings}
    if launch is not None:
        backend["power"] = {"driver": "process", "launch": launch}
    plan = plan_with(backends={"own": backend}, models={"chat": {"backends": ["own"]}})
    return [(".".join(map(str, each.path)), each.message) for each in what_does_not_fit(plan)]


@pytest.mark.parametrize(
    ("gpu", "settings"),
    [
        (None, {}),
        ("H100", {}),
        ("h100", {"capacity": {"max_running": 8}}),
        ("L40S", {"served": {"model": LLAMA_8B, "context": 8192}, "capacity": {"max_running": 64}}),
        ("L4", {"served": {"model": "my-own-model", "context": 10**6}}),
        ("H100", {"launch": {"model": LLAMA_70B_AWQ, "max_model_len": 8192}}),
        ("H100", {"gpus": 2, "served": {"model": "meta-llama/Llama-3.3-70B-Instruct", "context": 4096}}),
    ],
)
def test_what_fits_needs_no_advice(gpu: str | None, settings: dict[str, Any]) -> None:
    assert told(**{"gpu": gpu, **settings}) == []


def test_a_card_that_nobody_knows() -> None:
    [(where, why)] = told(gpu="H10")
    assert where == "backends.own.gpu"
    assert why.startswith('nothing is known of the card "H10"; did you mean "H100"? known are T4, L4, A10')


def test_a_model_that_is_too_large_and_what_would_fit() -> None:
    [(where, why)] = told({"model": LLAMA_8B, "context": 8192}, gpu="T4")
    assert where == "backends.own.serves.chat.context"
    assert why == (
        f"{LLAMA_8B} on one T4 (15 GiB) does not fit: its weights and what vLLM takes for itself leave no room for a KV"
        " cache; what would fit: 2 cards, or weights of 4 bits (5 GiB)"
    )


def test_a_context_that_is_too_long() -> None:
    [(where, why)] = told(LLAMA_8B, gpu="L4")
    assert where == "backends.own.serves.chat"
    assert "its KV cache holds no conversation of 131,072 tokens; the longest is about" in why
    assert "what would fit: a context of 2" in why


def test_flags_that_do_not_fit() -> None:
    [(where, why)] = told(launch={"model": LLAMA_70B_AWQ, "max_model_len": 32768}, gpu="L40S")
    assert where == "backends.own.power.launch.max_model_len"
    assert "a context of 5,120" in why
    [(where, why)] = told(launch={"model": LLAMA_70B_AWQ, "tensor_parallel_size": 3}, gpu="L40S")
    assert where == "backends.own.power.launch.tensor_parallel_size"
    assert why.endswith("64 attention heads cannot be divided among 3 cards; among these it can: 1, 2, 4, 8")
    [(where, why)] = told("meta-llama/Llama-3.3-70B-Instruct", gpu="H100", gpus=3)
    assert (where, "among these it can" in why) == ("backends.own.gpus", True)
    assert told(launch={"model": LLAMA_8B, "quantization": "fp8", "max_model_len": 4096}, gpu="T4") == []
    assert told(launch={"model": LLAMA_8B, "max_model_len": 4096, "gpu_memory_utilization": 0.2}, gpu="H100") != []


def test_a_folder_of_ones_own(tmp_path: Path) -> None:
    launch = {"model": str(tmp_path), "max_model_len": 4096}
    assert told(launch=launch, gpu="T4") == []
    (tmp_path / "config.json").write_text("{}")
    assert told(launch=launch, gpu="T4") == []
    (tmp_path / "config.json").write_text(json.dumps(dict(load_catalogue().models["llama-3.1-8b"].config)))
    [(_, why)] = told(launch=launch, gpu="T4")
    assert f"{tmp_path} on one T4" in why


def test_more_at_once_than_have_room() -> None:
    served = {"model": LLAMA_70B_AWQ, "context": 8192}
    [(where, why)] = told(served, gpu="A100-80", capacity={"max_running": 200})
    assert where == "backends.own.capacity.max_running"
    assert why.endswith("for each of the 200 that run at once, of a context of 8,192; they would push each other out")


@pytest.mark.parametrize("args", [["--max-num-seqs", "1024"], ["--max-num-seqs=1024"], ["--max_num_seqs=1024"]])
def test_more_at_once_than_vllm_lets(args: list[str]) -> None:
    launch = {"model": "Qwen/Qwen3-0.6B", "max_model_len": 1024}
    [(where, why)] = told(launch=launch, gpu="A100-80", capacity={"max_running": 900})
    assert where == "backends.own.capacity.max_running"
    assert why.startswith("900 run at once, of which vLLM lets 256 on this card")
    assert told(launch={**launch, "args": args}, gpu="A100-80", capacity={"max_running": 900}) == []


def test_arguments_that_say_nothing_of_it() -> None:
    launch = {
        "model": "Qwen/Qwen3-0.6B",
        "max_model_len": 1024,
        "args": ["--max-num-seqs", "many", "--trust-remote-code"],
    }
    assert told(launch=launch, gpu="A100-80") == []


def test_every_model_of_a_server_that_is_not_started_here() -> None:
    backend = {"zone": "local", "kind": "vllm", "url": "http://127.0.0.1:1/v1", "gpu": "T4"}
    serves = {"chat": LLAMA_8B, "small": "Qwen/Qwen3-0.6B"}
    plan = plan_with(
        backends={"own": {**backend, "serves": serves}}, models={each: {"backends": ["own"]} for each in serves}
    )
    assert [each.path for each in what_does_not_fit(plan)] == [("backends", "own", "serves", "chat")]


def test_cards_that_are_said_and_others_over_which_it_is_started() -> None:
    launch = {"model": LLAMA_70B_AWQ, "tensor_parallel_size": 2, "max_model_len": 4096}
    assert told(launch=launch, gpu="H100", gpus=2) == told(launch=launch, gpu="H100") == []
    assert told(launch=launch, gpus=4) == [
        (
            "backends.own.gpus",
            "4 cards, where it is started on 2 (launch.tensor_parallel_size): say the same twice",
        )
    ]
    del launch["tensor_parallel_size"]
    assert "2 cards, where it is started on 1" in told(launch=launch, gpus=2)[0][1]


@pytest.mark.parametrize("settings", [{}, {"gpu": "H200", "gpus": 8}])
def test_a_context_beyond_what_the_model_was_made_for(settings: dict[str, Any]) -> None:
    [(where, why)] = told({"model": LLAMA_8B, "context": 200_000}, **settings)
    assert where == "backends.own.serves.chat.context"
    assert why.endswith("made for 131,072 tokens, and vLLM refuses to start it with a context of 200,000")
    assert told({"model": LLAMA_8B, "context": 131_072}, **settings) == []


def test_a_model_that_does_not_say_its_context_is_looked_at_with_a_short_one(tmp_path: Path) -> None:
    config = dict(load_catalogue().models["llama-3.1-8b"].config)
    del config["max_position_embeddings"]
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert told(str(tmp_path), gpu="L40S") == []
    assert "leave no room" in told(str(tmp_path), gpu="T4")[0][1]


def test_a_longer_context_than_it_is_started_with() -> None:
    launch = {"model": LLAMA_8B, "max_model_len": 4096}
    [(where, why)] = told({"model": LLAMA_8B, "context": 32_768}, launch=launch)
    assert where == "backends.own.serves.chat.context"
    assert why.startswith("32,768 tokens, where it is started with 4,096 (launch.max_model_len)")
    assert told({"model": LLAMA_8B, "context": 4096}, launch=launch) == []
    [(_, why)] = told({"model": LLAMA_8B, "context": 200_000}, launch={"model": LLAMA_8B})
    assert why.startswith(
        "200,000 tokens, where it is started with 131,072 (what its model was made for): vLLM refuses"
    )
    assert told({"model": "m", "context": 200_000}, launch={"model": "acme/unknown"}) == []


@pytest.mark.parametrize(
    ("model", "quantization", "why"),
    [
        (LLAMA_70B_AWQ, "fp8", "its weights are awq already, and vLLM refuses to start with fp8; leave it out"),
        ("openai/gpt-oss-120b", "fp8", "its weights are mxfp4 already, and vLLM refuses to start with fp8; leave it"),
        (LLAMA_8B, "awq", "its weights are whole, and vLLM finds no awq in them: name weights that were made so"),
        (LLAMA_70B_AWQ, "awq", None),
        (LLAMA_8B, "fp8", None),
        ("acme/unknown", "fp8", None),
    ],
)
def test_a_method_that_is_not_the_one_of_the_weights(model: str, quantization: str, why: str | None) -> None:
    found = told(launch={"model": model, "quantization": quantization, "max_model_len": 4096}, gpu="B200")
    expected = [] if why is None else [("backends.own.power.launch.quantization", f"{model}: {why}")]
    assert [(where, said[: len(expected[0][1])] if expected else said) for where, said in found] == expected


def test_weights_that_a_card_is_too_old_for() -> None:
    [(_, why)] = told("openai/gpt-oss-20b", gpu="T4")
    assert why.endswith("vLLM serves mxfp4 weights on cards of compute capability 8.0 and newer, and it has 7.5")


def test_what_is_counted_roughly_is_told_where_it_does_not_fit(tmp_path: Path) -> None:
    config = {**load_catalogue().models["llama-3.3-70b"].config, "model_type": "new"}
    (tmp_path / "config.json").write_text(json.dumps(config))
    [(_, why)] = told(str(tmp_path), gpu="L4")
    assert f'{tmp_path}, counted roughly (model_type "new" is not known here' in why


def test_a_model_that_nobody_knows_on_a_card_that_is_named() -> None:
    backend = {"zone": "local", "kind": "vllm", "url": "http://127.0.0.1:1/v1", "gpu": "L4"}
    started = {"power": {"driver": "process", "launch": {"model": "acme/secret-7b"}}}
    plan = plan_with(
        backends={
            "own": {**backend, "serves": {"chat": "acme/secret-7b", "small": {"model": LLAMA_8B}}},
            "started": {**backend, **started, "url": "http://127.0.0.1:2/v1", "serves": {"chat": "chat"}},
            "no_card": {**backend, "gpu": None, "url": "http://127.0.0.1:3/v1", "serves": {"chat": "acme/secret-7b"}},
        },
        models={"chat": {"backends": ["own", "started", "no_card"]}, "small": {"backends": ["own"]}},
    )
    assert [each.split(": ")[0] for each in not_looked_at(plan)] == [
        "whether acme/secret-7b fits L4 was not checked (backends.own)",
        "whether acme/secret-7b fits L4 was not checked (backends.started)",
    ]
