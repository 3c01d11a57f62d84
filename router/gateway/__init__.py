"""The data plane: the endpoints of all surfaces on one HTTP/1.1 port.

    http_connection    the server's side of a connection, on httptools
    buffered_bytes     how many bytes of requests a worker keeps
    connections        how many connections it has, in all and from one address
    server             the listening socket, draining
    client_timeouts    how long a client may take
    routes             path -> handler; health
    own_paths          what is answered here, and errors on all other paths
    request            one request as it came
    auth               which key of the policy or of the ledger a request carries
    playground         tickets that stand for a key when somebody tries a request
    peers              what this worker tells the others, and makes of what they tell
    models             the models endpoints
    cors               answers to browsers of other origins
    pipeline           the main job: read, decide, reserve, forward, settle
    context            one request on its way
    body_reader        reads bodies: short ones at once, all others in a process apart
    body_messages      what those two tell each other
    body_process       that process
    dimensions         what records keep of whom requests are for
    detector_memory    what detectors remember in a process that reads bodies
    decompress         compressed bodies, within bounds
    permission         which zones a request may reach, also by what came into force since
    headers            which of them pass, in each direction
    forward_request    what the forwarder is given, and what it tells
    forward            attempts, in order, within one deadline
    upstream_response  one attempt's response: buffered, or relayed as it comes
    answer_timeout     how long one attempt's answer is waited for
    reservation        one request's hold in the ledger
    stored_objects     what backends keep for clients: whose it is, and where
    stream_reader      errors in streams, and streams about what is kept
    settlements        what the ledger is told of a request
    settle             how a request ends for the ledger
    error_responses    what a client is told when no backend answers it
    wait_queue         where requests wait when everything permitted is full
    errors             errors that the gateway makes itself
    response_lines     bytes of answers that do not depend on anything else
    active_policy      one policy in force, with everything that was made from it
    worker_state       what a worker knows now: the policy in force, fleet, ledger, preference

It may import ledger, upstream, config, surfaces and core.
"""
