"""What the detectors look for: a module for each kind, and a line for it here.

A finder answers whether its kind occurs in a text, and says quickly of almost every text that it does not. A match is
never returned, so it cannot reach a log. Patterns begin with a set of digits or a literal, which `re` skips to
quickly, and repeat within bounds, so that the work grows with the length of the text only. What surrounds a match is
checked afterwards: digits that are part of something longer do not count.
"""

from __future__ import annotations

from collections.abc import Mapping

from router.core.sensitivity.finders import cards, credentials, emails, ibans, phones, social
from router.core.sensitivity.finders.finder import Finder

_ALL = (cards.FINDER, ibans.FINDER, social.FINDER, emails.FINDER, phones.FINDER, credentials.FINDER)
FINDERS: Mapping[str, Finder] = {finder.kind: finder for finder in _ALL}
"""By kind. What a policy may look for, its schema and the documentation's tables are made from this."""
