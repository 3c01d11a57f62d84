"""Dashboards and alerts speak of metrics that a running control plane has, in PromQL that Prometheus understands."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.control import API, GPU, VIEWER
from support.reported import POWER, Budgets, Power, Workers

from router.admin.sources.interface import Sources
from router.admin.telemetry.record_metrics import RecordMeters
from router.ledger.record import Record

ROOT = Path(__file__).parents[2]
DASHBOARDS = sorted((ROOT / "deploy/grafana").glob("*.json"))
ALERTS = ROOT / "deploy/prometheus/alerts.yaml"
EXAMPLE = ROOT / "deploy/prometheus/prometheus.yaml"
PROMTOOL = shutil.which("promtool")
OF_PROMETHEUS = {"up"}
METRIC = re.compile(r"\b(?:breakeven_\w+|up(?=\{))")
SERVED = {"job": "breakeven"}
VARIABLES = {
    "$__rate_interval": "5m",
    "$__range": "1h",
    "$own": "local",
    "$team": ".*",
    "$model": ".*",
    "$backend": ".*",
}

needs_promtool = pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed (apt install prometheus)")


def panels(path: Path) -> Iterator[dict[str, Any]]:
    yield from (each for each in json.loads(path.read_text())["panels"] if each["type"] != "row")


def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]


def plain(expression: str) -> str:
    """With Grafana's variables filled in."""
    for name, value in VARIABLES.items():
        expression = expression.replace(name, value)
    return expression


def expressions() -> list[tuple[str, str]]:
    """Every expression, with where it stands."""
    shown = [
        (f"{path.stem}: {panel['title']}", plain(target["expr"]))
        for path in DASHBOARDS
        for panel in panels(path)
        for target in panel["targets"]
    ]
    chosen = [
        (f"{path.stem}: ${each['name']}", re.search(r"label_values\((.*), \w+\)", each["query"]["query"])[1])
        for path in DASHBOARDS
        for each in json.loads(path.read_text())["templating"]["list"]
        if each["type"] == "query"
    ]
    return shown + chosen + [(rule["alert"], rule["expr"]) for rule in rules()]


@pytest.fixture
async def scraped(start, settle, rent, policy) -> dict[str, set[str]]:
    """Labels by metric, of a control plane that has something to tell of everything."""
    meters = RecordMeters()
    meters.hear(Record("settled", "1", 1.0, "k", "t", "chat", "gpu", "local", reason="spill", attempts=2, duration=9))
    meters.hear(Record("settled", "2", 1.0, "k", "t", "chat", "gpu", "local", attempts=1, first_byte=5, duration=9))
    meters.hear(Record("refused", "", 1.0, "k", "t", "chat", reason="backend_unavailable", status=503))
    await settle(GPU, counterfactual=5)
    await settle(API, cost=5)
    await rent({"busy": 1})
    policy.write_text(policy.read_text().replace("cost: {usd_per_hour: 1.0},", f"cost: {{usd_per_hour: 1.0}}, {POWER}"))
    plane = await start(Sources(workers=Workers(), budgets=Budgets(), meters=meters, power=Power()))
    text = (await plane.get("/metrics", VIEWER)).body.decode()
    found: dict[str, set[str]] = {}
    for line in text.splitlines():
        if match := re.match(r"(\w+)(?:\{(.*)\})? ", line):
            found.setdefault(match[1], set()).update(re.findall(r"(\w+)=\"", match[2] or ""))
    return found


async def test_every_metric_that_is_used_is_scraped(scraped):
    missing = [
        f"{place}: {name}"
        for place, expression in expressions()
        for name in METRIC.findall(expression)
        if name not in OF_PROMETHEUS and name not in scraped
    ]
    assert missing == []


async def test_every_expression_uses_a_metric_with_labels_that_it_has(scraped):
    for place, expression in expressions():
        assert METRIC.search(expression), place
        for name, matchers in re.findall(r"(breakeven_\w+)\{([^}]*)\}", expression):
            assert set(re.findall(r"(\w+)(?:=~|!~|!=|=)", matchers)) <= scraped[name], place
        for labels in re.findall(r"by \(([^)]*)\)", expression):
            known = set().union(*(scraped.get(name, set()) for name in METRIC.findall(expression)))
            assert set(labels.split(", ")) <= known, place


async def test_every_metric_that_is_scraped_is_used(scraped):
    """So that a new one is not forgotten: sums and counts of histograms aside."""
    used = {name for _, expression in expressions() for name in METRIC.findall(expression)}
    left = {name for name in scraped if name.startswith("breakeven_") and not re.search(r"_(sum|count)$", name)}
    assert left - used == set()


async def test_every_metric_is_documented_and_no_other(scraped):
    page = (ROOT / "docs/observability.md").read_text().split("## Traces")[0]
    families = {re.sub(r"_(sum|count|bucket)$", "", name) for name in scraped if "breakeven_" in name}
    assert set(re.findall(r"`(breakeven_\w+)`", page)) == families


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_a_dashboard_can_be_imported_anywhere(path):
    board = json.loads(path.read_text())
    assert board["uid"].startswith("breakeven-") and board["title"].startswith("Breakeven: ")
    assert "id" not in board, "an id is given by each Grafana"
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids))
    sources = {json.dumps(each["datasource"]) for each in panels(path)}
    assert sources == {json.dumps({"type": "prometheus", "uid": "${datasource}"})}


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_every_panel_says_what_it_shows_and_has_its_own_place(path):
    taken: set[tuple[int, int]] = set()
    for panel in panels(path):
        assert panel["title"] and panel["description"].endswith("."), panel["title"]
        place = panel["gridPos"]
        cells = {(place["x"] + dx, place["y"] + dy) for dx in range(place["w"]) for dy in range(place["h"])}
        assert place["x"] + place["w"] <= 24 and not cells & taken
        taken |= cells


def test_there_are_dashboards_and_alerts():
    assert {path.stem for path in DASHBOARDS} == {"overview", "operations"}
    assert len(rules()) >= 15


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_an_alert_waits_is_ranked_and_says_what_to_do(rule):
    assert re.fullmatch(r"\d+[mhd]", rule["for"])
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert rule["annotations"]["summary"].rstrip().endswith(".")
    assert len(rule["annotations"]["action"].split()) >= 8


async def test_the_example_asks_where_metrics_are_served(plane):
    (job,) = yaml.safe_load(EXAMPLE.read_text())["scrape_configs"]
    assert job["job_name"] == SERVED["job"] and "metrics_path" not in job
    assert (await plane.get("/metrics", VIEWER)).status == 200


def promtool(*arguments: str | Path, folder: Path = ROOT) -> None:
    result = subprocess.run([PROMTOOL, *arguments], capture_output=True, text=True, cwd=folder, timeout=60)
    assert result.returncode == 0, result.stdout + result.stderr


@needs_promtool
def test_prometheus_takes_the_rules_and_the_example():
    promtool("check", "rules", ALERTS)
    promtool("check", "config", "--syntax-only", EXAMPLE)


@needs_promtool
def test_prometheus_understands_every_expression(tmp_path):
    recorded = [{"record": f"test:{n}", "expr": expression} for n, (_, expression) in enumerate(expressions())]
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump({"groups": [{"name": "test", "rules": recorded}]}))
    promtool("check", "rules", tmp_path / "rules.yaml")


@needs_promtool
def test_alerts_fire_when_they_should(tmp_path):
    for path in (ALERTS, Path(__file__).with_name("alerts.test.yaml")):
        shutil.copy(path, tmp_path)
    promtool("test", "rules", "alerts.test.yaml", folder=tmp_path)
