"""Whole numbers as they are given on the command line."""

from __future__ import annotations

import argparse
from collections.abc import Callable

_MOST_DIGITS = 18


def whole_number(least: int, most: int, example: int) -> Callable[[str], int]:
    """A type for argparse. Of what is no number, or beyond these bounds, it says what would be one."""

    def convert(text: str) -> int:
        number = int(text) if text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS else least - 1
        if not least <= number <= most:
            raise argparse.ArgumentTypeError(f"a whole number from {least} to {most}, such as {example}")
        return number

    return convert
