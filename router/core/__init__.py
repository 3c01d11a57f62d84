"""Values in, values out: the rules of the product.

Nothing here awaits, reads a clock, draws a random number, logs or touches a file or socket: `now`,
random draws and snapshots are arguments. It may import the standard library's pure parts, msgspec
(values) and pydantic (the policy's shape), and nothing else of this project.

    policy, values                 the policy file as types; what layers hand to each other
    bodies, reading, content       one look at a request's body
    unescape, detectors, finders   what its text contains
    facts, sensitivity             what is known of it, and where that may go
    decide, recall, rules,         ordered candidates or a refusal, each with its reason; remembered
    refusals, explain
    strategy, breakeven, volume,   the cheaper side, and whether a GPU is worth its rent
    worth, pricing
    budget, periods, standing      limits, when they turn, and how they stand
    bill, terms, holds, holding    what a request is held against, and how much of it
    editing, events, sse, usage    the body on its way, the stream on its way back, and the tokens in it
    breaker, retry, status         circuits, attempts, and what workers tell each other
    quantiles                      percentiles from bounded memory
"""
