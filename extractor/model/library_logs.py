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
        """Hand a record on."""
        root = logging.getLogger()
        if not root.handlers:
            return
        shown = logging.makeLogRecord(
            {**record.__dict__, "msg": mask(record.getMessage()), "args": None}
        )
        shown.exc_info = shown.exc_text = (
            None  # an SDK's error holds its request, with the key
        )
        root.handle(shown)
