from benchmarks.eligibility_confidence import format_shares, judge_lines
from extractor.schemas import Section, Source, TrialRecord


def test_judges_the_labelled_lines_of_a_record():
    text = "Inclusion Criteria:\n\n* Asthma\n\nExclusion Criteria:\n\n* Pregnancy"
    section = Section(name="eligibility", text=text)
    record = TrialRecord(record_id="x", source=Source(path="x", format="flat"), sections=(section,))
    rows = [
        {"text": "Asthma", "list": "inclusion", "category": "diagnosis"},
        {"text": "Pregnancy", "list": "inclusion", "category": "none"},
    ]
    judged = [(field, right) for field, _, right in judge_lines(record, rows)]
    assert judged == [("stands", True), ("kind", True), ("stands", False), ("kind", False)]


def test_names_the_shapes_behind_a_confidence():
    assert "kind of the list" in format_shares([("kind", 0.99, True)])
