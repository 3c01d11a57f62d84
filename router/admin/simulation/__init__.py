"""A draft on the traffic of the last days, by the code of `breakeven simulate`, in a process of its own.

api      what browsers call
task     what the process is told
answers  what it says, line by line
process  starting it, one at a time, and ending it
worker   what runs in it
traffic  the ledger's records as a simulation takes them
notes    what has to be known of these records
"""
