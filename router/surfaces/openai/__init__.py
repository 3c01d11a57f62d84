"""OpenAI's dialect, which vLLM and the adapter speak too.

    chat, completions,  one endpoint each
    embeddings, models,
    moderations
    dialect,            what the endpoints have in common, and those among them that write no text
    reads_only
    read_request,       one look at a request's body, which of its members say something, and how large that is
    shape, content
    plain_chat          the shape of the commonest body
    editing             the body on its way to a backend
    stream, chunks      a streamed answer on its way back, and the shape of one event
    vllm_running_usage  running usage, which vLLM has on every event
    answers, usage      what is an answer, and the tokens in it
    complaint, blame    what a backend's error says, and whom it speaks of
    rate_limits         what headers say of a backend's limits
    relayed             a backend's error as clients may see it
    errors              errors of ours

What msgspec decodes stands in modules of its own, which cannot be compiled: plain_chat, chunks, answers, usage.
"""
