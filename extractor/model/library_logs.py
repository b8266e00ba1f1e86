"""Logs of the libraries that ask models, without credentials."""

import logging

from extractor.masking import mask


def mask_log(name: str) -> None:
    """Mask what a library logs under this name, and whatever it logs below it."""
    logger = logging.getLogger(name)
    logger.addHandler(MaskedLog())
    logger.propagate = False


class MaskedLog(logging.Handler):
    """Hands the records of a library's logger on to the handlers of the root logger, without
    credentials.

    Without such a handler nothing is written: Python would print errors otherwise.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Hand a record on to the root logger with its message masked, and without its error: an
        SDK's error holds its request, with the key. Dropped if the program has set up no logging.
        """
        root = logging.getLogger()
        if not root.handlers:
            return
        message = mask(record.getMessage())
        masked = logging.makeLogRecord(
            {**record.__dict__, "msg": message, "args": None}
        )
        masked.exc_info = None
        masked.exc_text = None
        root.handle(masked)
