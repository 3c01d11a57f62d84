"""The data plane: OpenAI's endpoints on one HTTP/1.1 port.

    http         the server's side of a connection, on httptools
    respond      bytes of heads and bodies
    errors       OpenAI's error object for what the gateway itself refuses
    identify     which key of the policy a request carries
    service      path -> handler; health, models, CORS
    completions  the main job: read, decide, reserve, forward, settle
    forward      attempts, in order, within one deadline
    exchange     one attempt's response: buffered, or relayed as it comes
    room         where requests wait when everything permitted is full
    state        what a worker knows now: plan, fleet, ledger, preference

It may import ledger, upstream, config and core.
"""
