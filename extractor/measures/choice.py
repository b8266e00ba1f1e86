"""Choose among the readings of a clause: the set of spans, none over another, with the best
score.
"""

from bisect import bisect_right
from collections.abc import Sequence, Set
from dataclasses import dataclass
from functools import cache

from extractor.language.book import read_table, rule
from extractor.language.lexer import Tokens
from extractor.measures.grammar import Chart, Span
from extractor.measures.makers import Bounds
from extractor.schemas.vocabulary import TimeUnit

_WORD_WEIGHT = 0.5
_NEAR = 8
"""How many tokens before an amount its quantity is near."""
_UNITLESS_PENALTY = 2.0
_TIMED_PENALTY = 3.0
_TIMED_BONUS = 2.0
_AGE = "age"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A reading of some tokens: a limit or a window."""

    span: Span
    score: float
    is_age: bool = False

    @property
    def is_window(self) -> bool:
        return self.span.kind == "window"


def choose(
    chart: Chart, tokens: Tokens, first: int, end: int, introduced: Set[str]
) -> tuple[list[Candidate], list[Candidate]]:
    """Return the chosen candidates from left to right, and all others."""
    candidates = [
        candidate
        for span in chart.all("bounds", "window")
        if (candidate := _weigh(span, chart, tokens, first, end, introduced))
    ]
    chosen = _pick(candidates)
    others = [one for one in candidates if one not in chosen]
    return chosen, others


def _pick(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Return the candidates without overlaps that have the greatest sum of scores."""
    by_end = sorted(candidates, key=lambda one: (one.span.end, one.span.first))
    ends = [one.span.end for one in by_end]
    best: list[tuple[float, list[Candidate]]] = [(0.0, [])]
    for index, candidate in enumerate(by_end):
        before = bisect_right(ends, candidate.span.first, hi=index)
        total, chosen = best[before]
        taken = total + candidate.score, [*chosen, candidate]
        best.append(max(best[-1], taken, key=lambda pair: pair[0]))
    return best[-1][1]


def _weigh(
    span: Span,
    chart: Chart,
    tokens: Tokens,
    first: int,
    end: int,
    introduced: Set[str],
) -> Candidate | None:
    """Return the candidate that a span is, with its score; None if it is none."""
    score = span.weight + _WORD_WEIGHT * (span.end - span.first)
    near = find_near_quantities(chart, tokens, span)
    names = {quantity.value for quantity in near} or introduced
    is_age = _is_age(span, names) or _looks_like_age(tokens, span, first)
    is_timed = bool(names & _list_timed())
    bounds: Bounds = span.value
    times = [bound.amount.time for bound in bounds if bound.amount.time]
    if span.kind == "window":
        if is_age or _is_no_window(tokens, span, first, end):
            return None
        return Candidate(span, score - _TIMED_PENALTY * is_timed)
    if times:
        if is_age or is_timed or times[0] is TimeUnit.MINUTE:
            return Candidate(span, score + _TIMED_BONUS, is_age)
        return None
    if bounds[-1].amount.unit is None:
        if _is_no_count(chart, tokens, bounds[-1].end, end):
            return None
        if _lacks_sign(span):
            return Candidate(span, score - _UNITLESS_PENALTY) if names else None
    return Candidate(span, score + len(bounds) * bool(names))


def _is_no_count(chart: Chart, tokens: Tokens, behind: int, end: int) -> bool:
    """Return whether a number is none without a unit: one has been left out, or a list follows."""
    if chart.at("unit", behind):
        return True
    return rule("no_limit_after").starts(tokens, behind, end) is not None


def _lacks_sign(span: Span) -> bool:
    """Return whether a span is a mere range of numbers, without a comparator or a scale."""
    return span.rule == "range" and span.parts[0].kind != "opening"


def _is_age(span: Span, names: Set[str]) -> bool:
    has_word = any(part.kind == "of_age" for part in _list_parts(span))
    return has_word or _AGE in names


def _looks_like_age(tokens: Tokens, span: Span, first: int) -> bool:
    """Return whether years are an age although nothing names one: of people, or by themselves at
    the start of the line: "Men over 18 years", "18 to 79 years, inclusive".
    """
    if span.value[0].amount.time is None or _has_moment(span):
        return False
    if rule("age_adjective").search(tokens, span.first, span.end):
        return True
    if span.value[0].amount.time is not TimeUnit.YEAR:
        return False
    near = max(first, span.first - _NEAR)
    if rule("no_age_word").search(tokens, near, span.end + _NEAR):
        return False
    has_word = rule("age_word").search(tokens, near, span.end) is not None
    starts_line = not any(
        word[0].isalpha() for word in tokens.words[first : span.first]
    )
    return has_word or starts_line


def _has_moment(span: Span) -> bool:
    moments = ("before", "after", "back", "lives", "last_unit")
    return any(part.kind in moments for part in span.parts)


def _list_parts(span: Span) -> list[Span]:
    """Return the spans of which a span is made, also those of its parts."""
    found = []
    for part in span.parts:
        found += [part, *_list_parts(part)]
    return found


def _is_no_window(tokens: Tokens, span: Span, first: int, end: int) -> bool:
    bound = span.value[-1]
    is_bare = span.rule == "compared_window" and not _has_moment(span)
    is_bare = is_bare and bound.amount.time is TimeUnit.YEAR
    if is_bare and rule("window_word").search(tokens, first, end) is None:
        return True
    if rule("age_behind").starts(tokens, bound.end, end):
        return True
    if rule("course_after").starts(tokens, bound.end, end):
        return True
    return rule("trial_before").ends(tokens, span.first) is not None


def find_near_quantities(chart: Chart, tokens: Tokens, span: Span) -> list[Span]:
    """Return the known quantities of a span: inside of it, or shortly before it in its clause."""
    found = []
    for quantity in chart.all("quantity"):
        if quantity.first > span.end + 1:
            break
        is_before = span.first - _NEAR <= quantity.end <= span.first
        is_inside = quantity.first >= span.first
        if is_inside or (
            is_before and not _is_parted(tokens, quantity.end, span.first)
        ):
            found.append(quantity)
    return found


def _is_parted(tokens: Tokens, first: int, end: int) -> bool:
    return rule("sentence_break").search(tokens, first, end) is not None


@cache
def _list_timed() -> frozenset[str]:
    """Return the quantities that are measured in units of time."""
    return frozenset(read_table("measures")["timed"]["quantities"])
