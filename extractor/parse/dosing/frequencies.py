"""How often an agent is given, as a code of the guideline."""

from collections.abc import Iterator, Sequence

from extractor.schemas import Frequency, TimeUnit
from extractor.text.book import find_terms, rule
from extractor.text.lexer import Tokens
from extractor.text.numbers import read_number
from extractor.text.patterns import Found
from extractor.text.times import WHOLE_DAYS, read_time_unit

from .days import code_interval, find_days
from .marks import Mark, drop_overlaps, number_sentences

__all__ = ["find_frequencies"]

_PER_DAY = {1: Frequency.QD, 2: Frequency.BID, 3: Frequency.TID, 4: Frequency.QID}
_PER_WEEK = {1: Frequency.QW, 2: Frequency.BIW, 3: Frequency.TIW, 7: Frequency.QD}
_PER_MONTH = {1: Frequency.QM, 2: Frequency.Q2W}
_HOURS = {4: Frequency.Q4H, 6: Frequency.Q6H, 8: Frequency.Q8H, 12: Frequency.Q12H, 24: Frequency.QD, 48: Frequency.QOD}
_COMMON = (Frequency.QD, Frequency.BID, Frequency.QW, Frequency.Q2W, Frequency.Q3W, Frequency.Q4W)
_TRUST = dict.fromkeys(Frequency, 0.95) | dict.fromkeys(_COMMON, 0.98) | {Frequency.ONCE: 0.92, Frequency.OTHER: 0.94}
_TRUST_OF_SEVERAL = 0.75
"""Shares of right codes among those that stand in the words about a labelled dose, without listed days."""
_MOST_DAYS = 14
"""Giving on each of more days than these is not implied."""


def find_frequencies(tokens: Tokens) -> tuple[Mark[Frequency], ...]:
    """Every stated frequency, left to right.

    >>> from extractor.text.book import read_text
    >>> found = find_frequencies(read_text("q12h, then every three weeks, 3 times a week, b.i.d."))
    >>> [mark.value.value for mark in found]
    ['Q12H', 'Q3W', 'TIW', 'BID']
    """
    found = (*_find_intervals(tokens), *_find_counts(tokens), *_find_weekdays(tokens), *_find_fixed(tokens))
    stated = _drop_totals(tokens, drop_overlaps(found))
    return _trust(tokens.text, drop_overlaps([*stated, *_find_each_day(tokens, stated)]))


def _mark(value: Frequency, found: Found) -> Mark[Frequency]:
    return Mark(value, *found.span)


def _find_intervals(tokens: Tokens) -> Iterator[Mark[Frequency]]:
    """Every stated interval, rule by rule; they may overlap."""
    for found in rule("days_every").find(tokens):
        yield _mark(Frequency.QD, found)
    for found in rule("either_interval").find(tokens):
        yield _mark(Frequency.OTHER, found)
    for name in ("every_interval", "interval_apart", "per_interval", "hyphened_interval"):
        for found in rule(name).find(tokens):
            low, unit = read_number(found.read("low") or ""), _read_unit(found.read("unit") or "")
            if (
                low is None
                or unit is TimeUnit.MINUTE
                or rule("no_giving_before").ends(tokens, found.first, found.first - 10)
            ):
                continue
            ranged = "high" in found.match.re.groupindex and found.has("high")
            yield _mark(Frequency.OTHER if ranged else _code(low, unit), found)


def _read_unit(text: str) -> TimeUnit:
    """The unit of an interval: "hourly" is one, and "m" is a month."""
    return read_time_unit(text.lower().removesuffix("ly")) or TimeUnit.MONTH


def _code(count: float, unit: TimeUnit) -> Frequency:
    if unit is TimeUnit.HOUR:
        return next((code for hours, code in _HOURS.items() if hours == count), Frequency.OTHER)
    return code_interval(count * WHOLE_DAYS[unit])


def _find_counts(tokens: Tokens) -> Iterator[Mark[Frequency]]:
    for found in rule("counted_times").find(tokens):
        yield _mark(Frequency.OTHER if found.has("range") else _code_count(found, "low", "unit"), found)
    for found in rule("times_behind").find(tokens):
        yield _mark(_code_count(found, "high", "unit" if found.has("unit") else "unit_behind"), found)
    for found in rule("doses_a_day").find(tokens):
        if code := _PER_DAY.get(_read_count(found, "low")):
            yield _mark(code, found)
    for found in rule("divided_doses").find(tokens):
        name = next(name for name in ("number", "number_before", "number_daily", "number_doses") if found.has(name))
        count = _read_count(found, name)
        yield _mark(_PER_DAY.get(count, Frequency.OTHER), found)
    for found in rule("one_giving").find(tokens):
        ones = {"1", "one"}.intersection(word.lower() for word in tokens.words[found.first : found.first + 2])
        if ones and not _is_label(tokens, found):
            yield _mark(Frequency.ONCE, found)


def _is_label(tokens: Tokens, found: Found) -> bool:
    """Whether "1 dose" goes on "phase 1 dose escalation"."""
    before = tokens.words[found.first - 1].lower() if found.first else ""
    return rule("label_before").ends(tokens, found.first) is not None or before in ("day", "week", "-", "/", ",", ".")


def _read_count(found: Found, name: str) -> int:
    value = read_number(found.read(name) or "")
    return int(value) if value is not None and value == value // 1 < 100 else 0


def _code_count(found: Found, number: str, unit: str) -> Frequency:
    letter = (found.read(unit) or "")[0].lower()
    table = {"d": _PER_DAY, "w": _PER_WEEK, "m": _PER_MONTH}[letter]
    return table.get(_read_count(found, number), Frequency.OTHER)


def _find_weekdays(tokens: Tokens) -> Iterator[Mark[Frequency]]:
    for found in rule("weekdays").find(tokens):
        days = 0 if found.has("through") else sum(1 for _ in rule("weekday").find(tokens, found.first, found.end))
        yield _mark({2: Frequency.BIW, 3: Frequency.TIW}.get(days, Frequency.OTHER), found)


def _find_fixed(tokens: Tokens) -> Iterator[Mark[Frequency]]:
    for term in find_terms(tokens, "frequencies"):
        first = term.first
        either = term.value == "BID" and [word.lower() for word in tokens.words[max(0, first - 2) : first]]
        if either in (["once", "or"], ["once", "to"]):
            yield Mark(Frequency.OTHER, tokens.starts[first - 2], tokens.ends[term.end - 1])
        else:
            yield Mark(Frequency(term.value), tokens.starts[first], tokens.ends[term.end - 1])


def _drop_totals(tokens: Tokens, marks: Sequence[Mark[Frequency]]) -> Sequence[Mark[Frequency]]:
    """Without the "per day" of a total that is divided: "40 mg per day in two divided doses"."""
    divided = [tokens.at(mark.start) for mark in marks if "divided" in tokens.text[mark.start : mark.end].lower()]
    if not divided:
        return marks
    kept = []
    for mark in marks:
        end = tokens.before(mark.end)
        gaps = [at for at in divided if end <= at <= end + 3]
        if mark.value is not Frequency.QD or not any(tokens.codes.find("\n", end, at) < 0 for at in gaps):
            kept.append(mark)
    return kept


def _find_each_day(tokens: Tokens, marks: Sequence[Mark[Frequency]]) -> Iterator[Mark[Frequency]]:
    """The days on each of which a dose is given, in sentences that neither state a frequency nor list days."""
    spans = [found.part("span") for found in rule("each_of_days").find(tokens)]
    spans += [(found.first, found.end) for found in rule("consecutive_days").find(tokens)]
    found = [
        Mark(Frequency.QD, tokens.starts[span[0]], tokens.ends[span[1] - 1])
        for span in spans
        if span and 2 <= _read_first(tokens, *span) <= _MOST_DAYS
    ]
    if not found:
        return
    others = [*marks, *find_days(tokens)]
    numbers = number_sentences(tokens.text, [*found, *others])
    stated = set(numbers[len(found) :])
    yield from (mark for mark, sentence in zip(found, numbers, strict=False) if sentence not in stated)


def _read_first(tokens: Tokens, first: int, end: int) -> float:
    """The first number of a range of tokens, or 0."""
    return next((read_number(word) or 0 for word in tokens.words[first:end] if read_number(word)), 0)


def _trust(text: str, marks: Sequence[Mark[Frequency]]) -> tuple[Mark[Frequency], ...]:
    """A code that is the only one of its sentence is surer than the first of two."""
    sentences = number_sentences(text, marks)
    codes: dict[int, set[Frequency]] = {}
    for mark, sentence in zip(marks, sentences, strict=True):
        codes.setdefault(sentence, set()).add(mark.value)
    return tuple(
        Mark(mark.value, mark.start, mark.end, _TRUST_OF_SEVERAL if len(codes[sentence]) > 1 else _TRUST[mark.value])
        for mark, sentence in zip(marks, sentences, strict=True)
    )
