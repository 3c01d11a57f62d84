"""What follows from a failure: of one attempt, of a backend, of a worker.

circuit_breaker  closed, open, on trial: as a table
retry            what follows from the outcome of one attempt, and how many retries are affordable
error_cause      whom an error speaks of
backoff          how long to wait before something is tried again
rate_limited     how long a model is left alone that a 429 spoke of
timeouts         how long an answer is waited for
room             whether a replica takes one more request
replica_load     what it says of itself
worker_status    what workers tell each other of themselves and of circuits
"""
