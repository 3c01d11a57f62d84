"""Backends that pretend, and say so.

Real HTTP servers with the behaviour of vLLM 0.32 and of OpenAI's API: shapes, errors, streaming, queueing,
speed. No model runs: the text says that it is simulated, every response has `x-simulated: true`, and models
are owned by "simulated".

    python -m router.simulate --kind vllm --port 0

    app = vllm_api.application(Settings(models=("chat",)))
    async with serve(app) as url: ...

Modules
-------
asked       what a request asks for, validated
turns       the same of responses and messages, which is told as a chat
generate    the answer: text, tool calls, token counts; the order in which tokens appear
pace        when tokens appear
engine      vLLM's slots, its queue and its counters
embeddings  vectors
*_shapes    the JSON of each dialect, from an answer
*_api       the HTTP surface of each dialect
serve       running an application
day         a day of requests, as numbers
traffic     the requests that stand for it
replay      sending them
requests    a recorded request, as a simulation takes it
"""
