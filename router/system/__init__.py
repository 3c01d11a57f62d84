"""What rooms above share of the operating system.

atomic_file  a file that is replaced as a whole, or stays as it was
"""
