"""The data plane: OpenAI's endpoints on one HTTP/1.1 port.

    http         the server's side of a connection, on httptools
    held         how many bytes of requests a worker keeps
    connections  how many connections it has, in all and from one address
    server       the listening socket, slow clients, draining
    service      path -> handler; health
    request      one request as it came
    identify     which key of the policy or of the ledger a request carries
    peers        what this worker tells the others, and makes of what they tell
    models       the models endpoints
    cors         answers to browsers of other origins
    completions  the main job: read, decide, reserve, forward, settle
    ask          one request on its way
    reader       reads bodies: short ones at once, all others in a process apart
    errand       what those two tell each other
    helper       that process
    inflate      compressed bodies, within bounds
    permission   which zones a request may reach, also by what came into force since
    headers      which of them pass, in each direction
    job          what the forwarder is given, and what it tells
    forward      attempts, in order, within one deadline
    exchange     one attempt's response: buffered, or relayed as it comes
    patience     how long one attempt's answer is waited for
    reservation  one request's hold in the ledger
    accounts     what the ledger is told of a request
    endings      how a request ends for the ledger
    refusals     what a client is told when no backend answers it
    room         where requests wait when everything permitted is full
    errors       errors that the gateway makes itself, in the shape that SDKs act on
    respond      bytes of answers that do not depend on anything else
    serving      one policy in force, with everything that was made from it
    state        what a worker knows now: the policy in force, fleet, ledger, preference

It may import ledger, upstream, config and core.
"""
