r"""How characters stand in a JSON body, in strings in strings too: parts of the patterns of places (see `Finder`).

An escape of one character has backslashes before it, as many as strings are around it. Of other characters than those
of ASCII only some stand here: all that people put between digits or words, unless it is a place of its own
(`core.sensitivity.excerpts`).
"""

from __future__ import annotations

TAB = rb"(?:\t|\\+t)"
BLANK = rb"(?:[ \t\r\n]|\\+[nrt])"
QUOTE = rb"\\*['\"`]"
DASH = rb"(?:-|\xe2\x80[\x93\x94]|\\+u201[34])"
ESCAPED_COMMA = rb"\\+u(?:3001|[fF]{2}(?:0[cC]|1[bB]))"
COMMA = rb"(?:,|\xe3\x80\x81|\xef\xbc[\x8c\x9b]|%b)" % ESCAPED_COMMA
BETWEEN_GROUPS = rb"(?:[ ._]|%b)" % DASH
BETWEEN_DIGITS = rb"(?:[._/|]|%b|%b|%b)" % (BLANK, DASH, COMMA)
NINE_DIGITS = rb"[0-9](?:[ .()/,|_\\nrtu\t\r\n\x80-\xff-]{0,}[0-9]){8}[^0-9]"
"""Nine digits or more, with nothing but separators between them. (Digits of an escaped character count as any.)"""
