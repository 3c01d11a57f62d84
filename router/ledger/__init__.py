"""The only code that knows Redis: what was used, what it cost, and what is held for requests under way.

A request's life here is *reserve* (what it may take is held, within its limits), then *settle* (what really
happened replaces the hold) or *release* (nothing happened). A hold that nobody settles by its lease is charged as
held; a late settle corrects that. Batches are numbered by their writer and journaled before they go, so that each is
applied exactly once and lost books can be brought back; docs/ledger.md says what is promised.

    interface      what the gateway needs of a ledger
    client         what a worker sends, and what it makes of the answers
    journal        what it wrote to files before
    server         Redis or Valkey: addresses, sentinels, connections, one of our own
    scripts        the Lua that runs there, one call per batch
    redis_keys     key names and the format of values
    record         one line per request, and how a batch of them is packed
    reports        totals, records, exports, and whether they agree
    shared_status  what workers tell each other: circuits that opened, who serves which policy, changed keys
    rent_book      what units of own backends cost by time
    stored_keys    client keys that live in the ledger rather than in the policy
    stored_key     one of them
    key_changes    what a change does to them
    alerts         how alerts are, and what is to be sent of them
    stored_teams   teams' budgets that live there, too
    pins           which backend keeps what was stored for whom
    errors         what goes wrong between us and the server, or the journal
"""
