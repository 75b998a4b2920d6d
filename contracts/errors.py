"""The one error that reading a contract can raise."""


class InvalidRecord(ValueError):
    """A record breaks its contract; the message says which field and what it should be."""
