"""Interpret limits: find the values that a limit admits, and to whom it applies. Also find the keys
of endpoint instruments: limits use the same keys for their quantities, so that a query can join the
outcome "Montreal Cognitive Assessment (MoCA)" with the limit "MoCA >= 26".
"""

import re
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from typing import NamedTuple

from pydantic import ValidationError

from extractor.concepts.aliases import find_entry
from extractor.concepts.limits.canonical import CanonicalLimit, make_key, name_limit
from extractor.concepts.limits.quantity_names import list_quantities
from extractor.language.book import read_text, rule, word_list
from extractor.language.shown import show_line
from extractor.schemas import (
    Comparator,
    Constraint,
    Criterion,
    CriterionGroup,
    CriterionKind,
    Eligibility,
    Evidence,
    GroupRule,
)

_NEXT_WORD = re.compile(r"\s+([^\W\d_]+)")
"""Matches the word that follows a limit, if there are only spaces between them."""
_NO_PROOF = Evidence.model_construct(quote="")
"""Stands for the evidence of a whole limit, if there is none. In gold, a limit has no quote."""
_NO_UNITS = ("function_words", "people", "idle_words", "words_after_values")
"""Names of the word lists whose words may follow a value but are not units."""
_ABBREVIATION = re.compile(r" ?[(\[]([A-Za-z][\w./-]{1,14})[)\]]")
"""An abbreviation in brackets: "(MoCA)"."""
_TAIL = re.compile(
    r"(?:\s(?:total|overall|summary))?\s(?:scores?|questionnaires?|scales?)$",
    re.IGNORECASE,
)
"""The general words at the end of a name: "total score"."""
_ARTICLE = re.compile(r"^(?:the|a|an)\s+", re.IGNORECASE)


class DescribedCriterion(NamedTuple):
    """The cells derived from a criterion and its limits.

    Attributes:
        decides: Whether the criterion is decisive on its own; False for an alternative in a group.
        limits: The derived cells of each limit, in the criterion's order.
    """

    decides: bool
    limits: tuple[dict[str, object], ...]


def show_canonical_names(limits: Iterable[tuple[object, Iterable[Evidence]]]) -> str:
    """Return the canonical names of limited quantities as pages show them, " [alt; ast]", or an
    empty string if there are none. Each limit has its evidence; a reviewer may have typed anything
    in place of a limit.
    """
    names: dict[str, None] = {}
    for written, evidence in limits:
        try:
            limit = Constraint.model_validate(written, from_attributes=True)
        except ValidationError:
            continue
        around = (piece.quantity for piece in evidence if piece.quantity)
        name = name_limit(limit, next(around, None)).quantity_canonical
        if name:
            names[name] = None
    if names:
        return f" [{'; '.join(names)}]"
    return ""


def describe_criteria(
    eligibility: Eligibility, sex: str | None = None
) -> list[DescribedCriterion]:
    """Return the cells derived from all criteria and limits, in the order of the criteria. ``sex``
    is the sex to which the trial is restricted, "all", or None if it is unknown.
    """
    described = []
    for criterion in eligibility.criteria:
        decides = not list_alternatives(criterion, eligibility)
        limits = _describe_limits(criterion, sex, decides=decides)
        described.append(DescribedCriterion(decides, tuple(limits)))
    return described


def list_alternatives(
    criterion: Criterion, eligibility: Eligibility
) -> list[CriterionGroup]:
    """Return the groups, innermost first, that make a criterion one of several alternatives."""
    # All inclusions must be met, but one exclusion suffices.
    list_rule = GroupRule.ALL
    if criterion.kind is CriterionKind.EXCLUSION:
        list_rule = GroupRule.ANY
    groups = eligibility.list_around(criterion.group)
    return [group for group in groups if group.rule is not list_rule]


def _describe_limits(
    criterion: Criterion, sex: str | None, *, decides: bool
) -> Iterator[dict[str, object]]:
    """Yield the cells derived from each limit of a criterion. ``admits`` is set if the limit
    applies to everybody, and ``admits_some`` if it applies only to some people, either because the
    limit is one of several alternatives (``decides`` is False for an alternative criterion), or
    because its quantity is subject to a condition, is restricted to a sex other than ``sex``, or
    has two ranges in the same criterion, or because the criterion has an exception or applies to
    a special group.
    """
    described = []
    for index, limit in enumerate(criterion.constraints):
        field = f"constraints[{index}]"
        whole = (piece for piece in criterion.evidence if piece.field == field)
        proof = next(whole, _NO_PROOF)
        has_unread_unit = _may_have_unread_unit(limit, proof, criterion.quote)
        canonical = name_limit(limit, proof.quantity, has_unread_unit=has_unread_unit)
        described.append((limit, proof, canonical))
    if not described:
        return
    divided = _list_divided(described, sex)
    has_others = not decides or _has_others(criterion)
    for limit, proof, canonical in described:
        is_divided = limit.quantity.casefold() in divided
        column = "admits"
        if has_others or is_divided or proof.alternative:
            column = "admits_some"
        admitted = read_admitted(limit.comparator, criterion)
        yield {**canonical._asdict(), column: admitted, "sex": proof.sex}


def _has_others(criterion: Criterion) -> bool:
    """Return whether the limits of a criterion do not apply to everybody, because the criterion
    has an exception, because it is below the name of a special group, or because it is an
    inclusion that admits others: "Lower counts are allowed".
    """
    above = read_text(criterion.lead_in or "")
    if criterion.has_exception:
        return True
    if rule("special_group").starts(above, 0):
        return True
    is_inclusion = criterion.kind is CriterionKind.INCLUSION
    if not is_inclusion:
        return False
    return rule("admits_others").occurs(read_text(criterion.quote))


def _may_have_unread_unit(limit: Constraint, proof: Evidence, quote: str) -> bool:
    """Return whether a limit has no unit, but is followed in its criterion (``quote``) by a word
    that may be a unit: "> 28 mbar", but not "> 30 at screening".
    """
    if limit.unit or not proof.quote:
        return False
    word = _NEXT_WORD.match(quote.partition(proof.quote)[2])
    if word is None:
        return False
    known = frozenset().union(*map(word_list, _NO_UNITS))
    name = word[1].casefold()
    return not {name, name.removesuffix("s")} & known


def _list_divided(
    described: Iterable[tuple[Constraint, Evidence, CanonicalLimit]],
    sex: str | None,
) -> set[str]:
    """Return the quantities, in lower case, whose limits apply only to some participants:
    quantities with a condition, a sex other than ``sex``, or two different ranges.
    """
    divided = set[str]()
    ranges = dict[str, str]()
    for limit, proof, canonical in described:
        quantity = limit.quantity.casefold()
        if limit.condition or proof.sex not in (None, sex):
            divided.add(quantity)
        low = canonical.value_canonical or limit.value
        high = canonical.value_high_canonical or limit.value_high
        if high is None:
            continue
        # Two ranges apply to two groups of people, unless they are one range in two units.
        # Two digits hide the differences that conversions leave.
        span = f"{low:.2g}-{high:.2g}"
        if ranges.setdefault(quantity, span) != span:
            divided.add(quantity)
    return divided


def read_admitted(comparator: Comparator, criterion: Criterion) -> str | None:
    """Return the comparator for the values that a criterion admits: the comparator of an
    inclusion, or the opposite of an exclusion's comparator. ``between`` and ``=``, which have no
    opposite, become "outside" and "<>". Return None if the criterion is negated, or states a
    requirement among the exclusions.
    """
    if criterion.negated or criterion.demanded:
        return None
    if criterion.kind is CriterionKind.INCLUSION:
        return comparator.value
    if comparator.opposite:
        return comparator.opposite.value
    if comparator is Comparator.BETWEEN:
        return "outside"
    return "<>"


@lru_cache(maxsize=4096)
def name_instrument(name: str) -> str | None:
    """Return an instrument's key in lower case: the quantity for its score, its usual short form,
    an abbreviation in brackets, or else its name.

    >>> name_instrument("Montreal Cognitive Assessment"), name_instrument("MoCA")
    ('moca', 'moca')
    """
    written = _ARTICLE.sub("", show_line(name))
    scores = _list_scores()
    known = find_entry(written, "instruments")
    if known:
        names = (known.value, *known.terms, *known.also)
        # Short forms can have other meanings: "IGA" is also an antibody.
        long = [name for name in names if " " in name] or names
        for key in map(make_key, sorted(long, key=len, reverse=True)):
            if key in scores:
                return scores[key]
        return make_key(known.value)
    short = _ABBREVIATION.search(written)
    # "MoCA total score" is the MoCA, but the words of "pain score" are all needed.
    bare = _TAIL.sub("", written)
    if short:
        written = short[1]
    elif " " not in bare:
        written = bare
    key = make_key(written)
    if key in scores:
        return scores[key]
    # a name of signs alone has no key
    return key or None


@cache
def _list_scores() -> dict[str, str]:
    """Return the quantities that may be scores, keyed by their names in key form. These are all
    quantities that are neither general nor laboratory values.
    """
    scores: dict[str, str] = {}
    for name, quantity in list_quantities().items():
        if quantity.general:
            continue
        if quantity.laboratory:
            continue
        for written in (name, *quantity.names):
            scores.setdefault(make_key(written), name)
    return scores
