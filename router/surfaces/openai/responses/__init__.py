"""POST /v1/responses: OpenAI's Responses, which vLLM serves too.

surface        the endpoint
read_request   what a body asks; its other parts are edited as those of OpenAI's other endpoints
items          what a conversation of items brings: its size, what detectors cannot read, what is fetched or named
hosted_tools   the same of the tools that it names
answers        what is an answer, its usage and its text
stream         a streamed answer on its way back
events         the shape of one event of it
failures       what went wrong, in answers, in events, and in the event that ends a stream of ours
"""
