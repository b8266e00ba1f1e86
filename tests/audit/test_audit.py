"""The whole audit: the seeds, its quotes, and its findings in extractions."""

from dataclasses import replace
from pathlib import Path

import pytest

from extractor import Extractor, read_records
from extractor.assembly.assemble import ModelResult, assemble_extraction
from extractor.audit import audit_extraction
from extractor.concepts.parse import parse_record
from extractor.evidence.drafts import Span
from extractor.evidence.parsed import HostileText
from extractor.schemas import FindingKind
from tests.audit.studies import audit, find

ROOT = Path(__file__).parents[2]
SEEDS = {
    record.record_id[:3]: record for record in read_records(ROOT / "seeds" / "records")
}
KNOWN = {
    "000": [],
    "001": [],
    "002": [
        (
            "time_points_differ",
            "ORR(CR+CRi) on days 45, 90, 120",
            "day 30, day 45, day 90",
        )
    ],
    "003": [
        ("endpoint_not_registered", "overall survival"),
        ("endpoint_not_registered", "disease-free survival"),
        ("endpoint_not_registered", "adverse effects"),
        ("endpoint_not_registered", "relapse"),
    ],
    "004": [],
}


@pytest.mark.parametrize("seed", KNOWN)
def test_the_seeds_have_the_known_contradictions_and_no_others(seed):
    record = SEEDS[seed]
    assert find(record) == KNOWN[seed]
    for finding in audit(record):
        for citation in finding.citations:
            text = record.raw_text(citation.section)
            assert text[citation.start : citation.end] == citation.quote != ""


def test_blanked_words_are_not_quoted():
    parsed = parse_record(SEEDS["002"])
    extraction = assemble_extraction(parsed, ModelResult())
    (finding,) = audit_extraction(parsed, extraction)
    place = finding.citations[0]
    span = Span(place.section, place.start, place.start + 1)

    hostile = HostileText(FindingKind.MARKUP, span, blanked=True, quote=place.quote[0])

    assert audit_extraction(replace(parsed, hostile=(hostile,)), extraction) == ()
    assert audit_extraction(
        replace(parsed, hostile=(replace(hostile, blanked=False),)), extraction
    ) == (finding,)


def test_tasks_that_were_not_extracted_give_no_findings():
    assert (
        Extractor(effort="none", tasks=("dosing",)).extract(SEEDS["003"]).findings == ()
    )
