"""Determine whom a criterion and its limits admit: the criterion's requirements and exceptions,
the sex to which each limit applies, and whether age bounds are inclusive.

These facts are added to the extraction, so that users do not have to interpret the quotes.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice, pairwise
from typing import NamedTuple

from extractor.concepts.criteria.exceptions import add_exceptions, find_negation
from extractor.concepts.limits.canonical import (
    CanonicalLimit,
    name_limit,
    name_limits,
)
from extractor.concepts.limits.criterion import read_constraints
from extractor.concepts.limits.quantity_names import name_quantity
from extractor.concepts.limits.read import find_limits
from extractor.concepts.people.registered_ages import SIDES
from extractor.concepts.people.whose import find_people
from extractor.concepts.places import find_quotes
from extractor.language.book import read_text, rule
from extractor.language.lexer import Range, Tokens
from extractor.language.passage import (
    LexedSections,
    Passage,
    read_passage,
)
from extractor.language.units import read_unit
from extractor.language.values import group_pairs
from extractor.schemas import (
    Age,
    Comparator,
    Constraint,
    Criterion,
    CriterionGroup,
    Eligibility,
    Evidence,
    FieldRef,
    GroupRule,
    Origin,
    Support,
    TrialExtraction,
)

# Chosen by hand.
_NEAR = 3
"""Number of tokens after "or" within which a limit may begin."""
# Chosen by hand.
_CONTEXT_OF_LIMIT = 200
"""Number of characters on each side of a limit within which its quantity may be named."""


class DescribedCriterion(NamedTuple):
    """The cells derived from a criterion and its limits.

    Attributes:
        decides: Whether the criterion is decisive on its own; False for an alternative in a group.
        limits: The derived cells of each limit, in the criterion's order.
    """

    decides: bool
    limits: tuple[dict[str, object], ...]


def describe_criterion(criterion: Criterion, passage: Passage) -> Criterion:
    """Add facts about whom a criterion admits: its exceptions, and whether it is negated,
    ``turned`` or ``demanded``. The evidence for each limit states the sex to which the limit
    applies, the quantity that the surrounding words name, and whether the limit is one of several
    alternatives. Each limit gets the canonical name of its quantity.

    ``turned`` means that the criterion's comparators have already been reversed because of the
    words "must not". ``demanded`` means that it is an exclusion worded as a requirement.
    ``passage`` contains the criterion, in the section to which the offsets of its evidence refer.

    >>> criterion = Criterion(
    ...     kind="exclusion",
    ...     section="eligibility",
    ...     quote="Participants must be off steroids",
    ... )
    >>> describe_criterion(criterion, read_passage(criterion.quote)).demanded
    True
    """
    tokens = passage.cut()
    criterion = add_exceptions(criterion, passage)
    is_exclusion = not criterion.is_inclusion
    negated = criterion.negated
    if negated is None:
        negated = find_negation(tokens, 0, len(tokens)) is not None
    is_turned = False
    # without a limit, there is no comparator that "must not" may have reversed
    if negated and criterion.constraints:
        is_turned = rule("must_not").occurs(tokens)
    is_demanded = is_exclusion and rule("demanded").starts(tokens, 0) is not None
    update: dict[str, object] = {
        "negated": negated,
        "turned": is_turned,
        "demanded": is_demanded,
    }
    places = _list_limit_places(criterion, passage)
    if places:
        update["evidence"] = _describe_limits(
            criterion, passage, tokens, places, with_and=is_exclusion or is_turned
        )
    return _name_quantities(criterion.model_copy(update=update))


def _name_quantities(criterion: Criterion) -> Criterion:
    """Add the canonical name of its quantity to each limit. The words around a limit, which name
    the quantity in its evidence, take precedence over its own words.
    """
    if not criterion.constraints:
        return criterion
    around = {piece.field: piece.quantity for piece in reversed(criterion.evidence)}
    limits = []
    for index, limit in enumerate(criterion.constraints):
        named = name_limit(limit, around.get(f"constraints[{index}]"))
        name = {"quantity_canonical": named.quantity_canonical}
        limits.append(limit.model_copy(update=name))
    return criterion.model_copy(update={"constraints": tuple(limits)})


def _list_limit_places(criterion: Criterion, passage: Passage) -> dict[int, Range]:
    """Map the index of each limit's evidence to the limit's tokens, counted from the start of the
    passage. Evidence for other fields, or for all limits together, is skipped.
    """
    places = {}
    for at, piece in enumerate(criterion.evidence):
        of_all_limits = piece.field == "constraints"
        if of_all_limits or FieldRef(piece.field).path != "constraints":
            continue
        words = passage.section.between(piece.start, piece.end)
        places[at] = words.first - passage.first, words.end - passage.first
    return places


def _describe_limits(
    criterion: Criterion,
    passage: Passage,
    tokens: Tokens,
    places: Mapping[int, Range],
    *,
    with_and: bool,
) -> tuple[Evidence, ...]:
    """Return the evidence of a criterion after adding, to the evidence of each limit, the sex to
    which the limit applies, the quantity that the surrounding words name, and whether the limit is
    one of several alternatives. ``with_and`` is passed to ``_find_alternatives``.
    """
    alternatives = _find_alternatives(tokens, criterion, places, with_and=with_and)
    pieces = list(criterion.evidence)
    by_field = {piece.field: piece for piece in reversed(pieces)}
    for at, place in places.items():
        limit = _get_limit(criterion, at)
        of_condition = by_field.get(f"{pieces[at].field}.condition")
        condition = _find_condition(limit, of_condition, passage)
        described = {
            "sex": find_people(tokens, place, condition).sex,
            "quantity": _name_by_context(limit, pieces[at], passage),
            "alternative": at in alternatives,
        }
        pieces[at] = pieces[at].model_copy(update=described)
    return tuple(pieces)


def _find_condition(
    limit: Constraint, piece: Evidence | None, passage: Passage
) -> Range | None:
    """Return the tokens of the condition of a limit, or None if it has none. ``piece`` is its
    evidence; without it, as in an annotation, the words are looked up.
    """
    start = end = 0
    if piece:
        start, end = piece.start, piece.end
    elif limit.condition:
        for span in islice(find_quotes(passage, limit.condition), 1):
            start, end = span.start, span.end
    if start == end:
        return None
    words = passage.section.between(start, end)
    return words.first - passage.first, words.end - passage.first


def _find_alternatives(
    tokens: Tokens,
    criterion: Criterion,
    places: Mapping[int, Range],
    *,
    with_and: bool,
) -> set[int]:
    """Return the limits that are alternatives, so that meeting one of them is enough to take part.
    They are identified by the index of their evidence, which is their key in ``places``.

    These are limits joined to a limit or to other words by "or", and the earlier limits in the
    same list. If ``with_and`` is true, they are joined by "and", as in an exclusion: people who
    meet only one of several exclusion limits may take part.
    """
    joint = rule("or_limit")
    if with_and:
        joint = rule("and_limit")
    order = sorted(places, key=lambda at: places[at][1])
    alternatives = set[int]()
    # from the last pair to the first, because the word before the last limit joins the whole list
    for at, following in reversed(list(pairwise(order))):
        end = places[at][1]
        first = max(end, places[following][0])
        joined = joint.starts(tokens, end)
        # as in "ECOG 0-1 or Karnofsky >= 70"
        if joined and joined.end >= first:
            pair = _get_limit(criterion, at), _get_limit(criterion, following)
            are_alternatives = _are_alternatives(*pair, with_and=with_and)
        else:
            # the first comma of "ALT > 3 x ULN, AST > 3 x ULN, or bilirubin > 2 x ULN"
            is_listed = rule("listed_limit").covers(tokens, end, first) is not None
            # as in "if creatinine > 1.5 mg/dL, clearance > 50 mL/min"
            is_case = rule("limit_condition").ends(tokens, places[at][0]) is not None
            are_alternatives = is_listed and (following in alternatives or is_case)
        if are_alternatives:
            alternatives |= {at, following}
    # a limit may also be joined to words that are no limit
    starts = {first for first, _ in places.values()}
    for at, (_, end) in places.items():
        joined = joint.starts(tokens, end)
        if joined is None or joined.end == len(tokens):
            continue
        # as in "HbA1c > 7 % or treated with insulin", where no limit follows
        near = range(joined.first, joined.end + _NEAR + 1)
        if tokens.words[joined.end][0].isalpha() and starts.isdisjoint(near):
            alternatives.add(at)
    return alternatives


def _get_limit(criterion: Criterion, at: int) -> Constraint:
    """Return the limit that the evidence at index ``at`` supports."""
    field = FieldRef(criterion.evidence[at].field)
    return criterion.constraints[field.position or 0]


def _are_alternatives(
    limit: Constraint, following: Constraint, *, with_and: bool
) -> bool:
    """Return whether meeting one of two joined limits is enough to take part. ``with_and`` is true
    if "and" joins them. Limits for different people are not alternatives, and neither is the same
    limit in two units.
    """
    # as in ">= 13 g/dL in men or >= 12 g/dL in women"
    if limit.condition or following.condition:
        return False
    if limit.quantity.casefold() != following.quantity.casefold():
        return True
    # limits on the same quantity that "and" joins are the two ends of a range
    if with_and:
        return False
    # "> 126 mg/dL or > 7 mmol/L" is the same limit in two units
    if limit.unit == following.unit:
        return True
    return limit.comparator is not following.comparator


def complete_gold(extraction: TrialExtraction) -> TrialExtraction:
    """Add to a gold extraction the facts about whom its criteria admit, and evidence for the limits
    of the criteria, with offsets into the quote. Gold criteria do not have evidence; criteria that
    already have evidence are left unchanged.
    """
    if all(criterion.evidence for criterion in extraction.eligibility.criteria):
        return extraction
    criteria = tuple(
        criterion if criterion.evidence else _describe_gold(criterion)
        for criterion in extraction.eligibility.criteria
    )
    eligibility = extraction.eligibility.model_copy(update={"criteria": criteria})
    return extraction.model_copy(update={"eligibility": eligibility})


def _describe_gold(criterion: Criterion) -> Criterion:
    """Add facts about whom a criterion without evidence admits. Evidence is added for each limit
    whose numbers the rules also read in the quote; each place in the quote is used once.
    """
    passage = read_passage(criterion.quote)
    limits = find_limits(passage.tokens, criterion.kind)
    reading = read_constraints(passage, limits, criterion.lead_in or "")
    places = group_pairs(
        ((value.comparator, value.value, value.value_high), span)
        for value, span in zip(reading.list_values(), reading.spans, strict=True)
    )
    pieces: list[Evidence] = []
    for at, limit in enumerate(criterion.constraints):
        # Two limits with the same number have two places; a number not read here has none.
        spans = places[limit.comparator, limit.value, limit.value_high]
        if not spans:
            continue
        span = spans.pop(0)
        piece = Evidence(
            field=f"constraints[{at}]",
            section="",
            start=span.start,
            end=span.end,
            quote=criterion.quote[span.start : span.end],
            origin=Origin.RULE,
            support=Support.PARSED,
        )
        pieces.append(piece)
    described = criterion.model_copy(update={"evidence": tuple(pieces)})
    return describe_criterion(described, passage)


def describe_ages(eligibility: Eligibility, sections: LexedSections) -> Eligibility:
    """Add the comparator that bounds each age to the age's evidence: for a minimum, "over 18 years"
    is ``>``; for a maximum, "under 65" is ``<``.

    A comparator that bounds the other side is reversed: "under 18" in an exclusion criterion
    becomes a minimum with ``>=``. The comparator is None if the words do not contain one that
    applies to this number alone ("18-65 years"). If there are criteria, only evidence in their
    sections is changed, because the wording elsewhere, such as "elderly over 65" in a summary, is
    not exact.
    """
    of_criteria = {criterion.section for criterion in eligibility.criteria}
    pieces: list[Evidence] = []
    for piece in eligibility.evidence:
        # "elderly over 65" in a summary does not tell whether 65 is admitted
        is_exact = piece.section in of_criteria or not of_criteria
        if piece.field not in SIDES or not is_exact:
            pieces.append(piece)
            continue
        words = sections[piece.section].between(piece.start, piece.end)
        age = getattr(eligibility, piece.field)
        # the first sign of ">=" or "<=" is the side that the age bounds
        comparator = _bound_age(words.cut(), age, SIDES[piece.field][0])
        pieces.append(piece.model_copy(update={"comparator": comparator}))
    return eligibility.model_copy(update={"evidence": tuple(pieces)})


def _bound_age(tokens: Tokens, age: Age, side: str) -> Comparator | None:
    """Return the comparator of the first limit that is an age as a single number: the one that the
    words state or, if it bounds the other side, its opposite ("under 18" in an exclusion). ``side``
    is ">" for a minimum and "<" for a maximum. Return None if the words do not contain the age as a
    single number, or only as an equality.
    """
    for limit in find_limits(tokens, None):
        # the ends of "18-65 years" are both included, without a comparator
        if limit.value != age.value or limit.value_high is not None:
            continue
        for comparator in (limit.comparator, limit.comparator.opposite):
            if comparator and comparator.startswith(side):
                return comparator
    return None


def _name_by_context(
    limit: Constraint, piece: Evidence, passage: Passage
) -> str | None:
    """Return the name of the quantity that the words within 200 characters of a limit indicate:
    "haemoglobin" for the words "women" in "Haemoglobin: men > 13 g/dL, women > 12 g/dL". Return
    None if the limit's own words already indicate this quantity, or if no quantity is indicated.
    """
    unit = read_unit(limit.unit)
    start, end = passage.raw_span
    # the name may be far before its limits: "Haemoglobin: men > 13 g/dL, women > 12 g/dL"
    start = max(start, piece.start - _CONTEXT_OF_LIMIT)
    end = min(end, piece.end + _CONTEXT_OF_LIMIT)
    context = passage.section.raw[start:end]
    by_own_words = name_quantity(limit.quantity, unit, value=limit.value)
    by_context = name_quantity(limit.quantity, unit, context, limit.value)
    if by_context is None or by_context == by_own_words:
        return None
    return by_context.name


def describe_criteria(
    eligibility: Eligibility, sex: str | None = None
) -> list[DescribedCriterion]:
    """Return the cells derived from all criteria and limits, in the order of the criteria. ``sex``
    is the sex to which the trial is restricted, "all", or None if it is unknown.
    """
    described = []
    around = eligibility.list_around()
    for criterion in eligibility.criteria:
        decides = not list_alternatives(criterion, around[criterion.group])
        limits = _list_cells(criterion, sex, decides=decides)
        described.append(DescribedCriterion(decides, tuple(limits)))
    return described


def list_alternatives(
    criterion: Criterion, groups: Iterable[CriterionGroup]
) -> list[CriterionGroup]:
    """Return those of the groups around a criterion that make it one of several alternatives."""
    # All inclusions must be met, but one exclusion suffices.
    list_rule = GroupRule.ALL if criterion.is_inclusion else GroupRule.ANY
    return [group for group in groups if group.rule is not list_rule]


def _list_cells(
    criterion: Criterion, sex: str | None, *, decides: bool
) -> Iterator[dict[str, object]]:
    """Yield the cells derived from each limit of a criterion. The comparator for the values with
    which people may take part is in ``admits`` if the limit applies to everybody, and otherwise in
    ``admits_some``. A limit applies only to some people for one of these reasons.

    - The criterion is an alternative (``decides`` is False), has an exception, or is about a
      special group.
    - The limit is one of several alternatives.
    - Its quantity has a condition, a sex other than ``sex``, or two ranges in the criterion.
    """
    described = name_limits(criterion)
    if not described:
        return
    quantities_of_some = _list_quantities_of_some(described, sex)
    is_for_some = not decides or _is_for_some(criterion)
    for limit, proof, canonical in described:
        is_of_some = limit.quantity.casefold() in quantities_of_some
        column = "admits"
        if is_for_some or is_of_some or proof.alternative:
            column = "admits_some"
        admitted = read_admitted(limit.comparator, criterion)
        yield {**canonical._asdict(), column: admitted, "sex": proof.sex}


def _is_for_some(criterion: Criterion) -> bool:
    """Return whether the limits of a criterion do not apply to everybody, because the criterion
    has an exception, because it is below the name of a special group, or because it is an
    inclusion that admits others: "Lower counts are allowed".
    """
    above = read_text(criterion.lead_in or "")
    if criterion.has_exception or rule("special_group").starts(above, 0):
        return True
    return criterion.is_inclusion and rule("admits_others").occurs(
        read_text(criterion.quote)
    )


def _list_quantities_of_some(
    described: Iterable[tuple[Constraint, Evidence, CanonicalLimit]],
    sex: str | None,
) -> set[str]:
    """Return the quantities, in lower case, whose limits apply only to some participants:
    quantities with a condition, a sex other than ``sex``, or two different ranges.
    """
    of_some = set[str]()
    first_ranges = dict[str, str]()
    for limit, proof, canonical in described:
        quantity = limit.quantity.casefold()
        if limit.condition or proof.sex not in (None, sex):
            of_some.add(quantity)
        low = canonical.value_canonical or limit.value
        high = canonical.value_high_canonical or limit.value_high
        # two limits with one side each may be the two sides of a range for everybody
        if high is None:
            continue
        # Two ranges apply to two groups of people, unless they are one range in two units.
        # Two digits hide the differences that conversions leave.
        span = f"{low:.2g}-{high:.2g}"
        if first_ranges.setdefault(quantity, span) != span:
            of_some.add(quantity)
    return of_some


def read_admitted(comparator: Comparator, criterion: Criterion) -> str | None:
    """Return the comparator for the values that a criterion admits: the comparator of an
    inclusion, or the opposite of an exclusion's comparator. ``between`` and ``=``, which have no
    opposite, become "outside" and "<>". Return None if the criterion is negated, or states a
    requirement among the exclusions.
    """
    if criterion.negated or criterion.demanded:
        return None
    if criterion.is_inclusion:
        return comparator.value
    if comparator.opposite:
        return comparator.opposite.value
    if comparator is Comparator.BETWEEN:
        return "outside"
    return "<>"
