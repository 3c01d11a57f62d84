"""What a request costs, which side is cheaper, and whether a GPU is worth its rent.

strategies   which side each strategy prefers, and what others have to know of it
order        which side cost prefers for a request, and in which order candidates are tried
preference   what cost answers: a side, why, and the terms of a break-even
pricing      what a request costs
alternatives where a request could have gone, which is what it is compared with
timeline     prices that begin on a date, and prices by the hour of the day
volume       how many eligible tokens a window holds
volume_tracker  the same of one process, kept ready for the next decision
breakeven    from how many tokens a day an own GPU is cheaper
rent         what units of own backends have cost by time, as entries of days
net          what own backends saved or lost: the one definition
worth        the terms of that at a day's volume, and one plain sentence
passed_by    what it costs to send tokens to the cloud past a GPU whose rent runs
what_if      what traffic would have cost with another rent, volume or number of units
forecast     where a month is going, and how sure that is
"""
