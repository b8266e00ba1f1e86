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

from extractor.apps.export.fhir_groups import NestedGroups, make_group
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
from extractor.apps.export.people import People, StatedValue, read_people
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
    nobody.
    """
    eligibility = trial.extraction.eligibility
    people = read_people(trial.extraction, trial.record)
    proofs = trial.prove("eligibility", eligibility)
    characteristics = _read_people(people, proofs)
    values = _read_limits(eligibility.criteria)
    said = list[str]()
    nested = NestedGroups(trial, characteristics)
    for index, criterion in enumerate(eligibility.criteria):
        path = f"eligibility.criteria[{index}]"
        found = nested.check(index, values[index])
        if isinstance(found, list) and not nested.around[index]:
            is_stated = people.compare(criterion)
        else:
            is_stated = None
        # the ages stand already, or are those of some participants
        if is_stated is not None:
            trial.leave_out(
                path, criterion.quote, "age_bound" if is_stated else "other_age"
            )
            continue
        within, turned = nested.open(index)
        for place, one in enumerate(_read_criterion(trial, path, criterion, found)):
            name = f"criterion-{index}" + (f"-{place}" if place else "")
            within.append({"id": name, **one, "exclude": one["exclude"] != turned})
        proofs += trial.prove(path, criterion, but="negated")
        said += criterion.lead_in or "", criterion.quote
    if not characteristics:
        return None
    nested.add()
    content = make_group(
        f"Eligibility criteria of {trial.extraction.record_id}", characteristics
    )
    return trial.add("Group", "-eligibility", content, proofs, "\n".join(said))


def _read_people(people: People, proofs: list[Proof]) -> list[Json]:
    """Return the ages, the sex, and whether healthy people are kept out. Admitting everybody
    restricts nobody.
    """
    found: list[Json] = []
    stated: dict[str, StatedValue | None] = {
        **people.ages,
        "sex": people.sex,
        "healthy_volunteers": people.healthy,
    }
    for name, one in ((name, one) for name, one in stated.items() if one):
        registered = one.citation if one.registered else None
        said: Json
        if one.value in (Sex.ALL, True):
            continue
        if registered:
            proofs.append((f"eligibility.{name}", registered))
        if name in AGES:
            age = quantity(one.value.value, one.value.unit.value, one.comparator)
            said = {
                "code": code(LOINC, find_loinc(list_quantities()["age"], "a"), "age"),
                "valueQuantity": age,
            }
        elif name == "sex":
            sex = code("http://hl7.org/fhir/administrative-gender", one.value)
            said = {"code": code(LOINC, _SEX, "sex"), "valueCodeableConcept": sex}
        else:
            said = {"code": {"text": "healthy volunteer"}, "valueBoolean": False}
        found.append({"id": name.replace("_", "-"), **said, "exclude": False})
    return found


def _read_criterion(
    trial: TrialResources, path: str, criterion: Criterion, found: list[Json] | str
) -> list[Json]:
    """Return a criterion as the values ``found``, or as one text with all that this leaves out
    listed, and why.
    """
    words = "\n".join(filter(None, (criterion.lead_in, criterion.quote)))
    if isinstance(found, list):
        described = {
            "extension": [
                {"url": f"{EBM}/characteristic-description", "valueMarkdown": words}
            ]
        }
        trial.leave_out(f"{path}.category", criterion.category, "no_element")
        return [described | value for value in found]
    for index, limit in enumerate(criterion.constraints):
        reason: UnmappedReason = "compound" if found else "unsure"
        trial.leave_out(f"{path}.constraints[{index}]", limit, reason, found)
    trial.leave_out(f"{path}.negated", criterion.negated or None, "no_element")
    known = trial.drop_unsure(path, criterion, "category").category
    text: Json = {
        "code": own_code("category", known, (known or "criterion").replace("_", " "))
    }
    timings = list[Json]()
    for name, window in _list_windows(criterion).items():
        sure = is_sure(criterion, name)
        trial.leave_out(f"{path}.{name}", window, "no_direction" if sure else "unsure")
        timings += (
            [{"url": f"{EBM}/characteristic-timing", "extension": _read_window(window)}]
            if sure
            else []
        )
    if timings:
        text["extension"] = timings
    # "Participants must be off steroids" among the exclusions is what they must be.
    is_excluded = criterion.kind is CriterionKind.EXCLUSION and not criterion.demanded
    return [text | {"valueCodeableConcept": {"text": words}, "exclude": is_excluded}]


def _list_windows(criterion: Criterion) -> dict[str, TimeWindow]:
    """Return the time windows by field. Gold of guideline 1.4 has only the first."""
    found = {
        f"time_windows[{place}]": window
        for place, window in enumerate(criterion.time_windows)
    }
    return found or (
        {"time_window": criterion.time_window} if criterion.time_window else {}
    )


def _read_window(window: TimeWindow) -> list[Json]:
    """Return the words of a window, and the event from which it is counted."""
    words = {
        "url": "text",
        "valueString": ": ".join(filter(None, (window.of, window.quote))),
    }
    event = {"url": "contextCode", "valueCodeableConcept": {"text": window.anchor}}
    return [words, event] if window.anchor else [words]


def _read_limits(criteria: Sequence[Criterion]) -> list[list[Json] | str]:
    """Read each criterion as values, or say what it is beside its limits; nothing if its limits are
    not sure.

    Inclusion criteria that bound one quantity differently are for different groups of participants.
    """
    found: list[list[Json] | str] = []
    bounds: dict[tuple[str, str], dict[float, list[int]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for index, criterion in enumerate(criteria):
        try:
            found.append(
                _read_values(criterion, after=criteria[index - 1] if index else None)
            )
        except _SaysMoreError as error:
            found.append(str(error))
            continue
        for limit in (
            criterion.constraints if criterion.kind is CriterionKind.INCLUSION else ()
        ):
            ends = {limit.comparator[0]: limit.value}
            if limit.value_high is not None:
                ends = {">": limit.value, "<": limit.value_high}
            for side, value in ends.items():
                bounds[limit.quantity.lower(), side][value].append(index)
    for values in bounds.values():
        for index in chain(*values.values()) if len(values) > 1 else ():
            found[index] = "a limit of some participants"
    return found


def _read_values(criterion: Criterion, after: Criterion | None) -> list[Json]:
    """Return the codes and values of a criterion that is only its limits. Raises
    ``_SaysMoreError`` for any other.
    """
    excluded = criterion.kind is CriterionKind.EXCLUSION
    limits = criterion.constraints
    proofs = {piece.field: piece for piece in criterion.evidence}
    placed = [
        proof
        for at in range(len(limits))
        if (proof := proofs.get(f"constraints[{at}]"))
    ]
    others = {
        "no limit": not limits,
        "a time window": criterion.time_window or criterion.time_windows,
        "a negation": criterion.negated,
        "an exception": criterion.has_exception,
        "a demand among the exclusions": criterion.demanded,
        "a limit of one sex": any(piece.sex for piece in placed),
        "a limit under a condition": any(limit.condition for limit in limits),
        "an alternative of the line before it": after
        and after.quote.lower().split()[-1:] == ["or"],
        "no place of a limit": len(placed) < len(limits),
    }
    more = next((name for name, found in others.items() if found), None)
    if more:
        raise _SaysMoreError(more)
    if not is_sure(criterion, *_DECISIVE):
        raise _SaysMoreError
    words = _list_other_words(
        criterion, placed, proofs["quote"].start if "quote" in proofs else 0
    )
    lists = read_table("fhir")["says_nothing"]
    idle = word_set(
        f"{lists['anywhere']} {lists['exclusion' if excluded else 'inclusion']}"
    )
    strange = [word for word in words if word not in idle]
    if strange:
        raise _SaysMoreError(" ".join(strange))
    sides = {(limit.quantity.lower(), limit.comparator[0]) for limit in limits}
    # "all of" combines inclusions, and ``exclude`` alternatives
    joint = "and" if excluded else "or"
    if len(limits) > 1 and (joint in words or len(sides) < len(limits)):
        raise _SaysMoreError(
            "another combination than all of the included or any of the excluded"
        )
    is_of_age = criterion.category is Category.AGE
    found = (
        _read_limit(one, proof.quantity, of_age=is_of_age)
        for one, proof in zip(limits, placed, strict=True)
    )
    return [one | {"exclude": excluded} for one in found]


def _list_other_words(
    criterion: Criterion, placed: Sequence[Evidence], start: int
) -> list[str]:
    """Return the words of a criterion, its quote at ``start``, and of the line above it, that
    state no limit.
    """
    text = criterion.quote
    words = _split(criterion.lead_in or "")
    for limit, proof in zip(criterion.constraints, placed, strict=True):
        own = _split(
            f"{limit.quantity} {limit.unit or ''} {read_table('fhir')['says_nothing']['limit']}"
        )
        words += (
            word
            for word in _split(proof.quote)
            if word not in own and not word.isdigit()
        )
        first = max(0, proof.start - start)
        end = max(0, proof.end - start)
        text = text[:first] + " " * (end - first) + text[end:]
    words += _split(text)
    both = {word.rstrip("s") for word in words} >= _SEXES
    return [word for word in words if not (both and word.rstrip("s") in _SEXES)]


def _split(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _read_limit(limit: Constraint, by_context: str | None, *, of_age: bool) -> Json:
    """Return the code and value of a limit. Raises ``_SaysMoreError`` without a name, code, unit
    or range.
    """
    known = name_limit(limit.model_dump(mode="json"), by_context)
    name = known.quantity_canonical or "age"
    if "|" in name:
        raise _SaysMoreError(f"no LOINC code of {limit.quantity}")
    loinc = known.loinc
    ucum = known.unit_ucum
    rest = f" {' '.join(fold_words(limit.quantity))} "
    for words in sorted(
        map(fold_words, get_quantity(name).names),
        key=len,
        reverse=True,
    ):
        # Such as "Body mass index (BMI)", "ECOG status score"
        rest = rest.replace(f" {' '.join(words)} ", "  ")
    is_named = (of_age and known.quantity_canonical == "age") or (
        loinc and {"score"}.issuperset(rest.split())
    )
    if not is_named or known.canonical_note not in (
        None,
        "no conversion",
        "usual body surface",
    ):
        raise _SaysMoreError(
            known.canonical_note or f"no LOINC code of {limit.quantity}"
        )
    named = {"code": code(LOINC, loinc.split("|") if loinc else None, limit.quantity)}
    bounds = [
        quantity(one, limit.unit, ucum=ucum)
        for one in (limit.value, limit.value_high)
        if one is not None
    ]
    if "code" not in bounds[0]:
        raise _SaysMoreError(f"no unit: {limit.unit}")
    if limit.comparator is not Comparator.BETWEEN:
        return named | {
            "valueQuantity": quantity(
                limit.value, limit.unit, limit.comparator.value, ucum
            )
        }
    span = value_range(bounds[0], bounds[-1])
    if span is None:
        raise _SaysMoreError(f"no range: {limit.value:g} to {limit.value_high:g}")
    return named | {"valueRange": span}
