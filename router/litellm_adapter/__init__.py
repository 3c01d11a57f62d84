"""One process around the litellm library, listening on a unix socket like any OpenAI-compatible upstream.

    python -m router.litellm_adapter --policy FILE --socket PATH

    POST /{backend}/v1/chat/completions     GET /healthz
    POST /{backend}/v1/embeddings

It serves the policy's backends of kind `litellm` and holds their keys. The body's `model` is litellm's name
of the model (`anthropic/claude-sonnet-4-5`) and must be one that the policy gives that backend: where a
request goes, and with which key, is decided by the path and the policy, never by the body.

Modules
-------
litellm_environment  what litellm must find before it is imported: it may not phone home, load files or be redirected
installed            which litellm is installed, and whether it may be imported
backends             the policy's backends of kind litellm
screening            a client's body -> the parameters that may reach litellm
litellm_calls        calls into litellm; the only module that imports it
confined             its HTTP clients: each request to its backend's hosts, no redirect, no proxy of the environment
shapes               litellm's objects -> OpenAI's JSON
failures             litellm's exceptions -> OpenAI's error object
redact               secrets out of messages
forked               serving in a copy of the process that has imported litellm
api                  the HTTP surface
serve                the socket, until told to stop
"""
