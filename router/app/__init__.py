"""The composition root: the only package that sees every layer.

settings           what `breakeven serve` was asked for
defaults           the policy that serves when none was given
assemble           plan -> backends of the fleet
worker             one gateway process
control_plane      the control plane's process
parent_watch       when a child has to stop
certificate_watch  follows the files of the certificate
reload             follows the policy file
supervisor         starts, watches and stops the processes
adapter_keeper     one adapter that answers, and the next one that takes its place
child_process      one child process each, with its restarts
heartbeat          their heartbeat, and the stack of one that stands still
valkey_keeper      the embedded Valkey, started again when it ends
data_dir           one gateway to a data directory
listening_port     one port for all workers
served_model       asks a vLLM which model it serves
startup_message    what is said once it serves
demo               `breakeven demo`: all of that, and a replayed day
demo_policy        its policy and keys
demo_reporter      what it says while the day passes
logs               structured logs
"""
