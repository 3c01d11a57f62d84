"""The composition root: the only package that sees every layer.

settings    what `breakeven serve` was asked for
defaults    the policy that serves when none was given
assemble    plan -> backends of the fleet
worker      one gateway process
control     the control plane's process
lifeline    when a child has to stop
reload      follows the policy file
supervisor  starts, watches and stops the processes
children    one child process each, with its restarts
keeper      the embedded Valkey, started again when it ends
data_dir    one gateway to a data directory
port        one port for all workers
lookup      asks a vLLM which model it serves
greeting    what is said once it serves
logs        structured logs
"""
