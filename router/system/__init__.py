"""What rooms above share of the operating system.

connection   what connections are to the event loop, in either direction
certificate  what TLS is spoken with, renewed while it is
environment  what programs that we start find in theirs
wake_files   what workers ask for while the ledger is lost
open_files   whether somebody is still writing a file
turns        who goes next at what all keys share
file_limit   how many files and connections a process may have open at once
atomic_file  a file that is replaced as a whole, or stays as it was
"""
