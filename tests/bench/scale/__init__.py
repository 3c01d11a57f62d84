"""What the gateway costs as things grow: `python -m tests.bench.scale` from the repository's root.

    keys      CPU per request against keys in use, and how long requests wait while thousands of keys change
    streams   CPU per event against streams that are open
    days      CPU per request, and the ledger's longest script, against days that its books hold
    bodies    CPU per request against the size of its body
    pages     how long every page and answer of the control plane takes with large books

`large_ledger` writes the books, `gateway` starts what is measured on a CPU of its own, each part is a module that gives
`results`, and `report` writes SCALE.md with a plot of each curve.
"""
