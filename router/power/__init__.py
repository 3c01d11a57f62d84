"""What starts and stops the units of own backends, and what writes down their rent."""
