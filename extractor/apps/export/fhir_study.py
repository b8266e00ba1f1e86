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
_TITLES = "http://hl7.org/fhir/title-type"
_ARMS = "http://hl7.org/fhir/research-study-arm-type"
_STATUSES = "http://hl7.org/fhir/research-study-status"
_ROLES = "http://hl7.org/fhir/research-study-party-role"
_MOST = 2**31 - 1
"""The largest integer in FHIR."""
_CODED = frozenset({TermKind.CONDITION, TermKind.INTERVENTION})
"""The registered terms that are codes of a trial; names and keywords stand among its texts."""
_MESH = "https://www.nlm.nih.gov/mesh"
_SNOMED = "http://snomed.info/sct"
_TIMES = frozenset({"s", "min", "h", "d", "wk", "mo", "a"})
"""Denominators that make a dose a rate, and the units that a Timing knows."""
_NO_DRUGS = frozenset({Route.EXTERNAL_BEAM, Route.OTHER})
"""Routes of what may be no drug."""
_Doses = Mapping[int, list[str]]
"""The doses that an arm gets, by the position of their regimen."""


def build_trial(
    extraction: TrialExtraction,
    record: TrialRecord | None = None,
    tasks: Collection[Task] = tuple(Task),
) -> TrialResources:
    """Build all resources of a trial, as JSON, and list the values that have no place in them.

    Only the ``tasks`` are taken from the extraction. Without ``record`` the registered fields are
    listed as missing. Nothing is validated here.

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
    outcomes: list[Json] = []
    if Task.ENDPOINTS in tasks:
        for index, endpoint in enumerate(extraction.endpoints):
            outcomes.append(_add_endpoint(trial, index, endpoint))
    registered: Json = {}
    if record is None:
        trial.leave_out(
            "registry",
            "titles, texts, conditions, arms, and all registered fields",
            "input_missing",
        )
    else:
        registered = _read_registered(trial, record)
    _leave_out_others(trial, tasks)
    conditions = _code_terms(extraction, TermKind.CONDITION)
    interventions = _code_terms(extraction, TermKind.INTERVENTION)
    focus = [{"concept": term} for term in interventions]
    # The ids of other registers and of files have no system here.
    is_nct = re.fullmatch(r"NCT\d{8}", extraction.record_id)
    system = _REGISTRY if is_nct else None
    content = {
        "identifier": [{"system": system, "value": extraction.record_id}],
        "status": "draft",
        **registered,
        "condition": [*registered.get("condition", ()), *conditions],
        "focus": [*registered.get("focus", ()), *focus],
        "comparisonGroup": _list_arms(trial, with_regimens=Task.DOSING in tasks),
        "recruitment": {**registered.get("recruitment", {}), "eligibility": group},
        "protocol": [plan],
        "outcomeMeasure": outcomes,
    }
    trial.add("ResearchStudy", "", content)
    trial.add_provenance()
    return trial


def _leave_out_others(trial: TrialResources, tasks: Collection[Task]) -> None:
    """List what no resource has a place for: registered names and keywords, findings, and the
    values of the user's own fields, but those that belong to an item of another task.
    """
    extraction = trial.extraction
    for index, term in enumerate(extraction.registered_terms):
        if term.kind not in _CODED:
            trial.leave_out(f"registered_terms[{index}]", term, "no_element")
    for index, finding in enumerate(extraction.findings):
        trial.leave_out(f"findings[{index}]", finding, "no_element")
    for path, item in extraction.list_items():
        if not isinstance(item, CustomItem):
            continue
        if item.of is not None and not item.of.startswith(tuple(tasks)):
            continue
        for value in list_values(path, item):
            trial.leave_out(value.path, value.value, "no_element")


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
    """Return the registered elements of a study, as the record words them; None for what it does
    not state. What has no element is listed.
    """
    fields = record.registry
    read = record.raw_text
    recruitment = _read_enrolment(trial, record)
    trial.leave_out("registry.bare_arms", fields.text("bare_arms"), "no_element")
    period = _read_period(trial, record)
    purpose_system = f"{HL7}/research-study-prim-purp-type"
    status = None
    if fields.status:
        status = [{"state": _translate("statuses", _STATUSES, fields.status)}]
    parties = None
    if fields.sponsor:
        parties = [{"name": fields.sponsor, "role": code(_ROLES, "lead-sponsor")}]
    return {
        "title": read("title") or read("official_title"),
        "label": _list_titles(record),
        "descriptionSummary": read("brief_summary"),
        "description": read("detailed_description"),
        "condition": _list_lines(read("conditions")),
        "keyword": _list_lines(read("keywords")),
        "focus": _list_interventions(record),
        "phase": _read_phase(fields.phases),
        "primaryPurposeType": _translate(
            "purposes", purpose_system, fields.primary_purpose
        ),
        "studyDesign": _list_designs(record),
        "progressStatus": status,
        "period": period,
        "associatedParty": parties,
        "recruitment": recruitment,
    }


def _list_titles(record: TrialRecord) -> list[Json]:
    """Return the titles of a study beside its first one."""
    titles = {
        "official": record.raw_text("official_title"),
        "acronym": record.registry.acronym,
    }
    return [
        {"type": code(_TITLES, kind), "value": title}
        for kind, title in titles.items()
        if title
    ]


def _list_lines(text: str | None) -> list[Json]:
    """Return the items of a section, which stand on lines of their own or between bars."""
    return [{"text": item.strip()} for item in re.split(r"[\n|]", text or "")]


def _list_interventions(record: TrialRecord) -> list[Json]:
    """Return the names of the registered interventions."""
    concepts = []
    for section in record.sections:
        if not section.name.startswith("interventions["):
            continue
        name = section.part("name") or section.text
        concepts.append({"concept": {"text": name}})
    return concepts


def _list_designs(record: TrialRecord) -> list[Json | None]:
    """Return the type of a study, its allocation and its masking."""
    fields = record.registry
    # R5 names who is masked, not how many: the registered word for that is a text.
    designs = [
        _translate("study_designs", _DESIGN, written)
        for written in (fields.study_type, fields.allocation, fields.assignment)
    ]
    if fields.masking:
        designs.append({"text": f"masking: {fields.masking}"})
    designs += [
        _translate("masked", _DESIGN, person, f"masked: {person}")
        for person in fields.who_masked
    ]
    return designs


def _read_period(trial: TrialResources, record: TrialRecord) -> Json:
    """Return the first and the last day of a study, and list a date that is none."""
    days = {}
    for end, name in (("start", "start"), ("end", "completion")):
        written = record.registry.text(f"{name}_date")
        day = read_date(written or "")
        days[end] = day
        if not day:
            trial.leave_out(f"registry.{name}_date", written, "no_element")
    return days


def _read_enrolment(trial: TrialResources, record: TrialRecord) -> Json:
    """Return how many people take part, or are to, and list a number that FHIR cannot hold."""
    fields = record.registry
    written = fields.enrollment or ""
    number = None
    if written.isdecimal() and int(written[:19]) <= _MOST:
        number = int(written)
    else:
        trial.leave_out("registry.enrollment", written, "no_element")
    is_actual = fields.enrollment_type == "ACTUAL"
    return {"actualNumber" if is_actual else "targetNumber": number}


def _list_arms(trial: TrialResources, *, with_regimens: bool) -> list[Json]:
    """Return the arms as comparison groups. Each refers to what it gets."""
    registered = read_arms(trial.record) if trial.record else ()
    arms = list_arms(trial.extraction, registered)
    given: Mapping[int, _Doses] = {}
    if with_regimens:
        given = _give_doses(trial.extraction, arms)
    groups = []
    for index, arm in enumerate(arms):
        # Only a regimen names an arm that is not registered.
        if not arm.section and not with_regimens:
            continue
        exposure = None
        if index in given:
            exposure = [_add_exposure(trial, index, arm, given[index])]
        groups.append(
            {
                "linkId": f"arm-{index}",
                "name": arm.label or f"Arm {index + 1}",
                "type": _translate("arms", _ARMS, arm.type),
                "description": arm.description,
                "intendedExposure": exposure,
            }
        )
    return groups


def _give_doses(
    extraction: TrialExtraction, arms: Sequence[Arm]
) -> Mapping[int, _Doses]:
    """Return the doses that each arm gets, by the positions of arm and regimen. An arm that gets a
    regimen without an amount has an empty list. Links and amounts that are not sure are left out.
    """
    given = defaultdict[int, _Doses](lambda: defaultdict(list))
    for place, regimen in enumerate(extraction.dosing):
        for link in link_arms(regimen, arms):
            if link.confidence is not None and link.confidence < LEAST:
                continue
            doses = given[link.arm_index][place]
            if link.amount_index is None:
                continue
            if is_sure(regimen, f"amounts[{link.amount_index}]"):
                amount = regimen.amounts[link.amount_index]
                without_arms = amount.model_copy(update={"arms": ()})
                doses.append(str(without_arms))
    return given


def _add_exposure(trial: TrialResources, index: int, arm: Arm, given: _Doses) -> Json:
    """Add the EvidenceVariable of what an arm gets, the doses by regimen, and return a reference
    to it.
    """
    artifacts = []
    characteristics = []
    for place, doses in given.items():
        agent = trial.extraction.dosing[place].agent
        artifacts.append(
            {
                "type": "composed-of",
                "display": agent,
                "resource": _name_activity(trial, place),
            }
        )
        text = f"{agent} {' or '.join(doses)}".rstrip()
        characteristics.append({"definitionCodeableConcept": {"text": text}})
    content = {
        "status": "draft",
        "title": arm.label,
        "relatedArtifact": artifacts,
        "characteristic": characteristics,
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
    """Return the phase in the words of FHIR: "PHASE1" and "PHASE2" are ``phase-1-phase-2``. What
    FHIR has no word for is a text without a code; None without phases.
    """
    if not phases:
        return None
    words = read_table("fhir")["phases"]
    word: str | None = "-".join(words.get(phase, phase) for phase in phases)
    if word not in _PHASES:
        word = None
    return code(f"{HL7}/research-study-phase", word, "|".join(phases))


def _add_plan(trial: TrialResources) -> Json | None:
    """Add an ActivityDefinition for each regimen and their PlanDefinition, and return a
    reference to the latter; None, and nothing is added, if there are no regimens.
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
    # Surgery and external radiation are ordered as services, drugs as medication.
    is_service = regimen.role is Role.PROCEDURE or regimen.route is Route.EXTERNAL_BEAM
    kind = None
    if is_service:
        kind = "ServiceRequest"
    elif regimen.route and regimen.route not in _NO_DRUGS:
        kind = "MedicationRequest"
    content = {
        "url": url,
        "status": "draft",
        "title": regimen.agent,
        "kind": kind,
        "code" if is_service else "productCodeableConcept": {"text": regimen.agent},
        "dosage": [_read_dosage(trial, path, regimen)],
    }
    for place, label in enumerate(regimen.arms):
        if not is_sure(regimen, f"arms[{place}]"):
            trial.leave_out(f"{path}.arms[{place}]", label, "unsure")
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
    """Return the dosage of a regimen: how often, for how long, by which route, and how much.
    Amounts that are not sure are listed.
    """
    repeat = _read_frequency(trial, path, regimen.frequency)
    duration = regimen.duration
    # A duration in cycles is that of the plan's action.
    if duration and duration.unit is not TimeUnit.CYCLE:
        repeat["boundsDuration"] = quantity(duration.value, duration.unit.value)
    has_several = len(regimen.amounts) > 1
    doses = list[Json | None]()
    for index, amount in enumerate(regimen.amounts):
        place = f"{path}.amounts[{index}]"
        if is_sure(regimen, f"amounts[{index}]"):
            doses.append(_read_amount(trial, place, amount, several=has_several))
        else:
            trial.leave_out(place, amount, "unsure")
    route = None
    if regimen.route:
        snomed = read_table("fhir")["routes"].get(regimen.route)
        route = code(_SNOMED, snomed, regimen.route.replace("_", " "))
    return {
        "text": regimen.quote,
        "additionalInstruction": [{"text": regimen.timing}],
        "timing": {"repeat": repeat},
        "asNeeded": True if regimen.frequency is Frequency.PRN else None,
        "route": route,
        "doseAndRate": doses,
    }


def _read_frequency(
    trial: TrialResources, path: str, frequency: Frequency | None
) -> Json:
    """Return how often a dose is given, as the repeat of a Timing; empty for "as needed", which
    has an element of its own, and for what has none, which is listed.
    """
    if frequency is Frequency.PRN:
        return {}
    repeat = read_table("fhir")["repeats"].get(frequency)
    if repeat:
        return dict(zip(("frequency", "period", "periodUnit"), repeat, strict=True))
    if frequency is Frequency.ONCE:
        return {"count": 1}
    trial.leave_out(f"{path}.frequency", frequency, "no_element")
    return {}


def _read_amount(
    trial: TrialResources, path: str, amount: Amount, *, several: bool
) -> Json | None:
    """Return one dose level: a Quantity or a Range, of a rate if time stands below the line of
    its unit, as in mg/h. None without a number, and if its bounds make no range; then the amount
    is listed. A unit without a UCUM code is listed, too. ``several``: the regimen has more levels.
    """
    low = None
    if amount.low is not None:
        low = quantity(amount.low, amount.unit)
    high = None
    if amount.high is not None:
        high = quantity(amount.high, amount.unit)
    either = low or high
    if either is None:
        return None
    ucum = either.get("code")
    kind = "dose"
    if ucum is None:
        trial.leave_out(f"{path}.unit", amount.unit, "no_ucum")
    elif not _TIMES.isdisjoint(ucum.split("/")[1:]):
        kind = "rate"
    level = None
    if amount.arms:
        level = f"dose level of {', '.join(amount.arms)}"
    elif several:
        level = "dose level"
    made: Json = {"type": {"text": level}}
    if low == high:
        return made | {f"{kind}Quantity": low}
    span = value_range(low, high)
    if span is None:
        trial.leave_out(path, amount, "no_range")
        return None
    return made | {f"{kind}Range": span}


def _read_cycles(trial: TrialResources, path: str, regimen: Regimen) -> Json:
    """Return the repeat of an action: once a cycle, as often as the duration counts cycles. A
    cycle without a unit of time is listed, and so is a duration that is no whole number of
    cycles.
    """
    repeat: Json = {}
    cycle = regimen.cycle
    unit = None
    if cycle:
        unit = quantity(cycle.value, cycle.unit.value).get("code")
    if cycle and unit in _TIMES:
        repeat = {"frequency": 1, "period": cycle.value, "periodUnit": unit}
    else:
        trial.leave_out(f"{path}.cycle", cycle, "no_time_unit")
    # Any other duration is that of the dosage.
    duration = regimen.duration
    if duration is None or duration.unit is not TimeUnit.CYCLE:
        return repeat
    is_whole = duration.value == int(duration.value) and duration.value >= 1
    if repeat and is_whole:
        repeat["count"] = int(duration.value)
    else:
        trial.leave_out(f"{path}.duration", duration, "no_time_unit")
    return repeat


def _add_endpoint(trial: TrialResources, index: int, endpoint: Endpoint) -> Json:
    """Add the EvidenceVariable of an endpoint, and return the study's outcome measure, which
    refers to it. Specimens, methods and a censoring, which have no element, are listed.
    """
    path = f"endpoints[{index}]"
    endpoint = trial.drop_unsure(path, endpoint, "concept", "category")
    measured = None
    if endpoint.concept or endpoint.measure:
        measured = own_code("concept", endpoint.concept, endpoint.measure)
    times = _read_times(trial, path, endpoint)
    characteristics: list[Json] = [
        {"definitionCodeableConcept": measured, "timeFromEvent": times}
    ]
    if endpoint.end_events:
        ends = [
            {"definitionCodeableConcept": {"text": event}}
            for event in endpoint.end_events
        ]
        any_of = {"code": "any-of", "characteristic": ends}
        characteristics.append({"definitionByCombination": any_of})
    artifacts = None
    instrument = endpoint.instrument
    if instrument:
        named = filter(None, (instrument.name, instrument.version))
        name = ", version ".join(named)
        if name:
            artifacts = [{"type": "depends-on", "display": name}]
    content = {
        "status": "draft",
        "title": endpoint.measure,
        "description": endpoint.description,
        "relatedArtifact": artifacts,
        "characteristic": characteristics,
    }
    for name in ("specimens", "methods"):
        for place, text in enumerate(getattr(endpoint, name)):
            trial.leave_out(f"{path}.{name}[{place}]", text, "no_element")
    trial.leave_out(f"{path}.censored", endpoint.censored or None, "no_element")
    texts = (endpoint.measure, endpoint.description, endpoint.time_frame)
    said = "\n".join(filter(None, texts))
    proofs = trial.prove(path, endpoint, but="censored")
    suffix = f"-endpoint-{index}"
    reference = trial.add("EvidenceVariable", suffix, content, proofs, said)
    return {
        "name": endpoint.measure,
        "type": _list_types(endpoint),
        "description": endpoint.description,
        "reference": reference,
    }


def _list_types(endpoint: Endpoint) -> list[Json]:
    """Return the rank of an endpoint, in FHIR's words where it has one, and its category."""
    if endpoint.rank in _RANKS:
        system = f"{HL7}/research-study-objective-type"
        types = [code(system, _RANKS[endpoint.rank])]
    else:
        types = [own_code("rank", endpoint.rank)]
    if endpoint.category:
        types.append(own_code("endpoint-category", endpoint.category))
    return types


def _read_times(trial: TrialResources, path: str, endpoint: Endpoint) -> list[Json]:
    """Return when an endpoint is measured: a moment for each time, a span up to each, or the
    only span from one to the other. Times that are not sure, that make no span, or that are of a
    kind without an element ("per"), are listed; then only the words of the time frame stand.
    """
    kind = endpoint.time_kind
    start = {"text": endpoint.start_event} if endpoint.start_event else None
    common = {"description": endpoint.time_frame, "eventCodeableConcept": start}
    count = len(endpoint.time_points)
    names = [f"time_points[{index}]" for index in range(count)]
    if not is_sure(endpoint, "time_kind", *names):
        trial.leave_out(f"{path}.time_kind", kind, "unsure")
        _leave_out_points(trial, path, endpoint, "unsure")
        return [common]
    points = [quantity(point.value, point.unit.value) for point in endpoint.time_points]
    if not points:
        trial.leave_out(f"{path}.time_kind", kind, "no_element")
        return [common]
    if kind is TimeKind.UP_TO:
        return [common | {"range": {"high": end}} for end in points]
    if kind not in (TimeKind.FROM_TO, TimeKind.PER):
        return [common | {"quantity": moment} for moment in points]
    # A span needs both ends, in one unit and in their order.
    if kind is TimeKind.FROM_TO and len(points) == 2:
        span = value_range(points[0], points[1])
        if span:
            return [common | {"range": span}]
    # FHIR has no element for "per".
    reason: UnmappedReason = "no_element" if kind is TimeKind.PER else "no_range"
    _leave_out_points(trial, path, endpoint, reason)
    return [common]


def _leave_out_points(
    trial: TrialResources, path: str, endpoint: Endpoint, reason: UnmappedReason
) -> None:
    """List all times of an endpoint as values without a place."""
    for index, point in enumerate(endpoint.time_points):
        trial.leave_out(f"{path}.time_points[{index}]", point, reason)
