"""Who did what: a chain of entries in which nothing can be changed, removed, put in or moved without being found.

    actions   what is noted: a closed list
    entry     one entry, and the exact bytes that its hash is taken of
    chain     checking a chain, and anchors that are kept elsewhere
    merkle    a digest of records that each of them can be shown to be in
    receipts  what is noted of the requests of a minute
    egress    what receipts show: whether anything left
    records   whether exported records are those that receipts were made of
    search    finding entries, and what to say of one

Each entry holds the hash of the one before. Whoever can write to where the chain is kept can still make all of it anew
from some entry on: then it does not have the entry any more that an anchor, noted elsewhere, names.
"""
