"""The only code that knows Redis: what was used, what it cost, and what is held for requests under way.

A request's life here is *reserve* (what it may take is held, within its limits), then *settle* (what really
happened replaces the hold) or *release* (nothing happened). A hold that nobody settles by its lease is charged as
held; a late settle corrects that. Batches are numbered by their writer and journaled before they go, so that each is
applied exactly once and lost books can be brought back; docs/ledger.md says what is promised.

    book        what the gateway needs of a ledger
    commit      `Ledger`: operations that arrive while a batch is in flight join the next one
    batch       operations -> the payload of one script call
    catchup     the books on the server: beginning them, and bringing in what they lack
    log         what a writer has sent, kept so that it can be sent again
    journaled   what the journal's entries say
    scripts     the Lua that runs in the server, one call per batch
    connection  one lean connection: a frozen server is a lost one
    address     redis://, rediss://, valkey://, unix:// -> a place
    place       a server, or whom to ask for one: sentinels, nodes of a cluster
    wire        commands as bytes
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
    journal     what a worker wrote to files before it was sent: replayed, and for rebuilding the books; with
                journal_files, _folder, _disk, _sync, _reading and _compaction
    embedded    a Valkey of our own, on a unix socket in the data directory
"""
