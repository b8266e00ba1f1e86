"""A clerk for tests, whose process dies of a certain text. Apart, since a process of its own imports it."""

import os

from extractor.run.rounds_clerk import Begin, RoundsClerk

__all__ = ["MortalClerk"]


class MortalClerk(RoundsClerk):
    """As any, but for the record that it dies of."""

    def __call__(self, message):
        if isinstance(message, Begin) and b"DIE" in message.record:
            os._exit(1)
        return super().__call__(message)
