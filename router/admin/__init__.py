"""The control plane: the JSON API, metrics and pages on a port and in a process of their own.

    routes           the one table: method, path, who may, handler, types of request and response
    request_types    what a request asks, decoded: query strings and bodies
    answers          what the API says, as frozen types; the OpenAPI document is made from both
    record_type      a request record as the API has it
    openapi          that document
    server           an aiohttp application from the table
    auth             who is asking, and what they may
    audit            who did what, in a chain
    policy           the policy's file: check, explain, apply, roll back
    simulation       a draft on the traffic of the last days, in a process of its own
    keys             client keys: made, edited, rotated, revoked
    teams            teams, and their budgets in the ledger
    sizing           which card a model fits
    views            what the pages show
    telemetry        Prometheus and OpenTelemetry
    sources          what other parts of the gateway report
    ledger_session   reading totals and volumes
    handler_context  what handlers work with
    time_limited     work that may have no end, in a process that can be ended
    settings         what its process is told
    assemble         settings -> the handlers' context
    page_frame       what all pages have around them
    static_files     the pages, from `pages/` and from the plotly package
    errors           what a handler refuses, and how it says so

A page is a file in `pages/`, put into `frame.html`: it is found by name, served at `/NAME` (`/` is `worth.html`), with
an ETag, compressed.
In HTML and scripts `{{NAME}}` becomes the address of another file with its content's hash in it, so that browsers may
keep it for ever: `<script src="{{app.js}}" type="module"></script>`; `{{plotly.min.js}}` comes from the plotly package.
Files are read once: a change shows after a restart. What Plotly needs to keep to the Content-Security-Policy is in
`chart.js`.
The Content-Security-Policy allows files of this server only: no inline script or style, no `eval`. A script reads
`/api/session` for its role and its `csrf` token, which goes back as the header `x-csrf-token` on every write.
`EventSource("/api/events")` brings what changes. `/api/openapi.json` lists the rest; money is in micro-USD.

It may import ledger, upstream, config, simulate and core.

The policy's editor is a text area of ours with colours behind it (`pages/editor.js`); what it suggests comes from the
schema of the file (`suggest.js`, `schema.js`, `yaml-lines.js`). No package brings a better one: those that ship an
editor are whole applications (jupyterlab has it in pieces that only it can load, nbclassic wants a Jupyter kernel,
panel wants pandas), want Django, or were not cared for in years. Of what they ship, Ace and CodeMirror 6 write style
sheets into the page, which the policy above forbids; Monaco takes twelve megabytes; none knows the schema. And a text
area is what screen readers, phones and browsers' own undo know.
"""
