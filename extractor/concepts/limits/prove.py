"""Check the limits from a model: a limit is kept if a mention in its line states the same limit on
the same quantity, and its condition if no other limit has it.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from extractor.concepts.aliases import find_entry
from extractor.concepts.limits.mentions import NumberMention, find_mentions
from extractor.concepts.limits.ownership import AGE_WORDS, Ownership, judge_owner
from extractor.concepts.limits.quantity_names import find_exactly
from extractor.concepts.limits.read import find_limits
from extractor.concepts.limits.written_numbers import (
    NO_LIMITS,
    NumberRole,
    has_unit,
    may_be_years,
    stands_bare,
)
from extractor.concepts.people.whose import find_people
from extractor.concepts.places import (
    Derived,
    find_names_of_entry,
    find_quote,
    find_quotes,
    locate,
)
from extractor.evidence.drafts import Objection, Span, Supported, Why
from extractor.language.book import rule
from extractor.language.lexer import Tokens, lex
from extractor.language.numbers import is_two_ways
from extractor.language.passage import Passage
from extractor.language.units import read_unit
from extractor.measures import Limit
from extractor.measures.makers import MULTIPLES
from extractor.schemas import Comparator, Constraint, Quantity, Support

_BRACKETS = re.compile(r" ?[()]")
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
        if entry is None:
            continue
        # only the first place of the other name is tried
        for span in find_names_of_entry(entry, passage):
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
    limit = find_limit(passage.cut(), value, value.quantity)
    if limit is None:
        return None
    span = locate(passage, limit.first, limit.end)
    # the evidence shows the name and the number together
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
    values = {value.value, value.value_high}
    # the mentions that have at least one number of the limit
    with_value = [
        mention
        for mention in find_mentions(tokens)
        if any(not values.isdisjoint(bounds) for bounds in mention.bounds)
    ]
    inferred = None
    for mention in with_value[:_MOST_SAME]:
        support = _prove(value, quantity, mention, tokens)
        if support is None:
            continue
        place = Derived(mention.first, mention.end, support)
        if support is Support.PARSED:
            return place
        inferred = inferred or place
    return inferred


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
    if numbers is None or mention.role in NO_LIMITS:
        return None
    ownership = Ownership.OWN
    if quantity:
        ownership = judge_owner(quantity, mention, tokens)
    if ownership is Ownership.OTHER:
        return None
    if not _has_unit(value, quantity, mention, tokens):
        return None
    is_sure = ownership is Ownership.OWN and mention.role is NumberRole.STATED
    if not is_sure or has_other_reading(tokens, Derived(*mention.number)):
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
    low, high = mention.likeliest
    if bounds in mention.bounds:
        if value.comparator not in mention.comparators:
            return None
        if mention.stated and bounds == (low, high):
            return Support.PARSED
        return Support.INFERRED
    # one end of a stated range: "at least 18" from "18 to 65"
    ends = ((Comparator.AT_LEAST, low, None), (Comparator.AT_MOST, high, None))
    if (value.comparator, *bounds) in ends:
        return Support.INFERRED
    return None


def _has_unit(
    value: Constraint | Quantity, quantity: str, mention: NumberMention, tokens: Tokens
) -> bool:
    """Return whether the number of a mention has the unit of a limit, or lacks a unit if the limit
    does not have one. The ``quantity`` may be the counted noun: "10 cigarettes". A score given as
    a percentage may be written with or without its unit ("Karnofsky of 70" or "70 %").
    """
    place = mention.number
    is_share = value.unit is None or read_unit(value.unit) == "%"
    if is_share:
        known = find_exactly(quantity)
        is_share = known is not None and known.is_in_percent
    if is_share and has_unit(tokens, place, "%"):
        return True
    subject = {word.lower() for word in lex(quantity).words}
    if value.unit is None or is_share:
        # "ALT <= 3 x ULN" does not state a count of 3
        if read_unit(mention.unit) in MULTIPLES:
            return False
        return stands_bare(tokens, place, subject)
    code = read_unit(value.unit)
    # "aged 18": the years of an age need no unit
    if (
        code == "a"
        and not subject.isdisjoint(AGE_WORDS)
        and may_be_years(tokens, place)
    ):
        return True
    if code in _list_codes(mention.unit):
        return True
    return has_unit(tokens, place, value.unit)


def _list_codes(unit: str | None) -> set[str]:
    """Return the codes of a written unit, which may be stated twice: "standard deviations (SD)"."""
    codes: set[str] = set()
    if unit is None:
        return codes
    for written in (unit, *_BRACKETS.split(unit)):
        code = read_unit(written)
        if code is not None:
            codes.add(code)
    return codes


def has_other_reading(tokens: Tokens, place: Derived) -> bool:
    """Return whether the number at a place is ambiguous: "100.000" may be 100 or 100000. A comma
    before three digits marks thousands, as in English.
    """
    words = tokens.words[place.first : place.end]
    return any(is_two_ways(word) and "," not in word for word in words)


def prove_condition(
    supported: Supported[object],
    limit: Constraint,
    here: Passage,
    lead_in: Passage | None,
) -> tuple[Supported[object], Objection | None]:
    """Return a model's ``limit`` with only a condition that belongs to it, and the objection to any
    other condition. ``supported`` is the limit with its place in the criterion ``here``, and
    ``lead_in`` the line that introduces the criterion.

    - If the criterion lacks the words of the condition, the limit loses it and is marked as
      inferred. Words of ``lead_in`` hold for every item below it: they are removed without doubt
      and without an objection.
    - If the condition seems to belong to another limit, the limit keeps it and is doubted: without
      it, the limit would apply to everybody.
    - If the rules do not read the condition as that of this limit, the limit keeps it and is
      marked as inferred.
    """
    condition = limit.condition
    if not condition:
        return supported, None
    places = list(find_quotes(here, condition))
    if not places:
        bare = replace(supported, value=limit.model_copy(update={"condition": None}))
        if lead_in and any(find_quotes(lead_in, condition)):
            return bare, None
        objection = Objection(Why.NOT_STATED, part="condition", value=condition)
        return replace(bare, support=Support.INFERRED), objection
    own, others = _split_limits(limit, supported.span, here)
    own_conditions = _list_conditions(here, own)
    # where the rules read the words as the condition of this limit
    confirmed = [place for place in places if overlaps_any(place, own_conditions)]
    nearest = min(places, key=lambda place: abs(place.start - supported.span.start))
    place = next(iter(confirmed), nearest)
    words = here.section.raw[place.start : place.end]
    kept = replace(supported, value=limit.model_copy(update={"condition": words}))
    if confirmed:
        return kept, None
    is_of_other = own_conditions or overlaps_any(place, _list_conditions(here, others))
    if is_of_other or _is_of_other_clause(here, place, own, others):
        stated = next(iter(own_conditions), None)
        objection = Objection(
            Why.OTHER_OWNER, stated, "condition", value=condition, is_kept=True
        )
        doubts = (Why.OTHER_OWNER,)
        return replace(kept, support=Support.INFERRED, features=doubts), objection
    return replace(kept, support=Support.INFERRED), None


def _split_limits(
    limit: Constraint, span: Span, here: Passage
) -> tuple[list[Limit], list[Limit]]:
    """Return the limits of a criterion that state the model's ``limit`` at ``span``, and the
    others.
    """
    own: list[Limit] = []
    others: list[Limit] = []
    for stated in find_limits(here.cut(), None):
        # two limits may have the same number: "ALT and bilirubin < 3 x ULN"
        has_value = limit.value in (stated.value, stated.value_high)
        if has_value and locate(here, *stated.number).overlaps(span):
            own.append(stated)
        else:
            others.append(stated)
    return own, others


def overlaps_any(span: Span, others: Iterable[Span]) -> bool:
    """Return whether a span overlaps at least one other."""
    return any(map(span.overlaps, others))


def _list_conditions(here: Passage, limits: Sequence[Limit]) -> list[Span]:
    """Return the places of the conditions that the rules read for these limits."""
    tokens = here.cut()
    conditions = []
    for limit in limits:
        people = find_people(tokens, (limit.first, limit.end), limit.condition)
        if people.condition:
            conditions.append(locate(here, *people.condition))
    return conditions


def _is_of_other_clause(
    here: Passage, place: Span, own: Sequence[Limit], others: Sequence[Limit]
) -> bool:
    """Return whether the words at a place are in the clause of one of the ``others``, or whether a
    clause break separates them from the first of the ``own`` limits to which they are near.
    """
    cleaned = here.section.cleaned
    tokens = here.cut()
    first = tokens.at(cleaned.clean_position(place.start))
    end = tokens.before(cleaned.clean_position(place.end))
    for limit in own:
        if limit.clause[0] <= first and end <= limit.clause[1]:
            return bool(rule("parts_clause").search(tokens, end, limit.number[0]))
        if first < limit.number[0]:
            return True
    return any(limit.clause[0] <= first < limit.clause[1] for limit in others)
