"""Kinds of target: each makes a message its own way, and brings it there.

A new one is a file here and an entry in `registry`; its section of the policy is in `core.alerts.policy`.
"""
