"""What a worker sends to the ledger's server, and what it makes of the answers.

group_commit  `Ledger`: operations that arrive while a batch is in flight join the next one
early_holds   holds that are admitted here, before the server has them
batch         operations -> the payload of one script call
recovery      the books on the server: beginning them, and bringing in what they lack
"""
