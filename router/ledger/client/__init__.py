"""What a worker sends to the ledger's server, and what it makes of the answers.

group_commit    `Ledger`: the batches, and the server that they go to, lost and found again
batches         operations that arrive while a batch is in flight join the next one
waiting         what the next batch takes of what waits for one
in_flight       the batch that waits for its answer, and what that says of its holds
early_holds     holds that are admitted here, before the server has them
batch           operations -> the payload of one script call
recovery        the books on the server: beginning them, and bringing in what they lack
other_journals  what workers that are gone have journaled, brought in
"""
