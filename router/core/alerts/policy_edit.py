"""An edit of the policy that was refused -> an observation. It is about one gateway: others may have adopted it."""

from __future__ import annotations

from router.core.alerts.observation import Observation, Seen


def observed(gateway: str, version: str, where: str) -> Observation:
    """`version` is that of the file; `where` says what is wrong with it, and is empty when it was adopted.

    What the file says is not repeated: it may hold what somebody pasted by mistake.
    """
    return Observation(
        key="policy_refused",
        condition="policy_refused",
        seen=Seen.BAD if where else Seen.GOOD,
        subject=gateway,
        title=f"An edit of the policy was refused on {gateway}",
        text=(
            f"The last good policy stays in force. {where} `breakeven check` shows it in full."
            if where
            else f"The policy was adopted{f', version {version}' if version else ''}."
        ),
    )
