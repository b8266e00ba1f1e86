"""Regimens as ActivityDefinitions with a Dosage, and the PlanDefinition of a trial, whose actions are its regimens."""

from collections.abc import Mapping

from extractor.schemas import Amount, Frequency, Period, Regimen, Role, Route, TimeUnit

from .fhir_types import BASE, HL7, Json, TrialResources, code, own_code, quantity, value_range

_SNOMED = "http://snomed.info/sct"
_ROUTES: Mapping[Route, str] = {
    Route.ORAL: "26643006",
    Route.INTRAVENOUS: "47625008",
    Route.SUBCUTANEOUS: "34206005",
    Route.INTRAMUSCULAR: "78421000",
    Route.INTRADERMAL: "372464004",
    Route.TOPICAL: "6064005",
    Route.INHALED: "447694001",
    Route.INTRANASAL: "46713006",
    Route.OPHTHALMIC: "54485002",
    Route.INTRATHECAL: "72607000",
    Route.INTRAVITREAL: "418401004",
    Route.INTRATUMORAL: "447122006",
    Route.INTRAPERITONEAL: "38239002",
    Route.INTRA_ARTERIAL: "58100008",
    Route.RECTAL: "37161004",
    Route.VAGINAL: "16857009",
    Route.TRANSDERMAL: "45890007",
    Route.SUBLINGUAL: "37839007",
}
"""Routes of administration in SNOMED CT. The others are no routes there."""
_REPEATS: Mapping[Frequency, tuple[int, int, str]] = {
    Frequency.QD: (1, 1, "d"),
    Frequency.BID: (2, 1, "d"),
    Frequency.TID: (3, 1, "d"),
    Frequency.QID: (4, 1, "d"),
    Frequency.Q4H: (1, 4, "h"),
    Frequency.Q6H: (1, 6, "h"),
    Frequency.Q8H: (1, 8, "h"),
    Frequency.Q12H: (1, 12, "h"),
    Frequency.QOD: (1, 2, "d"),
    Frequency.QW: (1, 1, "wk"),
    Frequency.BIW: (2, 1, "wk"),
    Frequency.TIW: (3, 1, "wk"),
    Frequency.Q2W: (1, 2, "wk"),
    Frequency.Q3W: (1, 3, "wk"),
    Frequency.Q4W: (1, 4, "wk"),
    Frequency.Q5W: (1, 5, "wk"),
    Frequency.Q6W: (1, 6, "wk"),
    Frequency.Q8W: (1, 8, "wk"),
    Frequency.Q12W: (1, 12, "wk"),
    Frequency.QM: (1, 1, "mo"),
    Frequency.Q3M: (1, 3, "mo"),
    Frequency.Q6M: (1, 6, "mo"),
    Frequency.QY: (1, 1, "a"),
}
"""How often in how long a period."""
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
    trial.add("ActivityDefinition", suffix, content, proofs)
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
    if regimen.frequency and (known := _REPEATS.get(regimen.frequency)):
        repeat |= dict(zip(("frequency", "period", "periodUnit"), known, strict=True))
    elif regimen.frequency is Frequency.ONCE:
        repeat["count"] = 1
    elif regimen.frequency is not Frequency.PRN:
        trial.leave_out(f"{path}.frequency", regimen.frequency, "no_element")
    if regimen.duration and regimen.duration.unit is not TimeUnit.CYCLE:
        repeat["boundsDuration"] = quantity(regimen.duration.value, regimen.duration.unit.value)
    route = regimen.route
    return {
        "text": regimen.quote,
        "additionalInstruction": [{"text": regimen.timing}],
        "timing": {"repeat": repeat},
        "asNeeded": True if regimen.frequency is Frequency.PRN else None,
        "route": code(_SNOMED, _ROUTES.get(route), route.replace("_", " ")) if route else None,
        "doseAndRate": [
            _read_amount(trial, f"{path}.amounts[{index}]", amount, several=len(regimen.amounts) > 1)
            for index, amount in enumerate(regimen.amounts)
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
        trial.leave_out(path, amount.model_dump(mode="json"), "no_range")
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
        _leave_out_period(trial, f"{path}.cycle", cycle)
    if duration and duration.unit is TimeUnit.CYCLE:
        if repeat and duration.value == int(duration.value) and duration.value >= 1:
            repeat["count"] = int(duration.value)
        else:
            _leave_out_period(trial, f"{path}.duration", duration)
    return repeat


def _leave_out_period(trial: TrialResources, path: str, period: Period | None) -> None:
    trial.leave_out(path, period.model_dump(mode="json") if period else None, "no_time_unit")
