"""The text of a request body as detectors see it: every string of it, wherever it stands, without its disguises.

Nothing is decoded as JSON. What a decoder drops or hides (the first of two equal names, a number's digits, JSON
inside a string) stays visible in the text itself, and the text is scanned several times faster than a tree.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from router.core.sensitivity import encodings
from router.core.sensitivity.finders.text import TooDense, flat

_MOST_LEVELS = 6
_MOST_ROUNDS = 4
_ASCII = bytes(range(128))
_HIDING = re.compile(r"\\[u/]")
_GLUED = re.compile(r"\\([bf][A-Za-z0-9+/_-]{14,})")
"""What may be base64 behind a backslash, of which a letter would be taken for that of an escape. No other letters begin
text in base64 that are an escape's, too."""
_HIDING_BYTES = re.compile(rb"\\(?:[u/]|[bf][A-Za-z0-9+/_-]{14})")
# A backslash that starts no JSON escape; `\\` was replaced before this is used.
_STRAY = re.compile(r'\\(?!["/bfnrt]|u[0-9A-Fa-f]{4}|x5c)')
_BACKSLASH = re.compile(rb"\\\\|\\u005[cC]")
"""One that is in what a body says, and begins no escape of its own JSON."""
_SURROGATES = re.compile(r"[\ud800-\udfff]")
# Most characters of most texts that stand for nothing in ASCII: letters of large scripts, quotes, arrows, emoji.
_PLAIN = re.compile(
    "[\u00a1-\u00a5\u00a7\u00ab\u00ac\u00b4-\u00b6\u00b8\u00bb\u00bf-\u01bf\u01c2-\u02ff"
    "\u0370-\u0386\u0388-\u0482\u048a-\u0588\u05d0-\u05ea"
    "\u0620-\u065f\u0671-\u06d3\u0904-\u0965\u0985-\u09cd\u0b85-\u0bcd\u0c05-\u0c4d\u0e01-\u0e4e"
    "\u2018-\u201f\u2026\u2030-\u203a\u20a0-\u20bf\u2190-\u2211\u2213\u2214\u2216-\u2218\u221a-\u2222\u2224"
    "\u2226-\u22c4\u22c6-\u23b7\u23ba-\u23cf\u23d1-\u245f\u2500\u2501\u2504\u2505\u2508\u2509\u250c-\u254d\u2550"
    "\u2552-\u2570\u2572-\u2574\u2576\u2578\u257a\u257c\u257e\u2580-\u258b\u2591-\u2594\u2596-\u25e5\u25e7-\u2757"
    "\u275b-\u27ca\u27cc-\u27ff"
    "\u3001-\u3029\u3041-\u3096\u309d-\u30fa\u30fc-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3"
    "\uff0c\uff1a\uff1b\ufffd\U0001f300-\U0001f64f\U0001f680-\U0001faff]+"
)
_DASHES = "\u2013\u2014"
HIDING_CHARACTERS = f"[^\\x00-\\x7f{_DASHES}{_PLAIN.pattern[1:-2]}]"
"""Pattern of all other characters but dashes: they may stand for something in ASCII, or for nothing."""
_MARKS = ("Mn", "Me")
_INVISIBLE = ("COMBINING ", "VARIATION SELECTOR", "MONGOLIAN FREE VARIATION", "KHMER VOWEL INHERENT")
_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0\ufffc")
"""Letters and symbols that show nothing: fillers, the empty pattern of Braille, and what stands for an object."""
_SEPARATING = {
    **dict.fromkeys(
        "\u00b7\u0387\u1427\u16eb\u2022\u2027\u2043\u2219\u22c5\u25e6\u2981\u2e30\u2e31\u2e33\u30fb\u318d\ua78f\uff61\uff65",
        "-",
    ),
    **dict.fromkeys("\u2044\u2215\u2571\u27cb\u29f8", "/"),
    **dict.fromkeys(
        "\u00a6\u01c0\u01c1\u05c0\u2016\u2223\u2225\u23b8\u23b9\u23d0\u2502\u2503\u2506\u2507\u250a\u250b\u254e\u254f\u2551\u2575"
        "\u2577\u2579\u257b\u257d\u257f\u258c\u258d\u258e\u258f\u2590\u2595\u2758\u2759\u275a\u2999\uffe4\uffe8",
        "|",
    ),
    **dict.fromkeys("\u060c\ufe11\ufe51\uff64", ","),
}
"""Dots in the middle of a line, slashes, bars and commas that people put between groups of digits. A middle dot is no
point: what stands behind it is no fraction."""
_COMMAS = "\u3001\uff0c\uff1b"
"""Commas and the semicolon of Chinese and Japanese prose: so usual there that each is asked for by itself."""
_LINES = bytes.maketrans(b"\x0b\x0c", b"\n\n")
_CONTROLS = bytes([*range(9), *range(14, 31), 127])
"""Of ASCII, what shows nothing and is no space; `finders.text.BORDER` is one that the gateway needs itself."""
_FEW = 8


def hiding_escapes() -> tuple[bytes, ...]:
    r"""Patterns of what escapes the same characters, or any of ASCII. Characters beyond the first plane are two escapes
    (`\ud83d\ude00`), which only together tell whether they are usual ones."""
    hides = re.compile(HIDING_CHARACTERS.replace("\\x00-\\x7f", "")).match
    whole, parts = [], []
    for page in range(256):
        codes = [code for code in range(256) if not _is_usual_half(page << 8 | code) and hides(chr(page << 8 | code))]
        if len(codes) == 256:
            whole.append(f"{page:02x}")
        elif codes:
            parts.append(f"{page:02x}(?:{'|'.join([format(code, '02x') for code in codes])})")
    pairs = r"d83c\\+ud[cde]|d83d\\+ude[567]|d83e\\+udf"
    found = [f"(?:{'|'.join(whole)})[0-9a-f]{{2}}", *parts, pairs]
    return tuple([rf"(?i)\\u(?:{each})".encode() for each in found])


def _is_usual_half(code: int) -> bool:
    return 0xD83C <= code <= 0xD83E or 0xDC00 <= code <= 0xDFFF


def levels(body: bytes) -> Iterator[str]:
    """Texts that show what a body (valid JSON in UTF-8) says in JSON.

    For any string in the body that has no quote, backslash or control character, at least one text contains it,
    folded as `fold` does, however its characters were escaped: in a name, a value, or JSON inside a string (up to
    five levels). Each further text has one level of escaping less; all are given because going one level too far
    destroys things (a path `C:\\u4111...`). A text without `\\u` and `\\/` hides nothing and is the last one: what
    escapes remain in it are a backslash and one more character, at any level, and `finders.text.flat` takes them away.

    Raises TooDense behind the last one if that still hides something.
    """
    text = body.decode()
    text = fold(_apart(text if _HIDING.search(text) is None else _unescape(_pair(text))))
    yield text
    for _ in range(_MOST_LEVELS - 1):
        if _HIDING.search(text) is None:
            return
        text = fold(_apart(deeper(text)))
        yield text
    if _HIDING.search(text) is not None:
        raise TooDense


def revealed(data: bytes) -> Iterator[str]:
    """What the last of the levels hides in other ways (`encodings`), for a few rounds: one may hide another, or JSON.

    No text is longer than the first, so the work is bounded by the number of rounds and levels. Raises TooDense behind
    the last text if that still hides something.
    """
    for parts in encodings.joined(data):
        yield parts.decode(errors="replace")
    is_form = encodings.has_pluses(data)
    for text in _rounds(data, are_spaces=False):
        yield text
        is_form = is_form or ("+" in text and encodings.has_pluses(text.encode()))
    if is_form:
        yield from _rounds(data, are_spaces=True)


def _rounds(data: bytes, *, are_spaces: bool) -> Iterator[str]:
    """With pluses for themselves, or for spaces, as they are in forms."""
    whole = data
    rounds, levels = _MOST_ROUNDS, _MOST_LEVELS
    while (decoded := encodings.decoded(encodings.spaced(whole) if are_spaces else whole)) != whole:
        if not rounds:
            raise TooDense
        rounds -= 1
        text = fold(decoded.decode(errors="replace"))
        yield text
        while _HIDING.search(text) is not None:
            if not levels:
                raise TooDense
            levels -= 1
            text = fold(deeper(text))
            yield text
        whole = text.encode(errors="replace")
    if whole is not data:
        for parts in encodings.joined(flat(whole)):
            yield fold(parts.decode(errors="replace"))


def plain(body: bytes) -> bytes | None:
    """All that a body (valid JSON in UTF-8) says, if that is one text in ASCII, as most are; else `levels` and
    then `revealed` show it."""
    if not body.isascii():
        return None
    if body.find(b"\\") < 0:
        return body if body.find(b"\x7f") < 0 else body.replace(b"\x7f", b"")
    if _HIDING_BYTES.search(body) is not None:
        return None
    return flat(body.decode("unicode_escape").encode("latin-1").translate(_LINES, _CONTROLS))


def clear(body: bytes) -> Iterator[bytes]:
    """All that a body (valid JSON in UTF-8) says, as finders see it, but for what is hidden in other ways. What may be
    of a form is also read as one, where pluses stand for spaces. Raises TooDense, as `levels`."""
    data = plain(body)
    for text in (flat(level.encode(errors="replace")) for level in levels(body)) if data is None else (data,):
        yield text
        if encodings.has_pluses(text):
            yield encodings.spaced(text)


def bare(body: bytes) -> Iterator[bytes]:
    r"""What a body (valid JSON in UTF-8) says at each level, without backslashes, where it has any.

    In `clear` what looks like an escape is one: `opera\tion` has a tab there, and the word here.
    """
    if _BACKSLASH.search(body) is None:
        return
    text = _unescape(_pair(body.decode()))
    for _ in range(_MOST_LEVELS):
        if "\\" not in text:
            return
        yield fold(text.replace("\\", "")).encode(errors="replace")
        text = deeper(text)


def _apart(text: str) -> str:
    """With a space between a backslash and base64 right behind it."""
    return text if "\\" not in text else _GLUED.sub(_with_space, text)


def _with_space(match: re.Match[str]) -> str:
    run = match[1].encode()
    return match[0] if encodings.said(run[1:]) or not encodings.said(run) else f"\\ {match[1]}"


def deeper(text: str) -> str:
    """The text with one level of JSON's escapes taken away."""
    return _unescape(_STRAY.sub("", _pair(text)))


def _pair(text: str) -> str:
    r"""Takes `\\` and `\/` out of the way, so that every backslash left starts an escape of its own."""
    return text.replace("\\\\", "\\x5c").replace("\\/", "/")


def _unescape(paired: str) -> str:
    r"""Python's escapes are a superset of JSON's except for `\/`, so its codec does the work.

    It would also read `\4` or `\x`: outside of JSON, backslashes that start no JSON escape must be gone before.
    """
    plain = paired.encode("raw_unicode_escape").decode("unicode_escape")
    return plain if plain.isascii() or _SURROGATES.search(plain) is None else _join_surrogates(plain)


def _join_surrogates(text: str) -> str:
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def fold(text: str) -> str:
    """The text with characters that look like ASCII, or like nothing, replaced by ASCII or left out.

    Digits of every script, full-width and mathematical forms, spaces and dashes of all widths, middle dots, slashes,
    bars and commas become ASCII;
    zero-width characters, fillers, control characters, soft hyphens and the marks that combine with any letter vanish.
    All else stays as it is.
    """
    given = text.encode()
    shown = given.translate(_LINES, _CONTROLS)
    if shown != given:
        text = shown.decode()
    if text.isascii():
        return text
    foreign = shown.translate(None, _ASCII).decode()
    changes = {char: folded for char in set(_PLAIN.sub("", foreign)) if (folded := _folded(char)) != char}
    changes.update((char, ",") for char in _COMMAS if char in foreign)
    if len(changes) > _FEW:
        return text.translate({ord(char): changes.get(char, char) for char in set(text)})
    for char, folded in changes.items():
        text = text.replace(char, folded)
    return text


def _folded(char: str) -> str:
    category = unicodedata.category(char)
    if category == "Nd":
        return str(unicodedata.decimal(char))
    if category in ("Zl", "Zp") or char == "\x85":
        return "\n"
    if (
        category in ("Cf", "Cc")
        or char in _BLANK
        or (category in _MARKS and unicodedata.name(char, "").startswith(_INVISIBLE))
    ):
        return ""
    if category == "Pd" or char == "\u2212":
        return "-"
    if category == "Zs":
        return " "
    if char in _SEPARATING:
        return _SEPARATING[char]
    plain = unicodedata.normalize("NFKC", char) if unicodedata.decomposition(char) else char
    return plain if plain.isascii() else char
