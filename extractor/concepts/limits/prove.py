"""Prove limits: the mention of a line that says the same of the same quantity."""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from extractor.concepts.aliases import find_entry
from extractor.concepts.limits.bounds import BOTH_COUNT, LOWER, UPPER
from extractor.concepts.limits.groups_of_people import is_of_other_group
from extractor.concepts.limits.mentions import (
    Measured,
    Mention,
    find_mentions,
)
from extractor.concepts.limits.number_units import (
    borrows_unit,
    has_unit,
    leaves_units_out,
    stands_bare,
)
from extractor.concepts.limits.owners import SIDES, is_own
from extractor.concepts.limits.quantity_names import find_exactly
from extractor.concepts.limits.roles import NumberRole
from extractor.concepts.places import (
    Derived,
    Supported,
    cut,
    find_names,
    find_quote,
    locate,
)
from extractor.evidence.drafts import Span
from extractor.language.book import rule
from extractor.language.lexer import Range, Tokens, lex
from extractor.language.numbers import is_two_ways
from extractor.language.passage import Passage
from extractor.language.units import read_unit
from extractor.schemas import Comparator, Constraint, Quantity, Support

_STRICT = frozenset({Comparator.MORE, Comparator.LESS})
"""The comparators that leave out their own value."""
_ENDS = 12
"""How many mentions before or behind one may be the other end of its range."""
_MOST_SAME = 24
"""The most mentions of the same numbers that are looked at. No line of a record has more."""


def find_constraint(value: Constraint, passage: Passage) -> Supported | None:
    """Return a constraint with its place in a passage, if the passage states it of this quantity;
    None if it does not. An age needs no name: "2 to 18 years".

    A unit that the passage leaves out is inferred if it is usual for the quantity: "BP > 150/90".
    """
    return _find_as_written(value, passage) or _find_without_unit(value, passage)


def _find_as_written(value: Constraint, passage: Passage) -> Supported | None:
    """Return a constraint with its place if the passage states it with its unit, else None. The
    place covers the words of the quantity, where the passage has them.

    Another name of the quantity that the passage has instead, or whose limit it states, is as good:
    "ANC" for "absolute neutrophil count".
    """
    tokens = cut(passage)
    quantity = find_quote(passage, value.quantity)
    if quantity is None:
        renamed = _find_renamed(value, passage)
        if renamed:
            return renamed
    limit = find_limit(tokens, value, value.quantity)
    if limit is None:
        return _find_renamed(value, passage)
    span = locate(passage, limit.first, limit.end)
    if quantity:
        start = min(span.start, quantity.start)
        end = max(span.end, quantity.end)
        span = Span(span.section, start, end)
    return Supported(value, span, limit.support)


def _find_without_unit(value: Constraint, passage: Passage) -> Supported | None:
    """Return the constraint as the passage states it, without a unit and as inferred: "BP >
    150/90", "BMI over 35".

    None if the unit is not usual for the quantity or is a multiple of a limit of normal, if a
    number of the passage has the unit, if the words of the limit have another unit, or if the
    passage does not surely state the number.
    """
    known = find_exactly(value.quantity)
    code = read_unit(value.unit) if value.unit else None
    is_usual = known is not None and code is not None and known.fits(code)
    # a bare factor is no multiple: "twice" says nothing of what
    is_multiple = code in ("{ULN}", "{LLN}")
    if is_multiple or not is_usual:
        return None
    if _gives_unit(value, cut(passage)):
        return None
    bare = _find_as_written(value.model_copy(update={"unit": None}), passage)
    if bare is None or bare.support is not Support.PARSED:
        return None
    words = passage.section.between(bare.span.start, bare.span.end)
    if not leaves_units_out(cut(words)):
        return None
    return replace(bare, support=Support.INFERRED)


def _gives_unit(value: Constraint, tokens: Tokens) -> bool:
    """Return whether any number of a line has the unit of a limit."""
    if value.unit is None:
        return False
    return any(
        has_unit(tokens, mention.number, value.unit)
        for mention in find_mentions(tokens)
    )


def find_limit(
    tokens: Tokens, value: Constraint | Quantity, quantity: str = ""
) -> Derived | None:
    """Return the place of the mention of a line that says a limit, and how surely; None if none
    does. The first mention that states it goes before those from which it is only inferred.

    ``quantity`` is the name of what is limited; without it, a mention of anything counts.

    >>> from extractor.language.book import read_text
    >>> tokens = read_text("Hemoglobin >= 8 g/dL and ECOG <= 2")
    >>> find_limit(tokens, Quantity(comparator=Comparator.AT_MOST, value=2), "ECOG")
    Derived(first=8, end=12, support=<Support.PARSED: 'parsed'>)
    >>> find_limit(tokens, Quantity(comparator=Comparator.AT_LEAST, value=2)) is None
    True
    """
    mentions = find_mentions(tokens)
    values = {value.value, value.value_high}
    best = None
    looked_at = 0
    for at, mention in enumerate(mentions):
        if not any(not values.isdisjoint(pair) for pair in mention.bounds):
            continue
        if looked_at == _MOST_SAME:
            break
        looked_at += 1
        near = mentions[max(0, at - _ENDS) : at + _ENDS]
        support = _prove(value, quantity, mention, near, tokens)
        if support is Support.PARSED:
            return Derived(mention.first, mention.end, support)
        if support and best is None:
            best = Derived(mention.first, mention.end, support)
    return best


def _prove(
    value: Constraint | Quantity,
    quantity: str,
    mention: Mention,
    near: Sequence[Mention],
    tokens: Tokens,
) -> Support | None:
    """Return how a mention proves a limit; None if it does not. ``near`` are the mentions around
    it, which may be the other end of its range.

    The mention must have the numbers and the comparator, be no part of a scale or a name, and be
    said of the quantity, at least perhaps. A number without the unit may share that of another
    number of its quantity. The limit is inferred if its unit is shared, if it is open whether the
    mention is said of the quantity, if it is a change or an aim, or if its number has another
    reading; else it is as sure as its numbers.
    """
    numbers = _compare_numbers(value, quantity, mention, near, tokens)
    if not numbers:
        return None
    # the 5 of "ECOG 0-2 on a scale of 0 to 5"
    if mention.role in (NumberRole.SCALE, NumberRole.PART):
        return None
    own = not quantity or is_own(quantity, mention, tokens)
    if own is None:
        return None
    if not has_unit_of(value, quantity, mention, tokens):
        may_share = own and _shares_unit(value, quantity, mention, tokens)
        return Support.INFERRED if may_share else None
    if not own or mention.role is not NumberRole.STATED:
        return Support.INFERRED
    # "100.000"
    if has_other_reading(tokens, Derived(*mention.number)):
        return Support.INFERRED
    return numbers


def _compare_numbers(
    value: Constraint | Quantity,
    quantity: str,
    mention: Mention,
    near: Sequence[Mention],
    tokens: Tokens,
) -> Support | None:
    """Return how surely a mention says the numbers and the comparator of a limit; None if it does
    not. For a range, a mention ``near`` it of the same quantity may say the upper end.
    """
    numbers = compare(value, mention)
    if numbers or value.value_high is None:
        return numbers
    ends = []
    for other in near:
        if (value.value_high, None) not in other.bounds:
            continue
        if not quantity or is_own(quantity, other, tokens) is not None:
            ends.append(other)
    return compare_ends(value, mention, ends)


def compare(value: Constraint | Quantity, mention: Mention) -> Support | None:
    """Return how surely a mention says the numbers and the comparator of a limit; None if it does
    not.

    It is parsed if the numbers are those of the likeliest reading of the mention, and the words
    leave no choice of the comparator. It is inferred if they are those of another reading, or if
    the limit has one number, which is an end of the range that the mention says.
    """
    bounds = (value.value, value.value_high)
    if bounds in mention.bounds:
        if value.comparator not in mention.comparators:
            return None
        likeliest = mention.bounds[0]
        is_sure = mention.stated and bounds == likeliest
        return Support.PARSED if is_sure else Support.INFERRED
    is_range = value.value_high is not None
    if is_range or not _says_range(mention):
        return None
    return Support.INFERRED if _is_end(value, mention) else None


def _says_range(mention: Mention) -> bool:
    """Return whether the likeliest reading of a mention has two ends, and its words may mean all
    that lies between them.
    """
    _, high = mention.bounds[0]
    return high is not None and Comparator.BETWEEN in mention.comparators


def _is_end(value: Constraint | Quantity, mention: Mention) -> bool:
    """Return whether a limit with one number is an end of the range that a mention says: "≥" with
    the lower or "≤" with the upper number. If the range is denied, it is what lies outside.
    """
    low, high = mention.bounds[0]
    low_sign = Comparator.AT_LEAST
    high_sign = Comparator.AT_MOST
    # "no grade 3-4"
    if mention.is_denied:
        low_sign = Comparator.LESS
        high_sign = Comparator.MORE
    if value.value == high:
        return value.comparator is high_sign
    return value.value == low and value.comparator is low_sign


def compare_ends(
    value: Constraint | Quantity, mention: Mention, ends: Sequence[Mention]
) -> Support | None:
    """Return how surely a mention is the lower end of the range ``value``, and one of ``ends`` its
    upper end: ">= 18 and <= 65".

    It is stated if both have signs that count their ends, else inferred. None if the mention is no
    lower end, if none of ``ends`` is an upper one, or if all pairs of stated signs leave an end
    out.
    """
    if (value.value, None) not in mention.bounds:
        return None
    if set(UPPER).issuperset(mention.comparators):
        return None
    others = []
    for end in ends:
        is_lower = set(LOWER).issuperset(end.comparators)
        if end.role is NumberRole.STATED and not is_lower:
            others.append(end)
    signs = []
    if mention.stated:
        own = mention.comparators[0]
        signs = [(own, end.comparators[0]) for end in others if end.stated]
    if BOTH_COUNT in signs:
        return Support.PARSED
    # ">= 18 and < 65" leaves an end out, and is two limits
    if signs and all(not _STRICT.isdisjoint(pair) for pair in signs):
        return None
    return Support.INFERRED if others else None


def has_unit_of(
    value: Constraint | Quantity, quantity: str, mention: Mention, tokens: Tokens
) -> bool:
    """Return whether the number of a mention has the unit of a limit, or has none if the limit has
    none. What it counts may be named by the ``quantity``: "10 cigarettes".

    A score in percent ("Karnofsky of 70", or "70 %") may have its unit or not. A number without a
    unit may also have that of the number before or behind it.
    """
    subject = {word.lower() for word in lex(quantity).words}
    place = mention.number
    known = find_exactly(quantity)
    is_score = False
    if known:
        is_score = tuple(known.linear.get("%", ())) == (1, 0)
    if value.unit is None:
        if stands_bare(tokens, place, subject):
            return True
        return is_score and has_unit(tokens, place, "%")
    code = read_unit(value.unit)
    if is_score and code == "%" and stands_bare(tokens, place, subject):
        return True
    if code and mention.unit and read_unit(mention.unit) == code:
        return True
    if has_unit(tokens, place, value.unit):
        return True
    fits = bool(known and code and known.fits(code))
    return borrows_unit(tokens, place, value.unit, subject | SIDES, fits=fits)


def _shares_unit(
    value: Constraint | Quantity, quantity: str, mention: Mention, tokens: Tokens
) -> bool:
    """Return whether a bare number may have the unit of another number of its quantity in the line:
    "QTc over 450 (men) or 470 (women) msec". An age, a grade and a count have no such unit.
    """
    if not (quantity and value.unit):
        return False
    if mention.kind is Measured.AGE or not stands_bare(tokens, mention.number):
        return False
    end = mention.number[1]
    # the 2 of "2+ or more, or 0.3 g" is a grade
    if tokens.words[end : end + 1] == ["+"] or mention.unit == "+":
        return False
    # "73 ETDRS letters", "2 diagnostic blocks"
    if rule("counted_noun").starts(tokens, end):
        return False
    return bool(_find_with_unit(tokens, quantity, value.unit) - {mention.number})


@lru_cache(maxsize=16)
def _find_with_unit(tokens: Tokens, quantity: str, unit: str) -> frozenset[Range]:
    """Return the tokens of all stated numbers in a line that are surely of a quantity and have a
    unit.
    """
    places = set[Range]()
    for mention in find_mentions(tokens):
        if mention.role is not NumberRole.STATED:
            continue
        if not has_unit(tokens, mention.number, unit):
            continue
        if is_own(quantity, mention, tokens):
            places.add(mention.number)
    return frozenset(places)


def _find_renamed(value: Constraint, passage: Passage) -> Supported | None:
    """Return a constraint that the passage states under another name of its quantity ("ANC" for
    "absolute neutrophil count"), with the passage's name. None if the passage has no other name or
    does not state it, or if the words of the quantity name the group of another limit.
    """
    span = _find_other_name(value.quantity, passage)
    if span is None:
        return None
    written = passage.section.raw[span.start : span.end]
    if written == value.quantity:
        return None
    renamed = find_constraint(value.model_copy(update={"quantity": written}), passage)
    if renamed and _is_of_other_group(value.quantity, renamed.span, passage):
        return None
    return renamed


def _find_other_name(quantity: str, passage: Passage) -> Span | None:
    """Return the place of the first name in a passage that the vocabulary of measures or of
    instruments has for a quantity; None if it does not know the quantity, or no name is there.
    """
    for vocabulary in ("measures", "instruments"):
        entry = find_entry(quantity, vocabulary)
        if entry:
            for span in find_names(entry, passage):
                return span
    return None


def _is_of_other_group(quantity: str, span: Span, passage: Passage) -> bool:
    """Return whether the words of a quantity name another group of people than that of every number
    in a span; False if the span has no number.
    """
    tokens = cut(passage)
    has_number = False
    for mention in find_mentions(tokens):
        if not span.contains(locate(passage, *mention.number)):
            continue
        has_number = True
        if not is_of_other_group(quantity, mention, tokens):
            return False
    return has_number


def has_other_reading(tokens: Tokens, place: Derived) -> bool:
    """Return whether a number there may mean another value as well: "100.000" proves neither 100
    nor 100000.

    A comma before three digits marks thousands, as in English.
    """
    return any(
        is_two_ways(word) and "," not in word
        for word in tokens.words[place.first : place.end]
    )
