"""Whose turn it is on a card that several models share: one of them is awake at a time.

Each says how much it wants the card, in its state after the last step, and it keeps it until it is off. One that wants
it more has it next, once whoever has it now has had it for a while; two for which requests wait take turns, and of two
that want it as much it is the turn of the one that had it longer ago.
"""

from __future__ import annotations

from collections.abc import Mapping

from router.core.power.states import Phase
from router.core.power.units import ALONE, Turn, UnitsState

TURN = 30.0
"""Seconds for which one has the card at least, while somebody wants it: waking takes seconds, too."""
NOTHING, USEFUL, POLICY, WAITING, ORDERED = range(5)
CLAIMS: Mapping[str, int] = {"order": ORDERED, "waiting": WAITING, "always": POLICY, "schedule": POLICY}
"""How much a unit is wanted, by the reason; all others are a matter of money, or of what may come."""


def turn_of(name: str, card: Mapping[str, UnitsState]) -> Turn:
    """`card`: all that share it, in the policy's order, as they are after their last steps."""
    claims = {each: NOTHING if state.rest else state.claim for each, state in card.items()}
    awake = [each for each, state in card.items() if state.costing]
    asking = [each for each in card if each not in awake and claims[each]]
    next_one = max(asking, key=lambda each: (claims[each], card[each].held), default="")
    if not awake:
        return Turn(taken_by=next_one) if name != next_one else ALONE
    holder = max(awake, key=lambda each: claims[each])
    if name != holder:
        return Turn(taken_by=holder, asked_by=holder if name in awake else "")
    goes = next_one and _has_to_go(card[holder], claims[holder], claims[next_one])
    return Turn(asked_by=next_one) if goes else ALONE


def _has_to_go(holder: UnitsState, claim: int, asked: int) -> bool:
    had_it = holder.held >= TURN or holder.phase is Phase.STOPPING  # on its way it is not called back
    if asked > claim:
        return had_it or asked == ORDERED or claim == NOTHING
    return had_it and asked == claim == WAITING
