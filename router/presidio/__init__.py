"""A process that looks for names of people, places and the like in requests, with Presidio and a spaCy pipeline.

    python -m router.app.presidio_process     as the gateway starts it, see there
    python -m router.presidio                 one question on standard input, for commands

Both libraries are heavy and are imported in this process alone, which may have an environment of its own. It connects
to nothing, keeps texts in memory for as long as it looks at them, and logs and writes none of them.

texts      the strings of a request, and the pieces that long ones are looked at in
analysis   Presidio's analyzer, for the entities of one policy; the only module that imports it
finder     what is in a request, with a memory of what was in strings before
serve      the socket that workers ask at
confined   what the process may not do
"""
