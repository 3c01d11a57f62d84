"""One look at each condition: it gets figures, and the rules of `core.alerts` say what is wrong with them.

A new one is a rule in `core.alerts`, its name in `core.alerts.observation`, a file here and a line in `assemble`.
"""
