from router.core.sensitivity.memory import BoundedMemory, Findings, Memory

KEY = b"0123456789abcdef"
CARD = Findings(frozenset({"credit_card"}), 7)
NOTHING = Findings(frozenset(), 0)


def test_what_was_found_in_a_part_is_known_of_it_alone() -> None:
    memory = BoundedMemory(KEY, 10)
    memory.keep(b"a card", CARD)
    memory.keep(b"nothing", NOTHING)

    assert memory.recall(b"a card") == CARD
    assert memory.recall(b"nothing") == NOTHING
    assert memory.recall(b"a car") is None
    assert memory.recall(b"a card ") is None


def test_no_more_is_kept_than_it_may_and_the_first_goes_first() -> None:
    memory = BoundedMemory(KEY, 2)
    for part in (b"1", b"2", b"3"):
        memory.keep(part, NOTHING)

    assert [memory.recall(part) is not None for part in (b"1", b"2", b"3")] == [False, True, True]


def test_a_part_that_is_kept_again_takes_no_further_place() -> None:
    memory = BoundedMemory(KEY, 2)
    for part in (b"1", b"2", b"2", b"2"):
        memory.keep(part, NOTHING)

    assert memory.recall(b"1") is not None


def test_nothing_of_a_part_is_kept() -> None:
    memory = BoundedMemory(KEY, 10)
    memory.keep(b"4111 1111 1111 1111", CARD)

    assert "1111" not in repr(memory._findings)


def test_parts_have_other_names_under_another_key() -> None:
    ours, theirs = BoundedMemory(KEY, 10), BoundedMemory(KEY[::-1], 10)
    ours.keep(b"part", NOTHING)
    theirs.keep(b"part", NOTHING)

    assert ours._findings.keys() != theirs._findings.keys()


def test_without_a_memory_nothing_is_known() -> None:
    memory = Memory()
    memory.keep(b"part", CARD)

    assert memory.recall(b"part") is None
