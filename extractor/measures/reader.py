"""Read the limits of a line with their parts, and count the unexplained words."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import replace
from functools import cache
from itertools import pairwise
from operator import attrgetter, itemgetter
from typing import NamedTuple

from extractor.language.book import rule, word_set
from extractor.language.lexer import NUMBER, Range, Tokens, keep
from extractor.language.numbers import (
    MULTIPLES,
    ROMAN,
    Numeric,
    read_number,
    read_time_unit,
)
from extractor.language.patterns import RuleMatch
from extractor.language.units import read_unit
from extractor.language.values import value_class
from extractor.measures.grammar import (
    Chart,
    Expression,
    Production,
    compose,
    read_productions,
)
from extractor.measures.makers import MAKERS, Bound, Bounds
from extractor.measures.owners import (
    LimitOwner,
    find_owner,
    list_unexplained,
    names_known,
    strip_bracket,
)
from extractor.measures.terminals import (
    PRODUCED,
    find_quantities,
    read_terminals,
)
from extractor.schemas.vocabulary import Comparator

# Without it reads "more than 15 units of alcohol per week" otherwise.
_WORD_WEIGHT = 0.5
"""The score for each token, which ensures that a longer reading is preferred."""
# Half of it reads "ECOG 0-2 (0-3 for patients under 75 years)" otherwise.
_NEAR = 8
"""Maximum number of tokens from the beginning of a quantity's name to the limit that follows it."""
# Chosen by hand; a sixth less changes no case, and none of 120 registry records.
_UNITLESS_PENALTY = 2.0
"""The penalty for a plain range without a unit, because the range may be a list or a date:
"3-5".
"""
# Chosen by hand.
_LONGEST_BRACKET = 16
"""Maximum number of tokens behind a condition that may complete it up to the end of its bracket."""
# Chosen by hand.
_BEFORE_BRACKET = 3
"""Maximum number of tokens between a limit and a bracket with the people to whom it applies."""
_UNITS_OF_TIME = word_set(
    "year years yr yrs month months week weeks day days hour hours"
)
_VALUE_WORDS = frozenset({*MULTIPLES, *map(str.lower, ROMAN)})


@value_class()
class Limit:
    """A limit that ``tokens.words[first:end]`` sets on ``quantity``.

    Args:
        comparator: How the value is compared.
        value: The number, or the lower number of a range.
        value_high: The upper number of a range.
        first: The index of the limit's first token.
        end: The index after the limit's last token.
        quantity: The tokens that name the quantity; None if the line does not name it.
        unit: The words of the unit; the words of a rate need not be adjacent. None for counts and
            most grades.
        time_unit: The canonical unit if the unit is a time; the limit is then an age or a duration.
        condition: The tokens that state to whom or when the limit applies.
        sure: False if the comparator is implied rather than stated.
        scale_words: The words of a comparator whose direction depends on the scale: "or better".
        number: The tokens of the limit's numbers and unit.
        is_known: Whether the vocabulary contains the quantity.
        rule: The name of the production that created the limit.
        unexplained: The numbers of unexplained content words in the limit's clause: before the
            limit, in the name of its quantity, and after the limit.
        clause: The surrounding tokens that do not belong to another limit.
        inherits: Whether the limit takes its quantity from the previous limit.
        qualifies: Whether the limit is part of the condition of the previous limit.
        is_unambiguous: False if another reading of the number is equally likely ("1.500").
    """

    comparator: Comparator
    value: Numeric
    value_high: Numeric | None
    first: int
    end: int
    quantity: Range | None
    unit: str | None
    time_unit: str | None
    condition: Range | None
    sure: bool
    scale_words: str | None
    number: Range
    is_known: bool
    rule: str
    unexplained: tuple[int, int, int]
    clause: Range
    inherits: bool
    qualifies: bool = False
    is_unambiguous: bool = True

    @property
    def descends(self) -> bool:
        """Whether its range is written from the upper number to the lower: "65 to 18 years"."""
        return self.value_high is not None and self.value > self.value_high


@cache
def _list_productions() -> tuple[Production, ...]:
    return read_productions("measures", PRODUCED, MAKERS)


def read_line(tokens: Tokens, topic: Tokens | None = None) -> tuple[Limit, ...]:
    """Return the limits of a line from left to right, including ages and durations.

    ``topic`` is the line above, which may name the quantity.
    """
    introduced = frozenset[str]()
    if topic:
        introduced = frozenset(span.value for span in find_quantities(topic))
    return _read_line(tokens, introduced)


@keep
def _read_line(tokens: Tokens, introduced: frozenset[str]) -> tuple[Limit, ...]:
    """Return the limits of a line below one that names the ``introduced`` quantities."""
    has_words = not _VALUE_WORDS.isdisjoint(map(str.lower, tokens.words))
    has_number = has_words or NUMBER in tokens.codes
    if not has_number and not rule("at_normal_bound").search(tokens):
        return ()
    chart = Chart(read_terminals(tokens))
    compose(chart, _list_productions())
    chosen = _choose_spans(chart, tokens, introduced)
    subjects = _find_subjects(chart, tokens, chosen)
    # the limit in "patients over 75 years must have LVEF >= 55 %" that singles out the patients
    qualifying: list[Expression] = []
    others: list[Expression] = []
    for span in chosen:
        if _find_enclosing_subject(subjects, span, "words"):
            qualifying.append(span)
        else:
            others.append(span)
    # the "(age < 65)" that says for whom the limit before it is
    ages = _find_ages_in_brackets(tokens, others)
    qualifying += ages.values()
    of_ages = {age.first for age in ages.values()}
    others = [span for span in others if span.first not in of_ages]
    limits: list[Limit] = []
    for read in _read_chosen(chart, tokens, others, subjects):
        with_age = _add_age(tokens, read, ages)
        with_unit = _find_unit_apart(tokens, with_age)
        limits.append(_read_plural_age(tokens, with_unit))
    limits = _share_stated_unit(tokens, limits)
    limits = _join_conditions(tokens, limits)
    limits = _join_people_in_brackets(tokens, limits)
    limits = _complete_brackets(tokens, limits)
    for span in qualifying:
        of_span = _read_limits(chart, tokens, span, span.place, None, is_case=False)
        limits += [replace(limit, qualifies=True) for limit in of_span]
    return tuple(sorted(limits, key=attrgetter("first")))


def _find_ages_in_brackets(
    tokens: Tokens, chosen: Sequence[Expression]
) -> dict[int, Expression]:
    """Map the first token of each limit to the age behind it that says for whom it is, and that
    stands alone in a bracket: "infarct core < 31 mL (age < 80)".
    """
    ages: dict[int, Expression] = {}
    for span, following in pairwise(chosen):
        if rule("age_in_bracket").ends(tokens, following.first, span.end) is None:
            continue
        if tokens.code_at(following.end) != ")":
            continue
        # "aged 18 to 65 years (age < 18 years in part B)" is about ages already
        if _is_in_time(tokens, span):
            continue
        if rule("age_before_number").ends(tokens, span.first):
            continue
        ages[span.first] = following
    return ages


def _add_age(tokens: Tokens, limit: Limit, ages: Mapping[int, Expression]) -> Limit:
    """Return a limit with the age in the bracket behind it as its condition, if it has no other."""
    age = ages.get(limit.first)
    if age is None or limit.condition:
        return limit
    return replace(limit, condition=(tokens.codes.find("(", limit.end) + 1, age.end))


def _read_chosen(
    chart: Chart,
    tokens: Tokens,
    chosen: Sequence[Expression],
    subjects: Sequence[_Subject],
) -> list[Limit]:
    """Return the limits of the chosen spans. Those in the clause of one of the ``subjects`` have
    its words as their condition, unless they have another one.
    """
    # the indexes of limits whose neighbour is for another case
    cases = set[int]()
    for at, (span, following) in enumerate(pairwise(chosen)):
        if _are_cases(tokens, span, following):
            cases |= {at, at + 1}
    limits: list[Limit] = []
    for at, span in enumerate(chosen):
        last = None
        if limits:
            last = limits[-1]
        clause = _find_clause(chart, tokens, chosen, at, last)
        subject = _find_enclosing_subject(subjects, span, "clause")
        if subject:
            clause = max(clause[0], subject.clause[0]), clause[1]
        clause = clause[0], _cut_before_bracket(tokens, subjects, span, clause[1])
        read = _read_limits(chart, tokens, span, clause, last, is_case=at in cases)
        words = None
        if subject:
            words = subject.words
        limits += (replace(one, condition=one.condition or words) for one in read)
    return limits


def _cut_before_bracket(
    tokens: Tokens, subjects: Sequence[_Subject], span: Expression, end: int
) -> int:
    """Return the end of the clause of a span, which is at most ``end``: words in a bracket that say
    for whom the next limit is, as in "QTc < 450 ms (for women, < 470 ms)", are not part of it.
    """
    at = bisect_left(subjects, span.end, key=lambda subject: subject.words[0])
    for subject in subjects[at : at + 1]:
        if tokens.codes[subject.words[0] - 1] == "(":
            end = min(end, subject.words[0])
    return end


class _Subject(NamedTuple):
    """The people, or the case, for which alone the limits of a clause hold: the tokens of its words
    and of the clause.
    """

    words: Range
    clause: Range


def _find_subjects(
    chart: Chart, tokens: Tokens, chosen: Sequence[Expression]
) -> list[_Subject]:
    """Return the people, and the cases, for which alone the limits of a clause hold, from left to
    right: "LVEF >= 50 %; patients treated with anthracyclines must have LVEF >= 55 %", "If
    creatinine is > 1.5 mg/dL, clearance must be >= 60 mL/min", "In men >= 50 years PSA < 4 ng/mL".
    """
    found = [
        *_find_clauses_of_some(tokens, chosen),
        *_find_clauses_of_case(tokens, chosen),
        *_find_people_in_front(chart, tokens, chosen),
        *_find_cases_in_bracket(chart, tokens, chosen),
    ]
    subjects: list[_Subject] = []
    for subject in sorted(found):
        if not subjects or subjects[-1].clause[1] <= subject.words[0]:
            subjects.append(subject)
    return subjects


def _find_clauses_of_some(
    tokens: Tokens, chosen: Sequence[Expression]
) -> Iterator[_Subject]:
    """Yield the people of whom only some are meant: "patients with diabetes must have HbA1c < 8 %".
    Without a limit, in the clause or before it, the subject must single out people by more than a
    disease.
    """
    for match in rule("clause_of_some").find(tokens):
        subject = _Subject(match.place("words"), match.place("clause"))
        words = subject.words
        # "Male >= 50 kg, BMI should be ..." states two limits, "patients over 60 must ..." one
        if _holds_other_than_age(tokens, chosen, words):
            continue
        # as in "Cohort B: platelets >= 75"
        is_heading = tokens.codes[words[1]] == ":"
        # as in "LVEF >= 50 %; patients treated with anthracyclines must have ..."
        follows_limit = bool(chosen) and chosen[0].end <= match.first
        is_of_limit = follows_limit or _holds_limit(chosen, subject.clause)
        at_start = rule("subject_at_start")
        if is_heading or is_of_limit or at_start.covers(tokens, *words):
            yield subject


def _holds_other_than_age(
    tokens: Tokens, chosen: Sequence[Expression], words: Range
) -> bool:
    """Return whether one of the chosen spans in a range of tokens is no age."""
    start = bisect_left(chosen, words[0], key=attrgetter("first"))
    for span in chosen[start:]:
        if span.first >= words[1]:
            return False
        if not _is_in_time(tokens, span):
            return True
    return False


def _is_in_time(tokens: Tokens, span: Expression) -> bool:
    """Return whether a span, or the word after it, is a unit of time."""
    words = tokens.words[span.first : span.end + 1]
    return any(word.lower() in _UNITS_OF_TIME for word in words)


def _find_clauses_of_case(
    tokens: Tokens, chosen: Sequence[Expression]
) -> Iterator[_Subject]:
    """Yield the cases that a limit states, in front of the clause for which they are: "If
    creatinine is > 1.5 mg/dL, clearance must be >= 60 mL/min".
    """
    for match in rule("clause_of_case").find(tokens):
        subject = _Subject(match.place("words"), match.place("clause"))
        places = (subject.words, subject.clause)
        if all(_holds_limit(chosen, place) for place in places):
            yield subject


def _find_people_in_front(
    chart: Chart, tokens: Tokens, chosen: Sequence[Expression]
) -> Iterator[_Subject]:
    """Yield the people whom a limit singles out, directly in front of the quantity that is limited
    for them: "In men >= 50 years PSA < 4 ng/mL".
    """
    for span, following in pairwise(chosen):
        people = rule("people_in_front").ends(tokens, span.first, 0)
        if people is None:
            continue
        if not _is_in_time(tokens, span):
            continue
        # as in "For participants >= 60 years without diabetes: SBP >= 160 mmHg"
        start = tokens.codes.find(":", span.end, following.first)
        words_end = start
        if start < 0:
            behind = rule("behind_people").starts(tokens, span.end)
            start = span.end
            if behind:
                start = behind.end
            words_end = span.end
        if not names_known(chart, start, following.first):
            continue
        if rule("sentence_break").search(tokens, span.end, following.first):
            continue
        yield _Subject(
            (people.place("words")[0], words_end),
            (start, _find_closing(tokens, following.end)),
        )


def _find_cases_in_bracket(
    chart: Chart, tokens: Tokens, chosen: Sequence[Expression]
) -> Iterator[_Subject]:
    """Yield the people, or the cases, that a bracket behind a limit names in front of another limit
    of the same quantity: "KPS >= 70 % (for brain tumours, >= 60 %)".
    """
    for at, span in enumerate(chosen):
        opening = _find_opening(tokens, span.end)
        if opening is None:
            continue
        closing = _find_end_of_bracket(tokens, opening)
        inside = [one for one in chosen[at + 1 : at + 3] if one.first < closing]
        for following in inside:
            words = _find_words_of_case(chart, tokens, span, following, opening + 1)
            if words:
                yield _Subject(words, (words[1], closing))
                break


def _find_opening(tokens: Tokens, at: int) -> int | None:
    """Return the bracket that opens behind a limit, or behind the rest of its unit."""
    gap = rule("rest_before_bracket").starts(tokens, at)
    if gap:
        at = gap.end
    if tokens.code_at(at) == "(":
        return at
    return None


def _find_end_of_bracket(tokens: Tokens, at: int) -> int:
    """Return the bracket that closes shortly after a token, or -1."""
    return tokens.codes.find(")", at, at + _LONGEST_BRACKET)


def _find_words_of_case(
    chart: Chart, tokens: Tokens, span: Expression, following: Expression, first: int
) -> Range | None:
    """Return the words, from token ``first`` on, that say for whom the ``following`` limit changes
    that of ``span``. Return None if they name another quantity, or nobody.
    """
    # "(for patients over 65 years, ...)" is not yet the limit that changes
    if _is_in_time(tokens, following) and not _is_in_time(tokens, span):
        return None
    names = ["case_in_bracket", "people_in_bracket"]
    unit = span.value[-1].amount.unit
    # as in "(athletes: 40 to 100 bpm)"
    if unit is not None and unit == following.value[0].amount.unit:
        names.append("named_case_in_bracket")
    for name in names:
        case = rule(name).covers(tokens, first, following.first)
        if case and not _names_other_quantity(chart, tokens, *case.place("words")):
            return case.place("words")
    return None


def _names_other_quantity(chart: Chart, tokens: Tokens, first: int, end: int) -> bool:
    """Return whether the words in front of a limit in a bracket name a quantity, as the "for AST"
    in "ALT < 60 U/L (for AST: < 50 U/L)" does, and "for liver metastases" does not.
    """
    # "if creatinine is elevated" is a case, whatever it names
    if rule("opens_clause_of_case").starts(tokens, first):
        return False
    if rule("quantity_or_case").ends(tokens, end, first):
        return False
    return names_known(chart, first, end)


def _find_closing(tokens: Tokens, at: int) -> int:
    """Return the end of the clause of a subject, at or after a token."""
    closings = _list_closings(tokens)
    index = bisect_left(closings, at)
    if index < len(closings):
        return closings[index]
    return len(tokens)


@keep
def _list_closings(tokens: Tokens) -> list[int]:
    """Return the places at which the clause of a subject may end."""
    return [closing.first for closing in rule("subject_closing").find(tokens)]


def _holds_limit(chosen: Sequence[Expression], place: Range) -> bool:
    """Return whether one of the chosen spans begins within a range of tokens."""
    at = bisect_left(chosen, place[0], key=attrgetter("first"))
    return any(span.first < place[1] for span in chosen[at : at + 1])


def _find_enclosing_subject(
    subjects: Sequence[_Subject], span: Expression, part: str
) -> _Subject | None:
    """Return the subject whose ``part``, its words or its clause, contains a span, or None."""
    find_end = attrgetter(part)
    at = bisect_left(subjects, span.end, key=lambda subject: find_end(subject)[1])
    for subject in subjects[at : at + 1]:
        # the "1: 18" of "Part 1: 18 years" may be read as a titre
        if find_end(subject)[0] < span.end:
            return subject
    return None


class _Link(NamedTuple):
    """A chosen span, and the link of the one before it."""

    span: Expression
    before: _Link | None


def _choose_spans(
    chart: Chart, tokens: Tokens, introduced: Set[str]
) -> list[Expression]:
    """Return the spans that are read as limits, from left to right: the non-overlapping spans with
    the highest total weight. ``introduced`` contains the known quantities that are named in the
    line above.
    """
    weighed = [_weigh(span, chart, tokens, introduced) for span in chart.all("bounds")]
    by_end = sorted(filter(None, weighed), key=lambda span: (span.end, span.first))
    ends = [span.end for span in by_end]
    # best[n] is the highest total weight of the first n spans, with the chosen spans, each linked
    # to the previous one: a list for each span would take quadratic time
    best: list[tuple[float, _Link | None]] = [(0.0, None)]
    for index, span in enumerate(by_end):
        # the number of spans that end before this one begins
        before = bisect_right(ends, span.first, hi=index)
        total, link = best[before]
        taken = total + span.weight, _Link(span, link)
        best.append(max(best[-1], taken, key=itemgetter(0)))
    chosen = deque[Expression]()
    _, link = best[-1]
    while link:
        chosen.appendleft(link.span)
        link = link.before
    return [*chosen]


def _weigh(
    span: Expression, chart: Chart, tokens: Tokens, introduced: Set[str]
) -> Expression | None:
    """Return a span with the weight by which it competes with the spans that overlap it, or None
    if it is not a limit. The weight grows with its length and, if a known quantity is named nearby
    or in ``introduced``, with the number of its bounds.
    """
    weight = span.weight + _WORD_WEIGHT * (span.end - span.first)
    last = span.value[-1]
    # "> 1 mg/dL" before "above baseline"
    if rule("relative_after").starts(tokens, last.end):
        return None
    # "above the ULN" after "10 mg"
    if span.rule == "at_bound" and chart.ending("amount", span.first):
        return None
    # a duration is a limit without a quantity: "for 6 months"
    if last.amount.time:
        return replace(span, weight=weight)
    # the name follows directly or after one token: "> 30 of BMI"
    near = chart.between(span.first - _NEAR, span.end + 2, "quantity")
    is_named = bool(near or introduced)
    if last.amount.unit is None:
        # a unit that was not joined to its number, "one of the following", "half of their usual"
        if chart.at("unit", last.end):
            return None
        if rule("cannot_count").starts(tokens, last.end):
            return None
        if span.rule == "range" and span.parts[0].kind != "range_opening":
            # without a comparator or a scale: a list or a date, unless a quantity is named
            if is_named:
                return replace(span, weight=weight - _UNITLESS_PENALTY)
            return None
    if is_named:
        weight += len(span.value)
    return replace(span, weight=weight)


def _are_cases(tokens: Tokens, span: Expression, following: Expression) -> bool:
    """Return whether two limits in a row are for two cases of one quantity, so that the words
    behind each are its condition: ">= 9 g/dL without transfusion, >= 10 g/dL after transfusion",
    "INR < 1.5 (2 to 3.5 on warfarin)". They are no grades or times and have one unit, and the
    second directly follows the first in brackets, or has the same comparator and no name of its
    own directly before it.
    """
    last: Bound = span.value[-1]
    first: Bound = following.value[0]
    # "grade 2, grade 3" and "2 weeks, 4 weeks" are values of different things
    if span.rule.startswith("grades"):
        return False
    if last.amount.time:
        return False
    if last.amount.unit != first.amount.unit:
        return False
    if tokens.codes[span.end : following.first] == "(":
        return True
    if rule("case_link").ends(tokens, following.first, span.end) is None:
        return False
    return last.comparator is first.comparator


def _find_clause(
    chart: Chart,
    tokens: Tokens,
    chosen: Sequence[Expression],
    index: int,
    last: Limit | None,
) -> Range:
    """Return the tokens around the span at ``index``, up to the neighbouring chosen spans or a
    sentence break. A semicolon after a mention of people is not treated as a break: "male; 92 cm".

    The clause begins after the condition of the previous limit, ``last``: in "Hb > 9 g/dL unless
    transfused, INR < 1.5", the INR's clause does not include "unless transfused".
    """
    span = chosen[index]
    first = 0
    if index:
        first = chosen[index - 1].end
    if last and last.condition and last.condition[1] <= span.first:
        first = max(first, last.condition[1])
    end = len(tokens)
    for following in chosen[index + 1 : index + 2]:
        end = following.first
    for sentence_break in rule("sentence_break").find(tokens, first, span.first):
        if not chart.ending("value_people", sentence_break.first):
            first = sentence_break.end
    sentence_end = rule("sentence_break").search(tokens, span.end, end)
    if sentence_end:
        end = sentence_end.first
    return first, end


def _read_limits(
    chart: Chart,
    tokens: Tokens,
    span: Expression,
    clause: Range,
    last: Limit | None,
    *,
    is_case: bool,
) -> Iterator[Limit]:
    """Yield the limits of a chosen span. ``last`` is the previous limit, whose quantity these
    limits inherit if their clause does not name one. ``is_case`` is passed to ``find_owner``.
    """
    bounds: Bounds = span.value
    owner = find_owner(
        chart, tokens, clause, span, follows=last is not None, is_case=is_case
    )
    # whichever of the two names the quantity
    namer: LimitOwner | Limit = owner
    if last and owner.quantity is None:
        # in "smoker in the last year or >= 1 pack-year", the first limit is not of pack-years
        is_of_time = last.time_unit and not last.is_known
        if bounds[0].amount.time or not is_of_time:
            namer = last
    explained = [span.place]
    if owner.condition:
        explained.append(owner.condition)
    unexplained_words = list_unexplained(chart, tokens, clause, explained)
    unexplained = _count_left(unexplained_words, span, namer.quantity)
    for at, bound in enumerate(bounds):
        amount = bound.amount
        time_unit = None
        if amount.time:
            time_unit = amount.time.value
        place: Bound | Expression = bound
        # a single limit has all the words of its span
        if len(bounds) == 1:
            place = span
        yield Limit(
            bound.comparator,
            amount.low,
            amount.high,
            place.first,
            place.end,
            bound.counted or namer.quantity,
            amount.unit,
            time_unit,
            _find_condition(tokens, span, at, owner.condition),
            sure=bound.sure,
            scale_words=bound.scale_words,
            number=(bound.first, bound.end),
            is_known=namer.is_known,
            rule=span.rule,
            unexplained=unexplained,
            clause=_divide(clause, bounds, at),
            inherits=namer is last,
        )


def _find_condition(
    tokens: Tokens, span: Expression, at: int, condition: Range | None
) -> Range | None:
    """Return the condition of the limit at index ``at`` of a span. ``condition`` is the condition
    of the whole span, but in "<= 3 x ULN (5 x ULN if liver metastases)" it applies only to the last
    limit.
    """
    # "in women" of the second limit in ">= 13 g/dL in men and 12 in women"
    people = span.value[at].condition
    if people:
        return strip_bracket(tokens, people.place)
    is_last = at + 1 == len(span.value)
    # the last grade of "ECOG 0-1, or 2 if due to the tumour"
    if not is_last and span.rule == "grades_of_case":
        return None
    if is_last or span.rule != "restated":
        return condition
    # as in "<= 1.5 x ULN (<= 3 mg/dL for patients with Gilbert's syndrome)"
    if condition and _is_in_bracket(tokens, span, condition):
        return None
    # bounds in two units are one limit: "<= 3 x ULN (<= 120 U/L) if liver metastases"
    units = {read_unit(bound.amount.unit) for bound in span.value}
    if len(units) > 1:
        return condition
    return None


def _is_in_bracket(tokens: Tokens, span: Expression, condition: Range) -> bool:
    """Return whether the words behind a limit that is stated again in a bracket stand in this
    bracket.
    """
    restated = span.parts[-1]
    is_bracket = tokens.codes[restated.first - 1] in "(["
    between = tokens.codes[span.end : condition[0]]
    if not is_bracket:
        return False
    if condition[0] < span.end:
        return False
    return not set(")]") & set(between)


def _divide(clause: Range, bounds: Bounds, at: int) -> Range:
    """Return the part of a clause that belongs to the bound at index ``at``: the tokens from the
    previous bound to the next one.
    """
    start, stop = clause
    if at:
        before = bounds[at - 1]
        # "in men" of ">= 13 g/dL in men and 12 in women" belongs to the first
        start = before.end
        if before.condition:
            start = before.condition.end
    if at + 1 < len(bounds):
        stop = bounds[at + 1].first
    if start < stop:
        return (start, stop)
    return clause


def _count_left(
    unexplained_words: Sequence[int], span: Expression, name: Range | None
) -> tuple[int, int, int]:
    """Return the numbers of unexplained words before a limit, in the name of its quantity, and
    after the limit. A word of the name counts only as such.
    """
    first, end = name or (0, 0)
    before = in_name = behind = 0
    for at in unexplained_words:
        if first <= at < end:
            in_name += 1
        elif at < span.first:
            before += 1
        else:
            behind += 1
    return before, in_name, behind


def _find_unit_apart(tokens: Tokens, limit: Limit) -> Limit:
    """Add the unit written between the quantity and the number of a limit, in brackets or after a
    comma or "in": "Hb (g/dL) >= 9". A limit that already has a unit is returned unchanged.
    """
    if limit.unit or not limit.quantity:
        return limit
    first = limit.quantity[0]
    openings = _list_units_apart(tokens)
    place = bisect_right(openings, first, key=attrgetter("first"))
    # only the first opening behind the beginning of the name
    for opening in openings[place : place + 1]:
        unit = _read_unit(tokens, opening.end, limit.first)
        if unit:
            return replace(_add_unit(limit, *unit), quantity=(first, opening.first))
    return limit


def _read_plural_age(tokens: Tokens, limit: Limit) -> Limit:
    """Return a limit whose "s" is the plural of an age, and no second, as an age in years: "under
    16s". A limit of something that is named before it is returned unchanged.
    """
    if limit.unit != "s" or rule("plural_age").starts(tokens, limit.first) is None:
        return limit
    if limit.quantity and limit.quantity[0] < limit.first:
        return limit
    # "walks 20 m in over 15s"
    if rule("timed_before").ends(tokens, limit.first):
        return limit
    return replace(limit, unit=None, time_unit="year", quantity=None, is_known=False)


@keep
def _list_units_apart(tokens: Tokens) -> list[RuleMatch]:
    """Return the openings before the units of a line that are apart from a number."""
    openings: list[RuleMatch] = []
    for opening in rule("unit_apart_opening").find(tokens):
        if _read_unit(tokens, opening.end) is None:
            continue
        # the "(s)" in "platelet(s)" is not the unit of seconds
        if opening.text == "(" and tokens.joined(opening.first):
            continue
        # the "(F)" in "Hb >= 12 (F) / 13 (M)"
        if rule("value_people").starts(tokens, opening.first):
            continue
        openings.append(opening)
    return openings


def _share_stated_unit(tokens: Tokens, limits: list[Limit]) -> list[Limit]:
    """Return the limits, adding a unit that the line states for all of them: "WBC >= 3, platelets
    >= 100 (both x 10^9/L)". Limits with a unit, ages and grades are returned unchanged.
    """
    unit = None
    for opening in rule("unit_of_all").find(tokens):
        unit = _read_unit(tokens, opening.end)
        if unit:
            break
    if unit is None:
        return limits
    shared: list[Limit] = []
    for limit in limits:
        # an age has a unit of its own, and a grade has none
        if limit.unit or limit.rule.startswith("grades"):
            shared.append(limit)
        else:
            shared.append(_add_unit(limit, *unit))
    return shared


def _read_unit(
    tokens: Tokens, at: int, end: int | None = None
) -> tuple[str, str] | None:
    """Return the power of ten, which may be "", and the unit that begin at token ``at`` and end
    before token ``end``, by default the end of the line. Return None if no unit begins there.
    """
    power = rule("power_of_ten").starts(tokens, at, end)
    if power:
        at = power.end
    unit = rule("limit_unit").starts(tokens, at, end)
    if unit is None:
        return None
    if not read_time_unit(unit.text) and not read_unit(unit.text):
        return None
    if power:
        return power.text, unit.text
    return "", unit.text


def _add_unit(limit: Limit, power: str, unit: str) -> Limit:
    """Return a limit with a unit that is multiplied by a power of ten."""
    time = read_time_unit(unit)
    if time:
        return replace(limit, unit=unit, time_unit=time.value)
    low = limit.value
    high = limit.value_high
    if power:
        # without the "x" of "x 10^9"
        factor = power.lstrip("x×* ")
        low = read_number(f"{low:g} x {factor}") or low
        if high is not None:
            high = read_number(f"{high:g} x {factor}")
    return replace(limit, value=low, value_high=high, unit=unit)


def _join_conditions(tokens: Tokens, limits: Sequence[Limit]) -> list[Limit]:
    """Return the limits, each with its part in the condition of the limit before it.

    - It ends the condition, and becomes a part of it: "clearance >= 60 mL/min if creatinine > 1.5 x
      ULN".
    - It shares the quantity and the unit, and the condition is its own: "at least 40 kg, and for
      the biopsy cohort at least 50 kg".
    - It is an age that makes a condition: "ALT <= 3 x ULN for age >= 16".
    """
    joined = list(limits)
    for at, (limit, following) in enumerate(pairwise(limits)):
        condition = limit.condition
        if condition:
            is_between = limit.end <= condition[0]
            if not is_between:
                continue
            if condition[1] != following.first:
                continue
            if following.inherits and following.unit == limit.unit:
                joined[at] = replace(limit, condition=None)
                joined[at + 1] = replace(following, condition=condition)
                continue
            joined[at] = replace(limit, condition=(condition[0], following.end))
            joined[at + 1] = replace(following, qualifies=True)
            continue
        of_age = rule("condition_of_age").starts(tokens, limit.end)
        if limit.is_known and of_age and of_age.end >= following.first:
            # an age has no unit but its own
            unit = None
            if following.time_unit:
                unit = following.unit
            place = strip_bracket(tokens, (limit.end, following.end))
            joined[at] = replace(limit, condition=place)
            joined[at + 1] = replace(following, qualifies=True, unit=unit)
    return joined


def _join_people_in_brackets(tokens: Tokens, limits: Sequence[Limit]) -> list[Limit]:
    """Return the limits; people of an age in a bracket behind a limit are its condition, and their
    age a part of it, even if they are of both sexes: "> 20 ug/L (men and women over 50 years)".
    """
    joined = list(limits)
    for at, (limit, age) in enumerate(pairwise(limits)):
        if limit.time_unit or not age.time_unit or age.qualifies:
            continue
        people = rule("people_before_their_age").ends(tokens, age.first, limit.end)
        if people is None or limit.condition:
            continue
        closing = _find_end_of_bracket(tokens, age.end)
        if people.first - limit.end <= _BEFORE_BRACKET and closing >= 0:
            joined[at] = replace(limit, condition=(people.first + 1, closing))
            joined[at + 1] = replace(age, qualifies=True)
    return joined


def _complete_brackets(tokens: Tokens, limits: Sequence[Limit]) -> list[Limit]:
    """Return the limits; a condition in a bracket behind its limit that ends at a comma or a
    conjunction goes on to the end of its bracket, unless a limit for others begins there: "(men,
    and women after the menopause)".
    """
    complete = list(limits)
    for at, limit in enumerate(limits):
        if limit.condition is None:
            continue
        first, end = limit.condition
        if first < limit.end:
            continue
        if tokens.codes[first - 1] != "(":
            continue
        if rule("case_link").starts(tokens, end) is None:
            continue
        closing = _find_end_of_bracket(tokens, end)
        following = [other for other in limits[at + 1 : at + 3] if not other.qualifies]
        is_shared = any(other.first < closing for other in following)
        if closing >= 0 and "(" not in tokens.codes[end:closing] and not is_shared:
            complete[at] = replace(limit, condition=(first, closing))
    return complete
