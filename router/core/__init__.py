"""Values in, values out: the rules of the product.

Nothing here awaits, reads a clock, draws a random number, logs or touches a file or socket: `now`,
random draws and snapshots are arguments. It may import the standard library's pure parts, msgspec
(values) and pydantic (the policy's shape), and nothing else of this project.
"""
