"""A trial as a ResearchStudy, its regimens as a PlanDefinition, and its endpoints as
EvidenceVariables.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from extractor.apps.export.arms import Arm, link_arms, list_arms, read_arms
from extractor.apps.export.fhir_eligibility import add_group
from extractor.apps.export.fhir_types import (
    BASE,
    HL7,
    LEAST,
    Json,
    TrialResources,
    UnmappedReason,
    code,
    is_sure,
    own_code,
    quantity,
    value_range,
)
from extractor.language.book import read_table
from extractor.schemas import (
    Amount,
    CustomItem,
    Endpoint,
    Frequency,
    Rank,
    Regimen,
    Role,
    Route,
    Task,
    TermKind,
    TimeKind,
    TimeUnit,
    TrialExtraction,
    TrialRecord,
)
from extractor.schemas.registered_words import read_date
from extractor.schemas.values import list_values

_DESIGN = "http://hl7.org/fhir/study-design"
_PHASES = frozenset(
    [
        "n-a",
        "early-phase-1",
        "phase-1",
        "phase-1-phase-2",
        "phase-2",
        "phase-2-phase-3",
        "phase-3",
        "phase-4",
    ]
)
"""The words of FHIR, which has only two of two phases."""
_RANKS = {Rank.PRIMARY: "primary", Rank.SECONDARY: "secondary"}
_REGISTRY = "http://clinicaltrials.gov"
_TITLES, _ARMS, _STATUSES, _ROLES = (
    f"http://hl7.org/fhir/{name}"
    for name in (
        "title-type",
        "research-study-arm-type",
        "research-study-status",
        "research-study-party-role",
    )
)
_MOST = 2**31 - 1
"""The largest integer in FHIR."""
_CODED = frozenset({TermKind.CONDITION, TermKind.INTERVENTION})
"""The registered terms that are codes of a trial; names and keywords stand among its texts."""
_MESH = "https://www.nlm.nih.gov/mesh"
_SNOMED = "http://snomed.info/sct"
_TIMES = frozenset({"s", "min", "h", "d", "wk", "mo", "a"})
"""Denominators that make a dose a rate, and the units that a Timing knows."""
_TREATMENTS = frozenset({Route.EXTERNAL_BEAM, Route.OTHER})


def build_trial(
    extraction: TrialExtraction,
    record: TrialRecord | None = None,
    tasks: Collection[Task] = tuple(Task),
) -> TrialResources:
    """Build all resources of a trial, as JSON, and list the values that have no place in them.

    Without ``record`` the registered fields are listed as missing. Nothing is validated here.

    >>> extraction = TrialExtraction.model_validate(
    ...     {"record_id": "NCT01", "eligibility": {"sex": "male"}}
    ... )
    >>> [
    ...     f"{one['resourceType']}/{one['id']}"
    ...     for one in build_trial(extraction).resources
    ... ]
    ['Group/NCT01-eligibility', 'ResearchStudy/NCT01']
    """
    trial = TrialResources(extraction, record)
    group = add_group(trial) if Task.ELIGIBILITY in tasks else None
    plan = _add_plan(trial) if Task.DOSING in tasks else None
    endpoints = enumerate(extraction.endpoints) if Task.ENDPOINTS in tasks else ()
    outcomes = [_add_endpoint(trial, index, endpoint) for index, endpoint in endpoints]
    registered = _read_registered(trial, record) if record else {}
    if record is None:
        trial.leave_out(
            "registry",
            "titles, texts, conditions, arms, and all registered fields",
            "input_missing",
        )
    for index, term in enumerate(extraction.registered_terms):
        trial.leave_out(
            f"registered_terms[{index}]",
            None if term.kind in _CODED else term,
            "no_element",
        )
    for index, finding in enumerate(extraction.findings):
        trial.leave_out(f"findings[{index}]", finding, "no_element")
    for path, item in extraction.list_items():
        if isinstance(item, CustomItem) and (
            item.of is None or item.of.startswith(tuple(tasks))
        ):
            for one in list_values(path, item):
                trial.leave_out(one.path, one.value, "no_element")
    is_nct = re.fullmatch(r"NCT\d{8}", extraction.record_id)
    content = {
        "identifier": [
            {"system": _REGISTRY if is_nct else None, "value": extraction.record_id}
        ],
        "status": "draft",
        **registered,
        "condition": [
            *registered.get("condition", ()),
            *_code_terms(extraction, TermKind.CONDITION),
        ],
        "focus": [
            *registered.get("focus", ()),
            *(
                {"concept": one}
                for one in _code_terms(extraction, TermKind.INTERVENTION)
            ),
        ],
        "comparisonGroup": _list_arms(trial, with_regimens=Task.DOSING in tasks),
        "recruitment": {**registered.get("recruitment", {}), "eligibility": group},
        "protocol": [plan],
        "outcomeMeasure": outcomes,
    }
    trial.add("ResearchStudy", "", content)
    trial.add_provenance()
    return trial


def _code_terms(extraction: TrialExtraction, kind: TermKind) -> list[Json]:
    """Return the registry's MeSH terms of a kind as concepts, with their numbers where the
    format has them.
    """
    return [
        code(_MESH, term.id, term.name)
        for term in extraction.registered_terms
        if term.kind is kind
    ]


def _read_registered(trial: TrialResources, record: TrialRecord) -> Json:
    """Return the registered elements of a study, as the record words them."""
    fields = record.registry
    read = record.raw_text
    enrolment = fields.enrollment or ""
    is_number = enrolment.isdecimal() and int(enrolment[:19]) <= _MOST
    is_actual = fields.enrollment_type == "ACTUAL"
    trial.leave_out(
        "registry.enrollment", None if is_number else enrolment, "no_element"
    )
    trial.leave_out("registry.bare_arms", fields.text("bare_arms"), "no_element")
    designs = (fields.study_type, fields.allocation, fields.assignment)
    titles = {"official": read("official_title"), "acronym": fields.acronym}
    written = {name: fields.text(f"{name}_date") for name in ("start", "completion")}
    days = {name: read_date(day or "") for name, day in written.items()}
    for name, day in days.items():
        trial.leave_out(
            f"registry.{name}_date", None if day else written[name], "no_element"
        )
    return {
        "title": read("title") or read("official_title"),
        "label": [
            {"type": code(_TITLES, name), "value": value}
            for name, value in titles.items()
            if value
        ],
        "descriptionSummary": read("brief_summary"),
        "description": read("detailed_description"),
        **{
            element: [
                {"text": one.strip()} for one in re.split(r"[\n|]", read(section) or "")
            ]
            for element, section in (
                ("condition", "conditions"),
                ("keyword", "keywords"),
            )
        },
        "focus": [
            {"concept": {"text": one.part("name") or one.text}}
            for one in record.sections
            if one.name.startswith("interventions[")
        ],
        "phase": _read_phase(fields.phases),
        "primaryPurposeType": _translate(
            "purposes", f"{HL7}/research-study-prim-purp-type", fields.primary_purpose
        ),
        "studyDesign": [
            *(_translate("study_designs", _DESIGN, one) for one in designs),
            {"text": f"masking: {fields.masking}"} if fields.masking else None,
            *(
                _translate("masked", _DESIGN, one, f"masked: {one}")
                for one in fields.who_masked
            ),
        ],
        "progressStatus": [{"state": _translate("statuses", _STATUSES, fields.status)}]
        if fields.status
        else None,
        "period": {"start": days["start"], "end": days["completion"]},
        "associatedParty": [
            {"name": fields.sponsor, "role": code(_ROLES, "lead-sponsor")}
        ]
        if fields.sponsor
        else None,
        "recruitment": {
            "actualNumber" if is_actual else "targetNumber": int(enrolment)
            if is_number
            else None
        },
    }


def _list_arms(trial: TrialResources, *, with_regimens: bool) -> list[Json]:
    """Return the arms as comparison groups. Each refers to what it gets."""
    arms = list_arms(trial.extraction, read_arms(trial.record) if trial.record else ())
    given = defaultdict[int, dict[int, list[str]]](lambda: defaultdict(list))
    for place, regimen in enumerate(trial.extraction.dosing if with_regimens else ()):
        for link in link_arms(regimen, arms):
            if link.confidence is None or link.confidence >= LEAST:
                doses = given[link.arm_index][place]
            else:
                doses = []
            if link.amount_index is not None and is_sure(
                regimen, f"amounts[{link.amount_index}]"
            ):
                doses.append(
                    str(
                        regimen.amounts[link.amount_index].model_copy(
                            update={"arms": ()}
                        )
                    )
                )
    return [
        {
            "linkId": f"arm-{index}",
            "name": arm.label or f"Arm {index + 1}",
            "type": _translate("arms", _ARMS, arm.type),
            "description": arm.description,
            "intendedExposure": [_add_exposure(trial, index, arm, given[index])]
            if given[index]
            else None,
        }
        for index, arm in enumerate(arms)
        if arm.section or with_regimens
    ]


def _add_exposure(
    trial: TrialResources, index: int, arm: Arm, given: Mapping[int, Sequence[str]]
) -> Json:
    """Add the EvidenceVariable of what an arm gets, the doses by regimen, and return a reference
    to it.
    """
    agents = {place: trial.extraction.dosing[place].agent for place in given}
    content = {
        "status": "draft",
        "title": arm.label,
        "relatedArtifact": [
            {
                "type": "composed-of",
                "display": agent,
                "resource": _name_activity(trial, place),
            }
            for place, agent in agents.items()
        ],
        "characteristic": [
            {
                "definitionCodeableConcept": {
                    "text": f"{agent} {' or '.join(given[place])}".rstrip()
                }
            }
            for place, agent in agents.items()
        ],
    }
    return trial.add("EvidenceVariable", f"-arm-{index}", content)


def _name_activity(trial: TrialResources, index: int) -> str:
    """Return the canonical URL of a regimen's ActivityDefinition."""
    return f"{BASE}:ActivityDefinition:{trial.id}-dosing-{index}"


def _translate(
    table: str, system: str, written: str | None, text: str | None = None
) -> Json | None:
    """Return a registered word with its code in ``apps/export/rules/fhir.toml``, if it has one."""
    if not written:
        return None
    return code(system, read_table("fhir")[table].get(written), text or written)


def _read_phase(phases: Sequence[str]) -> Json | None:
    """Return the phase in the words of FHIR: "PHASE1" and "PHASE2" are ``phase-1-phase-2``."""
    if not phases:
        return None
    words = read_table("fhir")["phases"]
    word = "-".join(words.get(phase, phase) for phase in phases)
    return code(
        f"{HL7}/research-study-phase",
        word if word in _PHASES else None,
        "|".join(phases),
    )


def _add_plan(trial: TrialResources) -> Json | None:
    """Add an ActivityDefinition for each regimen and their PlanDefinition, and return a
    reference to the latter.
    """
    actions = [
        _add_regimen(trial, index, regimen)
        for index, regimen in enumerate(trial.extraction.dosing)
    ]
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
    path = f"dosing[{index}]"
    suffix = f"-dosing-{index}"
    regimen = trial.drop_unsure(
        path, regimen, "role", "route", "frequency", "cycle", "duration", "timing"
    )
    url = _name_activity(trial, index)
    is_service = regimen.role is Role.PROCEDURE or regimen.route is Route.EXTERNAL_BEAM
    is_drug = (
        regimen.route is not None
        and regimen.route not in _TREATMENTS
        and not is_service
    )
    kind = "MedicationRequest" if is_drug else None
    if is_service:
        kind = "ServiceRequest"
    content = {
        "url": url,
        "status": "draft",
        "title": regimen.agent,
        "kind": kind,
        "code" if is_service else "productCodeableConcept": {"text": regimen.agent},
        "dosage": [_read_dosage(trial, path, regimen)],
    }
    for place, label in enumerate(regimen.arms):
        trial.leave_out(
            f"{path}.arms[{place}]",
            None if is_sure(regimen, f"arms[{place}]") else label,
            "unsure",
        )
    said = "\n".join(filter(None, (regimen.agent, regimen.quote, regimen.timing)))
    trial.add("ActivityDefinition", suffix, content, trial.prove(path, regimen), said)
    return {
        "id": f"dosing-{index}",
        "title": regimen.agent,
        "code": own_code("role", regimen.role) if regimen.role else None,
        "timingTiming": {"repeat": _read_cycles(trial, path, regimen)},
        "definitionCanonical": url,
    }


def _read_dosage(trial: TrialResources, path: str, regimen: Regimen) -> Json:
    repeat: Json = {}
    if regimen.frequency and (
        known := read_table("fhir")["repeats"].get(regimen.frequency)
    ):
        repeat |= dict(zip(("frequency", "period", "periodUnit"), known, strict=True))
    elif regimen.frequency is Frequency.ONCE:
        repeat["count"] = 1
    elif regimen.frequency is not Frequency.PRN:
        trial.leave_out(f"{path}.frequency", regimen.frequency, "no_element")
    if regimen.duration and regimen.duration.unit is not TimeUnit.CYCLE:
        repeat["boundsDuration"] = quantity(
            regimen.duration.value, regimen.duration.unit.value
        )
    doses = list[Json | None]()
    route = regimen.route
    for index, amount in enumerate(regimen.amounts):
        place = f"{path}.amounts[{index}]"
        if is_sure(regimen, f"amounts[{index}]"):
            doses.append(
                _read_amount(trial, place, amount, several=len(regimen.amounts) > 1)
            )
        else:
            trial.leave_out(place, amount, "unsure")
    return {
        "text": regimen.quote,
        "additionalInstruction": [{"text": regimen.timing}],
        "timing": {"repeat": repeat},
        "asNeeded": True if regimen.frequency is Frequency.PRN else None,
        "route": code(
            _SNOMED, read_table("fhir")["routes"].get(route), route.replace("_", " ")
        )
        if route
        else None,
        "doseAndRate": doses,
    }


def _read_amount(
    trial: TrialResources, path: str, amount: Amount, *, several: bool
) -> Json | None:
    """Return one dose level. A unit with time below the line is a rate."""
    low, high = (
        None if one is None else quantity(one, amount.unit)
        for one in (amount.low, amount.high)
    )
    either = low or high
    if either is None:
        return None
    ucum = either.get("code")
    if ucum is None:
        trial.leave_out(f"{path}.unit", amount.unit, "no_ucum")
    kind = "rate" if ucum and not _TIMES.isdisjoint(ucum.split("/")[1:]) else "dose"
    if amount.arms:
        level = f"dose level of {', '.join(amount.arms)}"
    elif several:
        level = "dose level"
    else:
        level = None
    made: Json = {"type": {"text": level}}
    if low == high:
        return made | {f"{kind}Quantity": low}
    span = value_range(low, high)
    if span is None:
        trial.leave_out(path, amount, "no_range")
        return None
    return made | {f"{kind}Range": span}


def _read_cycles(trial: TrialResources, path: str, regimen: Regimen) -> Json:
    """Return the repeat of an action: once a cycle, as often as the duration counts cycles."""
    repeat: Json = {}
    cycle = regimen.cycle
    duration = regimen.duration
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


def _add_endpoint(trial: TrialResources, index: int, endpoint: Endpoint) -> Json:
    """Add the EvidenceVariable of an endpoint, and return the study's outcome measure."""
    path = f"endpoints[{index}]"
    endpoint = trial.drop_unsure(path, endpoint, "concept", "category")
    measured = own_code("concept", endpoint.concept, endpoint.measure)
    ends = [
        {"definitionCodeableConcept": {"text": event}} for event in endpoint.end_events
    ]
    instrument = endpoint.instrument
    if instrument:
        named = ", version ".join(filter(None, (instrument.name, instrument.version)))
    else:
        named = None
    content = {
        "status": "draft",
        "title": endpoint.measure,
        "description": endpoint.description,
        "relatedArtifact": [{"type": "depends-on", "display": named}]
        if named
        else None,
        "characteristic": [
            {
                "definitionCodeableConcept": measured
                if endpoint.concept or endpoint.measure
                else None,
                "timeFromEvent": _read_times(trial, path, endpoint),
            },
            {"definitionByCombination": {"code": "any-of", "characteristic": ends}}
            if ends
            else None,
        ],
    }
    for name in ("specimens", "methods"):
        for place, said in enumerate(getattr(endpoint, name)):
            trial.leave_out(f"{path}.{name}[{place}]", said, "no_element")
    trial.leave_out(f"{path}.censored", endpoint.censored or None, "no_element")
    said = "\n".join(
        filter(None, (endpoint.measure, endpoint.description, endpoint.time_frame))
    )
    rank = _RANKS.get(endpoint.rank)
    proofs = trial.prove(path, endpoint, but="censored")
    return {
        "name": endpoint.measure,
        "type": [
            code(f"{HL7}/research-study-objective-type", rank)
            if rank
            else own_code("rank", endpoint.rank),
            own_code("endpoint-category", endpoint.category)
            if endpoint.category
            else None,
        ],
        "description": endpoint.description,
        "reference": trial.add(
            "EvidenceVariable", f"-endpoint-{index}", content, proofs, said
        ),
    }


def _read_times(trial: TrialResources, path: str, endpoint: Endpoint) -> list[Json]:
    """Return when an endpoint is measured: moments, or a span that may be open at one end."""
    points = [quantity(one.value, one.unit.value) for one in endpoint.time_points]
    start = {"text": endpoint.start_event} if endpoint.start_event else None
    common = {"description": endpoint.time_frame, "eventCodeableConcept": start}
    names = [f"time_points[{index}]" for index in range(len(points))]
    if not all(is_sure(endpoint, name) for name in ("time_kind", *names)):
        for name, value in zip(
            ("time_kind", *names),
            (endpoint.time_kind, *endpoint.time_points),
            strict=True,
        ):
            trial.leave_out(f"{path}.{name}", value, "unsure")
        return [common]
    match endpoint.time_kind, points:
        case TimeKind.UP_TO, [_, *_]:
            return [common | {"range": {"high": point}} for point in points]
        case TimeKind.FROM_TO, [low, high] if span := value_range(low, high):
            return [common | {"range": span}]
        case ((TimeKind.FROM_TO | TimeKind.PER), [_, *_]):
            reason: UnmappedReason = (
                "no_range" if endpoint.time_kind is TimeKind.FROM_TO else "no_element"
            )
            for index, point in enumerate(endpoint.time_points):
                trial.leave_out(f"{path}.time_points[{index}]", point, reason)
        case _, [_, *_]:
            return [common | {"quantity": point} for point in points]
    trial.leave_out(
        f"{path}.time_kind", None if points else endpoint.time_kind, "no_element"
    )
    return [common]
