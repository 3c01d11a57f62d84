"""Where somebody goes once they are signed in: a page of ours, and nowhere else."""

from __future__ import annotations

import re
from urllib.parse import quote, urlencode

SIGN_IN = "/sign-in"
HOME = "/"
LONGEST = 30_000
"""Characters: more than a link to Requests has with every filter filled in, in any script."""
# Browsers take `//` and `/\` for another host, and leave out tabs and line ends before they look.
_OWN = re.compile(r"/(?![/\\])[^\s\\\x00-\x1f\x7f]*")


def own_path(given: str) -> str:
    """As it was given, or the first page when it leads elsewhere, or back to signing in."""
    own = len(given) <= LONGEST and _OWN.fullmatch(given) is not None
    return given if own and not given.startswith(SIGN_IN) else HOME


def sign_in_address(onward: str, problem: str = "") -> str:
    """Of the sign-in page, from which one goes on to that path."""
    own = own_path(onward)
    lost = "long_link" if own == HOME and len(onward) > LONGEST and own_path(onward[:LONGEST]) != HOME else ""
    asked = {"problem": problem or lost, "next": own}
    said = {name: value for name, value in asked.items() if value and value != HOME}
    return f"{SIGN_IN}?{urlencode(said)}" if said else SIGN_IN


def header_form(path: str) -> str:
    """The path as a header can carry it."""
    return quote(path, safe="/?#[]@!$&'()*+,;=:%~-._")
