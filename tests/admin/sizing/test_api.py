"""Which card a model fits, over HTTP: what the command says, for one card."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace
from support.control import API, POLICY

from router.admin.sizing.api import bought
from router.cli import main
from router.config.load import plan_of
from router.core.values import Usage

PATH = "/api/sizing"
ASKED = {"model": "llama-3.1-8b", "gpu": "L40S", "quantization": "awq", "context": "8192", "concurrency": "4"}


async def sized(plane, **changes: str) -> dict:
    answer = await plane.get(PATH, params={**ASKED, **changes})
    assert answer.status == 200, answer.body
    return answer.json


async def test_it_is_what_the_command_says_at_the_ledgers_volume(plane, settle, session_valkey, capsys):
    await settle(API, usage=Usage(input=2_000_000, output=500_000))
    told = await sized(plane, against="gpt-4o-mini")
    options = [f"--{name}={value}" for name, value in ASKED.items() if name != "model"]
    command = ["size", ASKED["model"], *options, "--against=gpt-4o-mini", "--volume=2500000", "--json"]
    assert await asyncio.to_thread(main, command) == 0
    assert told == {"sizing": json.loads(capsys.readouterr().out), "volume_known": True}
    (option,) = told["sizing"]["options"]
    assert option["fits"] and option["cost"]["low"]["usd_per_million_at_volume"] > 0
    assert option["cost"]["low"]["break_even"]["tokens_per_day"] > 0


async def test_what_does_not_fit_is_an_answer_too(plane):
    (option,) = (await sized(plane, model="llama-3.3-70b", gpu="T4", quantization="bf16"))["sizing"]["options"]
    assert not option["fits"] and "no room for a KV cache" in option["why_not"]


async def test_without_tokens_or_ledger_there_is_no_cost_at_the_present_volume(plane, start, settings):
    told = await sized(plane)
    assert (told["volume_known"], told["sizing"]["tokens_per_day"]) == (True, None)
    lost = await start(given=replace(settings, redis="unix:///nowhere.sock", data_dir=f"{settings.data_dir}/lost"))
    told = await sized(lost)
    assert (told["volume_known"], told["sizing"]["tokens_per_day"]) == (False, None)


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ({"model": "llama-3.1-9b"}, "unknown_name", "did you mean"),
        ({"gpu": "L40"}, "unknown_name", "did you mean"),
        ({"against": "text-embedding-3-small"}, "unknown_name", "no price of output"),
        ({"against": "gpt-4o-minni"}, "unknown_name", "the price list has no such model"),
        ({"context": "0"}, "bad_query", "context"),
        ({"quantization": "int3"}, "bad_query", "quantization"),
    ],
    ids=lambda each: str(each),
)
async def test_what_is_wrong_is_said(plane, changes, code, said):
    answer = await plane.get(PATH, params={**ASKED, **changes})
    assert (answer.status, answer.code) == (400, code)
    assert said in answer.json["error"]["message"]


async def test_files_of_the_machine_are_no_models(plane, tmp_path):
    (tmp_path / "config.json").write_text("{}")
    answer = await plane.get(PATH, params={**ASKED, "model": str(tmp_path)})
    assert (answer.status, answer.code) == (400, "unknown_name")


async def test_what_there_is_to_choose_from(plane):
    choices = (await plane.get(f"{PATH}/choices")).json
    assert "llama-3.1-8b" in choices["models"] and "L40S" in choices["gpus"]
    assert choices["quantizations"] == ["bf16", "fp8", "awq", "gptq"]
    assert choices["against"] == ["gpt"]


def test_patterns_are_no_models_to_compare_with():
    any_gpt = POLICY.replace("models: {", 'models: {"gpt-*": {backends: [api]}, ')
    any_gpt = any_gpt.replace("serves: {chat: {model", 'serves: {"gpt-*": "gpt-*", chat: {model')
    plan = plan_of(any_gpt.encode(), "p.yaml", now=datetime(2026, 11, 25, tzinfo=UTC))
    assert bought(plan) == ["gpt"]


def test_what_writes_nothing_is_no_model_to_compare_with():
    embeds = POLICY.replace("models: {", "models: {embed: {backends: [api]}, ")
    embeds = embeds.replace("serves: {chat: {model", "serves: {embed: text-embedding-3-small, chat: {model")
    plan = plan_of(embeds.encode(), "p.yaml", now=datetime(2026, 11, 25, tzinfo=UTC))
    assert bought(plan) == ["gpt"]
