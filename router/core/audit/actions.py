"""What is noted in the audit: a closed list, so that who reads it knows what can be in it and what cannot."""

from __future__ import annotations

from collections.abc import Mapping

ACTIONS: Mapping[str, str] = {
    "gateway.start": "a control plane began: the policy that it found",
    "policy.apply": "a policy was written through the control plane",
    "policy.rollback": "an earlier policy was written through the control plane",
    "policy.edit": "a policy was found changed on disk, and taken over",
    "key.make": "a client key was made",
    "key.import": "client keys of elsewhere were stored",
    "key.edit": "what a client key may do was changed",
    "key.rotate": "a client key was replaced",
    "key.revoke": "a client key was ended",
    "team.make": "a team was made",
    "team.edit": "a team was changed",
    "team.remove": "a team was removed",
    "power.order": "units were ordered on, off, or as the policy says",
    "alert.test": "a test message was sent",
    "playground.try": "a request was tried with a client key's rights; what it said is noted nowhere",
    "sign-in": "somebody signed in",
    "sign-in.refused": "somebody tried to sign in, and was refused",
    "sign-out": "somebody signed out",
    "egress.receipt": "the requests of one minute: how many went to which zone, and a digest of their records",
    "egress.gap": "request records were gone before a receipt of them could be made",
}
"""By name, what happened. Entries with another name are a newer version's."""
