"""By what units are started, stopped and looked at: one module per driver."""
