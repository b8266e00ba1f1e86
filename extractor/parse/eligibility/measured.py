"""Confidences from counts: how often a rule was right where it was tried."""

__all__ = ["share"]


def share(counts: tuple[int, int]) -> float:
    """The share of right answers among all, as if one more had been wrong: few trials prove little.

    >>> share((99, 100)), share((4, 4))
    (0.98, 0.8)
    """
    right, of = counts
    return int(100 * right / (of + 1)) / 100
