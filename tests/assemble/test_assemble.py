"""Extractions put together from synthetic records: every value has its proof, every gap a reason."""

from dataclasses import replace

import pytest

from extractor.assemble import ModelResult, assemble_extraction
from extractor.ground.check import Answer, ground_answer
from extractor.parse import parse_record
from extractor.parse.parsed import Reading
from extractor.read import read_records
from extractor.schemas import AbsenceReason, Concept, Origin, Task, Usage

SAMPLES = ["flat.txt", "study.json", "study.xml", "studies.csv"]


@pytest.fixture(scope="module", params=SAMPLES)
def parsed(request):
    return parse_record(next(read_records(f"tests/records/{request.param}")))


def test_a_task_that_is_not_wanted_is_empty_and_says_so(parsed):
    extraction = assemble_extraction(parsed, ModelResult(), {Task.ENDPOINTS})
    assert extraction.endpoints
    assert (extraction.dosing, extraction.eligibility.criteria) == ((), ())
    assert {a.field: a.reason for a in extraction.absences if "." not in a.field} == {
        "eligibility": AbsenceReason.NOT_ASKED,
        "dosing": AbsenceReason.NOT_ASKED,
    }


def test_a_supported_answer_enters_with_its_origin():
    parsed = parse_record(next(read_records("tests/records/study.json")))
    outcome = replace(parsed.outcomes[0], concept=Reading(Concept.OTHER, 0.6))
    parsed = replace(parsed, outcomes=(outcome, *parsed.outcomes[1:]))
    number = outcome.chunk.number
    answer = ground_answer(Answer(Task.ENDPOINTS, number, {"concept": Concept.HEALTH_ECONOMICS}), parsed)
    result = ModelResult({number: frozenset({"concept"})}, {number: (answer,)}, usage=Usage(calls=1))
    extraction = assemble_extraction(parsed, result)
    endpoint = extraction.endpoints[0]
    assert endpoint.concept is Concept.HEALTH_ECONOMICS
    (piece,) = [piece for piece in endpoint.evidence if piece.field == "concept"]
    assert piece.origin is Origin.MODEL
    assert extraction.usage.calls == 1


def test_an_unsupported_answer_stays_out_and_is_reported():
    parsed = parse_record(next(read_records("tests/records/study.json")))
    number = parsed.outcomes[0].chunk.number
    answer = ground_answer(Answer(Task.ENDPOINTS, number, {"specimens": ("moon dust",)}), parsed)
    result = ModelResult({number: frozenset({"specimens"})}, {number: (answer,)})
    extraction = assemble_extraction(parsed, result)
    assert "moon dust" not in extraction.model_dump_json(include={"endpoints"})
    assert ["moon dust" in finding.message for finding in extraction.findings] == [True]
