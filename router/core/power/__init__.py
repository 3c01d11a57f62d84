"""When the units of an own backend are on: what a policy says of it, and what follows from that."""
