"""Find limits: a quantity, its comparator, its numbers and their unit."""

from collections.abc import Sequence

from extractor.parse.parsed import Span
from extractor.schemas import Comparator, Constraint, Support
from extractor.text.aliases import find_entry
from extractor.text.book import find_terms, rule
from extractor.text.lexer import Range, Tokens, lex
from extractor.text.numbers import is_two_ways, list_readings
from extractor.text.passage import Passage
from extractor.text.quantity_names import choose_reading

from .names import find_names
from .number_units import borrows_unit, has_unit, stands_bare
from .places import Derived, Supported, cut, find_quote, span_of
from .times import is_part
from .values import (
    encloses,
    find_comparator,
    find_open_end,
    find_together,
    find_turned,
    is_denied,
    is_of_another,
    is_said_of,
)


def find_constraint(value: Constraint, passage: Passage, *, is_named: bool = False) -> Supported | None:
    """A limit whose quantity the passage names; ``is_named``: that is known. An age needs no name: "2 to 18 years"."""
    tokens = cut(passage)
    wanted = [word.lower() for word in lex(value.quantity).words]
    named = _find_subjects(tokens, wanted)
    quantity = find_quote(passage, value.quantity)
    if quantity is None and not named and not is_named and value.quantity.lower() != "age":
        bare = {word for word in wanted if word.isalnum()}
        if rule("pressure_pair").search(tokens):
            bare -= _PRESSURES
        if not bare or not bare <= set(map(str.lower, tokens.words)):  # in any order
            return _find_renamed(value, passage)
    place = find_limit(tokens, value.comparator, (value.value, value.value_high), value.unit, wanted)
    if place is None or _reads_otherwise(tokens, place, value):
        return None
    number = place.first, place.end
    nearest = sorted(named, key=lambda subject: abs(subject[0] - number[0]))[:2]
    is_own = not nearest or any(is_said_of(tokens, subject, number) for subject in nearest)
    span = span_of(passage, tokens, *number)
    if quantity:
        span = Span(span.section, min(span.start, quantity.start), max(span.end, quantity.end))
    sure = is_own and not has_other_reading(tokens, place)
    return Supported(value, span, place.support if sure else Support.INFERRED)


def has_other_reading(tokens: Tokens, place: Derived) -> bool:
    """Whether a number there may mean another value as well: "100.000" proves neither 100 nor 100000.

    A comma before three digits marks thousands, as in English.
    """
    return any(is_two_ways(word) and "," not in word for word in tokens.words[place.first : place.end])


def _reads_otherwise(tokens: Tokens, place: Derived, value: Constraint) -> bool:
    """Whether a number with two readings is usual for the quantity only as the other one."""
    bounds = {value.value, value.value_high}
    for word in filter(is_two_ways, tokens.words[place.first : place.end]):
        meant, sure = choose_reading(word, value.quantity, value.unit, tokens.text)
        if sure and meant not in bounds and not bounds.isdisjoint(list_readings(word)):
            return True
    return False


def _find_subjects(tokens: Tokens, wanted: Sequence[str]) -> list[Range]:
    """The places of a quantity's words, in lower case. "FEV1" beside "FEV1/FVC" is a quantity of its own."""
    words, size = [word.lower() for word in tokens.words], len(wanted)
    places = [(at, at + size) for at in range(len(words) - size + 1) if wanted and words[at : at + size] == wanted]
    alone = [(at, end) for at, end in places if "/" not in (*words[max(0, at - 1) : at], *words[end : end + 1])]
    return alone or places


_PRESSURES = frozenset({"systolic", "diastolic"})


def _find_renamed(value: Constraint, passage: Passage) -> Supported | None:
    """A limit whose quantity has another name in the passage: "ANC" for "absolute neutrophil count"."""
    entries = (find_entry(value.quantity, vocabulary) for vocabulary in ("measures", "instruments"))
    span = next((span for entry in entries if entry for span in find_names(entry, passage)), None)
    if span is None:
        return None
    named = value.model_copy(update={"quantity": passage.section.raw[span.start : span.end]})
    return find_constraint(named, passage, is_named=True)


def find_limit(
    tokens: Tokens,
    comparator: Comparator,
    values: tuple[float | None, ...],
    unit: str | None,
    subject: Sequence[str] = (),
) -> Derived | None:
    """Find a limit's numbers with its unit, and with a comparator that does not contradict it.

    A number without a comparator takes its meaning from its list, so the comparator is inferred. ``subject`` holds
    the words of the limit's quantity, in lower case.

    >>> from extractor.text.book import read_text
    >>> tokens = read_text("Hemoglobin >= 8 g/dL and ECOG <= 2")
    >>> find_limit(tokens, Comparator.AT_MOST, (2, None), None)
    Derived(first=11, end=12, support=<Support.PARSED: 'parsed'>)
    >>> find_limit(tokens, Comparator.AT_LEAST, (2, None), None) is None
    True
    """
    if comparator is Comparator.BETWEEN and None in values:
        return None
    implied = None
    others = {
        pair.place(name)[0]
        for pair in rule("pressure_pair").find(tokens)
        for name in _PRESSURES
        if name not in subject and not _PRESSURES.isdisjoint(subject)
    }
    named = _find_subjects(tokens, subject)
    for place in find_together(tokens, values):
        own = stands_bare(tokens, place, subject) if unit is None else has_unit(tokens, place, unit)
        if chain := rule("chained_limit").starts(tokens, place[0]):  # "145 mmHg ≤ SBP ≤ 190"
            own = own or (chain.end >= place[1] and chain.read("low_unit") == unit)
        borrowed = not own and unit is not None and borrows_unit(tokens, place, unit, {*subject, *_PRESSURES})
        if place[0] in others or not (own or borrowed) or is_of_another(tokens, place, named) or is_part(tokens, place):
            continue
        shown = tokens.cut(0, place[1]) if unit == "+" else tokens  # the plus of "IHC 3+" is no "or more"
        stated = find_comparator(shown, place) or find_turned(tokens, place, " ".join(subject), unit)
        if comparator is Comparator.BETWEEN and not encloses(tokens, place, values):
            continue
        if comparator is not Comparator.BETWEEN and stated in (None, Comparator.BETWEEN):
            end = find_open_end(tokens, place, values[0] or 0, "range_joint" if stated else "through")
            if end not in (None, comparator) and not is_denied(tokens, place, end, comparator):
                continue
        signs = {stated, *(term.value for term in find_terms(tokens, "comparators", *place))}
        # ">= 18 and < 65" is no range from 18 to 65: an end of it does not count.
        whole = comparator is Comparator.BETWEEN and signs.isdisjoint((Comparator.LESS, Comparator.MORE))
        if own and (whole or (stated is comparator and comparator is not Comparator.BETWEEN)):
            return Derived(*place)
        is_open = stated in (None, comparator, Comparator.BETWEEN) or comparator is Comparator.BETWEEN
        is_open = is_open or is_denied(tokens, place, stated, comparator)
        if is_open and implied is None:
            implied = Derived(*place, Support.INFERRED)
    return implied
