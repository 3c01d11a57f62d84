"""The only code that knows Redis: what was used, what it cost, and what is held for requests under way.

A request's life here is *reserve* (its worst case is held), then *settle* (what really happened replaces the
hold) or *release* (nothing happened). A hold that nobody settles by its lease is charged as held; a late
settle corrects that. Every operation is idempotent by the reservation's id.

    book        what the gateway needs of a ledger
    commit      `Ledger`: operations that arrive while a batch is in flight join the next one
    batch       operations -> the payload of one script call
    scripts     the Lua that runs in the server, one call per batch
    connection  one lean connection: a frozen server is a lost one
    address     redis://, rediss://, valkey://, unix:// -> where to connect
    layout      key names and the format of values
    volume      eligible tokens by quarter of an hour, ready for the next decision
    report      reading totals, for people
    sums        totals by one dimension, for pages
    records     one line per request, and how a batch of them is packed
    reader      reading records: in order, newest first, or as they come
    verify      the totals against the records
    invoice     a provider's CSV export, read
    reconcile   the totals against a provider's export
    export      records as JSON lines, CSV or Parquet
    shared      what workers tell each other: circuits that opened, who serves which policy, changed keys
    keys        client keys that live in the ledger rather than in the policy
    budgets     how limits stand
    memory      the same ledger in one process's memory, for tests and as the model of the rules
    journal     what a worker wrote to files before it was sent: replayed, and for rebuilding the books
    embedded    a Valkey of our own, on a unix socket in the data directory
"""
