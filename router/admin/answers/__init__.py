"""What the API says, as frozen types; the OpenAPI document is made from them. What one package alone answers with is in
its own `answers`.

Money is in micro-USD, to the thousandth, unless a name says otherwise; times are seconds since the epoch; days are
local dates (YYYY-MM-DD) of the policy's time zone. Names of models, teams and keys come from outside: they are text,
never markup.

outcome      that it went well, or why it was refused
spend        totals, rows, a series over days
glance       the last days and this month
worth        what own GPUs saved or lost
break_even   where they begin to pay
budgets      limits, and how they stand
backends     their health and what they did
power        units that are switched
operations   workers, the ledger, the policy in force
requests     records, and one of them explained
live         what pages are told of as it happens
"""
