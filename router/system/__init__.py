"""What rooms above share of the operating system.

connection   what connections are to the event loop, in either direction
atomic_file  a file that is replaced as a whole, or stays as it was
"""
