"""Pair the outcomes that were registered for a trial with those that its paper states. The two are
worded by different people, so the words that say what is measured count, not those around them.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from extractor.apps.evaluation.alignment import match_values
from extractor.apps.evaluation.text import fold_name, fold_text
from extractor.face import word_set
from extractor.schemas import Endpoint, TimePoint, TimeUnit
from extractor.schemas.vocabulary import TimeKind

LEAST_SIMILAR = 0.45
"""Outcomes with a lower similarity are not paired."""
SURELY_SIMILAR = 0.75
"""Outcomes with a lower similarity may be different ones."""
_EQUAL = 1.0
"""The similarity of outcomes with the same words for what is measured."""
_SAME_CONCEPT = 0.8
_SAME_INSTRUMENT = 0.2
_SAME_RANK = 0.05
_TOLERANCE = 0.08
"""The relative difference of two times that are the same in other units: 12 months, 52 weeks."""
_DAYS = {
    TimeUnit.MINUTE: 1 / 1440,
    TimeUnit.HOUR: 1 / 24,
    TimeUnit.DAY: 1.0,
    TimeUnit.WEEK: 7.0,
    TimeUnit.MONTH: 30.4,
    TimeUnit.YEAR: 365.0,
}
_WORD = re.compile(r"[^\W_]+")
_AROUND = word_set(
    "a an the of in on at to for from by with within into during since until before after prior"
    " and or as per using than who between change changes mean median rate rates number percentage"
    " percent proportion incidence occurrence frequency total score scores level levels value"
    " values measure measures measured measurement assessed assessment evaluated patients patient"
    " participants participant subjects people group groups study baseline week weeks day days"
    " month months year years time point points end outcome outcomes primary secondary endpoint"
    " endpoints"
)
"""Words that say how or when an outcome is measured, rather than what."""


class OutcomePair(NamedTuple):
    """A registered and a published outcome, by position, with their similarity."""

    registered: int
    published: int
    similarity: float


class ComparedOutcomes(NamedTuple):
    """The outcomes of a trial and of its paper, by position.

    Attributes:
        pairs: The outcomes that are in both.
        missing: The registered outcomes without a counterpart.
        new: The published outcomes without one.
    """

    pairs: list[OutcomePair]
    missing: list[int]
    new: list[int]


def compare_outcomes(
    registered: Sequence[Endpoint], published: Sequence[Endpoint]
) -> ComparedOutcomes:
    """Pair outcomes. What one text states once and the other twice in the same words, as for two
    times, is not missing and not new.

    >>> old, new = (
    ...     Endpoint(rank="primary", index=0, measure=measure)
    ...     for measure in ("Change From Baseline in Serum Urate", "serum urate level")
    ... )
    >>> compare_outcomes([old], [new]).pairs
    [OutcomePair(registered=0, published=0, similarity=1.0)]
    """

    def rate(ours: int, theirs: int) -> float:
        return _rate_similarity(registered[ours], published[theirs])

    # positions rather than outcomes, because two outcomes may be equal; those of the published
    # ones are shifted, so that equal positions do not count as equal values
    shift = len(registered)
    pairs, only_old, only_new = match_values(
        range(shift),
        range(shift, shift + len(published)),
        lambda ours, theirs: rate(ours, theirs - shift),
        LEAST_SIMILAR,
    )
    rated = [
        OutcomePair(ours, theirs - shift, min(1.0, rate(ours, theirs - shift)))
        for ours, theirs in pairs
    ]
    missing: list[int] = []
    for ours in only_old:
        others = [rate(ours, theirs) for theirs in range(len(published))]
        if max(others, default=0.0) < _EQUAL:
            missing.append(ours)
    new: list[int] = []
    for theirs in only_new:
        others = [rate(ours, theirs - shift) for ours in range(shift)]
        if max(others, default=0.0) < _EQUAL:
            new.append(theirs - shift)
    return ComparedOutcomes(rated, missing, new)


def find_similar(outcome: Endpoint, others: Sequence[Endpoint]) -> int | None:
    """Return the position of the outcome that is most similar to another text's outcome, if it may
    be the same one, or None.
    """
    rates = [_rate_similarity(outcome, other) for other in others]
    most = max(rates, default=0.0)
    return rates.index(most) if most >= LEAST_SIMILAR else None


def list_similar(
    registered: Sequence[Endpoint], published: Endpoint
) -> Iterator[Endpoint]:
    """Yield the registered outcomes that surely measure the same as a published one."""
    for outcome in registered:
        if _rate_similarity(outcome, published) >= SURELY_SIMILAR:
            yield outcome


def _rate_similarity(ours: Endpoint, theirs: Endpoint) -> float:
    """Return the similarity of two outcomes: the mean of the shares of words that the shorter one
    and both have in common, more if both have the same instrument or concept. The rank breaks ties.
    """
    first = _list_content(ours.measure or "")
    second = _list_content(theirs.measure or "")
    shared = len(first & second)
    similarity = 0.0
    if shared:
        similarity = shared / (2 * min(len(first), len(second)))
        similarity += shared / (len(first) + len(second))
    # "OS" and "overall survival"
    concept = str(ours.concept or "")
    if ours.concept == theirs.concept and concept.endswith("_survival"):
        similarity = max(similarity, _SAME_CONCEPT)
    if ours.instrument and theirs.instrument:
        is_same = ours.instrument.name == theirs.instrument.name
        similarity += _SAME_INSTRUMENT if is_same else 0.0
    if not similarity:
        return 0.0
    return similarity + _SAME_RANK * (ours.rank == theirs.rank)


@lru_cache(maxsize=4096)
def _list_content(measure: str) -> frozenset[str]:
    """Return the words that say what is measured, without plurals, in their usual name: "sbp" for
    "change in systolic blood pressure".
    """
    words = [word for word in _WORD.findall(fold_text(measure)) if not word.isdigit()]
    content = [word for word in words if word not in _AROUND] or words
    named = _WORD.findall(fold_name(" ".join(content)))
    return frozenset(_trim_plural(word) for word in named)


def _trim_plural(word: str) -> str:
    if len(word) > 3 and word.endswith("s") and not word.endswith("ss"):
        return word[:-1]
    return word


def differ_in_time(registered: Iterable[Endpoint], published: Endpoint) -> bool:
    """Return whether the paper states a time of an outcome at which it was not to be measured.
    ``registered`` are the registered outcomes that measure the same. A time that only one of the
    texts states is no difference.
    """
    reported = _list_days(published.time_points)
    planned: list[float] = []
    latest = 0.0  # "up to 2 years" includes each earlier time
    for outcome in registered:
        days = _list_days(outcome.time_points)
        planned += days
        if outcome.time_kind is TimeKind.UP_TO:
            latest = max([latest, *days])
    if not planned:
        return False
    return not all(
        _is_among(days, planned) or days <= latest * (1 + _TOLERANCE)
        for days in reported
    )


def _list_days(times: Sequence[TimePoint]) -> list[float]:
    """Return times in days, except for the baseline. Cycles have no fixed length."""
    return [
        time.value * _DAYS[time.unit]
        for time in times
        if time.unit in _DAYS and time.value
    ]


def _is_among(days: float, planned: Sequence[float]) -> bool:
    return any(abs(days - other) <= _TOLERANCE * other for other in planned)
