"""Alerts, without any I/O: what is wrong, what becomes of it, and what is told of it.

    policy        the section `alerts` of the policy: targets, what goes where, thresholds
    observation   what a look at something has found: good, bad, or between
    states        observation + what is kept -> what is kept from now on, and what is to be told: a table
    notices       what is told: one change of one alert, and messages of several
    limits        how full a limit is -> observations
    routes        a notice -> the targets that get it, now or after their quiet hours
    weekly        the report of a week, and when it is due

Each of the other modules is one condition: figures of the ledger or of this gateway -> observations.
"""
