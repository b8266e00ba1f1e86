"""Interpret limits: find the canonical name, unit and value of a limit, and the values that it
admits. Also find the keys of endpoint instruments: limits use the same keys for their quantities,
so that a query can join the outcome "Montreal Cognitive Assessment (MoCA)" with the limit
"MoCA >= 26".
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, lru_cache
from typing import NamedTuple

from pydantic import ValidationError

from extractor.concepts.aliases import find_entry
from extractor.concepts.limits.name_support import list_joined, supports_name
from extractor.concepts.limits.quantity_names import (
    BARE_UNITS,
    KnownQuantity,
    find_loinc,
    get_quantity,
    list_quantities,
    name_quantity,
)
from extractor.language.book import read_text, rule, word_list
from extractor.language.shown import show_line
from extractor.language.units import read_unit
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

_IMPLAUSIBLE = "implausible"
"""The note for a limit whose value is implausible in the written unit."""
_NO_CONVERSION = "no conversion"
"""The note for a limit whose unit cannot be converted, such as ``x ULN``."""
_SURFACE = "{1.73_m2}"
"""The body surface area that an estimated filtration rate refers to, whether or not the text states
it.
"""
_NEXT_WORD = re.compile(r"\s+([^\W\d_]+)")
"""Matches the word that follows a limit, if there are only spaces between them."""
_NO_PROOF = Evidence.model_construct(quote="")
"""Stands for the evidence of a whole limit, if there is none. In gold, a limit has no quote."""
_NO_UNITS = ("function_words", "people", "idle_words", "words_after_values")
"""Names of the word lists whose words may follow a value but are not units."""
_SIGNS = re.compile(r"[^a-z0-9]+")
_ABBREVIATION = re.compile(r" ?[(\[]([A-Za-z][\w./-]{1,14})[)\]]")
"""An abbreviation in brackets: "(MoCA)"."""
_VERSION = re.compile(r"\b[A-Z][A-Za-z]{1,9}(?:-[A-Z]{1,3})?-(?:\d{1,2}|S|SR)\b")
"""An abbreviation with its number of items, or with a suffix for self-report: "ACQ-6" or "MADRS-S".
"""
_TAIL = re.compile(
    r"(?:\s(?:total|overall|summary))?\s(?:scores?|questionnaires?|scales?)$",
    re.IGNORECASE,
)
"""The general words at the end of a name: "total score"."""
_ARTICLE = re.compile(r"^(?:the|a|an)\s+", re.IGNORECASE)


class CanonicalLimit(NamedTuple):
    """A limit in canonical terms. The attributes are columns, which are described in
    ``tables.toml``.
    """

    quantity_canonical: str | None = None
    laboratory: bool | None = None
    loinc: str | None = None
    unit_ucum: str | None = None
    unit_canonical: str | None = None
    value_canonical: float | None = None
    value_high_canonical: float | None = None
    canonical_note: str | None = None
    quantity_kind: str | None = None


class DescribedCriterion(NamedTuple):
    """The cells derived from a criterion and its limits.

    Attributes:
        decides: Whether the criterion is decisive on its own; False for an alternative in a group.
        limits: The derived cells of each limit, in the criterion's order.
    """

    decides: bool
    limits: tuple[dict[str, object], ...]


def name_limit(
    limit: Constraint,
    known: str | None = None,
    *,
    has_unread_unit: bool = False,
) -> CanonicalLimit:
    """Return the canonical form of a limit. If it has no canonical value, a note explains why.

    Args:
        limit: The limit as written.
        known: The name of the quantity, if it is stated only in the words around the limit.
        has_unread_unit: Whether a limit without a unit is followed by a word that may be a unit.

    >>> written = {
    ...     "quantity": "PLT",
    ...     "comparator": "<",
    ...     "value": 75_000,
    ...     "unit": "/mm3",
    ... }
    >>> limit = name_limit(Constraint(**written))
    >>> limit.quantity_canonical, limit.value_canonical, limit.unit_canonical
    ('platelet_count', 75.0, '10*9/L')
    """
    text = limit.quantity
    unit = read_unit(limit.unit) if limit.unit else None
    known = limit.quantity_canonical or known
    spellings = {known, (known or "").removesuffix("_change")}
    if known and spellings.isdisjoint(list_quantities()):
        # several quantities, or the reviewer's own name
        return _name_without_value(known, unit)
    if known:
        quantity = get_quantity(known)
    else:
        named = name_quantity(text, unit, value=limit.value)
        if named is None:
            return CanonicalLimit(unit_ucum=unit, canonical_note="no quantity")
        quantity = named
        renamed = _refuse_or_join(text, quantity, unit)
        if renamed:
            return renamed
    canonical = CanonicalLimit(quantity.name, quantity.laboratory)
    # "ECOG 2 at screening": a score or a count has no unit that could be missed
    is_unknown_unit = has_unread_unit and quantity.unit not in BARE_UNITS
    if limit.unit:
        is_unknown_unit = unit is None
    if is_unknown_unit:
        return canonical._replace(canonical_note="unknown unit")
    ends = [end for end in (limit.value, limit.value_high) if end is not None]
    return _add_canonical_value(canonical, quantity, ends, unit)


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


def _refuse_or_join(
    text: str, quantity: KnownQuantity, unit: str | None
) -> CanonicalLimit | None:
    """Return the canonical form of a limit whose words do not name the quantity, or name several
    quantities ("bilirubin or AST"). Return None for all other limits.
    """
    nothing = CanonicalLimit(unit_ucum=unit, canonical_note="no quantity")
    # "ACQ-6" is not the ACQ, so its limit applies to a different score.
    if is_other_version(text, quantity):
        return nothing
    if not supports_name(quantity, text, unit):
        # The unit of "aortic diameter > 5 cm" shows that the quantity is a length.
        if quantity.general:
            return nothing._replace(quantity_kind=quantity.name)
        return nothing
    joined = list_joined(text, quantity, unit)
    if not joined:
        return None
    return _name_without_value("|".join(joined), unit)


def _name_without_value(name: str, unit: str | None) -> CanonicalLimit:
    """Return the canonical form of a limit whose name stands for no single quantity of the
    vocabulary, so that its value cannot be converted: names joined by bars, or a reviewer's name.
    """
    canonical = CanonicalLimit(name, unit_ucum=unit, canonical_note=_NO_CONVERSION)
    last = name.rpartition("|")[2]
    if last not in list_quantities():
        return canonical
    return canonical._replace(laboratory=get_quantity(last).laboratory)


def _add_canonical_value(
    canonical: CanonicalLimit,
    quantity: KnownQuantity,
    ends: Sequence[float],
    written_unit: str | None,
) -> CanonicalLimit:
    """Return a limit with its codes, and with its ends in the quantity's unit or, if they cannot be
    converted, a note instead. A limit without a written unit has the unit that its quantity
    implies.
    """
    # "BMI 18-30" has no unit: use the unit in which the upper end is plausible
    implied = filter(None, map(quantity.infer_unit, reversed(ends)))
    unit = written_unit or next(implied, None)
    codes = "|".join(find_loinc(quantity, unit)) or None
    canonical = canonical._replace(loinc=codes, unit_ucum=unit)
    if unit is None:
        return canonical._replace(canonical_note="no unit")
    values = []
    for end in ends:
        value = quantity.to_canonical(end, unit)
        if value is None:
            return canonical._replace(canonical_note=_NO_CONVERSION)
        # "TSH < 0.2 mIU/mL": 200 mIU/L is certainly not intended
        if not quantity.is_possible(value):
            return canonical._replace(canonical_note=_IMPLAUSIBLE)
        values.append(value)
    low, *high = values
    canonical = canonical._replace(
        unit_canonical=quantity.unit,
        value_canonical=low,
        value_high_canonical=next(iter(high), None),
    )
    # Converting mL/min to mL/min/1.73 m2 assumes a standard body surface.
    if (_SURFACE in unit) is not (_SURFACE in quantity.unit):
        return canonical._replace(canonical_note="usual body surface")
    return canonical


def name_limits(
    criterion: Criterion,
) -> list[tuple[Constraint, Evidence, CanonicalLimit]]:
    """Return the limits of a criterion, each with its evidence and its canonical form."""
    named = []
    for index, limit in enumerate(criterion.constraints):
        field = f"constraints[{index}]"
        whole = (piece for piece in criterion.evidence if piece.field == field)
        proof = next(whole, _NO_PROOF)
        has_unread_unit = _may_have_unread_unit(limit, proof, criterion.quote)
        canonical = name_limit(limit, proof.quantity, has_unread_unit=has_unread_unit)
        named.append((limit, proof, canonical))
    return named


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
    described = name_limits(criterion)
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
    return is_inclusion and rule("admits_others").occurs(read_text(criterion.quote))


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
        for key in map(_make_key, sorted(long, key=len, reverse=True)):
            if key in scores:
                return scores[key]
        return _make_key(known.value)
    short = _ABBREVIATION.search(written)
    # "MoCA total score" is the MoCA, but the words of "pain score" are all needed.
    bare = _TAIL.sub("", written)
    if short:
        written = short[1]
    elif " " not in bare:
        written = bare
    key = _make_key(written)
    if key in scores:
        return scores[key]
    # a name of signs alone has no key
    return key or None


def is_other_version(name: str, quantity: KnownQuantity) -> bool:
    """Return whether ``name`` and a quantity refer to different versions of an instrument:
    ACQ-6 is not the ACQ, and MADRS-S is not the MADRS.

    >>> is_other_version("ACQ-6 score", list_quantities()["acq"])
    True
    """
    if quantity.unit != "{score}":
        return False
    names = {_make_key(written) for written in (quantity.name, *quantity.names)}
    versions = {_make_key(version) for version in _VERSION.findall(name)} - names
    # "HAM-D-17" is a spelling of the quantity hamd17.
    others = {key for key in versions if key.replace("_", "") not in names}
    # "IGF-1 SD score" does not name a version, because IGF is not an instrument.
    return any(key.rpartition("_")[0] in names for key in others)


def _make_key(name: str) -> str:
    """Return the key for a name, in lower case and with underscores between words."""
    return _SIGNS.sub("_", name.casefold()).strip("_")


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
            scores.setdefault(_make_key(written), name)
    return scores
