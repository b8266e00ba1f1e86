"""Read whom a criterion and its limits admit: demands, exceptions, the sex of a limit, how the text
bounds an age.

The facts go into the extraction, so that its users need not read the quotes again.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from extractor.concepts.criteria.exceptions import add_exceptions
from extractor.concepts.criteria.negation import find_negation
from extractor.concepts.limits.conditions import find_sexes, name_sex
from extractor.concepts.limits.criterion import read_constraints
from extractor.concepts.limits.quantity_names import KnownQuantity, name_quantity
from extractor.concepts.limits.read import find_limits
from extractor.concepts.people.registered_ages import AGES
from extractor.evidence.drafts import Span
from extractor.language.book import rule
from extractor.language.lexer import Tokens
from extractor.language.passage import LexedSection, Passage, read_passage
from extractor.language.units import read_unit
from extractor.schemas import (
    Age,
    Comparator,
    Constraint,
    Criterion,
    CriterionKind,
    Eligibility,
    Evidence,
    FieldRef,
    Origin,
    Support,
    TrialExtraction,
)

_SIDES = dict(zip(AGES, "><", strict=True))
"""The first sign of the comparators that bound each age."""
_STATUSES = frozenset(
    {
        "ecog_performance_status",
        "karnofsky",
        "lansky",
        "karnofsky_or_lansky",
        "ecog_or_karnofsky",
    }
)
_ROUNDED = 0.93
"""How near two forms of one limit are at least: 126 mg/dL and 7 mmol/L, 200 mg/dL and 11 mmol/L."""
_CONTEXT_OF_LIMIT = 200
"""Characters on each side of a limit that may name its quantity."""


def describe_criterion(criterion: Criterion, passage: Passage) -> Criterion:
    """Add to a criterion what its words say of whom it admits, and to the evidence of its limits
    what each limits.

    ``passage`` holds the criterion, in the section to which the offsets of its evidence refer.

    >>> said = Criterion(
    ...     kind="exclusion",
    ...     section="eligibility",
    ...     quote="Participants must be off steroids",
    ... )
    >>> describe_criterion(said, read_passage(said.quote)).demanded
    True
    """
    tokens = passage.alone().tokens
    criterion = add_exceptions(criterion, passage)
    includes = criterion.kind is CriterionKind.INCLUSION
    negated = criterion.negated
    if negated is None:
        negated = find_negation(tokens, 0, len(tokens)) is not None
    update: dict[str, Any] = {
        "negated": negated,
        "turned": bool(
            negated and criterion.constraints and rule("must_not").search(tokens)
        ),
        "demanded": not includes and rule("demanded").starts(tokens, 0) is not None,
    }
    places = {
        at: (place.first - passage.first, place.end - passage.first)
        for at, piece in enumerate(criterion.evidence)
        if FieldRef(piece.field).path == "constraints" and piece.field != "constraints"
        for place in [passage.section.between(piece.start, piece.end)]
    }
    if places:
        sexes = find_sexes(tokens, places)
        pieces = list(criterion.evidence)
        alternatives = _find_alternatives(
            tokens, criterion, places, with_and=not includes or update["turned"]
        )
        for at in places:
            limit = _get_limit(criterion, at)
            sex = name_sex(limit.condition, sexes[at][0] if at in sexes else None)
            known = {
                "sex": sex,
                "quantity": _name_by_context(limit, pieces[at], passage),
                "alternative": at in alternatives,
            }
            pieces[at] = pieces[at].model_copy(update=known)
        update["evidence"] = tuple(pieces)
    return criterion.model_copy(update=update)


def _find_alternatives(
    tokens: Tokens,
    criterion: Criterion,
    places: Mapping[int, tuple[int, int]],
    *,
    with_and: bool,
) -> set[int]:
    """Return those limits of which one is enough to take part, by the place of their evidence.

    ``with_and``: "and" joins such limits, as in an exclusion, since who has only one of both may
    take part.
    """
    order = sorted(places, key=lambda at: places[at][1])
    alternatives = set[int]()
    is_listed = False
    for at, other in reversed(list(pairwise(order))):
        end = places[at][1]
        first = max(end, places[other][0])
        joint = rule("and_limit" if with_and else "or_limit").starts(tokens, end)
        if joint and (first == end or joint.end >= first):
            limit = _get_limit(criterion, at)
            is_joined = _are_two(limit, _get_limit(criterion, other), with_and=with_and)
        else:
            is_joined = False
        # the joint before the last limit of a list is that of all
        goes_on = rule("listed_limit").covers(tokens, end, first) is not None
        is_listed = is_joined or (is_listed and goes_on)
        if is_listed:
            alternatives |= {at, other}
    return alternatives


def _get_limit(criterion: Criterion, at: int) -> Constraint:
    """Return the limit of a piece of evidence."""
    field = FieldRef(criterion.evidence[at].field)
    return criterion.constraints[field.position or 0]


def _are_two(limit: Constraint, other: Constraint, *, with_and: bool) -> bool:
    """Return whether two limits are no forms of one: "126 mg/dL or 7 mmol/L", "ECOG 0-1 or
    Karnofsky >= 70", "men, women".
    """
    if limit.condition or other.condition:
        return False
    quantities = [_name_limited(limit), _name_limited(other)]
    if all(quantity and quantity.name in _STATUSES for quantity in quantities):
        return False
    if limit.quantity.casefold() != other.quantity.casefold():
        return True
    if with_and:
        return False
    if limit.comparator is not other.comparator:
        return True
    return not _are_near(limit, other)


def _name_limited(limit: Constraint) -> KnownQuantity | None:
    unit = read_unit(limit.unit) if limit.unit else None
    return name_quantity(limit.quantity, unit, value=limit.value)


def _are_near(limit: Constraint, other: Constraint) -> bool:
    """Return whether two limits in canonical units are forms of one, apart from rounding."""
    values = []
    for form in (limit, other):
        quantity = _name_limited(form)
        unit = read_unit(form.unit) if form.unit else None
        value = quantity.to_canonical(form.value, unit) if quantity else None
        if value is None:
            return False
        values.append(abs(value))
    return min(values) >= _ROUNDED * max(values)


def describe_gold(
    extraction: TrialExtraction, *, located: bool = True
) -> TrialExtraction:
    """Add to the criteria of gold what their words say of whom they admit. Other extractions stay
    as they are.

    Gold has no evidence. ``located`` adds that of the limits, with offsets into the quote and so
    with an empty section.
    """
    criteria = tuple(
        criterion if criterion.evidence else _describe_gold(criterion, located=located)
        for criterion in extraction.eligibility.criteria
    )
    eligibility = extraction.eligibility.model_copy(update={"criteria": criteria})
    return extraction.model_copy(update={"eligibility": eligibility})


def _describe_gold(criterion: Criterion, *, located: bool) -> Criterion:
    passage = read_passage(criterion.quote)
    read = read_constraints(
        passage, find_limits(passage.tokens, criterion.kind), criterion.lead_in or ""
    )
    places = list(zip(read.list_values(), read.spans, strict=True)) if located else []
    pieces: list[Evidence] = []
    for at, limit in enumerate(criterion.constraints):
        place = _find_same_numbers(limit, places)
        if place:
            # each place is that of one limit
            places.remove(place)
            start = place[1].start
            end = place[1].end
            piece = Evidence(
                field=f"constraints[{at}]",
                section="",
                start=start,
                end=end,
                quote=criterion.quote[start:end],
                origin=Origin.RULE,
                support=Support.PARSED,
            )
            pieces.append(piece)
    return describe_criterion(
        criterion.model_copy(update={"evidence": tuple(pieces)}), passage
    )


def _find_same_numbers(
    limit: Constraint, places: Sequence[tuple[Constraint, Span]]
) -> tuple[Constraint, Span] | None:
    """Return the first read limit with the comparator and the numbers of a limit, and its place."""
    for read, span in places:
        if _say_numbers(read) == _say_numbers(limit):
            return read, span
    return None


def _say_numbers(limit: Constraint) -> tuple[Comparator, float, float | None]:
    return limit.comparator, limit.value, limit.value_high


def describe_ages(
    eligibility: Eligibility, sections: Mapping[str, LexedSection]
) -> Eligibility:
    """Add to the evidence of both ages how its words bound them: "over 18 years" is ``>``, "under
    65" ``<``.

    The words count if they stand with the criteria where there are any: "elderly over 65" in a
    summary is loose.
    """
    listed = {one.section for one in eligibility.criteria}
    pieces: list[Evidence] = []
    for piece in eligibility.evidence:
        if piece.field in AGES and (piece.section in listed or not listed):
            tokens = (
                sections[piece.section].between(piece.start, piece.end).alone().tokens
            )
            comparator = _bound_age(
                tokens, getattr(eligibility, piece.field), _SIDES[piece.field]
            )
            pieces.append(piece.model_copy(update={"comparator": comparator}))
        else:
            pieces.append(piece)
    return eligibility.model_copy(update={"evidence": tuple(pieces)})


def _bound_age(tokens: Tokens, age: Age, side: str) -> Comparator | None:
    """Return the comparator of an age on its ``side``, ">" or "<"; None if no single number of the
    words has its value, or that bounds the other side. "Not older than 65", and "under 18" among
    exclusions, name the other side, so the opposite counts too.
    """
    for limit in find_limits(tokens, None):
        if limit.value != age.value or limit.value_high is not None:
            continue
        for comparator in (limit.comparator, limit.comparator.opposite):
            if comparator and comparator[0] == side:
                return comparator
        return None
    return None


def _name_by_context(
    limit: Constraint, piece: Evidence, passage: Passage
) -> str | None:
    """Return the quantity that the words around a limit name, if its own words name another one:
    "men", "BP".
    """
    unit = read_unit(limit.unit) if limit.unit else None
    start, end = passage.raw_span
    around = passage.section.raw[
        max(start, piece.start - _CONTEXT_OF_LIMIT) : min(
            end, piece.end + _CONTEXT_OF_LIMIT
        )
    ]
    own = name_quantity(limit.quantity, unit, value=limit.value)
    named = name_quantity(limit.quantity, unit, around, limit.value, piece.quote)
    return named.name if named and named != own else None
