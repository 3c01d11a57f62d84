"""What clients and backends say to each other: requests, answers, streams, usage and errors, one folder per dialect.

    base           the one interface: a surface is one endpoint in one dialect
    registry       all surfaces, by name and by path; a new one is its module and its line there
    paths          one spelling for each path
    by_body        the surface of a body, where no path tells
    openai         chat, completions, embeddings, moderations and models in OpenAI's words, and what vLLM adds to them
    vllm           what vLLM serves besides, such as scores and its tokenizer
    form           bodies of the type multipart/form-data
    form_labels    labels in their metadata
    json_object    a request's body: its members, each where it stands
    dimensions     whom a body says that it is for
    sse,           server-sent events, and answers in bytes, read while they pass
    byte_stream
    headers        headers of dialects that pass, in each direction
    may_be_billed  what the adapter says, beside OpenAI's words, of calls that failed
    told_error     what a backend says of an error, in whichever shape

The gateway finds a request's surface by its path, once. What it reads are values of `core`, which knows no dialect.
It stands directly above `core`, and below all else: `gateway` serves with it, `config` takes the names of endpoints
from it and tries cases of a policy with it. As in `core`, nothing here awaits, reads a clock or touches a socket.
"""
