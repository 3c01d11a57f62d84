# ruff: noqa: RUF001 - look-alike characters are part of what it is about

import importlib
import json
import pickle
import re
import sys
from base64 import b64encode
from collections.abc import Callable, Iterator
from pkgutil import iter_modules
from random import Random
from typing import Any, get_args
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import sensitive
from support.patterns import repeated_possessively
from support.sensitive import texts_of

from router.core.policy import Detector, DetectorName
from router.core.sensitivity import encodings, finders
from router.core.sensitivity.detectors import Detectors, compile_detectors
from router.core.sensitivity.finders.text import Effort, Text
from router.core.sensitivity.memory import BoundedMemory
from router.core.values import Label

EVERYTHING = frozenset(get_args(DetectorName))
CARD = "4111 1111 1111 1111"


def one(*kinds: DetectorName, **effect: str) -> Detector:
    return Detector(find=kinds, **effect)  # type: ignore[arg-type]


def never() -> Iterator[str]:
    raise AssertionError("was read")
    yield ""


def find(text: str, sought: frozenset[DetectorName] = EVERYTHING) -> set[str]:
    labels = compile_detectors((one(*sought, tag="found"),)).scan([text])
    return {label.source.removeprefix("detector ") for label in labels}


def found_in(value: Any, ensure_ascii: bool = True) -> set[str]:
    body = json.dumps(value, ensure_ascii=ensure_ascii).encode()
    return {kind for text in texts_of(body) for kind in find(text)}


def test_without_detectors_nothing_is_read() -> None:
    off = compile_detectors(())

    assert type(off) is Detectors
    assert off.scan(never()) == ()
    assert not off.gives_tags


def test_a_finding_is_a_label_that_names_the_kind_and_not_the_text() -> None:
    detectors = compile_detectors((one("credit_card", "iban", raise_to="restricted"), one("email", tag="personal")))

    labels = detectors.scan([f"{CARD} of bob@example.com"])

    assert labels == (
        Label(level="restricted", source="detector credit_card"),
        Label(tags=("personal",), source="detector email"),
    )
    assert detectors.gives_tags


def test_a_kind_may_be_sought_twice() -> None:
    detectors = compile_detectors((one("email", raise_to="internal"), one("email", tag="personal")))

    assert [label.level for label in detectors.scan(["bob@example.com"])] == ["internal", None]


def test_levels_alone_give_no_tags() -> None:
    assert not compile_detectors((one("email", raise_to="internal"),)).gives_tags


def test_every_text_counts_until_all_is_found() -> None:
    def texts() -> Iterator[str]:
        yield "bob@example.com"
        yield CARD
        yield from never()

    detectors = compile_detectors((one("credit_card", "email", raise_to="restricted"),))

    assert len(detectors.scan(texts())) == 2


def test_nothing_found_is_no_label() -> None:
    assert compile_detectors((one(*EVERYTHING, raise_to="restricted"),)).scan(["Hello", "World"]) == ()


def test_only_what_is_sought_is_found() -> None:
    text = f"{CARD} DE89370400440532013000 123-45-6789 bob@example.com +14155552671 AKIAIOSFODNN7EXAMPLE"

    assert find(text) == EVERYTHING
    for kind in EVERYTHING:
        assert find(text, frozenset({kind})) == {kind}


@pytest.mark.parametrize("before", [0, 4000, 4080, 4090, 4095, 4096, 8191])
def test_blocks_do_not_cut_anything(before: int) -> None:
    assert find("x" * before + f" {CARD} ") == {"credit_card"}
    assert find("x" * before + f" 9{CARD} ") == set()
    assert find("x" * before + " DE89 3704 0044 0532 0130 00 ") == {"iban"}
    assert find("x" * before + " (415) 555-2671 ") == {"phone"}


@pytest.mark.parametrize(
    "body",
    [
        {"messages": [{"role": "user", "content": f"My card is {CARD}."}]},
        {"messages": [{"role": "user", "content": f"line\n{CARD}\nline"}]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": CARD}]}]},
        {"messages": [{"role": "assistant", "tool_calls": [{"function": {"arguments": json.dumps({"c": CARD})}}]}]},
        {"messages": [{"role": "tool", "content": json.dumps({"note": "é", "inner": json.dumps(["é", CARD])})}]},
        {"tools": [{"function": {"parameters": {"properties": {CARD: {"type": "string"}}}}}]},
        {"input": 4111111111111111},
        {"x": "4111\u20111111\u20111111\u20111111"},
        {"x": "4111\u00a01111\u202f1111\u20091111"},
        {"x": "４１１１１１１１１１１１１１１１"},
        {"x": "4111\u200b1111\u200b1111\u200b1111"},
        {"x": "卡号4111111111111111。"},
        {"x": "٤١١١١١١١١١١١١١١١"},
    ],
)
@pytest.mark.parametrize("ensure_ascii", [True, False])
def test_it_is_found_wherever_it_stands_in_a_body(body: dict[str, Any], ensure_ascii: bool) -> None:
    assert found_in(body, ensure_ascii) == {"credit_card"}


def test_an_earlier_duplicate_is_seen() -> None:
    body = f'{{"content": "{CARD}", "content": "nothing"}}'.encode()

    assert find(next(texts_of(body))) == {"credit_card"}


@pytest.mark.parametrize(
    "text",
    [
        "Refactor this function: it takes 3 arguments and returns 17.25, see RFC 9110 section 15.5.",
        "2024-01-15 12:30:45,123 INFO request 8127 took 0.3127 s from 10.12.0.17",
        "id 550e8400-e29b-41d4-a716-446655440000",
        "pip install numpy==1.26.4 torch==2.3.1+cu121; sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15",
        "0.4532015112830366 0.5425233430109903 0.4485275742308327 -0.4916338031240",
        "order 1234567890, invoice 2024-000123, ISBN 978-3-16-148410-0",
        "def f(a, b): return a@b.T  # @decorator",
    ],
)
def test_ordinary_text_has_nothing(text: str) -> None:
    assert find(text) == set()


NUMBERS = ["4", "4 ", "4.", "   4", "41 ", "4444 ", "0", "01 ", "+1 ", "+1(", "123-45-", "415 555 ", "SSN 123456789 "]
WORDS = [
    "sk-",
    "bk-a",
    "@a.",
    "a@",
    "DE89",
    "GB29 ",
    "-----BEGIN ",
    "AKIA",
    "a",
    "eyJaaaaaaaaaaaaa-",
    "eyJaaaaaaaaaaaa1.",
    "a",
]
MORE = [
    *("4444\n", "4444,", "4444|44", "98765 43210 ", "tel 123456789 ", "pwd=", "pwd='", "token: a1", "password is "),
    *(" at a dot ", "(at)a", "://a:b", "Bearer ", "&sig=1", "é@a.", "用户", ":AA1234567890", "123456789 phone "),
    *("%25", "%", "&amp;", "&#", "&#0000000", "YWJjZGVmZ2hpamtsbW5v", "YWJjZGVmZ2hpamtsbW5v\n", "AAAA", "IIII"),
    *("\\", "\\u", "\\\\u0034", "\\/", '"1","1', '1","', '{"a":"1"},', '"}]},{"', "1\" ", "\x1f1"),
]  # fmt: skip


def hostile(unit: str, size: int) -> bytes:
    return json.dumps({"a": unit * (size // len(unit)) + "PRIVATE KEY-----"}).encode()


def work(body: bytes) -> int:
    """How many functions are called to scan a body; what each does in C is bounded, see below."""
    calls = 0

    def count(*_: object) -> None:
        nonlocal calls
        calls += 1

    detectors = compile_detectors((one(*EVERYTHING, raise_to="restricted"),))
    sys.setprofile(count)
    try:
        detectors.scan_body(body)
    finally:
        sys.setprofile(None)
    return calls


@pytest.mark.parametrize("unit", NUMBERS + WORDS + MORE)
def test_twice_the_text_is_at_most_twice_the_work(unit: str) -> None:
    small, large = work(hostile(unit, 20_000)), work(hostile(unit, 40_000))

    assert large <= 2.2 * small + 200
    assert large <= 8 * 40_000


@pytest.mark.parametrize("unit", NUMBERS + WORDS + MORE)
def test_hostile_text_takes_linear_work(unit: str) -> None:
    """A pattern with catastrophic backtracking would not come back from this at all."""
    detectors = compile_detectors((one(*EVERYTHING, raise_to="restricted"),))

    assert len(detectors.scan_body(hostile(unit, 200_000))) <= len(EVERYTHING)


def patterns() -> Iterator[tuple[str, re.Pattern[Any]]]:
    """All that the finders, and what goes before them, look with."""
    modules = [
        importlib.import_module(f"router.core.sensitivity.finders.{found.name}")
        for found in iter_modules(finders.__path__)
    ]
    for module in [*modules, encodings]:
        values = [
            (f"{module.__name__}.{name}", value) for name, value in vars(module).items() if name != "__builtins__"
        ]
        while values:
            name, value = values.pop()
            if isinstance(value, re.Pattern):
                yield name, value
            elif isinstance(value, tuple):
                values += [(name, each) for each in value]
            elif isinstance(value, dict):
                values += [(name, each) for each in value.values()]


@pytest.mark.parametrize("pattern", [pytest.param(pattern, id=name) for name, pattern in patterns()])
def test_no_pattern_reads_on_for_ever(pattern: re.Pattern[Any]) -> None:
    """What one match may read is bounded, so that a text of any length takes time in proportion to it."""
    parsed = re._parser.parse(pattern.pattern, pattern.flags)  # type: ignore[attr-defined]

    assert parsed.getwidth()[1] < 20_000


@pytest.mark.parametrize("pattern", [pytest.param(pattern, id=name) for name, pattern in patterns()])
def test_only_single_characters_are_repeated_possessively(pattern: re.Pattern[Any]) -> None:
    """Before Python 3.11.5 a group goes on from where its last try failed, and what follows is not found."""
    parsed = re._parser.parse(pattern.pattern, pattern.flags)  # type: ignore[attr-defined]

    assert [each for each in repeated_possessively(parsed) if len(each) != 1 or each.getwidth() != (1, 1)] == []


def test_groups_that_are_repeated_possessively_are_recognised() -> None:
    for text in (r"(?:ab?){1,4}+", r"x(?:(?:ab)*+|c)", r"(?=(?:a+)++)", r"(?>ab?)"):
        assert list(repeated_possessively(re._parser.parse(text)))  # type: ignore[attr-defined]
    [single] = repeated_possessively(re._parser.parse(r"x[ab]{1,4}+"))  # type: ignore[attr-defined]
    assert single.getwidth() == (1, 1)


@pytest.mark.parametrize("escaped", [True, False])
@given(
    before=st.text(max_size=20), finding=st.sampled_from(["4111 1111 1111 1111", "123-45-6789", "a@example.com", ""])
)
def test_a_body_is_scanned_as_its_texts_are(escaped: bool, before: str, finding: str) -> None:
    detectors = compile_detectors((Detector(find=("credit_card", "us_ssn", "email"), raise_to="r"),))
    body = json.dumps({"content": f"{before} {finding}"}, ensure_ascii=escaped).encode("utf-8", "surrogatepass")
    if escaped or not any("\ud800" <= char <= "\udfff" for char in before):
        assert detectors.scan_body(body) == detectors.scan(texts_of(body))


def test_detectors_may_be_sent_to_another_process() -> None:
    detectors = pickle.loads(pickle.dumps(compile_detectors((one("email", raise_to="internal"),))))

    assert len(detectors.scan_body(b'{"a": "bob@example.com"}')) == 1
    assert pickle.loads(pickle.dumps(Detectors())).scan_body(b"bob@example.com") == ()


@pytest.mark.parametrize(
    "content",
    [
        f"x%20{CARD.replace(' ', '%2D')}",
        "x &#52;111 1111 1111 1111",
        "NDExMSAxMTExIDExMTEgMTExMQ==",
        [{"type": "text", "text": "4111 1111 "}, {"type": "text", "text": "1111 1111"}],
        "é and 4111%201111%201111%201111",
    ],
)
def test_it_is_found_however_it_is_encoded(content: Any) -> None:
    body = json.dumps({"messages": [{"role": "user", "content": content}]}, ensure_ascii=False).encode()

    assert compile_detectors((one("credit_card", raise_to="restricted"),)).scan_body(body)
    assert found_in({"messages": [{"role": "user", "content": content}]}) == {"credit_card"}


def test_what_an_encoding_hides_may_be_nothing_that_is_sought() -> None:
    assert compile_detectors((one("email", raise_to="restricted"),)).scan_body(b'{"a": "x %41 y"}') == ()


def test_what_was_too_dense_to_be_looked_at_is_not_remembered() -> None:
    """So that it counts as found again; and what is remembered takes the effort that it took."""
    memory = BoundedMemory(b"0123456789abcdef", 100)
    detectors = compile_detectors((one("credit_card", raise_to="restricted"),), memory)
    dense, once = hostile("4242,", 200_000), hostile("4242,", 1_000)

    assert detectors.scan_body(dense) == detectors.scan_body(dense) != ()
    assert memory.recall(b'["credit_card"]\n' + dense) is None
    assert detectors.scan_body(once) == detectors.scan_body(once) == ()
    known = memory.recall(b'["credit_card"]\n' + once)
    assert known is not None and known.kinds == frozenset() and known.steps > 0


def test_what_was_not_sought_was_not_looked_for() -> None:
    memory = BoundedMemory(b"0123456789abcdef", 100)
    body = json.dumps([CARD]).encode()

    assert compile_detectors((one("email", raise_to="restricted"),), memory).scan_body(body) == ()
    assert compile_detectors((one("credit_card", raise_to="restricted"),), memory).scan_body(body) != ()


def test_a_body_that_is_too_dense_is_so_though_its_parts_are_known() -> None:
    text = "4242," * 60
    far = "Explain how a hash map works. " * 20
    body = json.dumps([f"{text} {far}"] * 400).encode()
    card = one("credit_card", raise_to="restricted")
    remembering = compile_detectors((card,), BoundedMemory(b"0123456789abcdef", 100))

    first, second = remembering.scan_body(body), remembering.scan_body(body)
    assert first == second == compile_detectors((card,)).scan_body(body)


def test_what_is_too_dense_to_be_looked_at_counts_as_found() -> None:
    """Ever more numbers that are right by their check digit, and of no card by what is around them."""
    detectors = compile_detectors((one(*EVERYTHING, raise_to="restricted"),))

    assert detectors.scan_body(hostile("4242,", 1_000)) == ()
    found = {label.source for label in detectors.scan_body(hostile("4242,", 200_000))}
    assert "detector credit_card" in found
    assert not found & {"detector email", "detector api_key"}


@pytest.mark.parametrize("hidden", [lambda text: text, quote], ids=["in JSON", "in an address"])
def test_what_is_hidden_deeper_than_anybody_looks_counts_as_found(hidden: Callable[[str], str]) -> None:
    text = "".join(f"\\u{ord(sign):04x}" for sign in CARD)
    for _ in range(9):
        text = json.dumps(text)
    body = json.dumps({"content": hidden(text)}).encode()
    own = Detector(pattern=r"PRJ-\d{6}", name="project", raise_to="restricted")

    assert compile_detectors((one("credit_card", raise_to="restricted"),)).scan_body(body)
    assert compile_detectors((own,)).scan_body(body)


@pytest.mark.parametrize("width", range(1, 13))
@pytest.mark.parametrize("separator", [", ", " ", "\t", "\n", ";"])
def test_a_long_table_is_not_too_dense(width: int, separator: str) -> None:
    random = Random(width)
    table = separator.join(str(random.randrange(10 ** (width - 1), 10**width)) for _ in range(200_000 // (width + 1)))
    text = Text(table.encode(), Effort(len(table)))

    for finder in finders.FINDERS.values():
        finder.is_in(text)  # raises TooDense if it is


@pytest.mark.parametrize("ensure_ascii", [True, False])
@pytest.mark.parametrize(
    "card",
    [
        "4111.1111/1111·1111",
        "4111·1111·1111·1111",
        "4111 • 1111 • 1111 • 1111",
        "5·4111111111111111",
        "4111，1111，1111，1111",
        "４１１１，１１１１，１１１１，１１１１",
        "4111、1111、1111、1111",
        "4111；1111；1111；1111",
        "4111╱1111╱1111╱1111",
        "4111 ║ 1111 ║ 1111 ║ 1111",
        "4111¦1111¦1111¦1111",
    ],
)
def test_a_middle_dot_is_a_separator_as_any(card: str, ensure_ascii: bool) -> None:
    assert found_in(f"card {card} please", ensure_ascii) == {"credit_card"}


@pytest.mark.parametrize(
    "dot",
    [
        "&middot;",
        "&#183;",
        "&bull;",
        "%C2%B7",
        "&ndash;",
        "&frasl;",
        "&vert;",
        "&verbar;",
        "&brvbar;",
        "&VerticalLine;",
        "&bullet;",
        "&centerdot;",
        "&#x2016;",
        "%EF%BC%8C",
    ],
)
def test_so_it_is_in_another_encoding(dot: str) -> None:
    assert found_in(f"card 4111{dot}1111{dot}1111{dot}1111 please") == {"credit_card"}


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":[1,4.111111111111111e15]}',
        b'{"a":"4.111111111111111E+15"}',
        b'{"a":4.111111111111111e015}',
        b'{"a":4.111111111111111E+0015}',
        b'{"a":"card4.111111111111111e015.txt"}',
    ],
)
def test_a_number_with_an_exponent_is_a_number(body: bytes) -> None:
    assert [
        label.source for label in compile_detectors((one("credit_card", raise_to="restricted"),)).scan_body(body)
    ] == ["detector credit_card"]


# --- patterns of the policy's own

PROJECT = Detector(pattern=r"PRJ-\d{6} [a-zé]{3}", name="project", raise_to="restricted")
PLAIN = "PRJ-123456 pré"
LABEL = (Label(level="restricted", source="detector project"),)
FORMS_OF_IT = {
    "as it is": json.dumps({"c": PLAIN}, ensure_ascii=False),
    "escaped": json.dumps({"c": PLAIN}),
    "all of it escaped": "".join(('{"c":"', *(f"\\u{ord(char):04x}" for char in PLAIN), '"}')),
    "in JSON in JSON in JSON": json.dumps({"c": json.dumps({"c": json.dumps([PLAIN])})}),
    "in a name": json.dumps({PLAIN: 1}),
    "on a line of its own": json.dumps({"c": f"first\n{PLAIN}\nlast"}),
    "in digits of full width": json.dumps({"c": "PRJ-１２３４５６ pré"}),
    "with a dash of Unicode": json.dumps({"c": PLAIN.replace("-", "\u2011")}),
    "with invisible characters": json.dumps({"c": "\u200b".join(PLAIN)}),
    "percent signs": json.dumps({"c": quote(PLAIN)}),
    "all of it percent signs": json.dumps({"c": "".join(f"%{code:02X}" for code in PLAIN.encode())}),
    "HTML": json.dumps({"c": "".join(f"&#{ord(char)};" for char in PLAIN)}),
    "base64": json.dumps({"c": b64encode(f"see {PLAIN}".encode()).decode()}),
    "before what is escaped in Markdown": json.dumps({"c": PLAIN.replace("-", "\\-")}),
    "before letters": json.dumps({"c": PLAIN.replace("RJ", "\\RJ").replace("1", "\\1")}),
    "as if a letter were escaped": json.dumps({"c": PLAIN.replace("r", "\\r")}),
    "as if a letter were escaped, in JSON in JSON": json.dumps({"c": json.dumps({"c": PLAIN.replace("r", "\\r")})}),
    "backslashes in percent signs": json.dumps({"c": PLAIN.replace("-", "%5C-").replace("r", "%5Cr")}),
    "base64 behind a backslash": json.dumps({"c": "C:\\tmp\\" + b64encode(f"note {PLAIN}".encode()).decode()}),
    "in a form": json.dumps({"c": quote_plus(PLAIN)}),
    "in a form in a form": json.dumps({"c": quote_plus(quote_plus(PLAIN))}),
    "in a form in base64": json.dumps({"c": b64encode(quote_plus(f"see {PLAIN}").encode()).decode()}),
    "in JSON in JSON in JSON, in base64": json.dumps(
        {"c": b64encode(json.dumps(json.dumps(json.dumps(PLAIN))).encode()).decode()}
    ),
    "in JSON in JSON, in percent signs": json.dumps({"c": quote(json.dumps(json.dumps("\u200b".join(PLAIN))))}),
    "escapes of JSON in digits of full width": json.dumps(
        {"c": "".join(f"\\u{ord(char):04x}" for char in PLAIN).translate(sensitive.FULL_WIDTH)}
    ),
    "HTML in full width": json.dumps(
        {"c": "".join(f"&#{ord(char)};" for char in PLAIN).translate(sensitive.FULL_WIDTH)}
    ),
    "base64 in percent signs": json.dumps({"c": quote(b64encode(f"see {PLAIN}!".encode()).decode())}),
}


@pytest.mark.parametrize("body", FORMS_OF_IT.values(), ids=FORMS_OF_IT)
@pytest.mark.parametrize("around", [0, 5_000])
def test_an_own_pattern_is_found_in_all_forms_that_a_kind_is(body: str, around: int) -> None:
    prose = json.dumps("Nothing to see here, as usual. " * (around // 30))
    for whole in (f"[{prose},{body}]", f"[{body},{prose}]", f"[{prose},{body},{prose}]"):
        for memory in (None, BoundedMemory(b"k" * 32, 100)):
            detectors = compile_detectors((PROJECT,), memory)
            assert [detectors.scan_body(whole.encode()) for _ in range(2)] == [LABEL, LABEL]


def test_an_own_pattern_is_looked_for_in_headers() -> None:
    detectors = compile_detectors((PROJECT,))

    assert detectors.scan(["x", PLAIN]) == detectors.scan(["P\\RJ\\-123456 p\\ré"]) == LABEL
    assert detectors.scan(["PRJ-12345\\ pré"]) == ()


@pytest.mark.parametrize("text", ["a\\PRJ-123456 pré", "PRJ-123456\\ pré", "new\nPRJ\\-123456 pré"])
def test_a_backslash_beside_a_border_hides_nothing(text: str) -> None:
    """With it and without it a word begins somewhere else."""
    own = Detector(pattern=r"\bPRJ-\d{6}\b", name="project", raise_to="restricted")

    assert compile_detectors((own,)).scan_body(json.dumps({"c": text}).encode()) == LABEL


def test_an_own_pattern_is_found_beside_kinds_in_the_policys_order() -> None:
    detectors = compile_detectors((one("iban", raise_to="internal"), PROJECT, one("credit_card", tag="paid")))

    labels = detectors.scan_body(json.dumps({"c": f"{CARD} for {PLAIN}"}).encode())

    assert [label.source for label in labels] == ["detector project", "detector credit_card"]


def test_a_long_match_over_all_of_a_body_is_found() -> None:
    detectors = compile_detectors(
        (Detector(pattern=r"begin PRJ(?:.|\n)*end PRJ", name="project", raise_to="restricted"),)
    )

    assert detectors.scan_body(json.dumps({"c": "begin PRJ " + "line \n" * 20_000 + "end PRJ"}).encode()) == LABEL


def test_what_is_remembered_is_of_the_patterns_that_were_sought() -> None:
    """One memory for several sets of detectors must mislead none: patterns of one name may be others."""
    body = json.dumps({"c": b64encode(b"see PRJ-123456 and more").decode()}).encode()
    memory = BoundedMemory(b"k" * 32, 100)

    def found(pattern: str) -> int:
        detector = Detector(pattern=pattern, name="project", raise_to="restricted")
        return len(compile_detectors((detector,), memory).scan_body(body))

    assert [found(pattern) for pattern in ("PRJ-9", "PRJ-1", "PRJ-9", "PRJ-1")] == [0, 1, 0, 1]
    assert compile_detectors((one("iban", raise_to="restricted"),), memory).scan_body(body) == ()


@settings(max_examples=60)
@given(st.text(st.sampled_from('PRJ-0123 é\\"\n%41&;'), max_size=40), st.integers(0, 2), st.booleans())
def test_what_stands_around_an_own_match_hides_nothing(around: str, depth: int, ascii_only: bool) -> None:
    value: Any = f"{around} {PLAIN} {around}"
    for _ in range(depth):
        value = json.dumps({"c": value}, ensure_ascii=ascii_only)

    assert compile_detectors((PROJECT,)).scan_body(json.dumps([value], ensure_ascii=ascii_only).encode()) == LABEL


def as_messages(pieces: list[str]) -> Any:
    return {"messages": [{"role": "user", "content": piece} for piece in pieces]}


def as_parts(pieces: list[str]) -> Any:
    return {"messages": [{"role": "user", "content": [{"type": "text", "text": piece} for piece in pieces]}]}


def as_items(pieces: list[str]) -> Any:
    return {"input": pieces}


def as_turns_with_nothing_between(pieces: list[str]) -> Any:
    silent = ("", None, " \n", [], [{"type": "text", "text": ""}])
    return {
        "messages": [
            message
            for number, piece in enumerate(pieces)
            for message in (
                {"role": "user", "content": piece},
                {"role": "assistant", "content": silent[number % len(silent)]},
            )
        ]
    }


def as_items_with_nothing_between(pieces: list[str]) -> Any:
    return {"input": [item for piece in pieces for item in (piece, "")]}


WAYS = (as_messages, as_parts, as_items, as_turns_with_nothing_between, as_items_with_nothing_between)
CUT_BESIDE = ("word", "JSON", "exponent")
CUT = [
    form
    for form in sensitive.FORMS
    if form.kind in ("credit_card", "iban", "us_ssn", "phone")
    and form.wrap is None
    and not any(word in form.name for word in CUT_BESIDE)
]


@pytest.mark.parametrize("form", CUT, ids=[f"{form.kind}: {form.name}" for form in CUT])
def test_what_is_found_in_one_text_is_found_when_it_is_cut(form: sensitive.Form) -> None:
    """Anywhere: in a group, before or behind what separates groups, in front of the last digit."""
    detectors = compile_detectors((one(form.kind, raise_to="restricted"),))
    random = Random(f"{form.name} cut")
    for _ in range(12):
        number = form.make(random)
        text = f"{random.choice(('', 'number: ', 'x, '))}{number}{random.choice(('', ' ok', '.'))}"
        start = text.index(number)
        for at in range(start + 1, start + len(number)):
            way, indent = random.choice(WAYS), random.choice((None, 2))
            body = json.dumps(way([text[:at], text[at:]]), indent=indent).encode()

            assert detectors.scan_body(body), body


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("kind", "pieces"),
    [
        ("credit_card", ["Card: 4111 1111\n", "1111 1111 please"]),
        ("credit_card", ["4111 1111", "\n1111 1111 please"]),
        ("credit_card", ["4111 1111\t", "1111 1111"]),
        ("credit_card", ["4111 1111\r\n", "1111 1111"]),
        ("credit_card", ["4111 1111\n\n", "1111 1111"]),
        ("credit_card", ["4111 1111 \n", "1111 1111"]),
        ("credit_card", ["4111,1111,", "1111,1111"]),
        ("credit_card", ["4111 1111  ", "  1111 1111"]),
        ("credit_card", ["4111", " 1111 1111", " 1111"]),
        ("credit_card", list("4111111111111111")),
        ("credit_card", ["41", "11|1111|11", "11|1111"]),
        ("iban", ["DE89 3704 0044\n", "0532 0130 00 thanks"]),
        ("iban", ["D", "E89370400440532013000"]),
        ("iban", ["GB82 WE", "ST 1234 5698 7654 32"]),
        ("us_ssn", ["219", "-", "09-9999"]),
        ("us_ssn", ["219 ", "09 ", "9999"]),
        ("phone", ["+", "1 415 555 2671"]),
        ("phone", ["(415", ") 555-2671"]),
    ],
)
def test_it_is_found_over_several_texts(way: Callable[[list[str]], Any], kind: DetectorName, pieces: list[str]) -> None:
    body = json.dumps({"model": "m", "around": "Explain. " * 300} | way(pieces)).encode()

    assert compile_detectors((one(kind, raise_to="restricted"),)).scan_body(body)


def test_what_stands_beside_the_number_in_a_frame_is_still_looked_at() -> None:
    """A frame is left out of the text that goes on over it, and of no other."""
    hidden = b64encode(b"my card 4111111111111111 ok").decode()
    body = json.dumps([{"content": "12345", "id": hidden}, {"id": hidden, "content": "67890"}]).encode()

    assert compile_detectors((one("credit_card", raise_to="restricted"),)).scan_body(body)
