"""Choose the reading of a line: the non-overlapping spans with the highest total score."""

from bisect import bisect_right
from collections import deque
from collections.abc import Sequence, Set
from operator import itemgetter
from typing import NamedTuple

from extractor.language.book import rule
from extractor.language.lexer import Tokens
from extractor.language.values import value_class
from extractor.measures.grammar import Chart, Span

_WORD_WEIGHT = 0.5
"""The score for each token, which ensures that a longer reading is preferred."""
_NEAR = 8
"""Maximum number of tokens from the beginning of a quantity's name to the limit that follows it."""
_UNITLESS_PENALTY = 2.0
"""The penalty for a plain range without a unit, because the range may be a list or a date:
"3-5".
"""


@value_class()
class Candidate:
    """A span that can be read as limits, with its score."""

    span: Span
    score: float


class _Link(NamedTuple):
    """A chosen candidate, and the link of the one before it."""

    candidate: Candidate
    before: "_Link | None"


def choose(chart: Chart, tokens: Tokens, introduced: Set[str]) -> list[Candidate]:
    """Return the chosen candidates from left to right. ``introduced`` contains the known quantities
    that are named in the line above.
    """
    weighed = [_weigh(span, chart, tokens, introduced) for span in chart.all("bounds")]
    return _pick([candidate for candidate in weighed if candidate])


def _pick(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Return the non-overlapping candidates with the highest total score."""
    by_end = sorted(
        candidates, key=lambda candidate: (candidate.span.end, candidate.span.first)
    )
    ends = [option.span.end for option in by_end]
    # best[n] is the highest total score of the first n candidates, with the chosen candidates, each
    # linked to the previous one: a list for each candidate would take quadratic time
    best: list[tuple[float, _Link | None]] = [(0.0, None)]
    for index, candidate in enumerate(by_end):
        # the number of candidates that end before this one begins
        before = bisect_right(ends, candidate.span.first, hi=index)
        total, chosen = best[before]
        taken = total + candidate.score, _Link(candidate, chosen)
        best.append(max(best[-1], taken, key=itemgetter(0)))
    picked = deque[Candidate]()
    link = best[-1][1]
    while link:
        picked.appendleft(link.candidate)
        link = link.before
    return [*picked]


def _weigh(
    span: Span, chart: Chart, tokens: Tokens, introduced: Set[str]
) -> Candidate | None:
    """Return a candidate with the span's score, or None if the span is not a limit. The score of a
    span increases by one for each of its bounds if a known quantity is named nearby.
    """
    score = span.weight + _WORD_WEIGHT * (span.end - span.first)
    last = span.value[-1]
    # "> 1 mg/dL" before "above baseline"
    if rule("relative_after").starts(tokens, last.end):
        return None
    # "above the ULN" after "10 mg"
    if span.rule == "at_bound" and chart.ending("amount", span.first):
        return None
    if last.amount.time:
        return Candidate(span, score)
    # the name follows directly or after one token: "> 30 of BMI"
    near = chart.between(span.first - _NEAR, span.end + 2, "quantity")
    is_named = bool(near or introduced)
    if last.amount.unit is None:
        if _is_no_count(chart, tokens, last.end):
            return None
        if _lacks_sign(span):
            return Candidate(span, score - _UNITLESS_PENALTY) if is_named else None
    return Candidate(span, score + len(span.value) * is_named)


def _is_no_count(chart: Chart, tokens: Tokens, end: int) -> bool:
    """Return True if a number without a unit cannot be a count: its unit was recognised
    separately, a list follows ("one of the following"), or a multiplied value follows ("half of
    their usual").
    """
    if chart.at("unit", end):
        return True
    return any(
        rule(name).starts(tokens, end) for name in ("no_limit_after", "share_after")
    )


def _lacks_sign(span: Span) -> bool:
    """Return whether a span is only a range of numbers, without a comparator or a scale."""
    return span.rule == "range" and span.parts[0].kind != "opening"
