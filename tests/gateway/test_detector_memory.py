from router.core.sensitivity.memory import Findings
from router.gateway.detector_memory import MOST, new_memory

NOTHING = Findings(frozenset(), 0)


def test_each_memory_has_a_key_of_its_own() -> None:
    first, second = new_memory(), new_memory()
    for memory in (first, second):
        memory.keep(b"part", NOTHING)

    assert first._findings.keys() != second._findings.keys()


def test_it_is_bounded() -> None:
    memory = new_memory()
    for number in range(MOST + 10):
        memory.keep(b"%d" % number, NOTHING)

    assert len(memory._findings) == MOST
