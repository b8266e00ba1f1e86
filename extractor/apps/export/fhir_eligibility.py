"""Represent eligibility as a Group, following the StudyEligibilityCriteria profile of the "EBM on
FHIR" implementation guide (1.0.0-ballot, for R5).

All characteristics must be met. A criterion has a value only if it consists of a single limit. All
other criteria are written as text. A list of alternatives is also written as a single block of
text, because a limit from the list would, on its own, admit or exclude the wrong people.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from itertools import chain

from extractor.apps.export.fhir_parts import (
    LOINC,
    TrialResources,
    code,
    enum_code,
    is_reliable,
    quantity,
    write_range,
)
from extractor.apps.export.registered import read_registered
from extractor.face import (
    AGES,
    KnownQuantity,
    fold_words,
    get_quantity,
    list_alternatives,
    name_limit,
    read_comparator,
    read_table,
)
from extractor.schemas import (
    Category,
    Comparator,
    Constraint,
    Criterion,
    CriterionGroup,
    CriterionKind,
    Evidence,
    RegistryFields,
)
from extractor.schemas.base import JsonObject

_EBM = "http://hl7.org/fhir/uv/ebm/StructureDefinition"
_Counts = Mapping[tuple[CriterionKind, str], int]
"""The number of limits for each (list, quantity) pair."""


class _MoreThanALimit(Exception):
    """A criterion contains more than a single limit. The message names the other content of the
    criterion.
    """


def add_eligibility(trial: TrialResources) -> JsonObject | None:
    """Add the Group of eligible people, and return a reference to it, or None if the record does
    not restrict who can take part.
    """
    eligibility = trial.extraction.eligibility
    characteristics = _describe_people(trial)
    counts: Counter[tuple[CriterionKind, str]] = Counter()
    for criterion in eligibility.criteria:
        names = [limit.quantity.lower() for limit in criterion.constraints]
        counts.update((criterion.kind, name) for name in names)
    alternatives = defaultdict[tuple[CriterionGroup, bool], list[Criterion]](list)
    around = eligibility.list_around()
    for index, criterion in enumerate(eligibility.criteria):
        groups = list_alternatives(criterion, around[criterion.group])
        if groups:
            # the outermost group, which contains all the alternatives
            alternatives[groups[-1], _is_excluded(criterion)].append(criterion)
        else:
            characteristics.append(_describe_criterion(trial, index, criterion, counts))
    for place, ((group, exclude), criteria) in enumerate(alternatives.items()):
        words = [(criterion.lead_in, criterion.quote) for criterion in criteria]
        texts = dict.fromkeys((group.lead_in, *chain.from_iterable(words)))
        characteristics.append(
            {
                "id": f"group-{place}",
                "code": {"text": str(group)},
                "valueCodeableConcept": {"text": "; ".join(filter(None, texts))},
                "exclude": exclude,
            }
        )
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
    return trial.add("Group", "-eligibility", content)


def _describe_people(trial: TrialResources) -> list[JsonObject]:
    """Return characteristics for the ages, the sex and the exclusion of healthy volunteers, taken
    from the text or else from the register. Values that do not exclude anybody are omitted.
    """
    registry = RegistryFields()
    if trial.record:
        registry = trial.record.registry
    people: dict[str, JsonObject] = {}
    for name in AGES:
        age = trial.take_first("eligibility", name)
        evidence = trial.extraction.eligibility.evidence
        if age is None:
            age = read_registered(registry, name)
            # A comparator in the text does not apply to the registered age.
            evidence = ()
        if age:
            value = quantity(age.value, age.unit, read_comparator(name, evidence))
            concept = code(LOINC, "30525-0", "age")
            people[name.replace("_", "-")] = {"code": concept, "valueQuantity": value}
    sex = trial.take_first("eligibility", "sex")
    sex = sex or read_registered(registry, "sex")
    # "all" does not exclude anybody
    if sex in ("female", "male"):
        gender = code("http://hl7.org/fhir/administrative-gender", sex)
        concept = code(LOINC, "46098-0", "sex")
        people["sex"] = {"code": concept, "valueCodeableConcept": gender}
    accepted = trial.take_first("eligibility", "healthy_volunteers")
    if accepted is None:
        accepted = read_registered(registry, "healthy_volunteers")
    if accepted is False:
        concept = {"text": "healthy volunteer"}
        people["healthy-volunteers"] = {"code": concept, "valueBoolean": False}
    return [{"id": name, **person, "exclude": False} for name, person in people.items()]


def _describe_criterion(
    trial: TrialResources, index: int, criterion: Criterion, counts: _Counts
) -> JsonObject:
    """Return a criterion's characteristic, with its value and words or, if it has no value, with
    its words only.
    """
    words = "\n".join(filter(None, (criterion.lead_in, criterion.quote)))
    element = {"id": f"criterion-{index}", "exclude": _is_excluded(criterion)}
    path = f"eligibility.criteria[{index}]"
    limits = trial.take(path, "constraints")
    try:
        value = _read_single_limit(criterion, counts)
    except _MoreThanALimit as addition:
        for row in limits:
            trial.leave_out(row.path, row.value, "compound", str(addition))
        concept = enum_code(trial.take_first(path, "category"), "criterion")
        return element | {"code": concept, "valueCodeableConcept": {"text": words}}
    url = f"{_EBM}/characteristic-description"
    return element | value | {"extension": [{"url": url, "valueMarkdown": words}]}


def _is_excluded(criterion: Criterion) -> bool:
    """Return whether a criterion states who cannot take part. However, a line such as
    "Participants must be off steroids" in the exclusion list states a requirement.
    """
    return not (criterion.is_inclusion or criterion.demanded)


def _read_single_limit(criterion: Criterion, counts: _Counts) -> JsonObject:
    """Return the code and value of a criterion that consists of a single limit. Raises
    ``_MoreThanALimit`` for any other criterion. ``counts`` shows whether other criteria in the same
    list limit the same quantity.
    """
    limits = criterion.constraints
    proofs = criterion.evidence_for("constraints[0]")
    additions = {
        "no limit or several limits": len(limits) != 1 or not proofs,
        "a confidence below 0.8": not all(
            is_reliable(piece.confidence)
            for piece in criterion.evidence
            if piece.field != "category"
        ),
        "an age": criterion.category is Category.AGE,
        "a time window": criterion.time_window or criterion.time_windows,
        "a negation": criterion.negated,
        "an exception": criterion.has_exception,
        "a requirement among the exclusions": criterion.demanded,
        "a sex or quantity from the surrounding words": any(
            proof.sex or proof.quantity for proof in proofs
        ),
        "a limit with a condition": any(limit.condition for limit in limits),
        # "Platelets > 100" and "platelets > 50" apply to different participants.
        "another limit on the quantity": any(
            counts[criterion.kind, limit.quantity.lower()] > 1 for limit in limits
        ),
    }
    for name, is_present in additions.items():
        if is_present:
            raise _MoreThanALimit(name)
    _refuse_other_words(criterion, limits[0], proofs[0])
    return _describe_limit(limits[0])


def _refuse_other_words(
    criterion: Criterion, limit: Constraint, proof: Evidence
) -> None:
    """Raise ``_MoreThanALimit`` if a criterion or its lead-in contains words that do not belong to
    the limit, or a number outside the limit's quote: "creatinine <= 1.5 mg/dL (or 133)". Filler
    words such as "patients must have" are allowed.
    """
    tables = read_table("fhir")["says_nothing"]
    filler_words = _list_folded_words(f"{tables['anywhere']} {tables[criterion.kind]}")
    limit_words = _list_folded_words(
        f"{limit.quantity} {limit.unit or ''} {tables['limit']}"
    )
    quote_words = _list_folded_words(re.sub(r"\d", " ", proof.quote))
    rest = criterion.quote.replace(proof.quote, " ", 1)
    context_words = _list_folded_words(f"{criterion.lead_in or ''} {rest}")
    other_words = (quote_words - limit_words | context_words) - filler_words
    if other_words:
        raise _MoreThanALimit(" ".join(sorted(other_words)))


def _list_folded_words(text: str) -> set[str]:
    """Return the words and digit sequences in a text, in lower case."""
    return {*re.findall(r"\d+|[^\W\d_]+", text.lower())}


def _describe_limit(limit: Constraint) -> JsonObject:
    """Return the code and value of a limit. The value is a Quantity with its comparator, or a
    Range. Raises ``_MoreThanALimit`` if the limit's words contain more than the name of a
    quantity, or if FHIR has no code or range for the limit.
    """
    canonical = name_limit(limit)
    name = canonical.quantity_canonical
    known_quantity = None
    if name and canonical.loinc:
        known_quantity = get_quantity(name)
    if known_quantity is None or not _is_name_of(limit.quantity, known_quantity):
        raise _MoreThanALimit(f"no quantity with a LOINC code: {limit.quantity}")
    ucum = canonical.unit_ucum
    low = quantity(limit.value, limit.unit, limit.comparator, ucum)
    value = {"valueQuantity": low}
    # A limit with one bound is a Quantity with a comparator; only two bounds make a Range.
    if limit.comparator is Comparator.BETWEEN:
        high = quantity(limit.value_high, limit.unit, ucum=ucum)
        value = {"valueRange": write_range(low, high)}
    if None in value.values():
        raise _MoreThanALimit(f"no range in FHIR: {limit.quantity}")
    codes = (canonical.loinc or "").split("|")
    coding = [{"system": LOINC, "code": loinc} for loinc in codes]
    return {"code": {"coding": coding, "text": limit.quantity}, **value}


def _is_name_of(words: str, known: KnownQuantity) -> bool:
    """Return whether the words consist only of names of a quantity: "Body mass index (BMI)", "ECOG
    status score".
    """
    rest = f" {' '.join(fold_words(words))} "
    # the longest name first, because a short name may be part of a longer name
    for name in sorted(map(fold_words, known.names), key=len, reverse=True):
        rest = rest.replace(f" {' '.join(name)} ", "  ")
    return set(rest.split()) <= {"score"}
