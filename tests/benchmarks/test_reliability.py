import json
import math

import pytest

from benchmarks.judging import Agreement, Judged, compare_values, judge_reading, read_label
from benchmarks.reliability import __main__ as command
from benchmarks.reliability.figures import format_bins, format_summary, measure_reliability
from benchmarks.reliability.records import judge_record
from benchmarks.reliability.sources import judge_gold, split_held_out
from extractor.parse import parse_record
from extractor.parse.parsed import Reading
from extractor.schemas import Section, Source, TrialExtraction, TrialRecord

TEXT = (
    "Inclusion Criteria:\n\n* Age 18 to 65 years\n* Platelets >= 50 x 10^9/L\n\nExclusion Criteria:\n\n* Pregnant women"
)


def judged(confidence, *, right=True, field="endpoints.concept"):
    return Judged(field, "NCT90000001", "text", "a", "b", confidence, Agreement(1, 1, int(right)))


@pytest.mark.parametrize(
    ("field", "read", "label", "right"),
    [
        ("dosing.amounts", [{"low": 1, "high": 1, "unit": "g"}], [{"low": 1000, "high": 1000, "unit": "mg"}], True),
        ("dosing.amounts", [{"low": 1, "high": 1, "unit": "g"}], [], False),
        ("dosing.timing", None, None, True),
        ("endpoints.time_points", [], [], True),
        ("endpoints.time_points", [{"value": 1, "unit": "day"}], [{"value": 24, "unit": "hour"}], True),
        ("endpoints.methods", ["ELISA", "PCR"], ["pcr", "elisa"], True),
        ("eligibility.criteria.category", "infection", "allergy", False),
    ],
)
def test_values_agree_as_an_evaluation_compares_them(field, read, label, right):
    values = (None if value is None else read_label(field, value) for value in (read, label))
    assert compare_values(field, *values).right is right


def test_a_known_absence_is_right_where_nothing_is_labelled():
    assert judge_reading("dosing.route", ("T", "x"), Reading(None, 0.98), None).agreement.right
    assert not judge_reading("dosing.timing", ("T", "x"), Reading(None, 0.98), "on day 1").agreement.right


def test_bins_certain_values_and_the_calibration_error():
    values = [judged(0.9), judged(0.9, right=False), judged(0.96), judged(0.99), judged(0.0, right=False)]
    row, _, everything = measure_reliability([*values, judged(0.5, field="endpoints.category")])
    counts = {one.name: (one.count, one.right) for one in row.bins if one.count}
    assert counts == {"open": (1, 0), ".9-.95": (2, 1), ".95-.98": (1, 1), ">=.98": (1, 1)}
    assert (row.certain, row.certain_right) == (2, 2)
    assert row.calibration_error == pytest.approx((abs(1.8 - 1) + 0.04 + 0.01) / 4)
    assert math.isclose(row.certain_interval[0], 0.342, abs_tol=0.001)
    assert (everything.field, everything.count) == ("all values", 6)


def test_details_of_a_field_are_no_rows():
    assert measure_reliability([judged(0.9, field="limit unit")]) == []


def test_a_field_with_nothing_certain_has_a_line():
    rows = measure_reliability([judged(0.0)])
    assert "0.000      -" in format_summary(rows)
    assert "1 0.00 1.00" in format_bins(rows)


@pytest.fixture
def record():
    sections = (
        Section(name="eligibility", text=TEXT),
        Section(name="interventions[0]", text="DRUG: Examplumab 300 mg subcutaneously every 4 weeks"),
        Section(name="primary_outcomes[0]", text="Overall survival, 2 years"),
    )
    return TrialRecord(record_id="T1", source=Source(path="t", format="flat"), sections=sections)


@pytest.fixture
def gold():
    shared = {"kind": "inclusion", "section": "eligibility"}
    age = shared | {"quote": "Age 18 to 65 years", "category": "age"}
    platelets = shared | {"quote": "Platelets >= 50 x 10^9/L", "category": "infection"}
    regimen = {
        "agent": "Examplumab",
        "section": "interventions[0]",
        "quote": "300 mg subcutaneously every 4 weeks",
        "amounts": [{"low": 300, "high": 300, "unit": "mg"}],
        "route": "subcutaneous",
        "frequency": "Q2W",
    }
    outcome = {"rank": "primary", "index": 0, "measure": "Overall survival", "time_frame": "2 years"}
    criteria = {"minimum_age": {"value": 18, "unit": "year"}, "criteria": [age, platelets]}
    return TrialExtraction.model_validate(
        {"record_id": "T1", "eligibility": criteria, "dosing": [regimen], "endpoints": [outcome]}
    )


def test_readings_are_paired_with_gold(record, gold):
    found = list(judge_record(parse_record(record), gold, "T1"))
    rights = {}
    for one in found:
        rights.setdefault(one.field, []).append(one.agreement.right)
    assert rights["eligibility.minimum_age"] == [True]
    assert rights["eligibility.maximum_age"] == [False]
    assert sorted(rights["eligibility.criteria.stands"]) == [False, True, True]
    assert rights["eligibility.criteria.category"] == [True, False]
    assert rights["dosing.regimens"] == rights["dosing.route"] == [True]
    assert rights["dosing.frequency"] == [False]
    assert rights["endpoints.measure"] == rights["endpoints.time_frame"] == [True]


def test_a_criterion_that_was_not_believed_counts_if_gold_has_it(record, gold):
    only = {"kind": "inclusion", "section": "eligibility", "quote": "Adequate organ function, defined as"}
    gold = gold.model_copy(update={"eligibility": gold.eligibility.model_validate({"criteria": [only]})})
    text = "Inclusion Criteria:\n\n* Adequate organ function, defined as:\n  * Platelets >= 50 x 10^9/L"
    record = record.model_copy(update={"sections": (Section(name="eligibility", text=text),)})
    stands = [one for one in judge_record(parse_record(record), gold, "T1") if one.field.endswith("stands")]
    assert [(one.read, one.label) for one in stands] == [(False, True), (True, False)]


def test_trials_are_either_held_out_or_not():
    values = [
        Judged("endpoints.concept", f"NCT{n:08}", "", "a", "a", 0.9, Agreement(1, 1, 1))
        for n in range(300)
        for _ in "ab"
    ]
    held_out, development = split_held_out(values)
    assert not {one.trial for one in held_out} & {one.trial for one in development}
    assert 150 < len(held_out) < 250


@pytest.fixture
def folders(tmp_path, gold):
    (tmp_path / "gold").mkdir()
    (tmp_path / "records").mkdir()
    study = {
        "protocolSection": {
            "identificationModule": {"nctId": "NCT90000001", "briefTitle": "A trial"},
            "eligibilityModule": {"eligibilityCriteria": TEXT},
        }
    }
    (tmp_path / "records" / "a.json").write_text(json.dumps(study), "utf-8")
    annotated = gold.model_copy(update={"record_id": "NCT90000001"}).model_dump_json()
    (tmp_path / "gold" / "a.json").write_text(annotated, "utf-8")
    return ["--gold", str(tmp_path / "gold"), "--records", str(tmp_path / "records")]


def test_the_command_shows_one_field_with_its_wrong_certain_values(folders, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["reliability", *folders, "--field", "maximum_age"])
    command.main()
    out = capsys.readouterr().out
    assert "eligibility.maximum_age" in out
    assert "eligibility.minimum_age" not in out
    assert "1 certain values are wrong" in out
    assert 'read {"value": 65, "unit": "year"}, labelled null' in out


def test_the_command_gives_json(folders, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["reliability", *folders, "--json"])
    command.main()
    figures = {row["field"]: row for row in json.loads(capsys.readouterr().out)["gold"]}
    assert figures["eligibility.minimum_age"]["right"] == 1
    assert figures["eligibility.criteria.stands"]["count"] == 3


@pytest.mark.parametrize("arguments", [[], ["--gold", "somewhere"]])
def test_the_command_says_what_it_needs(arguments, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["reliability", *arguments])
    with pytest.raises(SystemExit) as left:
        command.main()
    assert left.value.code == 2
    assert "--records" in capsys.readouterr().err


def test_records_without_gold_are_not_judged(folders, tmp_path):
    (tmp_path / "records" / "a.json").unlink()
    (tmp_path / "records" / "b.json").write_text(
        json.dumps({"protocolSection": {"identificationModule": {"nctId": "NCT90000002", "briefTitle": "B"}}}), "utf-8"
    )
    assert list(judge_gold(tmp_path / "gold", tmp_path / "records")) == []
