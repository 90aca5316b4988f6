"""What stops a command, an example or a measurement."""


class MissingError(ImportError):
    """A package or a data set is not installed; the message says what to install."""


class WrongAnswerError(Exception):
    """An answer of fulcra's failed its check: nothing is timed."""
