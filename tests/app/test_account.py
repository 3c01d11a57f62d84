"""Every figure of every place against a computation of its own, from exported records and the rent that was written."""

from __future__ import annotations

import asyncio
import csv
import hashlib
import io
import json
import subprocess
import sys
import urllib.request
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import valkey
from support.rented import rent_book
from support.serving import PROJECT, Serving, clean_environment, eventually

from router.core.cost.rent import Accrual, Meter, RentEntry, RentState

TOKEN = "admin-token-of-these-tests"
POLICY = """
version: 1
zones: {local: {owned: true}, basement: {owned: true}, cloud: {}}
backends:
  gpu: {zone: local, kind: vllm, url: "%(gpu)s", cost: {usd_per_hour: 720, usd_per_million_tokens: 500},
        serves: {small: simulated-llama, large: simulated-llama, alone: simulated-llama}}
  old: {zone: basement, kind: vllm, url: "%(gpu)s", serves: {small: simulated-llama}, cost: {usd_per_hour: 36}}
  api: {zone: cloud, kind: openai, url: "%(api)s", serves: {
        small: {model: gpt-4o-mini, price: {input: 600, output: 900}},
        large: {model: gpt-4o-mini, price: {input: 9700, output: 9900}},
        far: {model: gpt-4o-mini, price: {input: 7000, output: 8000}}}}
models: {small: {backends: [old, api]}, large: {backends: [gpu, api]}, alone: {backends: [gpu]}, far: {backends: [api]}}
sensitivity: {levels: {public: [local, basement, cloud], restricted: [local, basement]}, default: public}
keys: [{name: app, sha256: "%(app)s", team: search}, {name: bot, sha256: "%(bot)s", team: sales}]
cost: {strategy: local_first}
health: {probe_interval: 100ms}
"""
KEYS = {"app": "sk-the-app", "bot": "sk-the-bot"}


def breakeven(serving: Serving, *arguments: str) -> str:
    command = [sys.executable, "-m", "router", *arguments, "--data-dir", str(serving.data_dir)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=PROJECT, env=clean_environment(), timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def page(serving: Serving, path: str) -> Any:
    request = urllib.request.Request(serving.admin_url + path, headers={"authorization": f"Bearer {TOKEN}"})
    with urllib.request.urlopen(request, timeout=30) as response:
        text = response.read().decode()
    return json.loads(text) if text.startswith("{") else text


def ask_all(serving: Serving) -> None:
    """Of both teams, for each model, what may leave and what may not."""
    for key in KEYS.values():
        for model in ("small", "large", "alone", "far"):
            for level in ("public", "restricted"):
                headers = {"authorization": f"Bearer {key}", "x-breakeven-sensitivity": level}
                answer = serving.ask(model=model, max_tokens=20, headers=headers)
                assert answer.status == (403 if (model, level) == ("far", "restricted") else 200), answer.body


def edited(serving: Serving, policy: Path, *changes: tuple[str, str]) -> None:
    text = policy.read_text()
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    adopted = len(serving.log("policy adopted"))
    policy.write_text(text)
    eventually(lambda: len(serving.log("policy adopted")) > adopted)


class Books:
    """Sums in nano-USD, from nothing but exported lines and the entries of rent, by the definition's words."""

    def __init__(self, lines: list[dict[str, Any]], rent: dict[tuple[str, str, str], int]) -> None:
        self.lines, self.rent = lines, rent

    def net(self, **wanted: str) -> dict[str, int]:
        mine = [line for line in self.lines if all(line[name] == value for name, value in wanted.items())]
        alone = sum(nano(line, "counterfactual" if line["local"] else "cost") for line in mine)
        bought = sum(nano(line, "cost") for line in mine if not line["captive"])
        rent = sum(self.rent.values()) if not wanted else self.share(mine)
        return {"cloud_alone": alone, "bought": bought, "rent": rent, "net": alone - bought - rent}

    def share(self, mine: list[dict[str, Any]]) -> int:
        """Of rent in which units worked, by the tokens of each day and backend."""
        ours, all_of_them = by_place(mine), by_place(self.lines)
        return sum(
            round(amount * ours[day, backend] / all_of_them[day, backend])
            for (day, backend, state), amount in self.rent.items()
            if state == "busy" and all_of_them[day, backend]
        )

    def captive(self) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["captive"]]


def nano(line: dict[str, Any], name: str) -> int:
    return round(1000 * line[f"{name}_micro_usd"])


def by_place(lines: list[dict[str, Any]]) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = defaultdict(int)
    for line in lines:
        found[line["time"][:10], line["backend"]] += line["input_tokens"] + line["output_tokens"]
    return found


def rent_of(serving: Serving) -> dict[tuple[str, str, str], int]:
    """Nano-USD by day, backend and state, as the server has them."""
    client = valkey.Valkey.from_url((serving.data_dir / "redis.url").read_text().strip())
    found: dict[tuple[str, str, str], int] = defaultdict(int)
    for key in client.keys("be:{ledger}:rent:2*"):
        for field, value in client.hgetall(key).items():
            backend, _, state, what = field.decode().split("|")
            if what == "nano":
                found[key.decode().rpartition(":")[2], backend, state] += int(value)
    return found


async def worked(serving: Serving) -> None:
    """Rent of units that had worked for a while, which takes longer than a test."""
    today = datetime.now(UTC).date().isoformat()
    url = (serving.data_dir / "redis.url").read_text().strip()
    async with rent_book(url) as book:
        for backend, nano_usd in (("gpu", 12_345_678_901), ("old", 987_654_321)):
            entry = RentEntry(today, RentState.BUSY, 60_000, nano_usd)
            assert await book.accrue({(backend, 7): Accrual(Meter(), Meter(1), (entry,))}, 86_400) == 1


def cents(micro_usd: float | None) -> float:
    assert micro_usd is not None
    return round(micro_usd / 10_000, 2)


@pytest.mark.timeout(240)
def test_all_places_agree_to_the_cent_with_a_computation_of_their_own(serve, tmp_path, pretended):
    digests = {name: hashlib.sha256(key.encode()).hexdigest() for name, key in KEYS.items()}
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY % (pretended | digests))
    environment = {"BREAKEVEN_ADMIN_TOKEN": TOKEN}
    serving = serve(policy, environment=environment)
    ask_all(serving)
    edited(serving, policy, ("usd_per_hour: 720", "usd_per_hour: 7200"))
    ask_all(serving)
    edited(serving, policy, ("small: {backends: [old, api]}", "small: {backends: [gpu, api]}"))
    ask_all(serving)
    eventually(lambda: len(rent_of(serving)) >= 2, 40)
    asyncio.run(worked(serving))
    removed = next(line for line in policy.read_text().splitlines(keepends=True) if line.startswith("  old:"))
    edited(serving, policy, (removed, ""), (" basement: {owned: true},", ""), (", basement", ""))
    serving.stop()
    serving = serve(policy, environment=environment)
    ask_all(serving)
    eventually(lambda: page(serving, "/api/spend")["total"]["requests"] == 4 * 14, 30)
    agree(serving)


def agree(serving: Serving) -> None:
    """Read while nothing is asked; rent goes on, so what it was before and after has to be the same."""
    while True:
        before = rent_of(serving)
        told = {
            "usage": json.loads(breakeven(serving, "usage", "--json", "--by", "team")),
            "spend": page(serving, "/api/spend?by=team"),
            "month": page(serving, "/api/spend?by=key&range=month"),
            "worth": page(serving, "/api/worth"),
            "csv": page(serving, "/api/spend?by=team&format=csv"),
            "metrics": page(serving, "/metrics"),
        }
        if rent_of(serving) == before:
            break
    lines = [json.loads(line) for line in breakeven(serving, "export", "--format", "jsonl").splitlines()]
    books = Books(lines, before)
    whole, captive = books.net(), books.captive()
    assert {line["backend"] for line in lines if line["kind"] == "settled"} == {"gpu", "old", "api"}
    assert all(whole[name] > 10_000_000 for name in ("cloud_alone", "bought", "rent")), "cents that can be told apart"
    for name, amount in whole.items():
        expected = cents(amount / 1000)
        assert cents(1e6 * told["usage"]["total"][f"{name}_usd"]) == expected, name
        assert cents(told["spend"]["total"][f"{name}_micro_usd"]) == expected, name
        assert cents(told["month"]["total"][f"{name}_micro_usd"]) == expected, name
        assert cents(told["worth"]["this_month"][f"{name}_micro_usd"]) == expected, name
        metric = next(each for each in told["metrics"].splitlines() if each.startswith(f"breakeven_today_{name}_usd "))
        assert cents(1e6 * float(metric.split()[1])) == expected, name
    table = {row["team"]: row for row in csv.DictReader(io.StringIO(told["csv"]))}
    for team in ("search", "sales"):
        rows = [next(row for row in told["spend"]["rows"] if row["name"] == team), table[team]]
        usage = next(row for row in told["usage"]["rows"] if row["team"] == team)
        for name, amount in books.net(team=team).items():
            assert {cents(float(row[f"{name}_micro_usd"])) for row in rows} == {cents(amount / 1000)}, (team, name)
            assert cents(1e6 * usage[f"{name}_usd"]) == cents(amount / 1000), (team, name)
    for stayed in (told["spend"]["could_not_leave"], told["worth"]["could_not_leave"]):
        assert stayed["requests"] == len(captive)
        assert stayed["tokens"] == sum(line["input_tokens"] + line["output_tokens"] for line in captive)
        assert cents(stayed["cost_micro_usd"]) == cents(sum(nano(line, "cost") for line in captive) / 1000)
        assert cents(stayed["rent_micro_usd"]) == cents(books.share(captive) / 1000)
    share = told["spend"]["total"]["rent_micro_usd"] - told["spend"]["rent_unused_micro_usd"]
    assert cents(share) == cents(books.share(lines) / 1000)
