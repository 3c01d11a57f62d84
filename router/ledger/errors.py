"""What goes wrong between us and the ledger's server, or its journal."""


class LedgerUnavailable(Exception):
    """The server cannot be reached, does not answer in time, or cannot write. The text has no secrets."""


class EmbeddedServerError(Exception):
    """The embedded server cannot be started; the text says why and what to do."""


class JournalError(Exception):
    """The journal cannot be written or read; the text says why and what to do. It can be tried again."""
