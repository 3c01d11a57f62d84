"""What a request costs, which side is cheaper, and whether a GPU is worth its rent.

strategy    which side cost prefers, and in which order candidates are tried
pricing     what a request costs
timeline    prices that begin on a date, and prices by the hour of the day
volume      how many eligible tokens a window holds
breakeven   from how many tokens a day an own GPU is cheaper
worth       the terms of that at a day's volume, and one plain sentence
"""
