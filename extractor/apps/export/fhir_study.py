"""Represent a trial as a ResearchStudy, and its regimens and endpoints as EvidenceVariables."""

import re
from collections import defaultdict
from collections.abc import Collection

from extractor.apps.export.fhir_dosage import add_dosages, write_agent
from extractor.apps.export.fhir_eligibility import add_eligibility
from extractor.apps.export.fhir_parts import (
    BASE,
    HL7,
    RawText,
    TrialResources,
    code,
    describe_value,
    enum_code,
    quantity,
    write_range,
)
from extractor.apps.export.registered import read_arms, read_interventions
from extractor.face import fold_label, group_pairs, read_table
from extractor.schemas import (
    Endpoint,
    ExtractedItem,
    Rank,
    Source,
    Task,
    TimeKind,
    TrialExtraction,
    TrialRecord,
)
from extractor.schemas.base import JsonObject
from extractor.schemas.registered_words import read_date


def build_trial(
    extraction: TrialExtraction,
    record: TrialRecord | None = None,
    tasks: Collection[Task] = tuple(Task),
) -> TrialResources:
    """Build the resources of a trial, as JSON, and list the values that FHIR cannot represent.

    Without ``record``, the registered fields are listed as missing. Nothing is validated here.

    >>> extraction = TrialExtraction.model_validate(
    ...     {"record_id": "NCT01", "eligibility": {"sex": "male"}}
    ... )
    >>> [
    ...     f"{resource['resourceType']}/{resource['id']}"
    ...     for resource in build_trial(extraction).resources
    ... ]
    ['Group/NCT01-eligibility', 'ResearchStudy/NCT01', 'Provenance/NCT01']
    """
    trial = TrialResources(extraction, record, tasks)
    study: JsonObject = {"recruitment": {}, "comparisonGroup": []}
    if record:
        study = _read_registered(record)
    else:
        missing = "titles, texts, conditions, arms, and all registered fields"
        trial.leave_out("registry", missing, "input_missing")
    # The status of the resource, which R5 requires; that of the trial is in progressStatus.
    study["status"] = "draft"
    study["identifier"] = [{"value": extraction.record_id}]
    if Task.ELIGIBILITY in tasks:
        study["recruitment"]["eligibility"] = add_eligibility(trial)
    if Task.DOSING in tasks:
        arms = study["comparisonGroup"]
        add_dosages(trial)
        by_label = group_pairs((fold_label(arm["name"]), arm) for arm in arms)
        for index in range(len(extraction.dosing)):
            _add_regimen(trial, index, arms, by_label)
    if Task.ENDPOINTS in tasks:
        study["outcomeMeasure"] = [
            _add_endpoint(trial, index) for index in range(len(extraction.endpoints))
        ]
    trial.add("ResearchStudy", "", study)
    trial.leave_out_rest()
    _add_provenance(trial)
    return trial


def _read_registered(record: TrialRecord) -> JsonObject:
    """Return the registered elements of a study, as worded in the record. Missing elements, and
    numbers and dates that FHIR does not allow, are None.
    """
    fields = record.registry
    tables = read_table("fhir")
    study: JsonObject = {
        name: record.raw_text(of) for name, of in tables["texts"].items()
    }
    study["recruitment"] = {}
    for name, sections in tables["lists"].items():
        texts = map(record.raw_text, sections)
        items = re.split(r"[\n|]", "|".join(filter(None, texts)))
        study[name] = [{"text": item} for item in items]
    kind_of_number = "targetNumber"
    if fields.enrollment_type == "ACTUAL":
        kind_of_number = "actualNumber"
    digits = re.fullmatch(r"\d{1,9}", fields.enrollment or "")
    # FHIR's unsigned integers have 31 bits.
    if digits:
        study["recruitment"] = {kind_of_number: int(digits[0])}
    if fields.sponsor:
        role = code("http://hl7.org/fhir/research-study-party-role", "lead-sponsor")
        study["associatedParty"] = [{"name": fields.sponsor, "role": role}]
    return study | {
        "focus": [
            {"concept": {"text": intervention.name}}
            for intervention in read_interventions(record)
        ],
        "phase": _translate("phases", fields.text("phases")),
        "primaryPurposeType": _translate("purposes", fields.primary_purpose),
        "progressStatus": [{"state": _translate("statuses", fields.status)}],
        "period": {
            "start": read_date(fields.start_date or ""),
            "end": read_date(fields.completion_date or ""),
        },
        "comparisonGroup": [
            {
                # FHIR requires a name
                "name": arm.label or arm.section,
                "type": _translate("arms", arm.type),
                "description": arm.description,
                "intendedExposure": [],
            }
            for arm in read_arms(record)
        ],
    }


def _translate(table: str, written: str | None) -> JsonObject:
    """Return a registered word with its code from ``fhir.toml``, if the file has a code for it."""
    words = read_table("fhir")[table]
    # Some registers write "Active Comparator".
    word = (written or "").upper().replace(" ", "_")
    return code(words["system"], words.get(word), written)


def _add_regimen(
    trial: TrialResources,
    index: int,
    arms: list[JsonObject],
    by_label: defaultdict[str, list[JsonObject]],
) -> None:
    """Add the EvidenceVariable of a regimen, and refer to it from the arms that receive the
    regimen. Arms that are named only by the regimen are added to ``arms``.
    """
    regimen = trial.extraction.dosing[index]
    path = f"dosing[{index}]"
    labels = trial.take(path, "arms")
    agent = {"definitionCodeableConcept": write_agent(regimen)}
    variable = {"title": regimen.agent, "description": regimen.quote}
    reference = _add_variable(trial, path, variable, agent)
    for label in labels:
        receiving = by_label[fold_label(label.value)]
        if not receiving:
            receiving.append({"name": label.value, "intendedExposure": []})
            arms += receiving
        for arm in receiving:
            arm["intendedExposure"].append(reference)


def _add_endpoint(trial: TrialResources, index: int) -> JsonObject:
    """Add an endpoint's EvidenceVariable, and return an outcome measure that refers to it."""
    endpoint = trial.extraction.endpoints[index]
    path = f"endpoints[{index}]"
    category = trial.take_first(path, "category")
    concept = trial.take_first(path, "concept")
    measured = {
        "definitionCodeableConcept": enum_code(concept, endpoint.measure),
        "timeFromEvent": _describe_times(trial, path, endpoint),
    }
    variable = {"title": endpoint.measure, "description": endpoint.description}
    reference = _add_variable(trial, path, variable, measured)
    rank = enum_code(endpoint.rank)
    if endpoint.rank is not Rank.OTHER:
        rank = code(f"{HL7}/research-study-objective-type", endpoint.rank)
    return {
        "name": endpoint.measure,
        "type": [rank, enum_code(category)],
        "description": endpoint.description,
        "reference": reference,
    }


def _add_variable(
    trial: TrialResources, path: str, content: JsonObject, first: JsonObject
) -> JsonObject:
    """Add the EvidenceVariable of an item, with the ``first`` characteristic and a characteristic
    for each remaining field. If a field has several values, they are alternatives.
    """
    characteristics = [first]
    for name, rows in trial.take_rest(path).items():
        kind = {"text": name.replace("_", " ")}
        described: list[JsonObject] = [
            {
                "description": row.text,
                "definitionByTypeAndValue": {"type": kind, **describe_value(row)},
            }
            for row in rows
        ]
        if len(described) > 1:
            any_of = {"code": "any-of", "characteristic": described}
            described = [{"definitionByCombination": any_of}]
        characteristics += described
    content |= {"status": "draft", "characteristic": characteristics}
    suffix = path.replace("[", "-").strip("]")
    return trial.add("EvidenceVariable", f"-{suffix}", content)


def _describe_times(
    trial: TrialResources, path: str, endpoint: Endpoint
) -> list[JsonObject]:
    """Return the times of an endpoint: a time point or an upper limit for each time, or one span
    between two times. If FHIR cannot express the times, only the words of the time frame are
    returned, and the times are added to the list of unmapped values.
    """
    common = {
        "description": endpoint.time_frame,
        "eventCodeableConcept": {"text": endpoint.start_event},
    }
    kind = trial.take_first(path, "time_kind")
    points = trial.take(path, "time_points")
    times = [quantity(row.value.value, row.value.unit) for row in points]
    if times and kind is TimeKind.UP_TO:
        return [common | {"range": {"high": time}} for time in times]
    if times and kind not in (TimeKind.FROM_TO, TimeKind.PER, None):
        return [common | {"quantity": time} for time in times]
    # A span needs two ends in the same unit and in the right order.
    if len(times) == 2 and kind is TimeKind.FROM_TO:
        span = write_range(*times)
        if span:
            return [common | {"range": span}]
    for row in points:
        trial.leave_out(row.path, row.value, "no_element")
    return [common]


def _add_provenance(trial: TrialResources) -> None:
    """Add a Provenance for all resources, with the record's source and the characters that support
    the values of each item.
    """
    evidence: list[JsonObject] = []
    for path, item in trial.extraction.list_items():
        places = _list_item_places(item)
        if not places:
            continue
        if not path.startswith(trial.parts):
            continue
        text = RawText(" | ".join((path, *places)))
        evidence.append({"url": f"{BASE}:evidence", "valueString": text})
    content: JsonObject = {
        "extension": evidence,
        "target": [*trial.references],
        "agent": [{"who": {"display": "Trial Extractor"}}],
    }
    source = trial.extraction.source
    if source:
        read = ", ".join(filter(None, _list_source(source)))
        content["entity"] = [{"role": "source", "what": {"display": read}}]
    trial.add("Provenance", "", content)


def _list_item_places(item: ExtractedItem) -> list[str]:
    """Return the places that support an item, with their words and values. Gold does not contain
    any such places.
    """
    values = defaultdict[str, list[str]](list)
    for piece in item.evidence:
        if piece.section:
            # as in RFC 5147: the first character, and the character after the last one
            place = f'{piece.section}#char={piece.start},{piece.end} "{piece.quote}"'
            known = filter(None, (piece.origin, piece.support, piece.confidence))
            values[place].append(" ".join((piece.field, *map(str, known))))
    return [f"{place} {'; '.join(stated)}" for place, stated in values.items()]


def _list_source(source: Source) -> tuple[str | None, ...]:
    """Return where a record is from: its file, and the ids of its trial and of its paper."""
    ids = (source.registry_id, source.pmid, source.pmcid, source.doi)
    return (source.path, source.place, source.format, *ids)
