"""Assembled extractions of synthetic records: every value has evidence, every empty field a reason."""

from dataclasses import replace

from extractor.schemas import AbsenceReason, Concept, Origin, Task, Usage
from extractor.stages.assemble import ModelResult, assemble_extraction
from extractor.stages.parse import parse_record
from extractor.stages.parse.drafts import Reading
from extractor.stages.proof.check import ground_answer
from extractor.stages.read import read_records


def test_a_supported_answer_enters_with_its_origin():
    parsed = parse_record(next(read_records("tests/records/study.json")))
    first = parsed.outcomes[0]
    outcome = replace(first, rules={**first.rules, "concept": Reading(Concept.OTHER, 0.6)})
    parsed = replace(parsed, outcomes=(outcome, *parsed.outcomes[1:]))
    answer = ground_answer({"concept": Concept.HEALTH_ECONOMICS}, outcome, parsed)
    result = ModelResult((answer,), usage=Usage(calls=1))
    extraction = assemble_extraction(parsed, result)
    endpoint = extraction.endpoints[0]
    assert endpoint.concept is Concept.HEALTH_ECONOMICS
    (piece,) = [piece for piece in endpoint.evidence if piece.field == "concept"]
    assert piece.origin is Origin.MODEL
    assert extraction.usage.calls == 1


def test_a_task_that_was_not_requested_is_empty_with_a_reason():
    parsed = parse_record(next(read_records("tests/records/study.json")))
    extraction = assemble_extraction(parsed, ModelResult(), {Task.ENDPOINTS})
    assert extraction.endpoints
    assert (extraction.dosing, extraction.eligibility.criteria) == ((), ())
    gaps = {one.field for one in extraction.absences if one.reason is AbsenceReason.NOT_ASKED}
    assert gaps == {"eligibility", "dosing"}
