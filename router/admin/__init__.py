"""The control plane: the JSON API, metrics and pages on a port and in a process of their own.

    routes      the one table: method, path, who may, handler, types of question and answer
    questions   what a request asks, decoded: query strings and bodies
    answers     what the API says, as frozen types; the OpenAPI document is made from both
    openapi     that document
    server      an aiohttp application from the table
    guard       who is asking: host, credential, role, forged writes
    tokens      the admin's and the viewer's token: given, or made at first start
    sessions    who is signed in
    aside       work that may have no end, in a process that can be ended
    attempts    how often somebody may guess
    settings    what its process is told
    build       settings -> control
    control     what handlers work with
    books       reading totals and volumes
    sources     what other parts of the gateway report: workers, budgets, request records
    spend       totals, series, forecast, CSV
    economics   break-even and what the GPU is worth
    operations  backends, workers, budgets
    decisions   request records and their explanations
    desk        the policy's file: check, explain, apply, roll back
    desk_api    the same for browsers
    policy_file writing that file
    history     every version of the policy that was in force
    workers     what they report through the ledger's server
    budgets     how limits stand
    records     request records, page by page
    live        server-sent events
    metrics     Prometheus
    gauges      its figures of backends, workers and budgets
    follower    request records as they are written
    meters      what they measure
    spans       what they are as spans
    traces      sending those to an OpenTelemetry collector
    pages       static files, from `pages/` and from the plotly package
    entry       signing in and out

A page is a file in `pages/`: it is found by name, served at `/NAME` (`/` is `index.html`), with an ETag, compressed.
In HTML and scripts `{{NAME}}` becomes the address of another file with its content's hash in it, so that browsers may
keep it for ever: `<script src="{{app.js}}" type="module"></script>`; `{{plotly.min.js}}` comes from the plotly package.
Files are read once: a change shows after a restart. What Plotly needs to keep to the Content-Security-Policy is in
`chart.js`.
The Content-Security-Policy allows files of this server only: no inline script or style, no `eval`. A script reads
`/api/session` for its role and its `csrf` token, which goes back as the header `x-csrf-token` on every write.
`EventSource("/api/events")` brings what changes. `/api/openapi.json` lists the rest; money is in micro-USD.

It may import ledger, upstream, config and core.
"""
