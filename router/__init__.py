"""Breakeven: a hybrid LLM routing proxy.

Apps point their OpenAI base URL here. For every request a policy decides whether the tokens come
from the organisation's own GPUs or from a cloud API, and the decision can always be explained.

The life of a request
---------------------
1. *Identify* (`gateway.auth`): one credential, one key of the policy or of the ledger.
2. *Read* (`surfaces`): the path says which surface it came to, which reads the body: it is decoded once into what the
   decision needs; its bytes stay as they came.
3. *Classify* (`core.sensitivity.gate`): labels and detectors give a level and tags, and those give the permitted zones.
4. *Decide* (`core.decision.decide`): facts + plan + snapshot -> ordered candidates or a refusal, each with its reason.
5. *Reserve* (`core.limits.reserve`, `ledger`): what it may take is held before a byte leaves, against every limit of
   its key, its team and all together, or against none; then it is refused, or stays on the own side.
6. *Forward* (`gateway.forward`, `upstream`): candidates in order, one deadline; nothing is retried once the client
   has a byte. The connection that writes the first byte checks the permitted zones once more.
7. *Settle* (`gateway.settle`, `ledger`): real usage replaces the hold, exactly once, whatever becomes of the
   worker, the connection or the ledger's server; a record tells how it went, never what it said.

On its way the surface is asked again: for the body as a backend takes it, for what reads the stream, for what an answer
used, and for the words of an error.

Layers: imports point down only
-------------------------------
::

    __main__ | cli      commands
    app                 composition root and supervisor; the only module that sees every layer
    gateway | admin | power | adapter
                        the data plane: /v1 endpoints on one HTTP/1.1 port | the control plane: API, dashboard and
                        metrics, a process of its own on a port of its own | what starts and stops the units of own
                        backends, in the control plane's process | a process around litellm
    config | ledger | upstream | simulate
    surfaces            what clients and backends say to each other: one folder per dialect, one module per endpoint
    core | system       values in, values out, in no dialect: no await, no clock, no randomness, no logging, no I/O |
                        what several rooms share of the operating system

import-linter enforces this; a new module has to be placed in a layer. `config` turns files into a
`core.values.Plan`; `ledger` is the only code that knows Redis; `upstream` is the only code that
connects to a backend; `simulate` holds backends that pretend, and say so; `admin` reads what the ledger has counted and
never takes part in a request; `adapter` is a separate process around litellm that the gateway reaches over a unix
socket like any other upstream.
"""
