"""What clients and backends say to each other: requests, answers, streams, usage and errors, one folder per dialect.

    openai           chat, completions and embeddings in OpenAI's words, and what vLLM adds to them
    sse              server-sent events, read while they pass

It stands directly above `core`, whose values are what it makes of bytes, and below all else: `gateway` serves with it,
`config` tries cases of a policy with it. As in `core`, nothing here awaits, reads a clock or touches a socket.
"""
