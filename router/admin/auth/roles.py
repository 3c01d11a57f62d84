"""Roles, and what each of them opens.

    member   the spend and the keys of their own teams
    viewer   everything that is shown; drafts can be tried
    editor   the policy, too
    admin    everything

Each may what the ones before may. A handler that is open to members shows them only what `Who.sees` says.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

Role = Literal["member", "viewer", "editor", "admin"]


class Access(StrEnum):
    """Who may: anybody, or whoever has this role or a later one."""

    OPEN = "open"
    MEMBER = "member"
    VIEWER = "viewer"
    EDITOR = "editor"
    ADMIN = "admin"


_ORDER = tuple(Access)


def may(role: Role, access: Access) -> bool:
    return _ORDER.index(access) <= _ORDER.index(Access(role))
