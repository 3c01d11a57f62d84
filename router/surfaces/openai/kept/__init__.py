"""Objects that OpenAI's API keeps for clients: files, conversations, batches and the like, and stored answers.

table     which there are, and what may be done with them at which path
bodies    what is said in a request for one
listing   lists, of which each team sees its own
objects   all of it, as the gateway asks for it
"""
