"""Synthetic studies, and the audit's findings in them."""

from collections.abc import Sequence

from extractor.assembly.assemble import ModelResult, assemble_extraction
from extractor.audit import audit_extraction
from extractor.concepts.parse import parse_record
from extractor.formats.json_records import build_json
from extractor.schemas import Finding, Source, TrialRecord

OUTCOME_KEYS = ("measure", "description", "timeFrame")


def make_study(
    *,
    title: str = "A Study of Examplumab",
    summary: str = "Examplumab is studied in adults with asthma.",
    description: str | None = None,
    eligibility: str | None = None,
    primary: Sequence[Sequence[str | None]] = (
        ("Change in FEV1", "Spirometry", "Week 12"),
    ),
    secondary: Sequence[Sequence[str | None]] = (),
    design: dict | None = None,
    fields: dict | None = None,
) -> TrialRecord:
    """Make a record from the registry's JSON. ``design`` and ``fields`` are its structured
    parts.
    """
    outcomes = [
        [
            {key: part or None for key, part in zip(OUTCOME_KEYS, outcome, strict=True)}
            for outcome in several
        ]
        for several in (primary, secondary)
    ]
    draft = build_json(
        {
            "protocolSection": {
                "identificationModule": {"nctId": "NCT90000001", "briefTitle": title},
                "descriptionModule": {
                    "briefSummary": summary,
                    "detailedDescription": description,
                },
                "designModule": {"studyType": "INTERVENTIONAL"} | (design or {}),
                "eligibilityModule": {"eligibilityCriteria": eligibility}
                | (fields or {}),
                "outcomesModule": dict(
                    zip(("primaryOutcomes", "secondaryOutcomes"), outcomes, strict=True)
                ),
            }
        }
    )
    source = Source(path="study.json", format="ctgov_json")
    return TrialRecord(
        record_id="NCT90000001",
        source=source,
        sections=draft.sections,
        registry=draft.registry,
    )


def audit(record: TrialRecord) -> tuple[Finding, ...]:
    """Return the findings of a record that was read without a model."""
    parsed = parse_record(record)
    return audit_extraction(parsed, assemble_extraction(parsed, ModelResult()))


def find(record: TrialRecord) -> list[tuple[str, ...]]:
    """Return each finding's kind and quotes."""
    return [
        (finding.kind.value, *(citation.quote for citation in finding.citations))
        for finding in audit(record)
    ]
