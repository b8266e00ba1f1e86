"""How much of a record a model is asked about."""

from enum import StrEnum

_DOUBTED = 0.9
"""``medium`` asks about a value of the rules whose confidence is lower than this."""
_DOUBTED_RARE = 0.975
"""The same in a field that few items state, where a missed value weighs more."""


class Effort(StrEnum):
    """How much a model is asked.

    - ``none``: nothing; only the rules run.
    - ``medium``: what the rules are unsure of, which is what has a confidence below 0.9.
    - ``all``: every question, whatever the rules say.

    >>> Effort("medium")
    <Effort.MEDIUM: 'medium'>
    """

    NONE = "none"
    MEDIUM = "medium"
    ALL = "all"

    def doubts(self, confidence: float, *, rare: bool = False) -> bool:
        """Return whether a model is asked about a value of the rules. ``rare`` if few items state
        its field.

        >>> (
        ...     Effort.MEDIUM.doubts(0.95),
        ...     Effort.MEDIUM.doubts(0.95, rare=True),
        ...     Effort.ALL.doubts(0.99),
        ... )
        (False, True, True)
        """
        if self is Effort.MEDIUM:
            return confidence < (_DOUBTED_RARE if rare else _DOUBTED)
        return self is Effort.ALL
