"""The policy's file over HTTP: looking, checking, explaining, applying, rolling back.

api      what browsers call
service  the file, as an admin works with it
merge    two edits of one text, put together
noting   telling the audit
file     writing it, as a whole or not at all
history  every version that was in force
"""
