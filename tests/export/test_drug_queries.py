"""The queries of the page on drugs and conditions give the right rows, also with a small invented
file in the form of RxNorm's.
"""

from pathlib import Path

import duckdb
import pytest

from extractor.apps.export import Destination, export_run, read_registry
from extractor.schemas import (
    Part,
    Section,
    Source,
    TrialExtraction,
    TrialRecord,
)

VIEW = next(
    block.partition("```")[0]
    for block in Path("docs/how-to/queries.md").read_text("utf-8").split("```sql\n")
    if "VIEW look_backs" in block
)
"""What both pages mean by a wash-out."""
QUERIES = [
    block.partition("```")[0]
    for block in Path("docs/how-to/drugs.md").read_text("utf-8").split("```sql\n")[1:]
]


def concept(number, source, kind, code, name):
    """Return a line of RXNCONSO.RRF."""
    cells = [number, "ENG", *[""] * 9, source, kind, code, name, "", "N", ""]
    return "|".join(cells) + "|\n"


RXNORM = (
    concept("101", "RXNORM", "IN", "101", "Fictuzole")
    + concept("102", "RXNORM", "BN", "102", "Fictira")
    + concept("103", "RXNORM", "IN", "103", "Samplimab")
    + concept("101", "ATC", "IN", "L99AA01", "fictuzole")
    + concept("101", "ATC", "IN", "D99BB02", "fictuzole")
    + concept("103", "ATC", "IN", "L99AA07", "samplimab")
    + concept("103", "ATC", "IN", "L99AA", "Invented inhibitors").replace(
        "|N||", "|O||"
    )
)


def intervene(name, *others):
    text = "".join((name, *others))
    parts = [Part(name="name", start=0, end=len(name))]
    for other in others:
        start = parts[-1].end
        parts.append(Part(name="other_names", start=start, end=start + len(other)))
    return Section(name="interventions[0]", text=text, parts=tuple(parts))


PROSTATE = {"kind": "condition", "name": "Prostatic Neoplasms", "id": "D011471"}
ABOVE = {"kind": "condition_ancestor", "name": "Neoplasms", "id": "D009369"}
TRIALS = {
    "A": (
        "Prostate Cancer",
        intervene("FCT-12 50 mg tablet", "Fictuzole"),
        {
            "registered_terms": [
                PROSTATE,
                ABOVE,
                {"kind": "intervention", "name": "fictuzole", "id": "C1"},
            ],
            "eligibility": {
                "criteria": [
                    {
                        "kind": "exclusion",
                        "section": "eligibility",
                        "quote": "Chemotherapy or radiotherapy within 4 weeks before day 1",
                        "category": "prior_therapy",
                        "time_windows": [
                            {
                                "quote": "within 4 weeks before day 1",
                                "comparator": "<=",
                                "value": 4,
                                "unit": "week",
                                "of": "Chemotherapy or radiotherapy",
                                "anchor": "before day 1",
                            }
                        ],
                    },
                    {
                        "kind": "inclusion",
                        "section": "eligibility",
                        "quote": "No radiation or more than 2 steroid bursts within 3 months",
                        "category": "prior_therapy",
                        "negated": True,
                        "constraints": [
                            {"quantity": "bursts", "comparator": ">", "value": 2}
                        ],
                        "time_windows": [
                            {
                                "quote": "within 3 months",
                                "comparator": "<=",
                                "value": 3,
                                "unit": "month",
                                "of": "radiation or steroid bursts",
                            }
                        ],
                    },
                    {
                        "kind": "inclusion",
                        "section": "eligibility",
                        "quote": "Stable dose of oralin for at least 8 weeks",
                        "category": "concomitant_therapy",
                        "time_windows": [
                            {
                                "quote": "at least 8 weeks",
                                "comparator": ">=",
                                "value": 8,
                                "unit": "week",
                                "of": "oralin",
                            }
                        ],
                    },
                ]
            },
            "dosing": [
                {
                    "agent": "FCT-12",
                    "section": "arms[0]",
                    "quote": "FCT-12 50 mg",
                    "frequency": "BID",
                    "amounts": [{"low": 50, "high": 50, "unit": "mg"}],
                }
            ],
        },
    ),
    "B": (
        "Neoplasms, Prostate",
        intervene("Samplimab", "Sampira"),
        {
            "registered_terms": [PROSTATE],
            "dosing": [
                {
                    "agent": "SAMPLIMAB",
                    "section": "arms[0]",
                    "quote": "Samplimab cream",
                },
                {"agent": "Fictuzole", "section": "arms[0]", "quote": "Fictuzole"},
                {
                    "agent": "placebo",
                    "role": "placebo",
                    "section": "arms[0]",
                    "quote": "x",
                },
            ],
        },
    ),
    "C": (
        "Asthma",
        intervene("Oral Heardix"),
        {"dosing": [{"agent": "Heardix", "section": "arms[0]", "quote": "text"}]},
    ),
}
ANSWERS = [
    [("fictuzole", 2), ("samplimab", 1), ("heardix", 1)],
    [("fictuzole", "tablet", 1), ("samplimab", "cream", 1)],
    [("A", "fictuzole", "dosage form"), ("C", "heardix", "name")],
    [("A", None, "fictuzole", 100, 100, "mg/d", None)],
    [
        ("A", "fictuzole", "FCT-12 | FCT-12 50 mg tablet | Fictuzole"),
        ("B", "samplimab", "SAMPLIMAB | Sampira | Samplimab"),
        ("C", "heardix", "Heardix | Oral Heardix"),
    ],
    [("A", "Prostate Cancer"), ("B", "Neoplasms, Prostate")],
    [("Prostatic Neoplasms", "A, B")],
    [("fictuzole", "A", "FCT-12", 50, 50, "mg")],
    [
        ("chemotherapy", "first_dose", 28, 1),
        ("radiation", "not stated", 91.3125, 1),
        ("radiotherapy", "first_dose", 28, 1),
        ("steroid burst", "not stated", 91.3125, 1),
    ],
    [
        (
            "A",
            "chemotherapy",
            28,
            "first_dose",
            "Chemotherapy or radiotherapy within 4 weeks before day 1",
            None,
            None,
        ),
        (
            "A",
            "steroid burst",
            91.3125,
            "not stated",
            "No radiation or more than 2 steroid bursts within 3 months",
            "bursts > 2.0",
            None,
        ),
    ],
    [
        ("A", "fictuzole", "FCT-12", "code"),
        ("B", "samplimab", "Sampira", "perhaps a brand"),
    ],
    None,
    [
        ("A", 0, "FCT-12", "fictuzole", "101"),
        ("B", 0, "SAMPLIMAB", "samplimab", "103"),
        ("B", 1, "Fictuzole", "fictuzole", "101"),
    ],
    [("heardix", 1)],
    [("L99A", 2), ("D99B", 2)],
]


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    (folder / "RXNCONSO.RRF").write_text(RXNORM, "utf-8")
    lines = []
    registry = {}
    for name, (conditions, intervention, said) in TRIALS.items():
        extraction = {"record_id": name, "eligibility": {}} | said
        lines.append(TrialExtraction.model_validate(extraction))
        registry[name] = read_registry(
            TrialRecord(
                record_id=name,
                source=Source(path="a.json", format="ctgov_json"),
                sections=(Section(name="conditions", text=conditions), intervention),
            )
        )
    (folder / "extractions.jsonl").write_text(
        "".join(line.model_dump_json() + "\n" for line in lines), "utf-8"
    )
    export_run(
        folder, Destination.choose(folder / "t.duckdb", None), (), registry=registry
    )
    with duckdb.connect(str(folder / "t.duckdb")) as opened:
        opened.execute(VIEW)
        for query in QUERIES:
            if "RXNCONSO.RRF" in query:
                opened.execute(
                    query.replace("RXNCONSO.RRF", str(folder / "RXNCONSO.RRF"))
                )
        yield opened


@pytest.mark.parametrize(("query", "answer"), list(zip(QUERIES, ANSWERS, strict=True)))
def test_a_query_gives_the_right_rows(database, query, answer):
    if answer is None:
        assert database.execute("SELECT count(*) FROM rxnconso").fetchone() == (6,)
    else:
        assert sorted(database.execute(query).fetchall(), key=str) == sorted(
            answer, key=str
        )
