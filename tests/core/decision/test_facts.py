import base64
import json
from typing import Any

import pytest

from router.core.cost.timeline import always
from router.core.decision.facts import build_facts, default_labels
from router.core.pins import Pin, labels_of
from router.core.policy import Detector, Policy
from router.core.reading import BadBody
from router.core.sensitivity.detectors import Detectors, compile_detectors
from router.core.values import Facts, GpuFigures, KeyGrant, Label, Permits, Plan
from router.surfaces.registry import SURFACES

NOBODY = KeyGrant("app", "search", Permits())
IMAGE = {"type": "image_url", "image_url": {"url": "https://example.org/cat.png"}}


def plan(sensitivity: dict[str, Any] | None) -> Plan:
    file: dict[str, Any] = {
        "version": 1,
        "zones": {"local": {"owned": True}, "cloud": {}},
        "backends": {"gpu": {"zone": "local", "kind": "vllm", "url": "http://gpu", "serves": {"chat": "llama"}}},
        "models": {"chat": {"backends": ["gpu"]}},
    }
    levels = {"public": ["local", "cloud"], "internal": ["local", "cloud"], "secret": ["local"]}
    if sensitivity is not None:
        file["sensitivity"] = {"levels": levels, "tags": {"phi": ["local"]}} | sensitivity
    policy = Policy.model_validate(file)
    return Plan(
        version="0123456789ab",
        policy=policy,
        models={},
        keys={},
        zones=frozenset(file["zones"]),
        levels=() if sensitivity is None else tuple(levels),
        level_zones=() if sensitivity is None else tuple(map(frozenset, levels.values())),
        default_labels=default_labels(policy.sensitivity),
        gpu=GpuFigures(0.0, 0.0, None),
        cloud_reference=always(None),
    )


PLAN = plan({"default": "public"})
PASSED = ("x-beta",)
SEEKING = compile_detectors((Detector(find=("email",), raise_to="internal"),))


class Unused(Detectors):
    """Would raise a level; a test that gets this expects that nobody asks."""

    def scan_body(self, body: bytes) -> tuple[Label, ...]:
        raise AssertionError("the text was scanned")


def facts(
    headers: dict[str, str] | None = None,
    *,
    plan: Plan = PLAN,
    key: KeyGrant = NOBODY,
    detectors: Detectors | None = None,
    **fields: Any,
) -> Facts:
    body = json.dumps({"model": "chat"} | fields).encode()
    reading = SURFACES["chat"].read(body)
    return build_facts(plan, "chat", reading, key, headers or {}, PASSED, detectors or Detectors(), body)


def test_a_header_that_every_backend_gets_is_looked_at_besides_the_body() -> None:
    assert facts({"x-beta": "ann@example.com"}, detectors=SEEKING).labels[-1].source == "detector email"
    assert facts({"x-other": "ann@example.com"}, detectors=SEEKING).labels == facts(detectors=SEEKING).labels


def test_all_that_is_known_of_a_plain_request() -> None:
    found = facts(max_tokens=100, messages=[{"role": "user", "content": "Hi"}])

    assert found == Facts(
        endpoint="chat",
        model="chat",
        key=NOBODY,
        labels=(Label("public", (), "default"),),
        input_tokens=6,
        max_output_tokens=100,
        modalities=frozenset({"text"}),
        quality_floor=0.0,
    )


@pytest.mark.parametrize(
    ("headers", "labels"),
    [
        ({"x-breakeven-sensitivity": "internal"}, [Label("internal", (), "header")]),
        ({"x-breakeven-sensitivity": "public, secret"}, [Label("public", (), "header"), Label("secret", (), "header")]),
        ({"x-breakeven-sensitivity": ""}, [Label("", (), "header")]),
        ({"x-breakeven-tags": "phi, a"}, [Label(None, ("phi", "a"), "header"), Label("public", (), "default")]),
        ({"x-breakeven-tags": " , "}, [Label("public", (), "default")]),
    ],
)
def test_labels_of_headers(headers: dict[str, str], labels: list[Label]) -> None:
    assert list(facts(headers).labels) == labels


@pytest.mark.parametrize("name", ["x-breakeven-tags", "x-breakeven-sensitivity"])
def test_headers_give_a_few_labels_each_once(name: str) -> None:
    said = ",".join(["a", " a"] * 10_000)
    assert len(facts({name: said}).labels) == (2 if name == "x-breakeven-tags" else 1)
    with pytest.raises(BadBody) as refused:
        facts({name: ",".join(map(str, range(65)))})
    assert (refused.value.param, refused.value.code) == (name, "too_many_labels")


def test_all_sources_together() -> None:
    found = facts(
        {"x-breakeven-sensitivity": "public", "x-breakeven-tags": "a"},
        key=KeyGrant("app", "search", Permits(level="internal", tags=("b",))),
        plan=plan({"unreadable": "internal"}),
        detectors=SEEKING,
        metadata={"sensitivity": "public"},
        messages=[{"content": [IMAGE, {"type": "text", "text": "bob@example.com"}]}],
    )

    # the unknown tags already make it most restricted, so the text is not scanned
    assert found.labels == (
        Label("public", (), "header"),
        Label(None, ("a",), "header"),
        Label("public", (), "metadata"),
        Label("internal", ("b",), "key"),
        Label("internal", (), "unreadable image"),
    )


def test_a_finding_raises_the_default_and_does_not_replace_it() -> None:
    found = facts(plan=plan({"default": "secret"}), detectors=SEEKING, prompt="bob@example.com")
    raised = facts(plan=plan({"default": "public"}), detectors=SEEKING, prompt="bob@example.com")

    assert [label.level for label in found.labels] == ["secret"]
    assert [label.level for label in raised.labels] == ["public", "internal"]
    assert raised.labels[1].source == "detector email"


@pytest.mark.parametrize(("unreadable", "level"), [(None, "secret"), ("internal", "internal")])
def test_what_cannot_be_read_has_a_level_of_its_own(unreadable: str | None, level: str) -> None:
    section = {"default": "public"} | ({"unreadable": unreadable} if unreadable else {})

    found = facts(plan=plan(section), prompt=[1, 2, 3])

    assert found.labels == (Label("public", (), "default"), Label(level, (), "unreadable token ids"))


@pytest.mark.parametrize(
    ("section", "level"),
    [({}, "secret"), ({"unreadable": "internal"}, "internal"), ({"sealed": "public"}, "public")],
)
def test_what_a_provider_sealed_has_a_level_of_its_own(section: dict[str, str], level: str) -> None:
    found = sealed(section, "gAAA")

    assert found.labels == (Label("public", (), "default"), Label(level, (), "sealed encrypted reasoning"))


def test_what_was_never_sealed_is_found_all_the_same() -> None:
    """A client that only says so gets nothing past the detectors."""
    made_up = base64.b64encode(b"Write to bob@example.com about the order, please, and soon").decode()

    found = sealed({"sealed": "public"}, made_up)

    assert found.labels[-1] == Label("internal", (), "detector email")


def sealed(section: dict[str, str], content: str) -> Facts:
    body = json.dumps({"model": "chat", "input": [{"type": "reasoning", "encrypted_content": content}]}).encode()
    reading = SURFACES["responses"].read(body)
    return build_facts(plan({"default": "public"} | section), "responses", reading, NOBODY, {}, (), SEEKING, body)


def test_the_default_is_the_most_restricted_level_where_none_is_given() -> None:
    assert facts(plan=plan({})).labels == (Label("secret", (), "default"),)


def test_without_a_sensitivity_section_only_what_the_client_says_is_kept() -> None:
    found = facts({"x-breakeven-sensitivity": "secret"}, plan=plan(None), detectors=Unused(), prompt=[1])

    assert found.labels == (Label("secret", (), "header"),)


@pytest.mark.parametrize(
    "headers",
    [{"x-breakeven-sensitivity": "secret"}, {"x-breakeven-sensitivity": "Public"}, {"x-breakeven-tags": "PHI"}],
)
def test_the_text_is_not_scanned_when_no_level_could_be_higher(headers: dict[str, str]) -> None:
    assert facts(headers, detectors=Unused())


def test_it_is_scanned_all_the_same_for_tags() -> None:
    detectors = compile_detectors((Detector(find=("email",), tag="phi"),))

    found = facts({"x-breakeven-sensitivity": "secret"}, detectors=detectors, prompt="bob@example.com")

    assert found.labels[-1] == Label(None, ("phi",), "detector email")


@pytest.mark.parametrize(("text", "floor"), [("0", 0.0), ("0.85", 0.85), (" 1 ", 1.0), (".5", 0.5)])
def test_quality(text: str, floor: float) -> None:
    assert facts({"x-breakeven-quality": text}).quality_floor == floor


@pytest.mark.parametrize("text", ["", "high", "1.1", "-0.1", "nan", "inf", "0,5", "0.5, 0.6"])
def test_a_quality_that_is_none(text: str) -> None:
    with pytest.raises(BadBody, match="from 0 to 1") as caught:
        facts({"x-breakeven-quality": text})

    assert (caught.value.param, caught.value.code) == ("x-breakeven-quality", "invalid_value")


def test_what_is_continued_says_where_it_is_and_how_sensitive_it_has_become():
    pin = Pin(backend="gpu", replica="r", model="chat", team="search", key="app", levels=("secret",), tags=("phi",))
    reading = SURFACES["chat"].read(b'{"model":"chat","messages":[]}')
    given = {"endpoint": "chat", "reading": reading, "key": NOBODY, "headers": {}, "passed": (), "body": b"{}"}
    facts = build_facts(plan=plan({}), detectors=Detectors(), pins=[pin], **given)
    assert facts.pinned == "gpu" and facts.labels[-2:] == labels_of([pin])
    unlabelled = build_facts(plan=plan(None), detectors=Detectors(), pins=[pin], **given)
    assert (unlabelled.pinned, unlabelled.labels) == ("gpu", ())
    assert build_facts(plan=plan({}), detectors=Detectors(), **given).pinned == ""
