"""What other parts of the gateway report to the control plane.

interface  one for each, and an object for nothing that is reported
limits     how limits stand
records    request records, page by page
workers    what they report of themselves and of backends
"""
