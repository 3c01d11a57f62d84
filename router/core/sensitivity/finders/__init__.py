"""What the detectors look for: a module for each kind, and a line for it here.

A finder answers whether its kind occurs in a text, and says quickly of almost every text that it does not. A match is
never returned, so it cannot reach a log. Patterns begin with a set of digits or a literal, which `re` skips to
quickly, and repeat within bounds, so that the work grows with the length of the text only. What surrounds a match is
checked afterwards: digits that are part of something longer do not count.
"""

from __future__ import annotations

from collections.abc import Mapping

from router.core.policy import DetectorName
from router.core.sensitivity.finders.cards import credit_card
from router.core.sensitivity.finders.credentials import api_key
from router.core.sensitivity.finders.emails import email
from router.core.sensitivity.finders.ibans import iban
from router.core.sensitivity.finders.phones import phone
from router.core.sensitivity.finders.social import us_ssn
from router.core.sensitivity.finders.text import Finder, Text

FINDERS: Mapping[DetectorName, Finder] = {
    "credit_card": credit_card,
    "iban": iban,
    "us_ssn": us_ssn,
    "email": email,
    "phone": phone,
    "api_key": api_key,
}

__all__ = ["FINDERS", "Finder", "Text"]
