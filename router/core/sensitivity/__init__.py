"""What a request contains, and where that may go: the egress gate.

excerpts    the parts of a body that may hold something; all the rest is not looked at again
memory      what was found in such parts before
prefilter   one cheap look at a text, before any finder
unescape    the text of a body, without its JSON escapes
encodings   what text is hidden in besides those
detectors   labels for what the text contains
finders     what they look for: a module for each kind
own         detectors that are a policy's own patterns
entities    detectors whose finder is a process of its own: what it is asked, and what its answer means
media       what a backend would be told to fetch
gate        labels -> level, tags and the zones that are permitted
"""
