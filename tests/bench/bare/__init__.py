"""Bare proxies: what our own HTTP server and client cost, and what a library would cost in their place.

Each passes a POST on to one upstream and its answer back, whole or as a stream, and does nothing else: no key, no
policy, no ledger. Run as `python -m tests.bench.bare.NAME --port N --upstream-port N`, all by the same interpreter.
"""
