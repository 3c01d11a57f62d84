"""One process around the litellm library, listening on a unix socket like any OpenAI-compatible upstream.

    python -m router.litellm_adapter --policy FILE --socket PATH

    POST /{backend}/v1/chat/completions     GET /healthz
    POST /{backend}/v1/embeddings
    POST /{backend}/v1/messages             the same behind /{backend}/replicas/{number}
    POST /{backend}/v1/responses

It serves the policy's backends of kind `litellm`, and others for surfaces that they do not speak, and holds their keys.
The body's `model` must be one that the policy gives that backend (`anthropic/claude-sonnet-4-5`): where a request goes,
and with which key, is decided by the path and the policy, never by the body.

Modules
-------
litellm_environment  what litellm must find before it is imported: it may not phone home, load files or be redirected
installed            which litellm is installed, and whether it may be imported
repairs              what it would say otherwise than the provider does, put right
backends             the policy's backends behind the adapter
endpoints            what differs between them: parameters, calls, shapes, errors
screening            a client's body -> the parameters that may reach litellm
screening_messages   the same in Anthropic's dialect
screening_responses  and of OpenAI's Responses API
asked                what a request's parameters must leave behind in what is sent, and which say nothing new
faithful             whether what is sent says all that was asked
litellm_calls        calls into litellm; the only module that imports it
confined             its HTTP clients: each request to its backend's hosts, no redirect, no proxy of the environment
shapes               litellm's objects -> JSON of each surface
streams              litellm's streams -> server-sent events of each surface
failures             litellm's exceptions -> an error object
redact               secrets out of messages
forked               serving in a copy of the process that has imported litellm
api                  the HTTP surface
serve                the socket, until told to stop
"""
