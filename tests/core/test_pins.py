from router.core.pins import SOURCE, Pin, foreign, labels_of
from router.core.values import Label

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
