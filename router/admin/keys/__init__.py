"""Keys over HTTP: those of the ledger are made, edited, rotated and revoked; those of the policy are listed.

api            the handlers
listing        keys of both kinds -> the rows that somebody may see and asked for
foreign_names  names that are another team's, too, whose sums are not told
usage          what they spent, when they were last used, and how their limits stand
answers        what the API is asked and says
"""
