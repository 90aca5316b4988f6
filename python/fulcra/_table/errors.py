"""What stops `fulcra cluster`; apart, so that the command line loads nothing else for it."""


class TableError(Exception):
    """A table, or what is asked of it, cannot work; the message is one line for the user."""
