"""What starts and stops the units of own backends."""
