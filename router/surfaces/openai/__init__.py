"""OpenAI's dialect, which vLLM and the adapter speak too.

reading, content one look at a request's body, and how large what it says is
plain_chat       the shape of the commonest body
editing          the body on its way to a backend
chunks           the shape of one event of a streamed answer
answers, usage   what is an answer, and the tokens in it
complaint, blame what an error says, and whom it speaks of
relayed          a backend's error as clients may see it
"""
