"""What the pages show.

spend        totals, series, forecast, CSV
glance       the last days and this month, at a glance
months       this month, the one before it, and where this one is going
breakeven    whether the GPU is worth its rent
operations   backends, workers, the ledger, budgets
requests     request records, and the decision behind one of them
live_events  what changes, told to every page that looks
live_streams server-sent events to many pages
pages        the pages themselves
"""
