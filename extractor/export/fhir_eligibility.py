"""Eligibility as a Group, in the profile StudyEligibilityCriteria of the guide "EBM on FHIR" (1.0.0-ballot, for R5).

All characteristics hold together. A criterion becomes values only if it can be said whole, by the test that cohort
definitions use, and if "all of" and ``exclude`` are enough to combine its parts. Any other criterion is a text, since
a part alone would admit or exclude others than the criterion does.
"""

from extractor.schemas import Category, Citation, Comparator, Constraint, Criterion, CriterionKind, Sex
from extractor.text.book import read_text
from extractor.text.numbers import find_durations
from extractor.text.quantity_names import find_loinc, list_quantities

from .cohorts import read_groups
from .columns import name_limit
from .confidence import LEAST, find_confidence
from .fhir_types import LOINC, Json, Proof, TrialResources, Why, code, extension, own_code, quantity, value_range
from .omop_nodes import CriteriaGroup, Domain, Occurred, Operator, Reason, SexLimit, Undecided
from .omop_vocabulary import WordLists

_EBM = "http://hl7.org/fhir/uv/ebm/StructureDefinition"
_SEX = "46098-0"
"""The LOINC code of a person's sex."""
_NO = frozenset({"no", "false"})
_AGES = {"minimum_age": ">=", "maximum_age": "<="}
_NAMED = {Domain.CONDITION: "condition", Domain.DRUG: "past drug", Domain.PROCEDURE: "past procedure"}
"""What a criterion asks for that names a condition or a treatment."""


def add_group(trial: TrialResources) -> Json | None:
    """Add the Group that is eligible, and return a reference to it; None if the record restricts nobody."""
    people = trial.extraction.eligibility
    proofs: list[Proof] = [(f"eligibility.{each.field}", each) for each in people.evidence]
    characteristics = [*_read_ages(trial, proofs), *_read_sex(trial, proofs), *_read_health(trial, proofs)]
    # A Group may ask for what a database does not hold, such as a biomarker.
    anything = [
        one.model_copy(update={"category": None}) if one.constraints and one.category is not Category.AGE else one
        for one in people.criteria
    ]
    groups, undecided = read_groups(anything, WordLists())
    said: list[str] = []
    for index, criterion in enumerate(people.criteria):
        path, told = f"eligibility.criteria[{index}]", groups.get(index) or undecided[index]
        for place, one in enumerate(_read_criterion(trial, path, criterion, told)):
            characteristics.append({"id": f"criterion-{index}" + (f"-{place}" if place else "")} | one)
        proofs += ((f"{path}.{each.field}", each) for each in criterion.evidence if each.field != "negated")
        said += criterion.lead_in or "", criterion.quote
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
    return trial.add("Group", "-eligibility", content, proofs, "\n".join(said))


def _read_ages(trial: TrialResources, proofs: list[Proof]) -> list[Json]:
    """The age limits of the text, or else the registered ones."""
    found = []
    for name, comparator in _AGES.items():
        stated = getattr(trial.extraction.eligibility, name)
        limit = (stated.value, stated.unit.value) if stated else None
        written = _find_registered(trial, name, stated=bool(stated))
        if written and limit is None:
            age = next(find_durations(read_text(written)), None)
            limit = (age.low, age.unit.value) if age else None
            if age is None:
                trial.leave_out(f"registry.{name}", written, "no_restriction")
            else:
                proofs.append((f"eligibility.{name}", _cite_registry(name, written)))
        if limit:
            age_code = code(LOINC, find_loinc(list_quantities()["age"], "a")[0], "age")
            value = quantity(*limit, comparator)
            found.append({"id": name.replace("_", "-"), "code": age_code, "valueQuantity": value, "exclude": False})
    return found


def _read_sex(trial: TrialResources, proofs: list[Proof]) -> list[Json]:
    """The sex that the text admits, or else the registered one."""
    stated = trial.extraction.eligibility.sex
    written = _find_registered(trial, "sex", stated=stated is not None)
    sex = stated or next((one for one in Sex if written and one.value == written.strip().lower()), None)
    if sex in (None, Sex.ALL):
        trial.leave_out("eligibility.sex", stated, "no_restriction")
        trial.leave_out("registry.sex", None if stated else written, "no_restriction")
        return []
    if written and not stated:
        proofs.append(("eligibility.sex", _cite_registry("sex", written)))
    value = code("http://hl7.org/fhir/administrative-gender", sex)
    return [{"id": "sex", "code": code(LOINC, _SEX, "sex"), "valueCodeableConcept": value, "exclude": False}]


def _read_health(trial: TrialResources, proofs: list[Proof]) -> list[Json]:
    """Whether healthy people are kept out, by the text or else by the registry. Admitting them restricts nobody."""
    admitted = trial.extraction.eligibility.healthy_volunteers
    written = _find_registered(trial, "healthy_volunteers", stated=admitted is not None)
    if admitted is False or (written or "").lower() in _NO:
        if written:
            proofs.append(("eligibility.healthy_volunteers", _cite_registry("healthy_volunteers", written)))
        name = {"id": "healthy-volunteers", "code": {"text": "healthy volunteer"}}
        return [name | {"valueBoolean": False, "exclude": False}]
    trial.leave_out("eligibility.healthy_volunteers", admitted, "no_restriction")
    trial.leave_out("registry.healthy_volunteers", written, "no_restriction")
    return []


def _find_registered(trial: TrialResources, name: str, *, stated: bool) -> str | None:
    written = trial.record.registry.text(name) if trial.record else None
    if stated:
        trial.leave_out(f"registry.{name}", written, "text_decides")
    return None if stated else written


def _cite_registry(name: str, written: str) -> Citation:
    return Citation(section=f"registry.{name}", start=0, end=len(written), quote=written)


def _read_criterion(
    trial: TrialResources, path: str, criterion: Criterion, told: CriteriaGroup | Undecided
) -> list[Json]:
    """A criterion as values with codes, or as one text with all that this leaves out listed."""
    words = "\n".join(filter(None, (criterion.lead_in, criterion.quote)))
    trial.leave_out(f"{path}.section", None if criterion.evidence else criterion.section, "no_offsets")
    reason: Why = "unsure" if find_confidence(criterion) < LEAST else "compound"
    detail = str(told)
    if reason == "compound" and isinstance(told, CriteriaGroup):
        try:
            if values := _read_values(criterion, told):
                described = {"extension": [extension(f"{_EBM}/characteristic-description", valueMarkdown=words)]}
                trial.leave_out(f"{path}.category", criterion.category, "no_element")
                return [described | value for value in values]
        except Undecided as error:
            detail = str(error)
    for index, limit in enumerate(criterion.constraints):
        trial.leave_out(f"{path}.constraints[{index}]", limit, reason, detail if reason == "compound" else "")
    trial.leave_out(f"{path}.negated", criterion.negated or None, "no_element")
    known = trial.drop_unsure(path, criterion, "category").category
    text: Json = {"code": own_code("category", known, (known or "criterion").replace("_", " "))}
    if window := criterion.time_window:
        said = [extension("text", valueString=window.quote)]
        text["extension"] = [{"url": f"{_EBM}/characteristic-timing", "extension": said}]
        trial.leave_out(f"{path}.time_window", window, "no_direction")
    is_excluded = criterion.kind is CriterionKind.EXCLUSION
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
    _, _, loinc, ucum, *_ = name_limit(limit.model_dump(mode="json"), criterion.model_dump(mode="json"))
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
