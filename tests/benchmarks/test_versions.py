"""What a change of the rules does to records: one line for each value that differs."""

import json

from benchmarks.versions import choose_records, compare
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
