"""Eligibility as a Group, in the profile StudyEligibilityCriteria of the guide "EBM on FHIR" (1.0.0-ballot, for R5).

All characteristics hold together. A criterion becomes values only if it can be said whole, by the test that cohort
definitions use, and if "all of" and ``exclude`` are enough to combine its parts. Any other criterion is a text, since
a part alone would admit or exclude others than the criterion does.
"""

from collections.abc import Mapping
from typing import Any

from extractor.schemas import Category, Comparator, Constraint, Criterion, CriterionKind, Sex
from extractor.text.quantity_names import find_loinc, list_quantities
from extractor.text.registered_ages import AGES

from .columns import name_limit
from .fhir_types import LOINC, Json, Proof, TrialResources, UnmappedReason, code, own_code, quantity, value_range
from .omop_circe import CriteriaGroup, Domain, Occurred, Operator, Reason, SexLimit, Undecided
from .omop_groups import limits_age, read_groups, read_targets
from .omop_rules import demands
from .omop_vocabulary import WordLists
from .people import People, Stated, read_people

_EBM = "http://hl7.org/fhir/uv/ebm/StructureDefinition"
_SEX = "46098-0"
"""The LOINC code of a person's sex."""
_ELSEWHERE: Mapping[Reason, UnmappedReason] = {
    Reason.TARGET_CONDITION: "target_condition",
    Reason.OTHER_AGE: "other_age",
}
"""Why a criterion that cohort definitions leave out is no text either."""
_NAMED = {Domain.CONDITION: "condition", Domain.DRUG: "past drug", Domain.PROCEDURE: "past procedure"}
"""What a criterion asks for that names a condition or a treatment."""


def add_group(trial: TrialResources) -> Json | None:
    """Add the Group that is eligible, and return a reference to it; None if the record restricts nobody."""
    eligibility, people = trial.extraction.eligibility, read_people(trial.extraction, trial.record)
    proofs: list[Proof] = [(f"eligibility.{each.field}", each) for each in eligibility.evidence]
    characteristics = _read_people(trial, people, proofs)
    # A Group may ask for what a database does not hold, such as a biomarker.
    anything = [
        one.model_copy(update={"category": None}) if one.constraints and one.category is not Category.AGE else one
        for one in eligibility.criteria
    ]
    groups, undecided = read_groups(anything, WordLists(), people, read_targets(trial.record))
    said: list[str] = []
    for index, criterion in enumerate(eligibility.criteria):
        path, result = f"eligibility.criteria[{index}]", groups.get(index) or undecided[index]
        if elsewhere := _find_other_place(criterion, result, people):
            trial.leave_out(path, criterion.quote, elsewhere)
            continue
        for place, one in enumerate(_read_criterion(trial, path, criterion, result)):
            characteristics.append({"id": f"criterion-{index}" + (f"-{place}" if place else "")} | one)
        proofs += ((f"{path}.{each.field}", each) for each in criterion.evidence if each.field != "negated")
        said += criterion.lead_in or "", criterion.quote
    if not characteristics:
        return None
    content = {
        "meta": {"profile": [f"{_EBM}/study-eligibility-criteria|1.0.0-ballot"]},
        "extension": [{"url": f"{_EBM}/combination-method", "valueCode": "all-of"}],
        "type": "person",
        "membership": "definitional",
        "name": f"Eligibility criteria of {trial.extraction.record_id}",
        "characteristic": characteristics,
    }
    return trial.add("Group", "-eligibility", content, proofs, "\n".join(said))


def _find_other_place(criterion: Criterion, result: CriteriaGroup | Undecided, people: People) -> UnmappedReason | None:
    """Why a criterion is no characteristic: its ages stand already, or it would keep the trial's own patients out."""
    if isinstance(result, Undecided):
        return _ELSEWHERE.get(result.reason)
    return "age_bound" if limits_age(result) and people.compare(criterion) else None


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
        age_code = code(LOINC, find_loinc(list_quantities()["age"], "a"), "age")
        value = quantity(stated.value.value, stated.value.unit.value, stated.comparator)
        return {"code": age_code, "valueQuantity": value}
    if name == "sex":
        return _name_sex(stated.value)
    return {"code": {"text": "healthy volunteer"}, "valueBoolean": False}


def _read_criterion(
    trial: TrialResources, path: str, criterion: Criterion, result: CriteriaGroup | Undecided
) -> list[Json]:
    """A criterion as values with codes, or as one text with all that this leaves out listed."""
    words = "\n".join(filter(None, (criterion.lead_in, criterion.quote)))
    trial.leave_out(f"{path}.section", None if criterion.evidence else criterion.section, "no_offsets")
    reason: UnmappedReason = (
        "unsure" if isinstance(result, Undecided) and result.reason is Reason.UNSURE else "compound"
    )
    detail = str(result)
    if isinstance(result, CriteriaGroup):
        try:
            if values := _read_values(criterion, result):
                described = {"extension": [{"url": f"{_EBM}/characteristic-description", "valueMarkdown": words}]}
                trial.leave_out(f"{path}.category", criterion.category, "no_element")
                return [described | value for value in values]
        except Undecided as error:
            detail = str(error)
    for index, limit in enumerate(criterion.constraints):
        trial.leave_out(f"{path}.constraints[{index}]", limit, reason, detail if reason == "compound" else "")
    trial.leave_out(f"{path}.negated", criterion.negated or None, "no_element")
    criterion = trial.drop_unsure(path, criterion, "category", "time_window")
    known = criterion.category
    text: Json = {"code": own_code("category", known, (known or "criterion").replace("_", " "))}
    if window := criterion.time_window:
        said = [{"url": "text", "valueString": window.quote}]
        text["extension"] = [{"url": f"{_EBM}/characteristic-timing", "extension": said}]
        trial.leave_out(f"{path}.time_window", window, "no_direction")
    # "Participants must be off steroids" among the exclusions is what they must be.
    is_excluded = criterion.kind is CriterionKind.EXCLUSION and not demands(criterion)
    return [text | {"valueCodeableConcept": {"text": words}, "exclude": is_excluded}]


def _read_values(criterion: Criterion, group: CriteriaGroup) -> list[Json]:
    """The codes and values of a criterion; none if it restricts nobody, or for a combination that a Group lacks."""
    members, excluded = group.members, group.operator is Operator.NONE
    joined = any(isinstance(one, CriteriaGroup) and one.operator is Operator.ALL for one in members)
    if criterion.time_window or (group.operator is Operator.ANY and len(members) > 1) or (excluded and joined):
        raise Undecided(Reason.CONJUNCTION)
    found = [_name_sex(one.sex) for one in members if isinstance(one, SexLimit)]
    for one in members:
        if isinstance(one, Occurred):
            value = {"text": one.concepts.name}
            found.append({"code": {"text": _NAMED[one.concepts.domain]}, "valueCodeableConcept": value})
    found += (_read_limit(criterion, limit) for limit in criterion.constraints)
    return [one | {"exclude": excluded} for one in found]


def _name_sex(sex: Sex) -> Json:
    value = code("http://hl7.org/fhir/administrative-gender", sex)
    return {"code": code(LOINC, _SEX, "sex"), "valueCodeableConcept": value}


def _read_limit(criterion: Criterion, limit: Constraint) -> Json:
    """The code and value of a limit. Raises ``Undecided`` without a unit, or if its bounds make no range."""
    known = name_limit(limit.model_dump(mode="json"), criterion.model_dump(mode="json"))
    loinc, ucum = known.loinc, known.unit_ucum
    named = {"code": code(LOINC, loinc.split("|") if loinc else None, limit.quantity)}
    bounds = [quantity(one, limit.unit, ucum=ucum) for one in (limit.value, limit.value_high) if one is not None]
    if "code" not in bounds[0]:
        raise Undecided(Reason.UNIT, limit.unit or "none")
    if limit.comparator is not Comparator.BETWEEN:
        return named | {"valueQuantity": quantity(limit.value, limit.unit, limit.comparator.value, ucum)}
    span = value_range(bounds[0], bounds[-1])
    if span is None:
        raise Undecided(Reason.VALUE, f"{limit.value:g} to {limit.value_high:g}")
    return named | {"valueRange": span}
