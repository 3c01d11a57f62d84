"""The data plane: OpenAI's endpoints on one HTTP/1.1 port.

    http         the server's side of a connection, on httptools
    server       the listening socket, slow clients, draining
    service      path -> handler; health, models, CORS
    identify     which key of the policy a request carries
    completions  the main job: read, decide, reserve, forward, settle
    ask          one request on its way
    forward      attempts, in order, within one deadline
    exchange     one attempt's response: buffered, or relayed as it comes
    reservation  one request's hold in the ledger
    accounts     what the ledger is told of a request
    endings      how a request ends for the ledger
    refusals     what a client is told when no backend answers it
    room         where requests wait when everything permitted is full
    state        what a worker knows now: the policy in force, fleet, ledger, preference

It may import ledger, upstream, config and core.
"""
