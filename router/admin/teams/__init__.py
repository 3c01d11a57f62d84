"""Teams over HTTP: who is in them, what they may use together, what they spent.

api      the handlers
listing  what the policy, the keys and the ledger say of teams -> the rows that somebody may see
answers  what the API is asked and says
"""
