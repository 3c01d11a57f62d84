"""Whether two names look like one that was misspelt once.

Names that differ in figures or in one letter for another (`team-1` and `team-2`, `de` and `dk`) are meant to differ.
"""

from __future__ import annotations

import re

_SHORTEST = 5
"""Characters from which a letter more or less is a slip; shorter words differ by one."""
_SEPARATORS = re.compile(r"[\s._-]+")


def alike(first: str, second: str) -> bool:
    """Different names that are the same but for case and separators, for one letter that is left out of either, or for
    two neighbours that changed places."""
    if first == second:
        return False
    one, other = (_SEPARATORS.sub("", name.casefold()) for name in (first, second))
    if one == other:
        return True
    short, long = sorted((one, other), key=len)
    if len(short) < _SHORTEST:
        return False
    return _left_out(short, long) or _swapped(short, long)


def _left_out(short: str, long: str) -> bool:
    if len(long) != len(short) + 1:
        return False
    at = next((index for index, letter in enumerate(short) if letter != long[index]), len(short))
    return long[at].isalpha() and long[at + 1 :] == short[at:]


def _swapped(one: str, other: str) -> bool:
    if len(one) != len(other):
        return False
    differ = [index for index, letter in enumerate(one) if letter != other[index]]
    if len(differ) != 2 or differ[1] != differ[0] + 1:
        return False
    at = differ[0]
    return one[at] == other[at + 1] and one[at + 1] == other[at] and one[at : at + 2].isalpha()
