"""A trial as a ResearchStudy, and its endpoints as EvidenceVariables."""

import re
from collections.abc import Collection

from extractor.schemas import Citation, Endpoint, Rank, Task, TimeKind, TrialExtraction, TrialRecord
from extractor.text.book import read_table

from .fhir_dosing import add_plan
from .fhir_eligibility import add_group
from .fhir_types import HL7, Json, Proof, Reason, TrialResources, code, own_code, quantity, value_range

_DESIGN = "http://hl7.org/fhir/study-design"
_PHASES = frozenset(
    ["n-a", "early-phase-1", "phase-1", "phase-1-phase-2", "phase-2", "phase-2-phase-3", "phase-3", "phase-4"]
)
_RANKS = {Rank.PRIMARY: "primary", Rank.SECONDARY: "secondary"}
_REGISTRY = "http://clinicaltrials.gov"
_MOST = 2**31 - 1
"""The largest integer in FHIR."""


def build_trial(
    extraction: TrialExtraction, record: TrialRecord | None = None, tasks: Collection[Task] = tuple(Task)
) -> TrialResources:
    """Build all resources of a trial, as JSON, and list the values that have no place in them.

    Without ``record`` the registered fields are listed as missing. Nothing is validated here.

    >>> extraction = TrialExtraction.model_validate({"record_id": "NCT01", "eligibility": {"sex": "male"}})
    >>> [f"{one['resourceType']}/{one['id']}" for one in build_trial(extraction).resources]
    ['Group/NCT01-eligibility', 'ResearchStudy/NCT01']
    """
    trial = TrialResources(extraction, record)
    group = add_group(trial) if Task.ELIGIBILITY in tasks else None
    plan = add_plan(trial) if Task.DOSING in tasks else None
    endpoints = enumerate(extraction.endpoints) if Task.ENDPOINTS in tasks else ()
    outcomes = [_add_endpoint(trial, index, endpoint) for index, endpoint in endpoints]
    proofs: list[Proof] = []
    registered = _read_registered(trial, record, proofs) if record else {}
    if record is None:
        trial.leave_out("registry", "title, conditions, phases, study type, enrolment", "input_missing")
    trial.leave_out("registry.status", "status of the trial", "not_kept")
    for index, finding in enumerate(extraction.findings):
        trial.leave_out(f"findings[{index}]", finding.model_dump(mode="json"), "no_element")
    is_nct = re.fullmatch(r"NCT\d{8}", extraction.record_id)
    content = {
        "identifier": [{"system": _REGISTRY if is_nct else None, "value": extraction.record_id}],
        "status": "draft",
        **registered,
        "recruitment": {**registered.get("recruitment", {}), "eligibility": group},
        "protocol": [plan],
        "outcomeMeasure": outcomes,
    }
    trial.add("ResearchStudy", "", content, proofs)
    return trial


def _read_registered(trial: TrialResources, record: TrialRecord, proofs: list[Proof]) -> Json:
    """The registered fields of a study, each with its place in the record."""

    def read(section: str) -> str | None:
        if (text := record.raw_text(section)) and text.strip():
            proofs.append((section, Citation(section=section, start=0, end=len(text), quote=text)))
            return text
        return None

    enrolment = read("registry.enrollment") or ""
    is_number = enrolment.isdecimal() and int(enrolment[:19]) <= _MOST
    is_actual = "actual" in (read("registry.enrollment_type") or "").lower()
    trial.leave_out("registry.enrollment", None if is_number else enrolment, "no_element")
    known = read_table("fhir")["study_designs"]
    designs = [text for name in ("study_type", "allocation") if (text := read(f"registry.{name}"))]
    for name in ("masking", "bare_arms"):
        trial.leave_out(f"registry.{name}", record.registry.text(name), "no_element")
    return {
        "title": read("title") or read("official_title"),
        "condition": [{"text": one.strip()} for one in re.split(r"[\n|]", read("conditions") or "")],
        "phase": _read_phase(read("registry.phases")),
        "studyDesign": [code(_DESIGN, known.get(re.sub("[^a-z]", "", one.lower())), one) for one in designs],
        "recruitment": {"actualNumber" if is_actual else "targetNumber": int(enrolment) if is_number else None},
    }


def _read_phase(written: str | None) -> Json | None:
    """The phase in the words of FHIR: "PHASE1|PHASE2" and "Phase 1/Phase 2" are ``phase-1-phase-2``."""
    if written is None:
        return None
    early = "early-" if "early" in written.lower() else ""
    word = early + "-".join(f"phase-{digit}" for digit in re.findall(r"\d", written)) or "n-a"
    return code(f"{HL7}/research-study-phase", word if word in _PHASES else None, written)


def _add_endpoint(trial: TrialResources, index: int, endpoint: Endpoint) -> Json:
    """Add the EvidenceVariable of an endpoint, and return the study's outcome measure."""
    path = f"endpoints[{index}]"
    measured = own_code("concept", endpoint.concept, endpoint.measure)
    ends = [{"definitionCodeableConcept": {"text": event}} for event in endpoint.end_events]
    instrument = endpoint.instrument
    named = ", version ".join(filter(None, (instrument.name, instrument.version))) if instrument else None
    content = {
        "status": "draft",
        "title": endpoint.measure,
        "description": endpoint.description,
        "relatedArtifact": [{"type": "depends-on", "display": named}] if named else None,
        "characteristic": [
            {
                "definitionCodeableConcept": measured if endpoint.concept or endpoint.measure else None,
                "timeFromEvent": _read_times(trial, path, endpoint),
            },
            {"definitionByCombination": {"code": "any-of", "characteristic": ends}} if ends else None,
        ],
    }
    for name in ("specimens", "methods"):
        for place, said in enumerate(getattr(endpoint, name)):
            trial.leave_out(f"{path}.{name}[{place}]", said, "no_element")
    trial.leave_out(f"{path}.censored", endpoint.censored or None, "no_element")
    proofs = [(f"{path}.{each.field}", each) for each in endpoint.evidence]
    rank = _RANKS.get(endpoint.rank)
    return {
        "name": endpoint.measure,
        "type": [
            code(f"{HL7}/research-study-objective-type", rank) if rank else own_code("rank", endpoint.rank),
            own_code("endpoint-category", endpoint.category) if endpoint.category else None,
        ],
        "description": endpoint.description,
        "reference": trial.add("EvidenceVariable", f"-endpoint-{index}", content, proofs),
    }


def _read_times(trial: TrialResources, path: str, endpoint: Endpoint) -> list[Json]:
    """When an endpoint is measured: moments, or a span that may be open at one end."""
    points = [quantity(one.value, one.unit.value) for one in endpoint.time_points]
    start = {"text": endpoint.start_event} if endpoint.start_event else None
    common = {"description": endpoint.time_frame, "eventCodeableConcept": start}
    match endpoint.time_kind, points:
        case TimeKind.UP_TO, [_, *_]:
            return [common | {"range": {"high": point}} for point in points]
        case TimeKind.FROM_TO, [low, high] if span := value_range(low, high):
            return [common | {"range": span}]
        case ((TimeKind.FROM_TO | TimeKind.PER), [_, *_]):
            reason: Reason = "no_range" if endpoint.time_kind is TimeKind.FROM_TO else "no_element"
            for index, point in enumerate(endpoint.time_points):
                trial.leave_out(f"{path}.time_points[{index}]", point.model_dump(mode="json"), reason)
        case _, [_, *_]:
            return [common | {"quantity": point} for point in points]
    trial.leave_out(f"{path}.time_kind", None if points else endpoint.time_kind, "no_element")
    return [common]
