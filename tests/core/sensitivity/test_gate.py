from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core import unknown_names
from router.core.cost.timeline import always
from router.core.decision.facts import default_labels
from router.core.policy import Policy
from router.core.sensitivity.gate import Classification, classify, is_most_restricted, with_key
from router.core.unknown_names import unknown
from router.core.values import GpuFigures, Label, Permits, Plan

LEVELS = {"public": ["local", "eu", "us"], "internal": ["local", "eu"], "secret": ["local"]}
TAGS = {"phi": ["local"], "eu-personal": ["local", "eu"], "harmless": ["local", "eu", "us"]}


def plan(sensitivity: dict[str, Any] | None = None) -> Plan:
    """The three levels and tags above, with what is given; no sensitivity section for None."""
    file = {
        "version": 1,
        "zones": {"local": {"owned": True}, "eu": {}, "us": {}},
        "backends": {"gpu": {"zone": "local", "kind": "vllm", "url": "http://gpu", "serves": {"chat": "llama"}}},
        "models": {"chat": {"backends": ["gpu"]}},
    }
    if sensitivity is not None:
        file["sensitivity"] = {"levels": LEVELS, "tags": TAGS} | sensitivity
    policy = Policy.model_validate(file)
    levels = {} if policy.sensitivity is None else policy.sensitivity.levels
    return Plan(
        version="0123456789ab",
        policy=policy,
        models={},
        keys={},
        zones=frozenset(policy.zones),
        levels=tuple(levels),
        level_zones=tuple(map(frozenset, levels.values())),
        default_labels=default_labels(policy.sensitivity),
        gpu=GpuFigures(0.0, 0.0, None),
        cloud_reference=always(None),
    )


PLAN = plan({"default": "public"})
OPEN = plan()


def key(level: str | None = None, tags: tuple[str, ...] = (), zones: frozenset[str] | None = None) -> Permits:
    return Permits(None, zones, level, tags)


def of(*labels: Label, plan: Plan = PLAN, key: Permits = key()) -> Classification:  # noqa: B008
    return classify(plan, labels, key)


def level(name: str, source: str = "header") -> Label:
    return Label(level=name, source=source)


def tagged(*names: str, source: str = "header") -> Label:
    return Label(tags=names, source=source)


def test_without_labels_the_default_level_counts() -> None:
    assert of(plan=plan({"default": "internal"})) == Classification(
        "internal", (), frozenset({"local", "eu"}), ("the level 'internal' (default) permits only eu, local",)
    )


def test_without_a_default_it_is_the_most_restricted_level() -> None:
    assert (of(plan=plan({})).level, of(plan=plan({})).zones) == ("secret", {"local"})


def test_a_level_that_permits_everything_narrows_nothing() -> None:
    assert of(level("public")) == Classification("public", (), frozenset({"local", "eu", "us"}), ())


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ((level("public"), level("internal")), "internal"),
        ((level("secret"), level("internal")), "secret"),
        ((level(" internal "),), "internal"),
        ((tagged("phi"),), "public"),
    ],
)
def test_the_highest_level_counts(labels: tuple[Label, ...], expected: str) -> None:
    assert of(*labels).level == expected


@pytest.mark.parametrize("name", ["Internal", "INTERNAL", "internall", "", "not a string", "\u0131nternal"])
def test_an_unknown_level_is_the_most_restricted(name: str) -> None:
    found = of(level(name, "metadata"))

    assert (found.level, found.zones) == ("secret", {"local"})
    assert found.because == (
        f"{name!r} (metadata) is not a level of the policy",
        "the level 'secret' (for an unknown level, metadata) permits only local",
    )


@pytest.mark.parametrize("name", ["PHI", "ph", "harmless, phi", ""])
def test_an_unknown_tag_is_the_most_restricted_level(name: str) -> None:
    found = of(level("public"), tagged("harmless", name))

    assert (found.level, found.tags, found.zones) == ("secret", ("harmless",), {"local"})
    assert found.because == (
        f"{name!r} (header) is not a tag of the policy",
        "the level 'secret' (for an unknown tag, header) permits only local",
    )


@pytest.mark.parametrize("name", ["4111 1111 1111 1111", "Jane Roe, born 1980-02-01", "internal" * 1000])
def test_an_unknown_name_that_is_no_slip_is_not_repeated(name: str) -> None:
    found = of(level(name), tagged(name))
    assert found.because[0] == f"a name of {len(name):,} characters (header) is not a level of the policy"
    assert not any(name in because for because in found.because)


def test_of_many_unknown_names_the_first_few_are_told_and_fewer_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []
    monkeypatch.setattr(unknown_names, "get_close_matches", lambda _, known, most: compared.extend(known[:most]) or [])
    labels = tagged(*(f"ph{number}" for number in range(60)))

    assert is_most_restricted(PLAN, [labels]) and not compared
    told = of(labels).because
    assert len(compared) == 3 and len(told) == 10 and told[8] == "and 52 more names are none of the policy's"


def test_zones_are_what_level_and_all_tags_have_in_common() -> None:
    found = of(level("public"), tagged("harmless", " eu-personal"), tagged("phi", "eu-personal", source="detector x"))

    assert found == Classification(
        "public",
        ("harmless", "eu-personal", "phi"),
        frozenset({"local"}),
        ("the tag 'eu-personal' (header) permits only eu, local", "the tag 'phi' (detector x) permits only local"),
    )


def test_a_key_has_a_least_level_and_tags() -> None:
    found = of(level("public"), key=key("internal", ("phi",)))

    assert (found.level, found.tags, found.zones) == ("internal", ("phi",), {"local"})
    assert found.because == (
        "the level 'internal' (key) permits only eu, local",
        "the tag 'phi' (key) permits only local",
    )


def test_the_level_of_a_key_takes_the_place_of_the_default() -> None:
    assert of(plan=plan({}), key=key("public")).level == "public"


def test_a_key_narrows_the_zones() -> None:
    found = of(level("internal"), key=key(zones=frozenset({"eu", "us"})))

    assert found.zones == {"eu"}
    assert found.because[-1] == "its key may reach only eu, us"


def test_nothing_may_be_left() -> None:
    found = of(level("secret"), key=key(zones=frozenset({"us"})))

    assert found.zones == frozenset()


def test_a_key_for_no_zone_says_so() -> None:
    assert of(level("public"), key=key(zones=frozenset())).because == ("its key may reach no zone",)


def test_a_key_for_all_zones_narrows_nothing() -> None:
    assert of(level("public"), key=key(zones=frozenset({"local", "eu", "us", "moon"}))).because == ()


def test_without_a_sensitivity_section_every_zone_is_permitted() -> None:
    assert of(plan=OPEN) == Classification("", (), frozenset({"local", "eu", "us"}), ())


def test_without_a_sensitivity_section_labels_are_digested_and_said_to_be_ignored() -> None:
    assert of(level("secret"), tagged("phi", " a"), tagged("phi"), plan=OPEN, key=key(tags=("b",))) == Classification(
        "",
        (unknown("phi"), unknown("a"), unknown("b")),
        frozenset({"local", "eu", "us"}),
        ("the policy has no sensitivity section, so labels do not narrow anything (header, key)",),
    )


def test_without_a_sensitivity_section_the_key_still_narrows() -> None:
    assert of(plan=OPEN, key=key(zones=frozenset({"local"}))).zones == {"local"}


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ((), False),
        ((level("internal"),), False),
        ((level("secret"),), True),
        ((level("unknown"),), True),
        ((tagged("unknown"),), True),
        ((tagged("phi"),), False),
    ],
)
def test_whether_no_level_could_be_higher(labels: tuple[Label, ...], expected: bool) -> None:
    assert is_most_restricted(PLAN, labels) is expected
    assert not is_most_restricted(OPEN, labels)


def test_the_key_is_a_label_once() -> None:
    once = with_key((), key("internal"))

    assert once == (Label("internal", (), "key"),)
    assert with_key(once, key("internal")) == once
    assert with_key((), key()) == ()


LABELS = st.lists(
    st.builds(
        Label,
        level=st.none() | st.sampled_from([*LEVELS, "Public", "unknown"]),
        tags=st.lists(st.sampled_from([*TAGS, "PHI"]), max_size=2).map(tuple),
        source=st.just("header"),
    ),
    max_size=4,
).map(tuple)


@given(LABELS, LABELS)
def test_further_labels_only_take_zones_away_once_there_is_a_level(
    few: tuple[Label, ...], more: tuple[Label, ...]
) -> None:
    few = (*few, level("public"))

    assert of(*few, *more).zones <= of(*few).zones


@given(LABELS)
def test_the_order_of_labels_does_not_matter(labels: tuple[Label, ...]) -> None:
    there, back = of(*labels), of(*reversed(labels))

    assert (there.level, set(there.tags), there.zones) == (back.level, set(back.tags), back.zones)
