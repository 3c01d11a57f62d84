"""The hot path to backends: the only code that connects to one.

    target             where a replica is, and the zone it is in
    connection         one keep-alive HTTP/1.1 connection on httptools, strict about framing
    tunnel             a connection through a zone's proxy
    pool               idle connections of one replica
    replica            one replica: its pool, circuit breaker and load
    fleet              all backends of a plan; answers what they look like now
    probes             which kinds of backend are asked how they are, and the tasks that ask
    vllm_probe         asks a vLLM replica, without paid tokens
    fetch              small GETs for probes
    outbound_guard     what a process with other people's clients may connect to
    proxy_environment  variables that would move such clients

It may import core only. A connection carries its backend's zone, and `Connection.send` refuses a request
whose permitted zones do not include it: that is the last line of the egress gate.
"""
