"""Where a request may go, in which order, and why.

facts       from a reading, headers and a key to what decisions are made on
decide      filters in a fixed order, and what is left by cost
grounds     what a decision was made on, as records keep it
replay      the same decision again, from a record
cache       decisions that were made a moment ago
rules       which of the policy's rules hold, and what they change together
refusals    what a client is told when no backend can take its request
explain     a decision for people
"""
