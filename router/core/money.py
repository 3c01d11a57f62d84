"""Units of money.

Prices are micro-USD per token, as numbers with a fraction. What is booked, counted, held and recorded is integer
nano-USD, which is exact and can be summed. What people and programs are shown is micro-USD or USD again.
"""

from __future__ import annotations

from decimal import Decimal

MICRO_PER_USD = 1_000_000
NANO_PER_MICRO = 1_000
NANO_PER_USD = NANO_PER_MICRO * MICRO_PER_USD
GREATEST_USD = 9_000_000
"""The greatest limit. The numbers of the server's Lua are doubles: exact up to 2^53, and that is 9,007,199 USD
in nano-USD.
"""

_DIGITS, _LEAST_DIGITS = 9, 6


def nano_of(usd: float) -> int:
    """Rounded down, as it is written: 0.57 USD are 570,000,000 nano-USD, whatever binary fractions make of it."""
    return int(Decimal(str(usd)) * NANO_PER_USD)


def micro_usd(nano: int) -> int | float:
    """For answers and files: a whole number where it is one, else with three decimals at most."""
    return nano / NANO_PER_MICRO if nano % NANO_PER_MICRO else nano // NANO_PER_MICRO


def in_usd(nano: int) -> float:
    return nano / NANO_PER_USD


def usd_text(nano: int, sign: str = "-") -> str:
    """US dollars exactly, with six decimals, or as many as are needed, such as 1,234.500000 and 0.00000002.

    With "+" as its sign, an amount above zero has one, too, as in formats.
    """
    whole, rest = divmod(abs(nano), NANO_PER_USD)
    decimals = f"{rest:0{_DIGITS}d}"
    kept = max(_LEAST_DIGITS, len(decimals.rstrip("0")))
    before = "-" if nano < 0 else "+" if sign == "+" else ""
    return f"{before}{whole:,}.{decimals[:kept]}"
