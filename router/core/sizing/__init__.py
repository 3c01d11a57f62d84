"""Which model fits which card, how fast at most, and at what price: arithmetic on shapes, and no file is read.

shape         what a model is made of, layer by layer
quantization  how many bytes a parameter takes
weights       what a card holds of a model
kv_cache      what each token takes beside them, and how many of them fit
cards         what a GPU has
overhead      what vLLM takes for itself, by its version
parallel      over how many cards a model may be spread
fit           all of that: does it fit, for how many tokens and conversations
speed         the most tokens a second, from bandwidth and arithmetic
worth         what a million tokens cost then, and from how many a day that beats an API

`config.sizing` reads catalogues and `config.json` into these.
"""
