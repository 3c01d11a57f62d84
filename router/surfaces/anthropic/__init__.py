"""Anthropic's dialect, which vLLM speaks too.

    messages, count_tokens  one endpoint each
    models                  their list, in Anthropic's shape
    dialect                 what the endpoints have in common
    read_request, blocks    one look at a request's body, and at its blocks of content
    tools                   what tools there are that a provider runs or defines
    stream, events          a streamed answer on its way back, and the shape of one event
    answers, usage          what is an answer, and the tokens in it
    rate_limits             what headers say of a backend's limits
    errors                  errors of ours, and a backend's as clients may see it

What msgspec decodes stands in modules of its own, which cannot be compiled: events, answers, usage.
"""
