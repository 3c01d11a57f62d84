"""What starts and stops the units of own backends, and what writes down their rent.

controller     the one of a ledger: sees, decides by `core.power`, writes down, and has drivers act
units          one backend's units under control
demand         what own units could have served lately
rent_keeper    what units cost, as entries of days
traffic_price  what the cloud charges for the traffic of the last day, for `strategy: breakeven`
drivers        what units are switched by
known_units    how units of an earlier policy are switched off
no_driver      in the place of a driver that cannot be made

It runs in the control plane's process. The workers hear of it through the ledger, and ask for what they wait for there.
"""
