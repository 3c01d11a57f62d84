"""Detectors that a policy's own patterns are.

syntax      what may stand in a pattern; a pattern -> an expression of Hyperscan, or the reason why not
patterns    all patterns of a policy at once: which of them are in a text
fitness     whether a pattern does what its author means: its examples, and that it is not found everywhere
"""
