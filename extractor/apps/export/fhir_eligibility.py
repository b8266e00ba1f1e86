"""Eligibility as a Group, in the profile StudyEligibilityCriteria of the guide "EBM on FHIR"
(1.0.0-ballot, for R5).

All characteristics hold together; alternatives are a Group of their own, to which a characteristic
refers. A criterion becomes values only if it says nothing but its limits, and if "all of" and
``exclude`` are enough to combine them. Any other criterion is a text, since a limit alone would
admit or exclude others than the criterion does.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from itertools import chain

from extractor.apps.export.fhir_groups import CriterionValues, NestedGroups, make_group
from extractor.apps.export.fhir_shared import People, StatedValue, read_people
from extractor.apps.export.fhir_types import (
    EBM,
    LOINC,
    Json,
    Proof,
    TrialResources,
    UnmappedReason,
    code,
    is_sure,
    own_code,
    quantity,
    value_range,
)
from extractor.apps.export.limits import name_limit
from extractor.concepts.limits.quantity_names import (
    find_loinc,
    fold_words,
    get_quantity,
    list_quantities,
)
from extractor.concepts.people.registered_ages import AGES
from extractor.language.book import read_table, word_set
from extractor.schemas import (
    Category,
    Comparator,
    Constraint,
    Criterion,
    CriterionKind,
    Evidence,
    Sex,
    TimeWindow,
)

_SEX = "46098-0"
"""The LOINC code of a person's sex."""
_DECISIVE = ("kind", "quote", "constraints", "time_windows")
"""The fields of a criterion that decide whether its limits stand as values."""
_WORD = re.compile(r"\d+|[^\W\d_]+")
_SEXES = {"male", "female"}


class _SaysMoreError(Exception):
    """A criterion that is more than its limits; the message says what more."""


def add_group(trial: TrialResources) -> Json | None:
    """Add the Group that is eligible, and return a reference to it; None if the record restricts
    nobody. Groups of criteria are added, too, and values without a place are listed: among them
    criteria of age, since the Group has the ages already.
    """
    eligibility = trial.extraction.eligibility
    people = read_people(trial.extraction, trial.record)
    proofs = trial.prove("eligibility", eligibility)
    characteristics = _read_people(people, proofs)
    all_values = _read_limits(eligibility.criteria)
    texts = list[str]()
    nested = NestedGroups(trial, characteristics)
    for index, criterion in enumerate(eligibility.criteria):
        path = f"eligibility.criteria[{index}]"
        values = nested.check(index, all_values[index])
        is_stated = None
        if isinstance(values, list) and not nested.around[index]:
            is_stated = people.compare(criterion)
        # The ages stand already, or are those of some participants.
        if is_stated is not None:
            reason: UnmappedReason = "age_bound" if is_stated else "other_age"
            trial.leave_out(path, criterion.quote, reason)
            continue
        within, turned = nested.open(index)
        described = _read_criterion(trial, path, criterion, values)
        for place, value in enumerate(described):
            name = f"criterion-{index}"
            if place:
                name += f"-{place}"
            exclude = value["exclude"] != turned
            within.append({"id": name, **value, "exclude": exclude})
        proofs += trial.prove(path, criterion, but="negated")
        texts += [criterion.lead_in or "", criterion.quote]
    if not characteristics:
        return None
    nested.add()
    title = f"Eligibility criteria of {trial.extraction.record_id}"
    content = make_group(title, characteristics)
    return trial.add("Group", "-eligibility", content, proofs, "\n".join(texts))


def _read_people(people: People, proofs: list[Proof]) -> list[Json]:
    """Return the characteristics of the ages, the sex, and of healthy people who are kept out;
    none for what restricts nobody. The citations of registered values are added to ``proofs``,
    which has those of the text already.
    """
    characteristics: list[Json] = []
    stated: dict[str, StatedValue | None] = {
        **people.ages,
        "sex": people.sex,
        "healthy_volunteers": people.healthy,
    }
    for name, value in stated.items():
        # Both sexes, and healthy volunteers who may take part, restrict nobody.
        if value is None or value.value in (Sex.ALL, True):
            continue
        if value.registered and value.citation:
            proofs.append((f"eligibility.{name}", value.citation))
        content = _describe_person(name, value)
        element_id = name.replace("_", "-")
        characteristics.append({"id": element_id, **content, "exclude": False})
    return characteristics


def _describe_person(name: str, stated: StatedValue) -> Json:
    """Return the code and value of an age, a sex, or of healthy volunteers."""
    value = stated.value
    if name in AGES:
        loinc = find_loinc(list_quantities()["age"], "a")
        age = quantity(value.value, value.unit.value, stated.comparator)
        return {"code": code(LOINC, loinc, "age"), "valueQuantity": age}
    if name == "sex":
        sex = code("http://hl7.org/fhir/administrative-gender", value)
        return {"code": code(LOINC, _SEX, "sex"), "valueCodeableConcept": sex}
    return {"code": {"text": "healthy volunteer"}, "valueBoolean": False}


def _read_criterion(
    trial: TrialResources, path: str, criterion: Criterion, values: CriterionValues
) -> list[Json]:
    """Return the characteristics of a criterion: its ``values``, or one text if these are the
    reason why its limits do not stand as values. All that a text leaves out is then listed: its
    limits, a negation, and its time windows, whose words become an extension if they are sure.
    """
    words = "\n".join(filter(None, (criterion.lead_in, criterion.quote)))
    if isinstance(values, list):
        url = f"{EBM}/characteristic-description"
        described = {"extension": [{"url": url, "valueMarkdown": words}]}
        trial.leave_out(f"{path}.category", criterion.category, "no_element")
        return [described | value for value in values]
    # A limit alone would admit or exclude others than the criterion does.
    for index, limit in enumerate(criterion.constraints):
        # An empty reason means that the limits themselves are not sure.
        reason: UnmappedReason = "compound" if values else "unsure"
        trial.leave_out(f"{path}.constraints[{index}]", limit, reason, values)
    trial.leave_out(f"{path}.negated", criterion.negated or None, "no_element")
    category = trial.drop_unsure(path, criterion, "category").category
    label = (category or "criterion").replace("_", " ")
    text: Json = {"code": own_code("category", category, label)}
    timings = list[Json]()
    for name, window in _list_windows(criterion).items():
        if not is_sure(criterion, name):
            trial.leave_out(f"{path}.{name}", window, "unsure")
            continue
        # FHIR wants a side of the event, before or after, which is not extracted.
        trial.leave_out(f"{path}.{name}", window, "no_direction")
        url = f"{EBM}/characteristic-timing"
        timings.append({"url": url, "extension": _read_window(window)})
    if timings:
        text["extension"] = timings
    # "Participants must be off steroids" among the exclusions is what they must be.
    is_excluded = criterion.kind is CriterionKind.EXCLUSION and not criterion.demanded
    return [text | {"valueCodeableConcept": {"text": words}, "exclude": is_excluded}]


def _list_windows(criterion: Criterion) -> dict[str, TimeWindow]:
    """Return the time windows by field. Gold of guideline 1.4 has only the first."""
    if not criterion.time_windows and criterion.time_window:
        return {"time_window": criterion.time_window}
    return {
        f"time_windows[{place}]": window
        for place, window in enumerate(criterion.time_windows)
    }


def _read_window(window: TimeWindow) -> list[Json]:
    """Return the words of a window, and the event from which it is counted."""
    words = ": ".join(filter(None, (window.of, window.quote)))
    parts: list[Json] = [{"url": "text", "valueString": words}]
    if window.anchor:
        event = {"text": window.anchor}
        parts.append({"url": "contextCode", "valueCodeableConcept": event})
    return parts


def _read_limits(criteria: Sequence[Criterion]) -> list[CriterionValues]:
    """Return for each criterion its values, or what it says beside its limits; an empty text if
    its limits are not sure.

    Inclusion criteria that bound one quantity differently are for different groups of
    participants, so they have no values.
    """
    all_values: list[CriterionValues] = []
    # By quantity and side: the positions of the criteria with each bound.
    bounds = defaultdict[tuple[str, str], dict[float, list[int]]](
        lambda: defaultdict(list)
    )
    before = None
    for index, criterion in enumerate(criteria):
        try:
            all_values.append(_read_values(criterion, after=before))
        except _SaysMoreError as error:
            all_values.append(str(error))
        else:
            if criterion.kind is CriterionKind.INCLUSION:
                for limit in criterion.constraints:
                    for side, value in _list_ends(limit):
                        bounds[limit.quantity.lower(), side][value].append(index)
        before = criterion
    # "Platelets > 100" and "platelets > 50": each is of other participants.
    for by_value in bounds.values():
        if len(by_value) == 1:
            continue
        for index in chain.from_iterable(by_value.values()):
            all_values[index] = "a limit of some participants"
    return all_values


def _list_ends(limit: Constraint) -> list[tuple[str, float]]:
    """Return the bounds of a limit with their sides: ">" for the lowest value, "<" for the
    highest, "=" for the only one.
    """
    if limit.value_high is None:
        return [(limit.comparator[0], limit.value)]
    return [(">", limit.value), ("<", limit.value_high)]


def _read_values(criterion: Criterion, after: Criterion | None) -> list[Json]:
    """Return the codes and values of a criterion that is only its limits. Raises
    ``_SaysMoreError`` for any other: with what it says more, or without a message if the criterion
    is not sure. ``after`` is the criterion of the line before it.
    """
    limits = criterion.constraints
    proofs = _list_proofs(criterion)
    _refuse_more(criterion, proofs, after)
    if not is_sure(criterion, *_DECISIVE):
        raise _SaysMoreError
    is_excluded = criterion.kind is CriterionKind.EXCLUSION
    words = _list_other_words(criterion, proofs)
    # "Patients must have", "at screening": which words say nothing depends on the list.
    lists = read_table("fhir")["says_nothing"]
    of_list = lists["exclusion"] if is_excluded else lists["inclusion"]
    idle = word_set(f"{lists['anywhere']} {of_list}")
    strange = [word for word in words if word not in idle]
    if strange:
        raise _SaysMoreError(" ".join(strange))
    # "all of" combines inclusions, and ``exclude`` alternatives.
    other_joint = "and" if is_excluded else "or"
    sides = {(limit.quantity.lower(), limit.comparator[0]) for limit in limits}
    # Two limits of one side are for different people, as much as "A or B" is.
    is_joined_otherwise = other_joint in words or len(sides) < len(limits)
    if is_joined_otherwise and len(limits) > 1:
        raise _SaysMoreError(
            "another combination than all of the included or any of the excluded"
        )
    is_of_age = criterion.category is Category.AGE
    values = []
    for limit, proof in zip(limits, proofs, strict=True):
        value = _read_limit(limit, proof.quantity, of_age=is_of_age)
        values.append(value | {"exclude": is_excluded})
    return values


def _list_proofs(criterion: Criterion) -> list[Evidence]:
    """Return the evidence of each limit, in their order; fewer than limits if some have none."""
    by_field = {piece.field: piece for piece in criterion.evidence}
    proofs = []
    for index in range(len(criterion.constraints)):
        proof = by_field.get(f"constraints[{index}]")
        if proof:
            proofs.append(proof)
    return proofs


def _refuse_more(
    criterion: Criterion, proofs: Sequence[Evidence], after: Criterion | None
) -> None:
    """Raise ``_SaysMoreError`` for a criterion without limits, or with more than limits: a time
    window, a negation, an exception, a demand, a sex, a condition, an alternative, or a limit
    without evidence.
    """
    limits = criterion.constraints
    if not limits:
        raise _SaysMoreError("no limit")
    if criterion.time_window or criterion.time_windows:
        raise _SaysMoreError("a time window")
    if criterion.negated:
        raise _SaysMoreError("a negation")
    if criterion.has_exception:
        raise _SaysMoreError("an exception")
    if criterion.demanded:
        raise _SaysMoreError("a demand among the exclusions")
    if any(proof.sex for proof in proofs):
        raise _SaysMoreError("a limit of one sex")
    if any(limit.condition for limit in limits):
        raise _SaysMoreError("a limit under a condition")
    if after:
        last_words = after.quote.lower().split()[-1:]
        if last_words == ["or"]:
            raise _SaysMoreError("an alternative of the line before it")
    if len(proofs) < len(limits):
        raise _SaysMoreError("no place of a limit")


def _list_other_words(criterion: Criterion, proofs: Sequence[Evidence]) -> list[str]:
    """Return the words of a criterion, and of its lead-in, that state no limit, in small letters.
    ``proofs`` are those of its limits. A limit's own words are its quantity, its unit and numbers.
    "Male or female" is left out.
    """
    words = _split(criterion.lead_in or "")
    around_limits = read_table("fhir")["says_nothing"]["limit"]
    for limit, proof in zip(criterion.constraints, proofs, strict=True):
        unit = limit.unit or ""
        own = _split(f"{limit.quantity} {unit} {around_limits}")
        for word in _split(proof.quote):
            if word in own or word.isdigit():
                continue
            words.append(word)
    words += _split(_blank_out(criterion, proofs))
    singulars = {word.rstrip("s") for word in words}
    if not singulars.issuperset(_SEXES):
        return words
    # Both sexes together restrict nobody.
    return [word for word in words if word.rstrip("s") not in _SEXES]


def _blank_out(criterion: Criterion, proofs: Sequence[Evidence]) -> str:
    """Return the quote of a criterion with spaces in the place of its limits. Evidence counts
    characters of the section, so the start of the quote there is taken off.
    """
    start = 0
    for piece in criterion.evidence:
        if piece.field == "quote":
            start = piece.start
    text = criterion.quote
    for proof in proofs:
        first = max(0, proof.start - start)
        end = max(0, proof.end - start)
        spaces = " " * (end - first)
        text = text[:first] + spaces + text[end:]
    return text


def _split(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _read_limit(limit: Constraint, by_context: str | None, *, of_age: bool) -> Json:
    """Return the code and value of a limit: a Quantity with its comparator, or a Range.

    ``by_context`` is the quantity that the words around the limit name; ``of_age`` means that the
    criterion is one of age. Raises ``_SaysMoreError`` if the limit's words are more than a name of
    the quantity, or it has no code, unit or range.
    """
    canonical = name_limit(limit.model_dump(mode="json"), by_context)
    name = canonical.quantity_canonical or "age"
    if "|" in name:
        raise _SaysMoreError(f"no LOINC code of {limit.quantity}")
    is_age = of_age and canonical.quantity_canonical == "age"
    has_code = canonical.loinc and _is_name_of(limit.quantity, name)
    note = canonical.canonical_note
    is_plain = note in (None, "no conversion", "usual body surface")
    if not is_plain or not (is_age or has_code):
        raise _SaysMoreError(note or f"no LOINC code of {limit.quantity}")
    codes = None
    if canonical.loinc:
        codes = canonical.loinc.split("|")
    named = {"code": code(LOINC, codes, limit.quantity)}
    ucum = canonical.unit_ucum
    low = quantity(limit.value, limit.unit, ucum=ucum)
    if "code" not in low:
        raise _SaysMoreError(f"no unit: {limit.unit}")
    # A limit with one bound is a Quantity with a comparator; only two bounds make a Range.
    if limit.comparator is not Comparator.BETWEEN:
        comparator = limit.comparator.value
        value = quantity(limit.value, limit.unit, comparator, ucum)
        return named | {"valueQuantity": value}
    high = low
    if limit.value_high is not None:
        high = quantity(limit.value_high, limit.unit, ucum=ucum)
    span = value_range(low, high)
    if span is None:
        raise _SaysMoreError(f"no range: {limit.value:g} to {limit.value_high:g}")
    return named | {"valueRange": span}


def _is_name_of(words: str, quantity_name: str) -> bool:
    """Return whether words are names of a quantity, and nothing more: "Body mass index (BMI)",
    "ECOG status score".
    """
    joined = " ".join(fold_words(words))
    rest = f" {joined} "
    names = map(fold_words, get_quantity(quantity_name).names)
    # The longest first: a short name may stand within a longer one.
    for name in sorted(names, key=len, reverse=True):
        joined = " ".join(name)
        rest = rest.replace(f" {joined} ", "  ")
    return {"score"}.issuperset(rest.split())
