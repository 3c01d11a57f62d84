"""Backends that pretend, and say so; and traffic that is played through the rules in virtual time.

Real HTTP servers with the behaviour of vLLM 0.32 and of OpenAI's API: shapes, errors, streaming, queueing,
speed. No model runs: the text says that it is simulated, every response has `x-simulated: true`, and models
are owned by "simulated".

    python -m router.simulate --kind vllm --port 0

    app = vllm_api.application(Settings(models=("chat",)))
    async with serve(app) as url: ...

Modules
-------
asked       what a request asks for, validated
turns       the same of responses and messages, which is told as a chat
generate    the answer: text, tool calls, token counts; the order in which tokens appear
pace        when tokens appear
engine      vLLM's slots, its queue and its counters
embeddings  vectors
*_shapes    the JSON of each dialect, from an answer
*_api       the HTTP surface of each dialect
serve       running an application
day         a day of requests, as numbers
traffic     the requests that stand for it
replay      sending them
requests    a recorded request, as a simulation takes it
readers     reading these, from records and from traces, see its own page
replayed    the decision that a record tells of
traffic_of  many of them: in order, scaled, cut to some days

simulation      requests through the rules of a policy, in virtual time
virtual_time    what is to come, in its order
facts_of        what is decided on, from what was recorded
backends        backends as decisions see them
server_model    one replica: its queue, its slots, how it reads and writes
shape           how fast one is: given, assumed or fitted
fit             the same from records, with the error of that
search          slots and rates, by playing records to a simulated server
measured    how much a backend served while it worked
start_times     what starts took
powered_units   units that the rule switches
rent_meter      what they cost by time
books           what is counted
slots           the least that it could have cost
figures         what is told in the end
report          the same as text
html_report     and as a file with charts
comparison      two policies side by side
outcomes        from policies and requests to what is told of them
fail_if         limits on it
"""
