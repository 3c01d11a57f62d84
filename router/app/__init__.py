"""The composition root: the only package that sees every layer.

settings    what `breakeven serve` was asked for
defaults    the policy that serves when none was given
assemble    plan -> backends of the fleet
worker      one gateway process
reload      follows the policy file
supervisor  starts, watches and stops the processes
children    one child process each, with its restarts
logs        structured logs
"""
