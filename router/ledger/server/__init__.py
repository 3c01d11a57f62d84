"""The ledger's server: Redis or Valkey, somebody's or our own, and how it is found and spoken to.

address     redis://, rediss://, valkey://, unix:// -> where the server is
discovery   a server, or whom to ask for one: sentinels, nodes of a cluster; what happens when they fail over
connection  one lean connection: a frozen server is a lost one
wire        commands as bytes
scan        large values in pieces
embedded    a Valkey of our own, on a unix socket in the data directory
"""
