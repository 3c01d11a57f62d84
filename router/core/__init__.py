"""Values in, values out: the rules of the product.

Nothing here awaits, reads a clock, draws a random number, logs or touches a file or socket: `now`,
random draws and snapshots are arguments. It may import the standard library's pure parts, msgspec
(values) and pydantic (the policy's shape), and nothing else of this project.

    policy, values   the policy file as types; what layers hand to each other
    policy_fields    what its fields may hold
    backend_kinds    its backends: what each kind says of itself
    reading          what a request asks, once its body was read
    sensitivity      what its text contains, and where that may go
    decision         ordered candidates or a refusal, each with its reason; remembered
    cost             prices, the cheaper side, and whether a GPU is worth its rent
    power            when own GPUs are switched on and off, and why
    limits           budgets and rate limits, when they turn, and what a request is held against
    waiting          who waits for a slot, in which order, and for how long
    resilience       circuits, attempts, timeouts, and what workers tell each other
    units            what is priced besides tokens of text
    estimated_usage  what is made of a report of tokens, and of none
    redaction        our credentials, taken out of what backends say
    origin,          where URLs point, and the hosts that a policy names
    host_patterns
    playground       what stands for a key when somebody tries a request
    dimensions       what records keep of whom a request is for
    unknown_names    what is written down of names that clients choose
    money, histogram units of money; quantiles in bounded memory
"""
