"""Everything about giving that is marked in one text, whoever it is said of."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from extractor.parse.memory import remember
from extractor.parse.values import value
from extractor.parse.vocabulary import load_vocabulary
from extractor.schemas import Frequency, Period, Route, TimeUnit
from extractor.text.lexer import Tokens

from .amounts import find_amounts
from .cycles import find_cycles
from .days import find_days
from .facts import FIELDS
from .frequencies import find_frequencies
from .lengths import find_lengths
from .marks import Mark, drop_inside, drop_touching, within
from .moments import find_moments
from .strengths import AmountMark, drop_explaining

__all__ = ["AmountMark", "Findings", "find_all"]

DaysMark = Mark[tuple[int, ...]]

_ROUTES = load_vocabulary("routes")
_GAP = re.compile(r",?\s\(?")


@value(frozen=True, slots=True)
class Findings:
    """Marks of one text by what they state, each in reading order."""

    amounts: tuple[AmountMark, ...]
    route: tuple[Mark[Route], ...]
    frequency: tuple[Mark[Frequency], ...]
    cycle: tuple[Mark[Period | None], ...]
    length: tuple[Mark[Period | None], ...]
    days: tuple[DaysMark, ...]
    moment: tuple[Mark[str], ...]

    def inside(self, start: int, end: int) -> "Findings":
        """The marks that lie wholly inside ``start:end``."""
        return Findings(*[within(marks, start, end) if marks else () for marks in self._all()])

    def _all(self) -> "tuple[tuple[Mark[Any], ...], ...]":
        return (self.amounts, self.route, self.frequency, self.cycle, self.length, self.days, self.moment)

    def spans(self) -> list[tuple[int, int]]:
        return [(m.start, m.end) for name in ("amounts", *FIELDS) for m in getattr(self, name)]


def find_all(tokens: Tokens) -> Findings:
    """All marks in a section's tokens; they stand at characters of its cleaned text.

    What a moment contains ("before oral intake") says nothing of its own.

    >>> from extractor.text.book import read_text
    >>> found = find_all(read_text("5 mg orally twice daily before meals"))
    >>> [len(marks) for marks in (found.amounts, found.route, found.frequency, found.moment)]
    [1, 1, 1, 1]
    """
    return _find_all(tokens.text)


@remember
def _find_all(text: str) -> Findings:
    moments, cycles = find_moments(text), find_cycles(text)
    routes = tuple(Mark(Route(m.value), m.start, m.end, m.entry.confidence) for m in _ROUTES.find(text))
    amounts = drop_explaining(text, find_amounts(text))
    totals = [mark for mark in amounts if mark.value[0].unit.endswith("/day")]  # "300 mg per day" is no frequency
    return Findings(
        amounts,
        drop_inside(routes, moments),
        drop_inside(find_frequencies(text), totals),
        cycles,
        _drop_cycles(find_lengths(text), cycles),
        _join_moments(text, drop_inside(find_days(text), moments), moments),
        moments,
    )


def _drop_cycles(
    lengths: Sequence[Mark[Period | None]], cycles: Sequence[Mark[Period | None]]
) -> tuple[Mark[Period | None], ...]:
    """Without the lengths that are those of a cycle ("each cycle lasts 3 weeks"); "6 21-day cycles" counts them."""
    counted = [mark for mark in lengths if mark.value and mark.value.unit is TimeUnit.CYCLE]
    others = drop_touching((mark for mark in lengths if mark not in counted), cycles) if cycles else lengths
    return tuple(sorted({*counted, *others}, key=lambda mark: mark.start))


def _join_moments(text: str, days: tuple[DaysMark, ...], moments: tuple[Mark[str], ...]) -> tuple[DaysMark, ...]:
    """Days together with the moment behind them: "on days 1 and 8, after breakfast"."""
    starts = {moment.start: moment for moment in moments}
    return tuple(Mark(mark.value, mark.start, _find_end(text, mark, starts), mark.confidence) for mark in days)


def _find_end(text: str, days: DaysMark, moments: Mapping[int, Mark[str]]) -> int:
    gap = _GAP.match(text, days.end)
    moment = moments.get(gap.end()) if gap else None
    if gap is None or moment is None:
        return days.end
    return moment.end + (gap[0].endswith("(") and text[moment.end : moment.end + 1] == ")")
