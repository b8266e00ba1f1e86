"""Read patients from Bundles of FHIR R4 and R5. This requires the extra ``fhir``.

Patient, Condition, Observation, MedicationStatement, MedicationRequest and Procedure are read,
also with the profiles of mCODE. What is refuted is absent; what is provisional, entered in error,
planned or stopped is not stated.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from extractor.errors import MissingExtra
from extractor.face import read_toml
from extractor.schemas.base import JsonObject

_KINDS = (
    "Patient",
    "Condition",
    "Observation",
    "MedicationStatement",
    "MedicationRequest",
    "Procedure",
)
_TAG = re.compile(r" \((?:disorder|finding|procedure|situation|substance|product)\)$")
"""What SNOMED CT adds to a name."""
_ACTIVE = frozenset({"active", "recurrence", "relapse", ""})
_TAKEN = frozenset({"active", "recorded", ""})
_MEASURED = frozenset({"final", "amended", "corrected"})
_TABLE = read_toml("extractor.apps.match", "fhir.toml")


def read_bundle(bundle: Mapping[str, Any]) -> list[JsonObject]:
    """Return the rows of the patients in a Bundle, as ``list_patients`` reads them.

    Raises:
        MissingExtra: fhir.resources is not installed.
    """
    try:
        from fhir import resources  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingExtra("FHIR needs fhir.resources", "fhir") from error
    del resources
    rows: dict[str, JsonObject] = {}
    found = []
    for entry in bundle.get("entry") or []:
        resource = entry.get("resource") or {}
        if resource.get("resourceType") in _KINDS:
            found.append((entry.get("fullUrl") or "", resource))
    patients = [each for each in found if each[1]["resourceType"] == "Patient"]
    names: dict[str, str] = {}
    for number, (url, resource) in enumerate(patients, 1):
        key = str(resource.get("id") or url or number)
        names |= {f"Patient/{key}": key, url: key, key: key}
        rows[key] = {"id": key, **_read_patient(resource)}
    medications = {
        f"{kind}/{one.get('id')}": one
        for entry in bundle.get("entry") or []
        for one in [entry.get("resource") or {}]
        for kind in [one.get("resourceType")]
        if kind == "Medication"
    }
    for _, resource in found:
        kind = resource["resourceType"]
        if kind == "Patient":
            continue
        row = _find_row(resource, rows, names)
        problem = _check(resource)
        if row is None:
            continue
        if problem:
            row.setdefault("values", {})[f"{kind} {resource.get('id', '')}"] = problem
            continue
        _READERS[kind](resource, row, medications)
    on = _read_on(bundle)
    for row in rows.values():
        row.pop("_times", None)
        if on:
            row["on"] = on
    return list(rows.values())


def _find_row(
    resource: Mapping[str, Any],
    rows: Mapping[str, JsonObject],
    names: Mapping[str, str],
) -> JsonObject | None:
    reference = (resource.get("subject") or {}).get("reference", "")
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
    for field in ("conditions", "drugs", "absent", "never"):
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
    taken = str(
        resource.get("effectiveDateTime")
        or (resource.get("effectivePeriod") or {}).get("start")
        or ""
    )
    for part in [resource, *(resource.get("component") or [])]:
        name = _name_quantity(part.get("code"))
        value = _read_value(part)
        if not name or value is None:
            continue
        # the newest one counts
        times = row.setdefault("_times", {})
        if name in row["values"] and times.get(name, "") > taken:
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
    if resource.get("status") not in _TAKEN or resource.get("doNotPerform"):
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
    row["drugs"] += _list_texts(concept)


def _read_procedure(
    resource: Mapping[str, Any], row: JsonObject, _: Mapping[str, Any]
) -> None:
    names = _list_texts(resource.get("code"))
    if resource.get("status") == "not-done":
        return
    if resource.get("status") != "completed":
        return
    when = (
        resource.get("performedDateTime")
        or resource.get("occurrenceDateTime")
        or (resource.get("performedPeriod") or {}).get("end")
        or (resource.get("occurrencePeriod") or {}).get("end")
    )
    _add_date(row, names, when)


_READERS = {
    "Condition": _read_condition,
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
