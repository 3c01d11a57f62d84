# ruff: noqa: RUF001 - look-alike characters are part of what it is about

r"""What a policy's patterns may be made of: they mean what `re` takes them for, and all else is told what to write."""

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from router.core.sensitivity.own.patterns import compile_patterns
from router.core.sensitivity.own.syntax import LARGEST, LONGEST, BadPattern, expression_of


def is_in(pattern: str, text: str) -> bool:
    return bool(compile_patterns((("own", pattern),)).found_in(text.encode()))


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"PRJ-\d{6}", "see PRJ-123456."),
        (r"\bPRJ\b", "the PRJ files"),
        (r"(?i)project (?:sun|moon)\w*", "PROJECT Moonshine"),
        (r"[A-F]{2}[.]x\.y", "AB.x.y"),
        (r"Akte [äöü]\d", "in der Akte ö7"),
        (r"(?i)übung", "Übung"),
        (r"a.c", "aéc"),
        (r"a[^b]c", "a€c"),
        (r"x\s{2,}y", "x \n\ty"),
        (r"\x41\-1", "A-1"),
        (r"a{2,3}?b", "aab"),
        (r"(a|bc){2}d", "bcad"),
    ],
)
def test_what_it_means(pattern: str, text: str) -> None:
    assert is_in(pattern, text)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [(r"PRJ-\d{6}", "PRJ-12345"), (r"\bPRJ\b", "PRJX"), (r"a.c", "a\nc"), (r"é+x", "\u00a9x"), (r"a\W{2}c", "aéc")],
)
def test_what_it_does_not_mean(pattern: str, text: str) -> None:
    assert not is_in(pattern, text)


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        (r"\d*", "matches the empty string"),
        ("", "matches the empty string"),
        ("a|", "matches the empty string"),
        (r"(?:\b){0,1}", "matches the empty string"),
        (r"(a)\1", "write out what may stand there again"),
        (r"(a)\g<1>", "write out what may stand there again"),
        (r"(?P<n>a)(?P=n)", "write (?:...)"),
        (r"a(?P=n)", "write the group again"),
        (r"a(?=b)", "write what follows as part of the pattern"),
        (r"a(?!b)", "such as [^x]"),
        (r"(?<=a)b", "write what stands before"),
        (r"(?<!a)b", "write what stands before"),
        (r"(?>a)b", "write (?:...)"),
        (r"a++", "leave the + out"),
        (r"(?i:a)", "only (?i) is known"),
        (r"a(?i)b", "only (?i) is known"),
        (r"a(?R)", "cannot contain itself"),
        (r"a(?#b)", "write them in the YAML"),
        (r"^PRJ", "write what stands before or behind it"),
        (r"PRJ$", "write what stands before or behind it"),
        (r"\APRJ", "write what stands before or behind it"),
        (r"\p{L}+x", "write the characters themselves"),
        (r"\u00e9", "write the characters themselves"),
        (r"\xe9", "up to \\x7f"),
        (r"[[:alpha:]]", "write \\[ for the character"),
        (r"[^é]", "characters of ASCII alone"),
        (r"[à-é]", "ranges are of ASCII alone"),
        (r"[a-é]", "ranges are of ASCII alone"),
        (r"[z-a]", "turn it around"),
        ("[]", "an empty set"),
        ("[ab", "never closed"),
        ("(ab", "never closed"),
        ("ab)", "closes nothing"),
        ("*a", "write \\* for the character"),
        ("a{,3}", "write \\{ for the character"),
        ("a{x", "write \\{ for the character"),
        ("a{3,2}", "ends before it begins"),
        ("a{2}{3}", "around what the first one repeats"),
        (r"\b+a", "leave the repeat out"),
        (r"C:\\x", "read without their backslashes"),
        ("a\\", "ends in a backslash"),
        (r"\q", "is not known"),
        ("a\x01", "control character"),
        ("12–14", 'read with "–" as "-"'),
        ("４", 'read with "４" as "4"'),
        ("a\u200bb", "U+200B"),
        ("(" * 21 + "a" + ")" * 21, "groups stand in each other"),
        ("a" * (LONGEST + 1), "make two detectors"),
        (f"a{{0,{LARGEST}}}b", "make repeats shorter"),
        ("(?:a{20}){21}", "make repeats shorter"),
        ("a{999999}", "make repeats shorter"),
        ("a{129}", "seek a shorter part"),
    ],
)
def test_what_cannot_be_sought_is_told_what_to_write_instead(pattern: str, told: str) -> None:
    with pytest.raises(BadPattern, match=re.escape(told)):
        expression_of(pattern)


def test_a_repeat_without_an_end_costs_what_it_must_have() -> None:
    assert expression_of("a{3,}b").size == expression_of("a{3}b").size == 4
    assert expression_of("(?:ab){3}").shortest == 6


# --- the same as Python's `re`, of whatever it is made of

_CHARS = "aB7 _-.é\n"
_ATOMS = st.sampled_from(["a", "B", "7", " ", "-", "é", ".", r"\d", r"\D", r"\w", r"\W", r"\s", r"\S", "[aB]", "[^a]"])
_SETS = st.sampled_from(["[0-9a]", "[^0-9]", "[é7]", r"[\w-]", r"[^\d_]", r"\.", r"\x41", r"\n", "[.-]", r"\b", r"\B"])
_REPEATS = st.sampled_from(["", "", "", "*", "+", "?", "{2}", "{1,3}", "{2,}", "*?", "{0,2}?"])


def _repeated(pair: tuple[str, str]) -> str:
    atom, repeat = pair
    return atom if atom in (r"\b", r"\B") else atom + repeat


def _grouped(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    group = st.tuples(inner, _REPEATS).map(lambda pair: f"(?:{pair[0]}){pair[1]}")
    return st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.lists(inner, min_size=2, max_size=3).map("|".join),
        group,
    )


_PATTERNS = st.recursive(st.tuples(st.one_of(_ATOMS, _SETS), _REPEATS).map(_repeated), _grouped, max_leaves=6)


@settings(max_examples=400)
@example(r"(?:a\ba)", "aa", False)
@given(_PATTERNS, st.text(_CHARS, max_size=12), st.booleans())
def test_it_means_what_python_takes_it_for(pattern: str, text: str, caseless: bool) -> None:
    pattern = f"(?i){pattern}" if caseless else pattern
    try:
        expression_of(pattern)
    except BadPattern as refused:
        assert "empty string" in str(refused) or "make repeats shorter" in str(refused)
        return
    if text:
        try:
            found = is_in(pattern, text)
        except BadPattern as refused:
            assert "can never match" in str(refused)
            found = False
        assert found == (re.search(pattern, text, re.ASCII) is not None)


@settings(max_examples=300)
@example(r":\B0")
@given(st.text("ab\\()[]{}?:*+,-^$|.019dwsbBnxpP<=!#é–iRkg", max_size=24))
def test_whatever_is_written_is_an_expression_that_the_engine_takes_or_a_reason(pattern: str) -> None:
    try:
        expression_of(pattern)
    except BadPattern as refused:
        assert str(refused)
        return
    try:
        compile_patterns((("own", pattern),))
    except BadPattern as refused:
        assert "can never match" in str(refused)
    re.compile(pattern)
