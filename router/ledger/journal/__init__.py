"""What a worker wrote to files before it was sent: replayed, and for rebuilding the books.

log         what a writer has sent, kept so that it can be sent again: in memory, or in a journal
journal     the write-ahead journal
entries     what its entries say
segments    its files, as bytes
hold_file   beside them: holds that the server may not have yet
folder      one writer's folder: who has it, whether it is retired
disk        what is asked of the system when something changes
fsync       getting what was written onto the disk, in a thread
replay      entries in order, out of files that change meanwhile
compaction  old segments become summaries, and files that are too old go
"""
