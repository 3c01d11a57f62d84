"""When own GPUs are switched on and off: one backend's units, as a control loop.

policy    what a policy says of it, by driver
schedule  hours in which a unit stays on
states    phases of a backend's units, as a table
terms     what the rule takes of a policy and its prices
of_backend  the same of a backend's sections in a policy, with its price and its schedule
units     what the ledger keeps of units, and what is seen of them
demand    what units could have served lately
savings   what each further unit would have saved
rule      how many units are wanted, and why
cards     whose turn it is on a card that several models share
runs      from when until when they cost rent
sightings how each unit is to be billed
control   one step: what is seen and wanted -> what becomes of them, and at most one command
outlook   what workers and people are told of it
history   how many units were on, hour by hour

Which side takes a request is no question here: `core.decision` sends it to a unit that is on, and never waits for one
while the cloud may have it.
"""
