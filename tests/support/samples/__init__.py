"""What proofs over every surface need to know of each, one module per family.

sample      what there is to say of a surface, and bodies made of it
backend     a backend for any surface
play        requests of any surface through a gateway in this process
dearest     what a request may take at most, and an answer that does
registry    all of them, by the surface's name: a surface without one fails tests/surfaces/test_samples.py
"""
