"""The only code that knows Redis: what was used, what it cost, and what is held for requests under way.

A request's life here is *reserve* (its worst case is held), then *settle* (what really happened replaces the
hold) or *release* (nothing happened). A hold that nobody settles by its lease is charged as held; a late
settle corrects that. Every operation is idempotent by the reservation's id.

    commit      `Ledger`: operations that arrive while a batch is in flight join the next one
    batch       operations -> the payload of one script call
    scripts     the Lua that runs in the server, one call per batch
    connection  one lean connection: a frozen server is a lost one
    address     redis://, rediss://, valkey://, unix:// -> where to connect
    layout      key names and the format of values
    volume      eligible tokens by quarter of an hour, ready for the next decision
    report      reading totals, for people
    sums        totals by one dimension, for pages
    memory      the same ledger in one process's memory, for tests and as the model of the rules
    embedded    a Valkey of our own, on a unix socket in the data directory
"""
