"""Eligibility as a Group, in the profile StudyEligibilityCriteria of the guide "EBM on FHIR" (1.0.0-ballot, for R5).

All characteristics hold together. A criterion becomes Quantities or Ranges only if its limits are all that it says and
each of them decides: one limit, limits joined by "and" that include, or limits joined by "or" that exclude. Any other
criterion is a text, since a limit alone would admit or exclude others than the criterion does.
"""

import re
from typing import Any

from extractor.schemas import Comparator, Constraint, Criterion, CriterionKind, Sex
from extractor.text.quantity_names import find_loinc, fold_words, list_quantities
from extractor.text.registered_ages import AGES

from .columns import name_limit
from .fhir_types import LOINC, Json, Proof, Reason, TrialResources, code, extension, own_code, quantity, value_range
from .people import People, Stated, read_people
from .targets import Targets, excludes_target, read_targets

_EBM = "http://hl7.org/fhir/uv/ebm/StructureDefinition"
_SEX = "46098-0"
"""The LOINC code of a person's sex."""
# fmt: off
_FILLERS = frozenset({
    "a", "an", "and", "are", "be", "been", "has", "have", "having", "inclusive", "individual", "is", "must", "of",
    "old", "older", "participant", "patient", "person", "should", "subject", "that", "the", "their", "value", "was",
    "were", "who", "with", "year",
})
# fmt: on
"""Words that add nothing to a limit: "Patients must have ...", "... years old, inclusive"."""
_OTHER = re.compile(r"\d|(?![A-Za-z])\w")
"""Numbers, and letters of other alphabets, which ``fold_words`` does not read."""
_JOIN = re.compile(r"(?i)\b(?:and|or)\b")
_SEVERAL = re.compile(r"\b(?:and|or)\b|/")
"""Joins two quantities, such as "ALT or bilirubin", which have no code together."""


def add_group(trial: TrialResources) -> Json | None:
    """Add the Group that is eligible, and return a reference to it; None if the record restricts nobody."""
    eligibility, people = trial.extraction.eligibility, read_people(trial.extraction, trial.record)
    proofs: list[Proof] = [(f"eligibility.{each.field}", each) for each in eligibility.evidence]
    characteristics = _read_people(trial, people, proofs)
    targets = read_targets(trial.record)
    for index, criterion in enumerate(eligibility.criteria):
        path = f"eligibility.criteria[{index}]"
        if reason := _find_other_place(criterion, people, targets):
            trial.leave_out(path, criterion.quote, reason)
            continue
        for place, one in enumerate(_read_criterion(trial, path, criterion)):
            characteristics.append({"id": f"criterion-{index}" + (f"-{place}" if place else "")} | one)
        proofs += ((f"{path}.{each.field}", each) for each in criterion.evidence)
    if not characteristics:
        return None
    content = {
        "meta": {"profile": [f"{_EBM}/study-eligibility-criteria|1.0.0-ballot"]},
        "extension": [extension(f"{_EBM}/combination-method", valueCode="all-of")],
        "type": "person",
        "membership": "definitional",
        "name": f"Eligibility criteria of {trial.extraction.record_id}",
        "characteristic": characteristics,
    }
    return trial.add("Group", "-eligibility", content, proofs)


def _find_other_place(criterion: Criterion, people: People, targets: Targets) -> Reason | None:
    """Why a criterion is no characteristic: its ages stand already, or it would keep the trial's own patients out."""
    if excludes_target(criterion, targets):
        return "target_condition"
    same = people.compare(criterion) if _read_limits(criterion) else None
    return None if same is None else "age_bound" if same else "other_age"


def _read_people(trial: TrialResources, people: People, proofs: list[Proof]) -> list[Json]:
    """The ages, the sex, and whether healthy people are kept out. Admitting everybody restricts nobody."""
    found: list[Json] = []
    stated: dict[str, Stated[Any] | None] = {**people.ages, "sex": people.sex, "healthy_volunteers": people.healthy}
    for name, one in stated.items():
        if one and one.value in (Sex.ALL, True):
            path = f"registry.{name}" if one.registered else f"eligibility.{name}"
            trial.leave_out(
                path, one.citation.quote if one.registered and one.citation else one.value, "no_restriction"
            )
            continue
        if one and one.registered and one.citation:
            proofs.append((f"eligibility.{name}", one.citation))
        if one:
            found.append({"id": name.replace("_", "-"), **_describe(name, one), "exclude": False})
    for left in people.left_out:
        trial.leave_out(left.field, left.value, left.reason)
    return found


def _describe(name: str, stated: Stated[Any]) -> Json:
    if name in AGES:
        age_code = code(LOINC, find_loinc(list_quantities()["age"], "a")[0], "age")
        value = quantity(stated.value.value, stated.value.unit.value, stated.comparator)
        return {"code": age_code, "valueQuantity": value}
    if name == "sex":
        value = code("http://hl7.org/fhir/administrative-gender", stated.value)
        return {"code": code(LOINC, _SEX, "sex"), "valueCodeableConcept": value}
    return {"code": {"text": "healthy volunteer"}, "valueBoolean": False}


def _read_criterion(trial: TrialResources, path: str, criterion: Criterion) -> list[Json]:
    words = "\n".join(filter(None, (criterion.lead_in, criterion.quote)))
    common = {"exclude": criterion.kind is CriterionKind.EXCLUSION}
    trial.leave_out(f"{path}.negated", criterion.negated or None, "no_element")
    trial.leave_out(f"{path}.section", None if criterion.evidence else criterion.section, "no_offsets")
    if limits := _read_limits(criterion):
        trial.leave_out(f"{path}.category", criterion.category, "no_element")
        for index, (value, limit) in enumerate(zip(limits, criterion.constraints, strict=True)):
            is_known = value.get("valueQuantity", value.get("valueRange", {}).get("low", {})).get("code")
            trial.leave_out(f"{path}.constraints[{index}].unit", None if is_known else limit.unit, "no_ucum")
        described = {"extension": [extension(f"{_EBM}/characteristic-description", valueMarkdown=words)]}
        return [described | value | common for value in limits]
    for index, limit in enumerate(criterion.constraints):
        trial.leave_out(f"{path}.constraints[{index}]", limit.model_dump(mode="json"), "compound")
    topic = criterion.category.value if criterion.category else None
    found: Json = {"code": own_code("category", topic, (topic or "criterion").replace("_", " "))}
    if window := criterion.time_window:
        said = [extension("text", valueString=window.quote)]
        found["extension"] = [{"url": f"{_EBM}/characteristic-timing", "extension": said}]
        trial.leave_out(f"{path}.time_window", window.model_dump(mode="json"), "no_direction")
    return [found | {"valueCodeableConcept": {"text": words}} | common]


def _read_limits(criterion: Criterion) -> list[Json]:
    """The codes and values of a criterion that is its limits and nothing else; none for another criterion."""
    quotes = [each.quote for each in criterion.evidence if each.field.startswith("constraints[")]
    if not quotes or criterion.time_window or criterion.lead_in or criterion.negated:
        return []
    rest = criterion.quote
    for part in sorted({*quotes, *(limit.quantity for limit in criterion.constraints)}, key=len, reverse=True):
        rest = rest.replace(part, " ", 1)
    if _OTHER.search(rest) or not _FILLERS.issuperset(fold_words(rest)):
        return []
    if len(criterion.constraints) > 1:
        joined = {word.lower() for word in _JOIN.findall(criterion.quote)}
        if joined != {"or" if criterion.kind is CriterionKind.EXCLUSION else "and"}:
            return []
    limits = [_read_limit(criterion, limit) for limit in criterion.constraints]
    return [limit for limit in limits if limit] if all(limits) else []


def _read_limit(criterion: Criterion, limit: Constraint) -> Json | None:
    """The code and value of a limit; None without a unit, or if its bounds make no range."""
    _, _, loinc, ucum, *_ = name_limit(limit.model_dump(mode="json"), criterion.model_dump(mode="json"))
    value = quantity(limit.value, limit.unit, ucum=ucum)
    if "unit" not in value:
        return None
    named = {
        "code": code(
            LOINC, loinc.split("|")[0] if loinc and not _SEVERAL.search(limit.quantity) else None, limit.quantity
        )
    }
    if limit.comparator is not Comparator.BETWEEN:
        return named | {"valueQuantity": quantity(limit.value, limit.unit, limit.comparator.value, ucum)}
    high = None if limit.value_high is None else quantity(limit.value_high, limit.unit, ucum=ucum)
    span = value_range(value, high) if high else None
    return named | {"valueRange": span} if span else None
