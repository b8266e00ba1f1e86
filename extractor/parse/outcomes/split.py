"""A flattened outcome cell cut into outcomes, and each outcome into measure, description and time frame.

Registry downloads join the parts that are present by ", " and the outcomes by "|". Every pair of commas
is a possible cut; each is scored by what it looks like (see ``cuts``) and the best wins. The scores are
a log-linear model, so their softmax says how probable each cut is.
"""

import math
import tomllib
from collections import Counter
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

from extractor.parse.values import value
from extractor.text.clean import CleanText, clean_text

from .cuts import describe_description, describe_time_frame
from .items import Item, choose_cuts, find_commas

__all__ = ["Outcome", "OutcomeSpans", "split_cell", "split_outcomes"]

_LONGEST_TAILS = 14
_Cuts = tuple[int | None, int | None]


@value(frozen=True, slots=True)
class Outcome:
    """The three parts of a registered outcome, verbatim; None where the registry holds none."""

    measure: str
    description: str | None
    time_frame: str | None


@value(frozen=True, slots=True)
class OutcomeSpans:
    """Where an outcome and its parts stand in a cleaned cell, and how probable each part's limits are."""

    whole: tuple[int, int]
    measure: tuple[int, int]
    description: tuple[int, int] | None
    time_frame: tuple[int, int] | None
    measure_confidence: float = 1.0
    description_confidence: float = 1.0
    time_frame_confidence: float = 1.0


def split_outcomes(text: str) -> list[Outcome]:
    """Split a flattened outcome cell ("measure, description, time frame|...") into its outcomes.

    >>> for outcome in split_outcomes("Pain, worst, The scale is 0 to 10., Baseline, week 4|Survival, 2 years"):
    ...     print(outcome)
    Outcome(measure='Pain, worst', description='The scale is 0 to 10.', time_frame='Baseline, week 4')
    Outcome(measure='Survival', description=None, time_frame='2 years')
    """
    cleaned = clean_text(text)
    return [
        Outcome(
            _raw(text, cleaned, found.measure) or "",
            _raw(text, cleaned, found.description),
            _raw(text, cleaned, found.time_frame),
        )
        for found in split_cell(cleaned.text)
    ]


def _raw(text: str, cleaned: CleanText, span: tuple[int, int] | None) -> str | None:
    if span is None:
        return None
    start, end = cleaned.raw_span(*span)
    return text[start:end]


def split_cell(cell: str) -> list[OutcomeSpans]:
    """The outcomes of a cleaned cell, in order, with the spans of their parts."""
    spans = list(_find_items(cell))
    items = _describe_items([cell[start:end] for start, end in spans])
    return [_place(item, start) for item, (start, _) in zip(items, spans, strict=True)]


def _find_items(cell: str) -> Iterator[tuple[int, int]]:
    start = 0
    for piece in cell.split("|"):
        end = start + len(piece)
        if piece.strip():
            yield start + len(piece) - len(piece.lstrip()), end - len(piece) + len(piece.rstrip())
        start = end + 1


def _describe_items(texts: list[str]) -> list[Item]:
    """The items with what they share with their neighbours in the cell."""
    commas = [find_commas(text) for text in texts]
    tails = Counter(
        text[end:] for text, (found, _) in zip(texts, commas, strict=True) for _, end in found[-_LONGEST_TAILS:]
    )
    plain = [len(found) <= 1 for found, _ in commas]
    others = max(1, len(texts) - 1)
    return [
        Item(text, found, inside, tails, (sum(plain) - plain[i]) / others)
        for i, (text, (found, inside)) in enumerate(zip(texts, commas, strict=True))
    ]


def _score_cuts(item: Item) -> dict[_Cuts, float]:
    """The probability of each pair of cuts: where the description begins, where the time frame begins."""
    starts, ends = choose_cuts(item)
    weights = _weights()
    scores: dict[_Cuts, float] = {}
    for end in (None, *ends):
        last = len(item.commas) if end is None else end
        of_end = sum(weights.get(name, 0.0) for name in describe_time_frame(item, end))
        for start in (None, *(start for start in starts if start < last)):
            features = describe_description(item, start, last)
            scores[start, end] = of_end + sum(weights.get(name, 0.0) for name in features)
    highest = max(scores.values())
    total = sum(math.exp(score - highest) for score in scores.values())
    return {cuts: math.exp(score - highest) / total for cuts, score in scores.items()}


@cache
def _weights() -> dict[str, float]:
    return tomllib.loads((files(__package__) / "cut_weights.toml").read_text("utf-8"))


def _place(item: Item, offset: int) -> OutcomeSpans:
    """The best cuts as spans in the cell, with the summed probability of all cuts that agree on each limit."""
    if not item.commas:
        whole = (offset, offset + len(item.text))
        return OutcomeSpans(whole, whole, None, None)
    probabilities = _score_cuts(item)
    start, end = max(probabilities, key=probabilities.__getitem__)
    first = start if start is not None else end
    same_first = sum(p for (s, e), p in probabilities.items() if (s if s is not None else e) == first)
    same_end = sum(p for (_, e), p in probabilities.items() if e == end)
    stop = len(item.text) if end is None else item.commas[end][0]
    return OutcomeSpans(
        whole=(offset, offset + len(item.text)),
        measure=(offset, offset + (len(item.text) if first is None else item.commas[first][0])),
        description=None if start is None else (offset + item.commas[start][1], offset + stop),
        time_frame=None if end is None else (offset + item.commas[end][1], offset + len(item.text)),
        measure_confidence=same_first,
        description_confidence=probabilities[start, end],
        time_frame_confidence=same_end,
    )
