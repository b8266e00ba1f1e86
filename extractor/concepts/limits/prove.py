"""Check the limits from a model: a limit is kept if a mention in its line states the same limit on
the same quantity.
"""

from collections.abc import Iterator

from extractor.concepts.aliases import find_entry
from extractor.concepts.limits.mentions import NumberMention, find_mentions
from extractor.concepts.limits.number_units import (
    has_unit,
    may_be_years,
    shares_unit,
    stands_bare,
)
from extractor.concepts.limits.owners import is_own
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
from extractor.language.lexer import Range, Tokens, lex
from extractor.language.numbers import is_two_ways
from extractor.language.passage import Passage
from extractor.language.units import read_unit
from extractor.schemas import Comparator, Constraint, Quantity, Support

_MULTIPLES = ("{ULN}", "{LLN}")
_NO_LIMITS = (NumberRole.SCALE, NumberRole.PART)
_MOST_SAME = 24
"""Maximum number of mentions with the same numbers to examine. Lines in real records do not
contain more.
"""


def find_constraint(
    value: Constraint, passage: Passage
) -> Supported[Constraint] | None:
    """Return a constraint with its place in a passage; return None if the passage does not state
    the constraint for this quantity. An age does not have to be named: "2 to 18 years". If the
    passage uses another name for the quantity, such as "ANC" for "absolute neutrophil count", the
    constraint takes that name.
    """
    for name, place in _list_names(value.quantity, passage):
        renamed = value.model_copy(update={"quantity": name})
        proven = _find_named(renamed, place, passage)
        if proven:
            return proven
    return None


def _list_names(quantity: str, passage: Passage) -> Iterator[tuple[str, Span | None]]:
    """Yield the names that a passage may use for a quantity, each with its place: the constraint's
    own words, another name from the vocabularies, or the constraint's own words with no place.
    """
    place = find_quote(passage, quantity)
    if place:
        yield quantity, place
    for vocabulary in ("measures", "instruments"):
        entry = find_entry(quantity, vocabulary)
        # only the first place of the other name is tried
        for span in find_names(entry, passage) if entry else ():
            written = passage.section.raw[span.start : span.end]
            if written != quantity:
                yield written, span
            break
    if place is None:
        yield quantity, None


def _find_named(
    value: Constraint, place: Span | None, passage: Passage
) -> Supported[Constraint] | None:
    """Return a constraint with the span from the name of its quantity to its number; return None
    if the passage does not state the constraint with its unit.
    """
    limit = find_limit(cut(passage), value, value.quantity)
    if limit is None:
        return None
    span = locate(passage, limit.first, limit.end)
    if place:
        start = min(span.start, place.start)
        span = Span(span.section, start, max(span.end, place.end))
    return Supported(value, span, limit.support)


def find_limit(
    tokens: Tokens, value: Constraint | Quantity, quantity: str = ""
) -> Derived | None:
    """Return the place of the mention that states a limit, with its support, or None if the line
    does not state the limit. Mentions that state the limit take precedence over mentions from
    which it can be inferred. ``quantity`` is the name of the limited quantity; without it,
    mentions of any quantity are accepted.

    >>> from extractor.language.book import read_text
    >>> tokens = read_text("Hemoglobin >= 8 g/dL and ECOG <= 2")
    >>> find_limit(tokens, Quantity(comparator=Comparator.AT_MOST, value=2), "ECOG")
    Derived(first=9, end=12, support=<Support.PARSED: 'parsed'>)
    >>> find_limit(tokens, Quantity(comparator=Comparator.AT_LEAST, value=2)) is None
    True
    """
    mentions = find_mentions(tokens)
    values = {value.value, value.value_high}
    same = [
        at
        for at, mention in enumerate(mentions)
        if any(not values.isdisjoint(pair) for pair in mention.bounds)
    ]
    best = None
    for at in same[:_MOST_SAME]:
        mention = mentions[at]
        support = _prove(value, quantity, mention, tokens)
        place = Derived(mention.first, mention.end, support or Support.INFERRED)
        if support is Support.PARSED:
            return place
        best = best or (place if support else None)
    return best


def _prove(
    value: Constraint | Quantity,
    quantity: str,
    mention: NumberMention,
    tokens: Tokens,
) -> Support | None:
    """Return how a mention supports a limit, or None if it does not. The mention must have the
    same numbers, comparator and unit, must not be part of a scale or a name, and must not belong
    to another quantity. The limit is treated as inferred if its quantity is uncertain, if it is a
    change or a target, or if its number has another reading. Otherwise, the numbers determine the
    support.
    """
    numbers = _compare(value, mention)
    # the 5 in "ECOG 0-2 on a scale of 0 to 5"
    if numbers is None:
        return None
    if mention.role in _NO_LIMITS:
        return None
    own = not quantity or is_own(quantity, mention, tokens)
    if own is None:
        return None
    if not _has_unit(value, quantity, mention, tokens):
        return None
    is_stated = own and mention.role is NumberRole.STATED
    if not is_stated or has_other_reading(tokens, Derived(*mention.number)):
        return Support.INFERRED
    return numbers


def _compare(value: Constraint | Quantity, mention: NumberMention) -> Support | None:
    """Return how a mention supports the numbers and the comparator of a limit, or None if it does
    not.

    The support is "parsed" if the numbers are the most likely reading of the mention and the words
    allow only one comparator. It is "inferred" if the numbers are a less likely reading or one end
    of a range.
    """
    bounds = (value.value, value.value_high)
    low, high = mention.bounds[0]
    if bounds in mention.bounds:
        if value.comparator not in mention.comparators:
            return None
        is_sure = mention.stated and bounds == (low, high)
        if is_sure:
            return Support.PARSED
        return Support.INFERRED
    if high is None:
        return None
    if Comparator.BETWEEN not in mention.comparators:
        return None
    ends = ((Comparator.AT_LEAST, low, None), (Comparator.AT_MOST, high, None))
    if (value.comparator, *bounds) in ends:
        return Support.INFERRED
    return None


def _has_unit(
    value: Constraint | Quantity, quantity: str, mention: NumberMention, tokens: Tokens
) -> bool:
    """Return whether the number of a mention has the unit of a limit, or lacks a unit if the limit
    does not have one. The ``quantity`` may be the counted noun: "10 cigarettes". A score given as
    a percentage may be written with or without its unit ("Karnofsky of 70" or "70 %"). A number
    without a unit may share the unit of the previous or next number.
    """
    subject = {word.lower() for word in lex(quantity).words}
    place = mention.number
    unit = value.unit
    read = None
    if mention.unit:
        read = read_unit(mention.unit)
    code = read_unit(unit) if unit else "%"
    is_share = code == "%" and _is_in_percent(quantity)
    if is_share and has_unit(tokens, place, "%"):
        return True
    if unit is None or is_share:
        if read in _MULTIPLES:
            return False
        return stands_bare(tokens, place, subject)
    if code == "a" and "age" in subject and may_be_years(tokens, place):
        return True
    if code is not None and read == code:
        return True
    return _has_written(unit, quantity, tokens, place)


def _has_written(unit: str, quantity: str, tokens: Tokens, place: Range) -> bool:
    """Return whether a number has a unit after it, or shares the unit of the next number."""
    if has_unit(tokens, place, unit):
        return True
    known = find_exactly(quantity)
    fits = known is None or known.fits(read_unit(unit) or unit)
    if not fits:
        return False
    return shares_unit(tokens, place, unit)


def _is_in_percent(quantity: str) -> bool:
    known = find_exactly(quantity)
    if known is None:
        return False
    return tuple(known.linear.get("%", ())) == (1, 0)


def has_other_reading(tokens: Tokens, place: Derived) -> bool:
    """Return whether the number at a place is ambiguous: "100.000" may be 100 or 100000. A comma
    before three digits marks thousands, as in English.
    """
    words = tokens.words[place.first : place.end]
    return any(is_two_ways(word) and "," not in word for word in words)
