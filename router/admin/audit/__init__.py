"""The audit, as the control plane keeps it.

recorder  noting what was done, before it is done
outbox    what could not be noted yet, and must not be lost
found     what was done on disk
receipts  a receipt a minute of the requests
api       what pages and programs read of it
"""
