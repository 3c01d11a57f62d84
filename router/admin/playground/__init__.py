"""Requests that are tried on a page, with the rights of a key and at its cost.

    api      who may, what can be chosen, and the answer, line by line
    asked    the body and the headers of what is tried
    gateway  the gateway beside this control plane, as one of its clients, and how often somebody may ask it
    events   a stream of the gateway's, event by event

A request goes through the gateway's own endpoint, as those of applications do, so that its gate, its limits and its
records are what decide and tell: nothing here looks at a backend. See `core.playground` for what stands for the key.
What is asked and answered is kept nowhere.
"""
