from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from router.core.decision.decide import decide
from router.core.pins import SOURCE, NotKept, Pin, foreign, labels_of, shown_id
from router.core.values import BackendState, Decision, Facts, Label, Plan

PIN = Pin(backend="api", replica="r", model="chat", team="search", key="app", levels=("internal",), tags=("pii",))


def test_labels_are_only_added():
    more = PIN.labelled(["public", "internal"], ["health"])
    assert (more.levels, more.tags) == (("internal", "public"), ("health", "pii"))
    assert more.covers(["public"], []) and not PIN.covers(["public"], [])
    assert PIN.covers(["internal"], ["pii"]) and not PIN.covers([], ["health"])


def test_whoever_continues_several_has_all_of_their_labels():
    other = Pin(backend="api", replica="r", model="", team="search", key="app", levels=("restricted",))
    assert labels_of([PIN, other]) == (
        Label(level="internal", source=SOURCE),
        Label(level="restricted", source=SOURCE),
        Label(tags=("pii",), source=SOURCE),
    )
    assert labels_of([]) == ()


def test_what_was_stored_without_a_level_has_one_that_nobody_knows():
    unlabelled = Pin(backend="api", replica="r", model="", team="search", key="app")
    assert labels_of([unlabelled]) == (Label(level="", source=SOURCE),)


def test_what_is_nobodys_and_what_is_anothers_is_the_same():
    assert foreign(["a", "b"], {"a": PIN}, "search") == "b"
    assert foreign(["a"], {"a": PIN}, "sales") == "a"
    assert foreign(["a"], {"a": PIN}, "search") == ""


def test_only_what_looks_like_an_id_is_shown_again():
    assert shown_id("resp_0-a.b:c") == "'resp_0-a.b:c'"
    assert {shown_id("4111 1111"), shown_id("<b>"), shown_id("a" * 129), shown_id("")} == {"that was given"}
    assert NotKept(404, "c", "m").param is None


# --- whatever happens, nothing restricted is continued elsewhere

DOWN = BackendState(healthy=False, why="down")
ZONES = (["local", "cloud"], ["local"], ["cloud"], [])
POLICIES: tuple[dict[str, list[str]] | None, ...] = (
    {"public": ["local", "cloud"], "restricted": ["local"]},
    {"public": ["local"], "restricted": ["local"]},
    {"public": ["local", "cloud"], "restricted": ["cloud"]},
    {"public": ["local", "cloud"], "confidential": ["local"]},
    None,
)
"""Levels and their zones; one has renamed a level, one has none."""
steps = st.lists(
    st.one_of(
        st.tuples(st.just("ask"), st.sampled_from(["public", "restricted"]), st.integers(-1, 5), st.booleans()),
        st.tuples(st.just("policy"), st.integers(0, len(POLICIES) - 1)),
        st.tuples(st.just("key"), st.sampled_from(ZONES)),
        st.tuples(st.just("down"), st.sampled_from(["", "gpu", "openai"])),
    ),
    max_size=40,
)


class History:
    """What was stored, beside all that was ever said there: what pins have to know, and do not see."""

    def __init__(self, make: Any) -> None:
        self.make = make
        self.kept: list[tuple[Pin, frozenset[str]]] = []
        self.zones: list[str] | None = None
        self.down = ""
        self.levels = POLICIES[0]

    @property
    def plan(self) -> Plan:
        section = None if self.levels is None else {"levels": self.levels, "default": "public"}
        return self.make.plan(sensitivity=section)

    def ask(self, level: str, number: int, grows: bool) -> None:
        """Says something of a level, about one that is kept, or about none."""
        kept = self.kept[number % len(self.kept)] if number >= 0 and self.kept else None
        labels: tuple[Label, ...] = (Label(level=level, source="detector"),)
        if kept is not None:
            labels += labels_of([kept[0]]) if self.levels is not None else ()
        facts = self.make.facts(
            labels=labels,
            key=self.make.key(zones=None if self.zones is None else frozenset(self.zones)),
            pinned="" if kept is None else kept[0].backend,
        )
        states = {self.down: DOWN} if self.down else {}
        decision = decide(facts, self.plan, self.make.snapshot(states))
        said = frozenset([level]) | (kept[1] if kept is not None else frozenset())
        for candidate in (*decision.candidates, *decision.waiting):
            self.check(facts, candidate.route.backend, candidate.route.zone, said)
        if decision.candidates:
            self.keep(decision, said, None if kept is None or not grows else number % len(self.kept))

    def check(self, facts: Facts, backend: str, zone: str, said: frozenset[str]) -> None:
        assert not facts.pinned or backend == facts.pinned
        assert self.zones is None or zone in self.zones
        if self.levels is not None:
            strictest = [*self.levels][-1]
            for level in said:
                assert zone in self.levels.get(level, self.levels[strictest]), "it is continued where it may not go"

    def keep(self, decision: Decision, said: frozenset[str], grown: int | None) -> None:
        levels = (decision.level,) if decision.level else ()
        if grown is not None:
            pin = self.kept[grown][0].labelled(levels, decision.tags)
            self.kept[grown] = pin, said
        backend = decision.candidates[0].route.backend
        pin = Pin(backend=backend, replica="r", model="chat", team="search", key="app", levels=levels)
        self.kept.append((pin, said))


@settings(max_examples=300, deadline=None)
@given(steps=steps)
def test_nothing_restricted_is_ever_continued_elsewhere(make: Any, steps: list[tuple[Any, ...]]) -> None:
    history = History(make)
    for what, *how in steps:
        if what == "ask":
            history.ask(*how)
        elif what == "policy":
            history.levels = POLICIES[how[0]]
        elif what == "key":
            [history.zones] = how
        else:
            [history.down] = how
