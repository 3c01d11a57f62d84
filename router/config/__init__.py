"""Files in, plans out.

    load              a policy file -> `core.values.Plan`, or every problem of the file at once
    yaml_document     YAML text -> plain data that remembers where each value stands
    decode            data -> `core.policy.Policy`, and what is wrong with it where
    error_wording     pydantic's findings in plain words
    cross_references  what the sections of a policy say about each other
    sound_part        what can still be looked at of a policy that has not its shape everywhere
    own_detectors     patterns of a policy's own, and whether they find what their examples say
    prices,           published or given prices -> rates
    unit_prices
    providers         hosts and keys of known providers
    backend_hosts     where each backend's requests may go
    compile           policy + prices -> plan
    bounded_files     reading what somebody names: regular files of a sensible size
    secret_hosts      to which hosts each secret may go
    secrets           `env:NAME` and `file:PATH`
    watch             a policy file that changes while it is served
    presidio_environment  where Presidio is installed, and what is missing
    presidio_pipe     one process of it, for a command's questions
    dry_run           one request tried against a plan
    cases             requests with the decision they should get
    problems          what is wrong with a file, and where
    schema            the JSON Schema for editors

Imports core only.
"""
