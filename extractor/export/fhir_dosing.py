"""Regimens as ActivityDefinitions with a Dosage, and the PlanDefinition of a trial, whose actions are its regimens."""

from extractor.schemas import Amount, Frequency, Regimen, Role, Route, TimeUnit
from extractor.text.book import read_table

from .fhir_types import BASE, HL7, Json, TrialResources, code, is_sure, own_code, quantity, value_range

_SNOMED = "http://snomed.info/sct"
_TIMES = frozenset({"s", "min", "h", "d", "wk", "mo", "a"})
"""Denominators that make a dose a rate, and the units that a Timing knows."""
_TREATMENTS = frozenset({Route.EXTERNAL_BEAM, Route.OTHER})


def add_plan(trial: TrialResources) -> Json | None:
    """Add an ActivityDefinition for each regimen and their PlanDefinition, and return a reference to the latter."""
    actions = [_add_regimen(trial, index, regimen) for index, regimen in enumerate(trial.extraction.dosing)]
    if not actions:
        return None
    content = {
        "type": code(f"{HL7}/plan-definition-type", "clinical-protocol"),
        "status": "draft",
        "title": f"Treatment in {trial.extraction.record_id}",
        "action": actions,
    }
    return trial.add("PlanDefinition", "-treatment", content)


def _add_regimen(trial: TrialResources, index: int, regimen: Regimen) -> Json:
    """Add the ActivityDefinition of a regimen, and return the action of the plan that gives it."""
    path, suffix = f"dosing[{index}]", f"-dosing-{index}"
    regimen = trial.drop_unsure(path, regimen, "role", "route", "frequency", "cycle", "duration")
    url = f"{BASE}:ActivityDefinition:{trial.id}{suffix}"
    is_service = regimen.role is Role.PROCEDURE or regimen.route is Route.EXTERNAL_BEAM
    is_drug = regimen.route is not None and regimen.route not in _TREATMENTS and not is_service
    content = {
        "url": url,
        "status": "draft",
        "title": regimen.agent,
        "kind": "ServiceRequest" if is_service else "MedicationRequest" if is_drug else None,
        "code" if is_service else "productCodeableConcept": {"text": regimen.agent},
        "dosage": [_read_dosage(trial, path, regimen)],
    }
    proofs = [(f"{path}.{each.field}", each) for each in regimen.evidence]
    said = "\n".join(filter(None, (regimen.agent, regimen.quote, regimen.timing)))
    trial.add("ActivityDefinition", suffix, content, proofs, said)
    trial.leave_out(f"{path}.section", None if regimen.evidence else regimen.section, "no_offsets")
    return {
        "id": f"dosing-{index}",
        "title": regimen.agent,
        "code": own_code("role", regimen.role) if regimen.role else None,
        "timingTiming": {"repeat": _read_cycles(trial, path, regimen)},
        "definitionCanonical": url,
    }


def _read_dosage(trial: TrialResources, path: str, regimen: Regimen) -> Json:
    repeat: Json = {}
    if regimen.frequency and (known := read_table("fhir")["repeats"].get(regimen.frequency)):
        repeat |= dict(zip(("frequency", "period", "periodUnit"), known, strict=True))
    elif regimen.frequency is Frequency.ONCE:
        repeat["count"] = 1
    elif regimen.frequency is not Frequency.PRN:
        trial.leave_out(f"{path}.frequency", regimen.frequency, "no_element")
    if regimen.duration and regimen.duration.unit is not TimeUnit.CYCLE:
        repeat["boundsDuration"] = quantity(regimen.duration.value, regimen.duration.unit.value)
    for index, amount in enumerate(regimen.amounts):
        if not is_sure(regimen, f"amounts[{index}]"):
            trial.leave_out(f"{path}.amounts[{index}]", amount, "unsure")
    route = regimen.route
    return {
        "text": regimen.quote,
        "additionalInstruction": [{"text": regimen.timing}],
        "timing": {"repeat": repeat},
        "asNeeded": True if regimen.frequency is Frequency.PRN else None,
        "route": code(_SNOMED, read_table("fhir")["routes"].get(route), route.replace("_", " ")) if route else None,
        "doseAndRate": [
            _read_amount(trial, f"{path}.amounts[{index}]", amount, several=len(regimen.amounts) > 1)
            for index, amount in enumerate(regimen.amounts)
            if is_sure(regimen, f"amounts[{index}]")
        ],
    }


def _read_amount(trial: TrialResources, path: str, amount: Amount, *, several: bool) -> Json | None:
    """One dose level. A unit with time below the line is a rate."""
    low, high = (None if one is None else quantity(one, amount.unit) for one in (amount.low, amount.high))
    either = low or high
    if either is None:
        return None
    ucum = either.get("code")
    if ucum is None:
        trial.leave_out(f"{path}.unit", amount.unit, "no_ucum")
    kind = "rate" if ucum and not _TIMES.isdisjoint(ucum.split("/")[1:]) else "dose"
    made: Json = {"type": {"text": "dose level"} if several else None}
    if low == high:
        return made | {f"{kind}Quantity": low}
    if (span := value_range(low, high)) is None:
        trial.leave_out(path, amount, "no_range")
        return None
    return made | {f"{kind}Range": span}


def _read_cycles(trial: TrialResources, path: str, regimen: Regimen) -> Json:
    """The repeat of an action: once a cycle, as often as the duration counts cycles."""
    repeat: Json = {}
    cycle, duration = regimen.cycle, regimen.duration
    unit = quantity(cycle.value, cycle.unit.value).get("code") if cycle else None
    if cycle and unit in _TIMES:
        repeat |= {"frequency": 1, "period": cycle.value, "periodUnit": unit}
    else:
        trial.leave_out(f"{path}.cycle", cycle, "no_time_unit")
    if duration and duration.unit is TimeUnit.CYCLE:
        if repeat and duration.value == int(duration.value) and duration.value >= 1:
            repeat["count"] = int(duration.value)
        else:
            trial.leave_out(f"{path}.duration", duration, "no_time_unit")
    return repeat
