"""What a change of the rules does to records: one line for each value that differs."""

import io
import json
import shutil

from benchmarks import versions
from benchmarks.versions import (
    ROOT,
    Verdicts,
    Version,
    choose_records,
    compare,
    compare_matches,
)
from extractor import Extractor, TrialExtraction

TEXT = "Inclusion criteria:\n- HbA1c of at least 7.5 %\n- Able to walk"


def test_each_difference_is_one_line():
    old = Extractor().extract_text(TEXT)
    content = json.loads(old.model_dump_json())
    criterion = content["eligibility"]["criteria"][0]
    criterion["constraints"][0]["value"] = 8.5
    criterion["category"] = "biomarker"
    for piece in content["eligibility"]["criteria"][1]["evidence"]:
        if piece["field"] == "quote":
            piece["confidence"] = 0.3
    new = TrialExtraction.model_validate(content)

    assert [*compare(old, old)] == []
    lines = {(line.kind, line.field): line for line in compare(old, new)}
    assert set(lines) == {
        ("changed", "eligibility.criteria.constraints"),
        ("changed", "eligibility.criteria.category"),
        ("doubtful", "eligibility.criteria.quote"),
    }
    limit = lines["changed", "eligibility.criteria.constraints"]
    assert (limit.old.partition(" (")[0], limit.new.partition(" (")[0]) == (
        "HbA1c ≥ 7.5 %",
        "HbA1c ≥ 8.5 %",
    )
    assert limit.text == "HbA1c of at least 7.5 %"


def test_records_with_the_words_are_chosen(tmp_path):
    texts = {"A": "2 out\nof 7 days", "B": "routes of", "C": "one day"}
    for name, text in texts.items():
        tmp_path.joinpath(f"{name}.txt").write_text(f"Inclusion criteria:\n- {text}")

    chosen = choose_records([str(tmp_path)], ["Out of"], sample=1, most=9, seed=1)
    assert chosen[0] == ["A"]
    assert len(chosen[1]) == 1


def test_each_verdict_that_differs_is_one_line():
    old = {"Age >= 18": "met", "No cancer": "depends", "No asthma": "met"}
    new = {"Age >= 18": "met", "No cancer": "not_met", "Walks": "depends"}

    lines = compare_matches(
        Version({}, {("T1", "P1"): Verdicts("open", old)}),
        Version({}, {("T1", "P1"): Verdicts("excluded", new)}),
    )
    assert [*map(str, lines)] == [
        "answer    T1 match.P1: open -> excluded   []",
        "verdict   T1 match.P1: depends -> not_met   [No cancer]",
        "verdict   T1 match.P1: met -> no such line   [No asthma]",
        "verdict   T1 match.P1: no such line -> depends   [Walks]",
    ]


def test_a_pasted_text_is_compared_for_patients_too(tmp_path, monkeypatch, capsys):
    """In the other version, hardly any value is sure."""

    def copy_doubting(_commit, to):
        shutil.copytree(
            ROOT / "extractor",
            to / "extractor",
            ignore=shutil.ignore_patterns("__pycache__"),
        )
        vocabulary = to / "extractor" / "schemas" / "vocabulary.py"
        text = vocabulary.read_text("utf-8")
        changed = text.replace(
            "DOUBTFUL_BELOW: Final = 0.85", "DOUBTFUL_BELOW: Final = 1"
        )
        vocabulary.write_text(changed, "utf-8")

    monkeypatch.setattr(versions, "copy_version", copy_doubting)
    pasted = "Inclusion criteria:\n- HbA1c of at least 7.5 %"
    monkeypatch.setattr("sys.stdin", io.StringIO(pasted))
    patients = tmp_path / "patients.json"
    patients.write_text('[{"id": "P1", "values": {"HbA1c": "8 %"}}]')

    assert versions.main(["--texts", "-", "--patients", str(patients)]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[1:4] == [
        "texts: 1 records, 1 changed",
        "  answer    pasted match.P1: open -> no_reason_against   []",
        "  verdict   pasted match.P1: doubtful -> met   [HbA1c of at least 7.5 %]",
    ]
