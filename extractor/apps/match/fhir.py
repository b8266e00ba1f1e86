"""Read patients from Bundles of FHIR R4 and R5. This requires the extra ``fhir``.

Patient, Condition, Observation, AllergyIntolerance, MedicationStatement, MedicationRequest and
Procedure are read, also with the profiles of mCODE. What is refuted is absent, and a drug that was
stopped is one that the patient had; what is provisional, entered in error or planned is not stated.
What a FamilyMemberHistory or a RelatedPerson says is about a relative, and told as not used.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any, NamedTuple

from extractor.errors import MissingExtra
from extractor.face import NOT_COMPARED, read_toml
from extractor.schemas.base import JsonObject

_TAG = re.compile(r" \((?:disorder|finding|procedure|situation|substance|product)\)$")
"""What SNOMED CT adds to a name."""
_ACTIVE = frozenset({"active", "recurrence", "relapse", ""})
_TAKEN = frozenset({"active", "recorded", ""})
_STOPPED = frozenset({"stopped", "completed"})
"""A drug that was taken. One that is on hold may be taken again, or never was."""
_ALLERGIES = re.compile(r"allerg|intoleran|hypersensitiv|anaphyla", re.IGNORECASE)
_NO_ALLERGY = re.compile(r"\s*(?:no|not)\b", re.IGNORECASE)
_MEASURED = frozenset({"final", "amended", "corrected"})
_TABLE = read_toml("extractor.apps.match", "fhir.toml")


class _Patients(NamedTuple):
    """The rows of the patients in a Bundle.

    Attributes:
        rows: Each patient's row, by the patient's key.
        names: The key of each patient, by the references to it.
    """

    rows: dict[str, JsonObject]
    names: dict[str, str]


def read_bundle(bundle: Mapping[str, Any]) -> list[JsonObject]:
    """Return the rows of the patients in a Bundle, as ``list_patients`` reads them.

    Raises:
        MissingExtra: fhir.resources is not installed.
    """
    _require_library()
    entries = list(_list_entries(bundle))
    patients = _read_patients(entries)
    medications = {
        f"Medication/{resource.get('id')}": resource
        for _, resource in entries
        if resource.get("resourceType") == "Medication"
    }
    for _, resource in entries:
        if resource.get("resourceType") in _READERS:
            _add_resource(resource, patients, medications)
    on = _read_on(bundle)
    for row in patients.rows.values():
        row.pop("_times", None)
        if on:
            row["on"] = on
    return list(patients.rows.values())


def _require_library() -> None:
    try:
        from fhir import resources  # noqa: F401, PLC0415 - an extra
    except ImportError as error:
        raise MissingExtra("FHIR needs fhir.resources", "fhir") from error


def _list_entries(bundle: Mapping[str, Any]) -> Iterator[tuple[str, JsonObject]]:
    """Yield the address and the resource of each entry."""
    for entry in bundle.get("entry") or []:
        yield entry.get("fullUrl") or "", entry.get("resource") or {}


def _read_patients(entries: Iterable[tuple[str, JsonObject]]) -> _Patients:
    """Return the rows of the patients, without what other resources say of them."""
    patients = _Patients({}, {})
    for url, resource in entries:
        if resource.get("resourceType") != "Patient":
            continue
        key = str(resource.get("id") or url or len(patients.rows) + 1)
        patients.names.update({f"Patient/{key}": key, url: key, key: key})
        patients.rows[key] = {"id": key, **_read_patient(resource)}
    return patients


def _add_resource(
    resource: JsonObject, patients: _Patients, medications: Mapping[str, Any]
) -> None:
    """Add what a resource says to the row of its patient; of one that is not valid, the reason."""
    row = _find_row(resource, patients.rows, patients.names)
    if row is None:
        _tell_stray(resource, patients)
        return
    kind = resource["resourceType"]
    problem = _check(resource)
    if problem:
        name = f"{kind} {resource.get('id', '')}".strip()
        row["values"][name] = f"{NOT_COMPARED}{problem}"
        return
    _READERS[kind](resource, row, medications)


def _tell_stray(resource: Mapping[str, Any], patients: _Patients) -> None:
    """Tell the only patient of a Bundle of a resource that is about nobody in it."""
    if len(patients.rows) != 1:
        return
    [row] = patients.rows.values()
    name = f"{resource['resourceType']} {resource.get('id', '')}".strip()
    row["values"][name] = f"{NOT_COMPARED}is not about a patient of the Bundle"


def _find_row(
    resource: Mapping[str, Any],
    rows: Mapping[str, JsonObject],
    names: Mapping[str, str],
) -> JsonObject | None:
    # allergies and relatives have a patient instead
    subject = resource.get("subject") or resource.get("patient") or {}
    reference = subject.get("reference", "")
    key = names.get(reference, names.get(reference.rpartition("/")[2], ""))
    return rows.get(key)


def _check(resource: Mapping[str, Any]) -> str:
    """Return why a resource is valid in neither version of FHIR, or an empty string."""
    from importlib import import_module  # noqa: PLC0415 - with the extra

    from pydantic import ValidationError  # noqa: PLC0415

    kind = resource["resourceType"]
    problem = ""
    for version in ("fhir.resources.R4B", "fhir.resources"):
        model = getattr(import_module(f"{version}.{kind.lower()}"), kind)
        try:
            model.model_validate(resource)
        except ValidationError as error:
            problem = f"not FHIR: {error.errors(include_url=False)[0]['msg']}"
            continue
        return ""
    return problem


def _read_patient(resource: Mapping[str, Any]) -> JsonObject:
    row: JsonObject = {"values": {}, "since": {}, "upper_limits": {}}
    if resource.get("gender") in ("female", "male"):
        row["sex"] = resource["gender"]
    born = str(resource.get("birthDate") or "")
    # a year alone is no birthday
    if len(born) == len("2000-01-01"):
        row["birth_date"] = born
    for field in ("conditions", "drugs", "had", "absent", "never"):
        row[field] = []
    return row


def _list_texts(concept: Mapping[str, Any] | None) -> list[str]:
    """Return the names and the codes of a concept, the plain text first."""
    if not concept:
        return []
    texts = [concept.get("text")]
    for coding in concept.get("coding") or []:
        texts += [coding.get("display"), coding.get("code")]
    plain = [_TAG.sub("", str(text)) for text in texts if text]
    return list(dict.fromkeys(plain))


def _read_code(concept: Any) -> str:
    """Return the code of a status: "confirmed"."""
    if isinstance(concept, str):
        return concept
    for coding in (concept or {}).get("coding") or []:
        if coding.get("code"):
            return str(coding["code"])
    return ""


def _read_condition(
    resource: Mapping[str, Any], row: JsonObject, _: Mapping[str, Any]
) -> None:
    names = _list_texts(resource.get("code"))
    verified = _read_code(resource.get("verificationStatus"))
    status = _read_code(resource.get("clinicalStatus"))
    if verified == "refuted":
        row["absent"] += names
    elif verified in ("confirmed", "") and status in _ACTIVE:
        # the onset of what lasts is not the time since it
        row["conditions"] += names


def _read_allergy(
    resource: Mapping[str, Any], row: JsonObject, _: Mapping[str, Any]
) -> None:
    """Add an allergy or an intolerance as a condition: "penicillin allergy"."""
    substances = _list_texts(resource.get("code"))
    verified = _read_code(resource.get("verificationStatus"))
    status = _read_code(resource.get("clinicalStatus"))
    if verified == "entered-in-error":
        return
    # R5 has a concept, R4 a code
    kind = _read_code(resource.get("type"))
    noun = "intolerance" if kind == "intolerance" else "allergy"
    # a code says nothing with a noun behind it
    plain = [substance for substance in substances if not substance.isdecimal()]
    names = [_name_allergy(substance, noun) for substance in plain]
    if verified == "refuted":
        row["absent"] += names
    elif verified in ("confirmed", "") and status == "active" and _is_plain(substances):
        row["conditions"] += names
    else:
        name = next(iter(names), "allergy")
        row["values"][name] = f"{NOT_COMPARED}is no confirmed, active allergy"


def _name_allergy(substance: str, noun: str) -> str:
    if _ALLERGIES.search(substance):
        return substance
    return f"{substance} {noun}"


def _is_plain(substances: Iterable[str]) -> bool:
    """Return whether names are those of substances, unlike "No known allergies"."""
    return not any(_NO_ALLERGY.match(substance) for substance in substances)


def _read_relative(
    resource: Mapping[str, Any], row: JsonObject, _: Mapping[str, Any]
) -> None:
    """Tell that what a relative has is not compared."""
    relative = _name_relative(resource)
    for condition in resource.get("condition") or []:
        for name in _list_texts(condition.get("code"))[:1]:
            row["values"][f"{name} ({relative})"] = _OF_A_RELATIVE


_OF_A_RELATIVE = f"{NOT_COMPARED}is about a relative, not the patient"


def _read_related(
    resource: Mapping[str, Any], row: JsonObject, _: Mapping[str, Any]
) -> None:
    """Tell that a relative or another person is not the patient."""
    row["values"][f"RelatedPerson ({_name_relative(resource)})"] = _OF_A_RELATIVE


def _name_relative(resource: Mapping[str, Any]) -> str:
    """Return who a relative is: "mother". R5 and some resources of R4 list relationships."""
    stated = resource.get("relationship") or []
    concepts = stated if isinstance(stated, list) else [stated]
    names = [name for concept in concepts for name in _list_texts(concept)]
    return next(iter(names), "a relative")


def _add_date(row: JsonObject, names: list[str], when: Any) -> None:
    """Add the date of an event, if it is a whole date."""
    if isinstance(when, str) and len(when) >= len("2000-01-01"):
        row["since"] |= {
            name: _latest(row["since"].get(name), when[:10]) for name in names
        }


def _latest(one: str | None, other: str) -> str:
    return max(one or other, other)


def _read_observation(
    resource: Mapping[str, Any], row: JsonObject, _: Mapping[str, Any]
) -> None:
    if resource.get("status") not in _MEASURED:
        return
    period = resource.get("effectivePeriod") or {}
    taken = str(resource.get("effectiveDateTime") or period.get("start") or "")
    for part in [resource, *(resource.get("component") or [])]:
        name = _name_quantity(part.get("code"))
        value = _read_value(part)
        if not name or value is None:
            continue
        # the newest one counts
        times = row.setdefault("_times", {})
        is_known = name in row["values"]
        if is_known and times.get(name, "") > taken:
            continue
        times[name] = taken
        row["values"][name] = value
        row["upper_limits"].pop(name, None)
        for limit in _list_upper_limits(part):
            row["upper_limits"][name] = limit


def _name_quantity(concept: Mapping[str, Any] | None) -> str:
    for coding in (concept or {}).get("coding") or []:
        if coding.get("code") in _TABLE["loinc"]:
            return str(_TABLE["loinc"][coding["code"]])
    return next(iter(_list_texts(concept)), "")


def _read_value(part: Mapping[str, Any]) -> str | float | int | None:
    quantity = part.get("valueQuantity")
    if quantity and quantity.get("value") is not None:
        return _show_quantity(quantity)
    if isinstance(part.get("valueInteger"), int):
        return int(part["valueInteger"])
    concept = part.get("valueCodeableConcept")
    if concept:
        texts = _list_texts(concept)
        number = next((text for text in texts if text.strip().isdecimal()), None)
        return number or next(iter(texts), None)
    return part.get("valueString")


def _show_quantity(quantity: Mapping[str, Any]) -> str:
    unit = quantity.get("code") or quantity.get("unit") or ""
    shown = _TABLE["units"].get(unit, unit)
    return f"{quantity.get('comparator') or ''}{quantity['value']} {shown}".strip()


def _list_upper_limits(part: Mapping[str, Any]) -> Iterator[str]:
    ranges = part.get("referenceRange") or []
    # several ranges are for several kinds of people
    if len(ranges) == 1 and (ranges[0].get("high") or {}).get("value") is not None:
        yield _show_quantity(ranges[0]["high"])


def _read_medication(
    resource: Mapping[str, Any], row: JsonObject, medications: Mapping[str, Any]
) -> None:
    status = resource.get("status")
    if status not in _TAKEN | _STOPPED or resource.get("doNotPerform"):
        return
    if resource.get("intent") in ("proposal", "plan", "option"):
        return
    concept = resource.get("medicationCodeableConcept")
    reference = resource.get("medicationReference")
    # R5 has one field for both
    medication = resource.get("medication") or {}
    concept = concept or medication.get("concept")
    reference = reference or medication.get("reference")
    if reference and not concept:
        concept = (medications.get(reference.get("reference", "")) or {}).get("code")
    field = "had" if status in _STOPPED else "drugs"
    row[field] += _list_texts(concept)


def _read_procedure(
    resource: Mapping[str, Any], row: JsonObject, _: Mapping[str, Any]
) -> None:
    if resource.get("status") != "completed":
        return
    names = _list_texts(resource.get("code"))
    when = None
    # R4 and R5 name them differently
    for name in ("performedDateTime", "occurrenceDateTime"):
        when = when or resource.get(name)
    for name in ("performedPeriod", "occurrencePeriod"):
        period = resource.get(name) or {}
        when = when or period.get("end")
    _add_date(row, names, when)


_READERS = {
    "Condition": _read_condition,
    "AllergyIntolerance": _read_allergy,
    "FamilyMemberHistory": _read_relative,
    "RelatedPerson": _read_related,
    "Observation": _read_observation,
    "MedicationStatement": _read_medication,
    "MedicationRequest": _read_medication,
    "Procedure": _read_procedure,
}


def _read_on(bundle: Mapping[str, Any]) -> date | None:
    """Return the date of a Bundle, from which its dates are counted."""
    stamp = str(bundle.get("timestamp") or "")[:10]
    try:
        return date.fromisoformat(stamp)
    except ValueError:
        return None
