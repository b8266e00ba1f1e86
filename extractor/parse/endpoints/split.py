"""A flattened outcome cell cut into outcomes, and each outcome into measure, description and time frame.

Registry downloads join the parts that are present by ", " and the outcomes by "|". Every pair of commas is a possible
cut; each is scored by what it looks like (see ``cuts``) and the best wins. The scores are a log-linear model, so their
softmax says how probable each cut is.
"""

from dataclasses import dataclass

from extractor.parse.scoring import load_scorer
from extractor.text.passage import Passage, Section, read_section

from .cuts import Cuts, Item, describe_cuts, find_items

__all__ = ["Outcome", "OutcomeParts", "split_outcomes", "split_section"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The three parts of a registered outcome, verbatim; None where the registry holds none."""

    measure: str
    description: str | None
    time_frame: str | None


@dataclass(frozen=True, slots=True)
class OutcomeParts:
    """Where an outcome and its parts stand, and how probable each part's limits are."""

    whole: Passage
    measure: Passage
    description: Passage | None
    time_frame: Passage | None
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
    return [
        Outcome(
            parts.measure.raw,
            parts.description.raw if parts.description else None,
            parts.time_frame.raw if parts.time_frame else None,
        )
        for parts in split_section(read_section("outcomes", text))
    ]


def split_section(section: Section) -> list[OutcomeParts]:
    """The outcomes of a flattened cell, in order."""
    return [_choose(section.whole, item) for item in find_items(section.tokens)]


def _choose(cell: Passage, item: Item) -> OutcomeParts:
    """The best cuts, with the summed probability of all cuts that agree on each limit."""
    whole = cell.part(item.first, item.end)
    if not item.commas:
        return OutcomeParts(whole, whole, None, None)
    probabilities = _rate_cuts(item)
    start, end = max(probabilities, key=probabilities.__getitem__)
    first = start if start is not None else end
    stop = item.end if end is None else item.commas[end]
    return OutcomeParts(
        whole=whole,
        measure=cell.part(item.first, item.end if first is None else item.commas[first]),
        description=None if start is None else cell.part(item.commas[start] + 1, stop),
        time_frame=None if end is None else cell.part(item.commas[end] + 1, item.end),
        measure_confidence=sum(p for (s, e), p in probabilities.items() if (s if s is not None else e) == first),
        description_confidence=probabilities[start, end],
        time_frame_confidence=sum(p for (_, e), p in probabilities.items() if e == end),
    )


def _rate_cuts(item: Item) -> dict[Cuts, float]:
    """The probability of each pair of cuts."""
    described = list(describe_cuts(item))
    chances = load_scorer("outcome_cuts").rank([features for _, features in described])
    return dict(zip((cuts for cuts, _ in described), chances, strict=True))
