"""Reading recorded requests: records of ours, and traces that others have published.

    for request in registry.read(path): ...

A format is a module beside this one and an entry of `registry.FORMATS`: a Struct of the columns that it reads, with
what would be right in each, and a function from one line to a `RecordedRequest`. It is known by its columns. Files may
be compressed with gzip, are read once, from the first line to the last, and never held as a whole.

Modules
-------
registry    which formats there are, and the one that a file has
lines       a file's lines with their numbers, from CSV, JSON lines and Parquet
format      what a format is
malformed   what is wrong with a file, where, and what would be right
times       times as files write them
records     what `breakeven export` writes
azure       Azure's traces of LLM inference
burstgpt    BurstGPT
mooncake    Mooncake's traces
servegen    what ServeGen generates
given       any other CSV, by the columns that are given
"""
