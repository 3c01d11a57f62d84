"""Budgets and rate limits of keys, teams and all together, and what a request holds against them.

limits      the limits of one request, and what a client is told that one of them does not admit
measures    what they measure: the table that Python, the ledger's scripts, the API and the documentation are made from
periods     minutes, days and months that they count in
counters    what a hold is held against: the counters of all limits that apply to it
counting    the counters in memory: the plainest statement of when a request is admitted
amounts     how much a hold and a settlement are of each measure
estimate    how much a running request holds
terms       what the holds of all requests with one decision and one key have in common
reserve     from a decision to the hold that the ledger is asked for
standing    how every limit stands
"""
