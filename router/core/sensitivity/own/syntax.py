r"""The patterns that a policy may have: regular expressions without what takes a text long, or means nothing in one.

Characters, sets, groups, alternatives and repeats mean what they mean in Python's `re` with its flag ASCII: `\d`, `\w`,
`\s` and `\b` are of ASCII, `.` is any character but the end of a line. What is read here is written anew for
Hyperscan, in octets: so a text need not be valid UTF-8, and no class of Unicode, of which some take the engine many
seconds to compile, gets there. How large a pattern is once its repeats are written out is counted and bounded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple, NoReturn

from router.core.sensitivity.finders.text import REACH
from router.core.sensitivity.unescape import fold

LONGEST = 500
"""Characters of one pattern."""
LARGEST = 400
"""Characters that a text may have to be compared with, repeats written out, in one pattern."""
MOST_DEEP = 20
"""Groups in groups."""

_ASCII = frozenset(range(128))
_DIGITS = frozenset(b"0123456789")
_SPACES = frozenset(b" \t\n\r\f\v")
_WORD = _DIGITS | frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_")
_CLASSES = {"d": _DIGITS, "s": _SPACES, "w": _WORD}
_CONTROLS = {"t": 9, "n": 10, "r": 13}
_ANY_OTHER = rb"[\xc2-\xf4][\x80-\xbf]{1,3}"
"""Any character beyond ASCII, in UTF-8."""
_SIZE_OF_ANY = 4
_ELSEWHERE = {
    "=": "look-ahead is not possible: write what follows as part of the pattern",
    "!": "look-ahead is not possible: write what may follow as part of the pattern, such as [^x], or \\b",
    ">": "atomic groups are not possible, and not needed, since no text takes a pattern long: write (?:...)",
    "#": "comments are not possible: write them in the YAML, behind #",
    "|": "groups have no numbers here: write (?:...)",
    "(": "conditions are not possible: write both forms with |",
    "R": "a pattern cannot contain itself: write out as many levels as there may be",
    "&": "a pattern cannot call its groups: write the group again",
}
_FLAGS = "of the flags only (?i) is known, at the very beginning; write sets such as [Aa] elsewhere"
_NAMED = "groups have no names here: write (?:...)"
_ANCHOR = (
    '"{}" has no meaning, since a text is a whole request, in which nothing begins or ends with what is sought: write '
    "what stands before or behind it, or \\b"
)


class BadPattern(ValueError):
    """A pattern that cannot be sought; the text says why, and what to write instead."""


class Expression(NamedTuple):
    text: bytes
    """For Hyperscan, without flags."""
    size: int
    """Characters to compare with, repeats written out."""
    shortest: int
    """Octets that every match has at least."""


def expression_of(pattern: str) -> Expression:
    """Raises BadPattern."""
    if len(pattern) > LONGEST:
        raise BadPattern(f"longer than {LONGEST} characters: make two detectors of it")
    _check_characters(pattern)
    reader = _Reader(pattern)
    piece = reader.whole()
    if piece.shortest == 0:
        raise BadPattern("it matches the empty string, and so every request: say what must be there at least")
    if piece.size > LARGEST:
        raise BadPattern(
            f"with its repeats written out it has {piece.size:,} characters, more than {LARGEST}: make repeats "
            "shorter, such as {1,20}, or without an upper end, such as {3,}"
        )
    if piece.shortest > REACH:
        raise BadPattern(f"every match has more than {REACH} bytes: seek a shorter part that tells it")
    return Expression(piece.text, piece.size, piece.shortest)


def _check_characters(pattern: str) -> None:
    if any(ord(char) < 32 for char in pattern):
        raise BadPattern("it has a control character: write \\t, \\n or \\r")
    for char in pattern:
        read_as = fold(char)
        if read_as != char:
            raise BadPattern(
                f'texts are read with "{char}" as "{read_as}": write that'
                if read_as
                else f"it has the invisible character U+{ord(char):04X}, which texts are read without: leave it out"
            )


class _Piece(NamedTuple):
    text: bytes
    size: int
    shortest: int
    single: bool
    """Whether a repeat behind it is of all of it."""
    repeatable: bool = True


class _Set(NamedTuple):
    """Characters, any one of which matches."""

    codes: frozenset[int]
    """Of ASCII."""
    others: frozenset[str] = frozenset()
    any_other: bool = False


class _Reader:
    """Reads one pattern from its beginning to its end."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0
        self._depth = 0
        self._caseless = False

    def whole(self) -> _Piece:
        self._caseless = self._skip("(?i)")
        piece = self._alternatives()
        if self._at < len(self._pattern):
            raise BadPattern(f'the ")" at character {self._at + 1} closes nothing: write \\)')
        return piece

    def _peek(self) -> str:
        return self._pattern[self._at : self._at + 1]

    def _take(self) -> str:
        self._at += 1
        return self._pattern[self._at - 1 : self._at]

    def _skip(self, text: str) -> bool:
        if not self._pattern.startswith(text, self._at):
            return False
        self._at += len(text)
        return True

    def _alternatives(self) -> _Piece:
        ways = [self._sequence()]
        while self._skip("|"):
            ways.append(self._sequence())
        if len(ways) == 1:
            return ways[0]
        text = b"(?:" + b"|".join(way.text for way in ways) + b")"
        return _Piece(text, sum(way.size for way in ways), min(way.shortest for way in ways), single=True)

    def _sequence(self) -> _Piece:
        pieces: list[_Piece] = []
        while self._peek() not in ("", "|", ")"):
            pieces.append(self._repeated(self._atom()))
        if len(pieces) == 1:
            return pieces[0]
        size, shortest = sum(each.size for each in pieces), sum(each.shortest for each in pieces)
        return _Piece(b"".join(each.text for each in pieces), size, shortest, single=False)

    def _atom(self) -> _Piece:
        char = self._take()
        if char == "(":
            return self._group()
        if char == "[":
            return self._of_set(self._set())
        if char == "\\":
            return self._escape()
        if char == ".":
            return self._of_set(_without(frozenset(b"\n")))
        if char in "^$":
            raise BadPattern(_ANCHOR.format(char))
        if char in "*+?{":
            raise BadPattern(f'"{char}" repeats nothing here: write \\{char} for the character')
        return self._of_set(_only(char))

    def _group(self) -> _Piece:
        if self._skip("?") and not self._skip(":"):
            self._refuse_group()
        begins = self._at
        self._depth += 1
        if self._depth > MOST_DEEP:
            raise BadPattern(f"more than {MOST_DEEP} groups stand in each other")
        inner = self._alternatives()
        self._depth -= 1
        if not self._skip(")"):
            raise BadPattern(f'the "(" at character {begins} is never closed: write \\( for the character')
        return _Piece(b"(?:" + inner.text + b")", inner.size, inner.shortest, single=True)

    def _refuse_group(self) -> NoReturn:
        if self._pattern.startswith(("<=", "<!"), self._at):
            raise BadPattern("look-behind is not possible: write what stands before as part of the pattern, or \\b")
        if self._pattern.startswith(("<", "P<", "'"), self._at):
            raise BadPattern(_NAMED)
        if self._pattern.startswith(("P=", "P>"), self._at):
            raise BadPattern(_ELSEWHERE["&"])
        raise BadPattern(_ELSEWHERE.get(self._peek(), _FLAGS))

    def _escape(self) -> _Piece:
        char = self._peek()
        if char in ("b", "B"):
            self._at += 1
            return _Piece(b"\\" + char.encode(), 1, 0, single=True, repeatable=False)
        if char.lower() in _CLASSES and char:
            self._at += 1
            codes = _CLASSES[char.lower()]
            return self._of_set(_Set(codes) if char.islower() else _without(codes))
        return self._of_set(_Set(frozenset((self._escaped(),))))

    def _escaped(self) -> int:
        """The character of ASCII that an escape, whose backslash was taken, stands for."""
        char = self._take()
        if char in _CONTROLS:
            return _CONTROLS[char]
        if char == "x":
            return self._hexadecimal()
        if char == "\\":
            raise BadPattern("texts are read without their backslashes: leave them out of the pattern")
        if char and char.isascii() and not char.isalnum():
            return ord(char)
        raise BadPattern(_bad_escape(char))

    def _hexadecimal(self) -> int:
        digits = self._pattern[self._at : self._at + 2]
        if len(digits) < 2 or any(char not in "0123456789abcdefABCDEF" for char in digits) or int(digits, 16) > 127:
            raise BadPattern("\\x stands before two hexadecimal digits, up to \\x7f: write other characters themselves")
        self._at += 2
        return int(digits, 16)

    def _set(self) -> _Set:
        begins = self._at
        negated = self._skip("^")
        codes: set[int] = set()
        others: set[str] = set()
        while not self._skip("]"):
            if not self._peek():
                raise BadPattern(f'the "[" at character {begins} is never closed: write \\[ for the character')
            self._item(codes, others)
        if not codes and not others:
            raise BadPattern("an empty set: write \\] for the character, or . for any")
        chosen = self._in_any_case(_Set(frozenset(codes), frozenset(others)))
        if not negated:
            return chosen
        if chosen.others:
            raise BadPattern("a set that begins with ^ may leave out characters of ASCII alone")
        return _without(chosen.codes)

    def _item(self, codes: set[int], others: set[str]) -> None:
        """One character, class or range of a set."""
        char = self._take()
        if char == "[":
            raise BadPattern("no set stands in a set: write \\[ for the character, and a-z for [:lower:]")
        if char == "\\" and self._peek() in _CLASSES:
            codes |= _CLASSES[self._take()]
            return
        if not char.isascii():
            if self._peek() == "-" and self._pattern[self._at + 1 : self._at + 2] != "]":
                raise BadPattern("ranges are of ASCII alone: write out the other characters")
            others.add(char)
            return
        first = self._escaped() if char == "\\" else ord(char)
        if self._peek() != "-" or self._pattern[self._at + 1 : self._at + 2] in ("]", ""):
            codes.add(first)
            return
        self._at += 1
        char = self._take()
        if not char.isascii() or char == "[":
            raise BadPattern("ranges are of ASCII alone: write out the other characters")
        last = self._escaped() if char == "\\" else ord(char)
        if last < first:
            raise BadPattern(f"the range {chr(first)}-{chr(last)} goes backwards: turn it around")
        codes |= set(range(first, last + 1))

    def _of_set(self, given: _Set) -> _Piece:
        chosen = given if given.any_other else self._in_any_case(given)
        ways = [_codes(chosen.codes)] if chosen.codes else []
        ways += [char.encode() for char in sorted(chosen.others)]
        ways += [_ANY_OTHER] if chosen.any_other else []
        size = len(chosen.others) + (1 if chosen.codes else 0) + (_SIZE_OF_ANY if chosen.any_other else 0)
        single = len(ways) == 1 and not chosen.others and not chosen.any_other
        text = ways[0] if single else b"(?:" + b"|".join(ways) + b")"
        return _Piece(text, size, 1 if chosen.codes or chosen.any_other else 2, single=True)

    def _in_any_case(self, given: _Set) -> _Set:
        if not self._caseless:
            return given
        chars = {chr(code) for code in given.codes} | given.others
        cased = {form for char in chars for form in (char, char.lower(), char.upper()) if len(form) == 1}
        # Some letters beyond ASCII have a form in it, as the sign of Kelvin does: texts are read with that already.
        return _Set(frozenset(ord(char) for char in cased if char.isascii()), frozenset(_foreign(cased)))

    def _repeated(self, piece: _Piece) -> _Piece:
        bounds = self._bounds()
        if bounds is None:
            return piece
        least, most = bounds
        if not piece.repeatable:
            raise BadPattern("\\b and \\B cannot be repeated: leave the repeat out")
        self._skip("?")  # whether as few or as many as possible are taken does not change whether there are any
        if self._peek() == "+":
            raise BadPattern(
                "possessive repeats are not possible, nor needed, since no text takes a pattern long: leave the + out"
            )
        if self._bounds() is not None:
            raise BadPattern("a repeat stands behind a repeat: write (?:...) around what the first one repeats")
        text = piece.text if piece.single else b"(?:" + piece.text + b")"
        times = b"{%d,}" % least if most is None else b"{%d,%d}" % (least, most)
        size = piece.size * max(1, least if most is None else most)
        return _Piece(b"(?:" + text + times + b")", size, piece.shortest * least, single=True)

    def _bounds(self) -> tuple[int, int | None] | None:
        """Of the repeat that begins here, if one does: least, most (None without end)."""
        for sign, bounds in (("*", (0, None)), ("+", (1, None)), ("?", (0, 1))):
            if self._skip(sign):
                return bounds
        if not self._skip("{"):
            return None
        inner, closed, _ = self._pattern[self._at :].partition("}")
        least, comma, most = inner.partition(",")
        if not closed or not _is_number(least) or (most and not _is_number(most)):
            raise BadPattern("a { begins a repeat, such as {3}, {3,} or {3,5}: write \\{ for the character")
        self._at += len(inner) + 1
        if not comma:
            return int(least), max(1, int(least))
        if most and int(most) < max(1, int(least)):
            raise BadPattern(f"the repeat {{{inner}}} ends before it begins")
        return int(least), int(most) if most else None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 6


def _only(char: str) -> _Set:
    return _Set(frozenset((ord(char),))) if char.isascii() else _Set(frozenset(), frozenset((char,)))


def _without(codes: frozenset[int]) -> _Set:
    return _Set(_ASCII - codes, any_other=True)


def _foreign(chars: Iterable[str]) -> Iterator[str]:
    return (char for char in chars if not char.isascii())


def _codes(codes: frozenset[int]) -> bytes:
    """A set, with its ranges."""
    if len(codes) == 1:
        return b"\\x%02x" % min(codes)
    ranges: list[tuple[int, int]] = []
    for code in sorted(codes):
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1] = ranges[-1][0], code
        else:
            ranges.append((code, code))
    inner = b"".join(b"\\x%02x-\\x%02x" % each if each[0] < each[1] else b"\\x%02x" % each[0] for each in ranges)
    return b"[" + inner + b"]"


def _bad_escape(char: str) -> str:
    if char == "":
        return "it ends in a backslash, which stands before another character"
    if char.isdigit() or char in "gk":
        return "back-references are not possible: write out what may stand there again"
    if char in "AZzG":
        return _ANCHOR.format("\\" + char)
    if char in "pPuUN":
        return (
            "classes and numbers of Unicode are not possible: write the characters themselves, or \\w for letters and "
            "digits of ASCII, or . for any"
        )
    known = "\\d \\w \\s \\b, \\t \\n \\r \\x41, and those of signs, such as \\."
    return f'"\\{char}" is not known: of escapes there are {known}'
