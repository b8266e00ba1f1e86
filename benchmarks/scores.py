"""How often readings are right, and whether they are as often right as they say."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from scipy.stats import binomtest  # type: ignore[import-untyped]

from extractor.parse.parsed import CERTAIN

__all__ = ["Guess", "Tally", "format_calibration", "format_tallies", "wilson"]

_BINS = (0.0, 0.3, 0.5, 0.7, 0.8, 0.9, CERTAIN, 0.98, 1.01)


@dataclass(frozen=True, slots=True)
class Guess:
    """Whether one answer was right, and how probable it was said to be."""

    right: bool
    confidence: float


@dataclass(slots=True)
class Tally:
    """Counts of one field over all labelled items.

    ``found``, ``wanted`` and ``matched`` count values (an item may have none or many); an item is ``right``
    if all of its values are; ``certain`` counts the items that claim to need no second annotator.
    """

    field: str
    items: int = 0
    right: int = 0
    found: int = 0
    wanted: int = 0
    matched: int = 0
    certain: int = 0
    certain_right: int = 0

    def add(self, found: int, wanted: int, matched: int, confidence: float) -> None:
        """Count one item: how many values were read, how many are labelled, how many of them agree."""
        right = found == wanted == matched
        self.items += 1
        self.right += right
        self.found += found
        self.wanted += wanted
        self.matched += matched
        self.certain += confidence >= CERTAIN
        self.certain_right += right and confidence >= CERTAIN


def format_tallies(tallies: Iterable[Tally]) -> str:
    """A table, one line a field.

    >>> tally = Tally("concept")
    >>> tally.add(found=1, wanted=1, matched=1, confidence=0.97)
    >>> tally.add(found=1, wanted=1, matched=0, confidence=0.5)
    >>> print(format_tallies([tally]))
    field                                  items   right       P       R      F1  certain   right
    concept                                    2   0.500   0.500   0.500   0.500    0.500   1.000
    """
    lines = [f"{'field':37}{'items':>7}{'right':>8}{'P':>8}{'R':>8}{'F1':>8}{'certain':>9}{'right':>8}"]
    for tally in tallies:
        figures = (
            _share(tally.right, tally.items),
            _share(tally.matched, tally.found),
            _share(tally.matched, tally.wanted),
            _share(2 * tally.matched, tally.found + tally.wanted),
        )
        certain = _share(tally.certain, tally.items), _share(tally.certain_right, tally.certain)
        shown = "".join(f"{figure:>8}" for figure in figures) + f"{certain[0]:>9}{certain[1]:>8}"
        lines.append(f"{tally.field:37}{tally.items:>7}{shown}")
    return "\n".join(lines)


def format_calibration(guesses: Sequence[Guess]) -> str:
    """Share of right answers, over all, among the certain ones, and by the confidence that was stated.

    >>> print(format_calibration([Guess(True, 0.99), Guess(False, 0.4)]))
    2 items, right 0.500; certain 0.500 of them, right among these 1.000
      0.30-0.50      1  0.000
      0.98-1.00      1  1.000
    """
    certain = [guess.right for guess in guesses if guess.confidence >= CERTAIN]
    lines = [
        f"{len(guesses)} items, right {_share(sum(g.right for g in guesses), len(guesses))}; "
        f"certain {_share(len(certain), len(guesses))} of them, right among these {_share(sum(certain), len(certain))}"
    ]
    for low, high in pairwise(_BINS):
        inside = [guess.right for guess in guesses if low <= guess.confidence < high]
        if inside:
            lines.append(f"  {low:.2f}-{min(high, 1):.2f} {len(inside):>6}  {_share(sum(inside), len(inside))}")
    return "\n".join(lines)


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.3f}" if whole else "-"


def wilson(hits: int, count: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share.

    >>> [round(bound, 3) for bound in wilson(98, 100)]
    [0.93, 0.994]
    """
    interval = binomtest(hits, count).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)
