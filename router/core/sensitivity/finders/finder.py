"""What a finder says of itself: what its kind is called, how it looks, and which texts it cannot match.

One glance at a text (`core.sensitivity.prefilter`) gives the clues that it shows. A finder names those of which it
needs one at least, and is not asked about texts that show none of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from router.core.sensitivity.finders.text import Text

NUMBERS: Final = 1
"""Nine digits or more, with nothing but separators between them."""
RUNS: Final = 2
"""As many letters and digits together as a token has at least, with a digit among them; or what base64 says."""
WORDS: Final = 4
"""One of the words that finders name."""
SIGNS: Final = 8
"""An @."""
ADDRESSES: Final = 16
"""An @, and the `://` of an address."""
ALWAYS: Final = 32
"""Shown by every text: for finders that nothing cheap can tell."""


class Finder(NamedTuple):
    kind: str
    """What policies call it."""
    is_in: Callable[[Text], bool]
    """Whether it occurs in a text. Raises TooDense."""
    needs: int = ALWAYS
    """Sum of the clues of which one at least is in every text that it matches."""
    words: tuple[bytes, ...] = ()
    """Its words for the clue WORDS, in lower case. The rarer what they begin with, the quicker the glance."""
    places: tuple[bytes, ...] = ()
    """Patterns, of which one at least matches within all that it does where that stands in JSON (`in_json`). They are
    Hyperscan's, which looks for all of them at once."""
    numbers: tuple[bytes, ...] = ()
    """The same for what has nine digits or more, for `re`: they are tried only where those are."""
    beside: tuple[bytes, ...] = ()
    """Words in lower case, as they stand in JSON, that make something of any nine digits."""
