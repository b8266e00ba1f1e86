"""The queries of the pages on questions and on concept sets give the right answers for a few invented trials."""

from pathlib import Path

import duckdb
import pytest

from extractor.results.export import Destination, export_run, read_registry
from extractor.schemas import RegistryFields, Source, TrialExtraction, TrialRecord


def list_queries(page):
    return [block.partition("```")[0] for block in Path(page).read_text("utf-8").split("```sql\n")[1:]]


QUERIES = list_queries("docs/how-to/queries.md") + list_queries("docs/how-to/concept-sets.md")


def criterion(kind, *limits, **fields):
    names = ("quantity", "comparator", "value", "unit", "value_high")
    constraints = [dict(zip(names, limit, strict=False)) for limit in limits]
    quote = "; ".join(" ".join(map(str, limit)) for limit in limits) or "text"
    return {"kind": kind, "section": "eligibility", "quote": quote, "constraints": constraints} | fields


def window(comparator, days):
    return {"quote": "text", "comparator": comparator, "value": days, "unit": "day"}


TRIALS = {
    "A": {
        "eligibility": {
            "minimum_age": {"value": 18, "unit": "year"},
            "healthy_volunteers": True,
            "criteria": [
                criterion("inclusion", ("Platelets", ">=", 75_000, "/mm3"), ("LVEF", ">", 50, "%")),
                criterion("inclusion", ("ECOG", "between", 0, None, 2)),
                criterion("exclusion", ("SBP", ">", 160, "mmHg"), ("DBP", ">", 100, "mmHg")),
                criterion("exclusion", category="prior_therapy", time_window=window("<=", 28)),
            ],
        },
        "dosing": [{"agent": "metformin", "frequency": "BID", "amounts": [{"low": 0.5, "high": 0.5, "unit": "g"}]}],
        "endpoints": [{"rank": "primary", "index": 0, "measure": "OS", "concept": "overall_survival"}],
    },
    "B": {
        "eligibility": {
            "minimum_age": {"value": 6, "unit": "month"},
            "criteria": [
                criterion("exclusion", ("PLT", "<", 100, "x 10^9/L"), ("ECOG", ">", 2)),
                criterion("exclusion", ("Hb", "<", 90, "g/L"), ("BP", ">", 160, "mmHg")),
                criterion("inclusion", category="prior_therapy", time_window=window(">=", 14)),
            ],
        },
        "dosing": [{"agent": "Metformin XR", "frequency": "BID", "amounts": [{"low": 500, "high": 500, "unit": "mg"}]}],
        "endpoints": [{"rank": "primary", "index": 0, "measure": "PFS", "concept": "progression_free_survival"}],
    },
    "C": {
        "eligibility": {
            "criteria": [
                criterion("inclusion", ("platelets", ">=", 50, "x 10^9/L"), ("platelets", ">=", 100, "x 10^9/L")),
                criterion("inclusion", ("Hemoglobin", ">", 9, "g/dL"), ("Hemoglobin", ">", 9, "mg/dL")),
                criterion("exclusion", category="prior_therapy", time_window=window(">=", 900)),
            ]
        }
    },
}
ANSWERS = [
    [("A", 75), ("B", 100)],
    [(">", 50, None, 1)],
    [(2, 2)],
    [("diastolic_blood_pressure", "<=", 100, None, 1), ("systolic_blood_pressure", "<=", 160, None, 1)],
    [(9, 2)],
    [(28, 1)],
    [(0.5, 2)],
    [(False, 1), (True, 1), (None, 1)],
    [(0.5, ">=", 1), (18, ">=", 1), (40, ">=", 1)],
    [(500, 500, "mg", "BID", 2)],
    [
        ("A", 0, 0, "platelet_count", 1, "Platelets in blood", ">=", 75_000, None, 8784, None),
        ("B", 0, 0, "platelet_count", 1, "Platelets in blood", ">=", 100, None, None, None),
        ("B", 1, 0, "haemoglobin", 2, "Haemoglobin in blood", ">=", 90, None, 8636, None),
        ("C", 0, 0, "platelet_count", 1, "Platelets in blood", ">=", 50, None, None, None),
        ("C", 0, 1, "platelet_count", 1, "Platelets in blood", ">=", 100, None, None, None),
        ("C", 1, 0, "haemoglobin", 2, "Haemoglobin in blood", ">", 9, None, None, None),
    ],
    [
        ("haemoglobin", 2, "Haemoglobin in blood"),
        ("platelet_count", 1, "Platelets in blood"),
        ("platelet_count", 3, "Platelets in blood by automated count"),
    ],
]
CONCEPTS = """
CREATE TABLE concept AS SELECT * FROM (VALUES
    (1, 'Platelets in blood', 'Measurement', 'LOINC', 'S', '26515-7'),
    (2, 'Haemoglobin in blood', 'Measurement', 'LOINC', 'S', '718-7'),
    (3, 'Platelets in blood by automated count', 'Measurement', 'LOINC', 'S', '0-0'),
    (4, 'Platelets, an old name', 'Measurement', 'LOINC', NULL, '9317-9'),
    (8784, 'cells per microliter', 'Unit', 'UCUM', 'S', '/uL'),
    (8636, 'gram per liter', 'Unit', 'UCUM', 'S', 'g/L')
) AS rows(concept_id, concept_name, domain_id, vocabulary_id, standard_concept, concept_code);
CREATE TABLE concept_ancestor AS SELECT * FROM (VALUES (1, 1), (1, 3), (1, 4), (2, 2), (2, 8636))
    AS rows(ancestor_concept_id, descendant_concept_id);
"""


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    for trial in TRIALS.values():
        for regimen in trial.get("dosing", ()):
            regimen |= {"section": "arms[0]", "quote": "text"}
    lines = [TrialExtraction.model_validate({"record_id": name} | trial) for name, trial in TRIALS.items()]
    (folder / "extractions.jsonl").write_text("".join(line.model_dump_json() + "\n" for line in lines), "utf-8")
    source, phase = Source(path="a.json", format="ctgov_json"), RegistryFields(phases=("PHASE1", "PHASE2"))
    last = phase.model_copy(update={"healthy_volunteers": "No", "minimum_age": "40 Years"})
    people = [last if name == [*TRIALS][-1] else phase for name in TRIALS]
    records = [
        TrialRecord(record_id=name, source=source, sections=(), registry=one)
        for name, one in zip(TRIALS, people, strict=True)
    ]
    registry = {record.record_id: read_registry(record) for record in records}
    export_run(folder, Destination.choose(folder / "t.duckdb", None), (), registry=registry)
    with duckdb.connect(str(folder / "t.duckdb")) as opened:
        opened.execute(CONCEPTS)
        yield opened


@pytest.mark.parametrize(("query", "answer"), list(zip(QUERIES, ANSWERS, strict=True)))
def test_a_query_gives_the_right_answer(database, query, answer):
    assert database.execute(query).fetchall() == answer


@pytest.mark.parametrize("page", ["how-to/export", "contributing/changes", "explanation/accuracy"])
def test_the_queries_of_other_pages_run(database, page):
    queries = list_queries(f"docs/{page}.md")
    assert queries
    for query in queries:
        database.execute(query)
