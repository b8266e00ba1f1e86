"""The collector of garbage, told what it need not look at."""

import gc

__all__ = ["spare_what_stays"]

_NEW_OBJECTS = 10_000
"""So many more objects than were freed until it looks for cycles: those of a few records under way are no reason."""


def spare_what_stays() -> None:
    """To be called once all that stays is loaded: vocabularies, weights, models of pydantic.

    To look at those takes a tenth of a second each time, in which no reply is read; it is a tenth of all processor
    time where there is no model.
    """
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS)
