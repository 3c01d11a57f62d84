"""Alerts: what is wrong is noticed, written down once, and sent to whoever is to know.

    watcher      looks at every condition now and then, and writes what has changed
    conditions   one look each: figures for the rules of `core.alerts`
    delivery     sends what waits, to each target apart from the others
    targets      what a message looks like for each kind of target, and how it gets there
    local_book   what is kept beside the ledger: that the ledger is lost, and what concerns this gateway alone
    books        both of them
    reporter     sends the report of each week
    week         its figures; weekly_mail is what it looks like as mail
    api          alerts and the week on the dashboard, and the test button; its types are in answers
    assemble     all of it, put together

What is kept and what is to be sent stands in the ledger, see `ledger.alerts`: a crossing is told once, however many
gateways share it, and whenever one of them is killed.
"""
