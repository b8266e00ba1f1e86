"""A perfect model, and why the program still loses values."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import oracle as command
from benchmarks.oracle import Cause, Loss, format_examples, format_figures, format_losses, judge_trial
from benchmarks.perfect_model import ask_oracle
from extractor.assemble import ModelResult, assemble_extraction
from extractor.evaluation.fields import FIELDS
from extractor.evaluation.record_score import Count, score_record
from extractor.options import Effort, ExtractionOptions
from extractor.parse import parse_record
from extractor.parse.parsed import Reading
from extractor.schemas import Category, Section, Source, TrialExtraction, TrialRecord

CRITERION = "Kreatin of at least 50 mg/dL"
METHODS = (
    "glowmetry",
    "huemetry",
    "ringoscopy",
    "tonography",
    "pulsometry",
    "gritoscopy",
    "dimetry",
    "sootography",
    "mistometry",
)
ARM = "Experimental: Examplumab 300 mg subcutaneously every 4 weeks, for as long as it is of use"
OUTCOME = f"Change of the hue by {', '.join(METHODS)}"
CATEGORY = "eligibility.criteria.category"
CERTAIN, OPEN = Reading(Category.OTHER, 0.99), Reading(None, 0.0)
DOUBTFUL = Reading(Category.AGE, 0.05, alternatives=(Category.INFECTION,))
OTHER = {"criterion": {"category": "biomarker"}}
"""Gold has another category than the rules."""
REGIMEN = {"agent": "Other drug", "section": "brief_summary", "quote": "weekly", "frequency": "QW"}


def read(category=None, stands=0.99):
    """A record with one criterion, one arm and one outcome; what the rules think of the criterion can be given."""
    sections = (
        Section(name="eligibility", text=f"Inclusion Criteria:\n\n* {CRITERION}"),
        Section(name="arms[0]", text=ARM),
        Section(name="primary_outcomes[0]", text=f"{OUTCOME}, 2 years"),
    )
    parsed = parse_record(TrialRecord(record_id="T1", source=Source(path="t", format="flat"), sections=sections))
    (criterion,) = parsed.eligibility.criteria
    given = {"stands": Reading(value=True, confidence=stands), "category": category or criterion.category}
    return replace(parsed, eligibility=replace(parsed.eligibility, criteria=(replace(criterion, **given),)))


def annotate(parsed, *, criterion=None, dosing=None, endpoint=None, **people):
    """Gold: what the rules find, with the changes."""
    found = assemble_extraction(parsed, ModelResult()).model_dump(mode="json")
    found["eligibility"]["criteria"][0] |= criterion or {}
    found["eligibility"] |= people
    found["dosing"] = found["dosing"] if dosing is None else dosing
    found["endpoints"][0] |= endpoint or {}
    return TrialExtraction.model_validate(found)


def losses(parsed, gold, effort=Effort.HIGH):
    return sorted(
        (loss.field, loss.cause) for loss in judge_trial(parsed, gold, ExtractionOptions(effort=effort)).losses
    )


def test_the_rules_alone_lose_what_they_leave_open_and_the_oracle_answers_it():
    parsed = read(OPEN)
    trial = judge_trial(parsed, annotate(parsed, criterion={"category": "biomarker"}), ExtractionOptions())
    assert trial.losses == ()
    assert trial.rules.eligibility.criteria[0].category is None
    assert trial.oracle.eligibility.criteria[0].category is Category.BIOMARKER


@pytest.mark.parametrize(
    ("parsed", "changes", "effort", "expected"),
    [
        ({}, {}, Effort.MEDIUM, []),
        ({}, {}, Effort.HIGH, []),
        ({}, {"sex": "male"}, 0.0, [("eligibility.sex", Cause.CERTAIN)]),
        ({}, {"sex": "male"}, Effort.HIGH, []),
        ({}, {"criterion": {"quote": CRITERION[:22]}}, Effort.HIGH, [("eligibility.criteria.quote", Cause.CERTAIN)]),
        ({"category": CERTAIN}, OTHER, Effort.MEDIUM, [(CATEGORY, Cause.CERTAIN)]),
        ({"category": CERTAIN}, OTHER, Effort.HIGH, []),
        ({"category": DOUBTFUL, "stands": 0.5}, OTHER, Effort.MEDIUM, []),
    ],
)
def test_a_loss_has_its_cause(parsed, changes, effort, expected):
    record = read(**parsed)
    assert losses(record, annotate(record, **changes), effort) == expected


def test_the_reply_has_no_room_for_all_of_gold():
    parsed = read()
    gold = annotate(parsed, endpoint={"methods": METHODS})
    (given,) = [
        given
        for key, given in ask_oracle(parsed, gold, ExtractionOptions(effort=Effort.HIGH)).given.items()
        if key[0] == "endpoints"
    ]
    assert given.grounded.readings["methods"].value == METHODS[:8]
    assert ("endpoints.methods", Cause.REFUSED) in losses(parsed, gold)


def test_what_the_text_does_not_state_is_refused_by_the_checks():
    parsed = read()
    (limit,) = annotate(parsed).eligibility.criteria[0].constraints
    gold = annotate(parsed, criterion={"constraints": [limit.model_dump(mode="json") | {"value": 51}]})
    assert losses(parsed, gold) == [("eligibility.criteria.constraints", Cause.REFUSED)]


def test_an_item_has_the_cause_for_its_values():
    parsed = read()
    gold = annotate(parsed, dosing=[*annotate(parsed).model_dump(mode="json")["dosing"], REGIMEN])
    found = losses(parsed, gold)
    assert ("dosing.regimens", Cause.CERTAIN) in found
    assert ("dosing.frequency", Cause.ITEM) in found
    assert {cause for field, cause in found if field != "dosing.regimens"} == {Cause.ITEM}


def test_a_criterion_that_gold_does_not_have_is_asked_away_where_it_is_in_doubt():
    sure, doubted = read(), read(stands=0.3)
    whole = annotate(sure)
    gold = whole.model_copy(update={"eligibility": whole.eligibility.model_copy(update={"criteria": ()})})
    assert ("eligibility.criteria", Cause.CERTAIN) in losses(sure, gold, Effort.MEDIUM)
    assert losses(doubted, gold, Effort.MEDIUM) == []


@pytest.mark.parametrize("effort", [Effort.MEDIUM, Effort.HIGH])
def test_losses_are_the_errors_that_an_evaluation_counts(effort):
    parsed = read(CERTAIN)
    criterion = {"category": "biomarker", "constraints": [], "lead_in": "Inclusion"}
    endpoint = {"methods": METHODS, "concept": "biomarker", "time_points": []}
    gold = annotate(parsed, criterion=criterion, endpoint=endpoint, dosing=[], sex="male")
    trial = judge_trial(parsed, gold, ExtractionOptions(effort=effort))
    for field, row in zip(FIELDS, score_record(gold, trial.oracle).counts, strict=True):
        wrong = row[Count.GOLD] + row[Count.PREDICTED] - 2 * row[Count.NORMALISED]
        assert sum(loss.errors for loss in trial.losses if loss.field == field.name) == wrong, field.name
    assert len(trial.losses) > (1 if effort is Effort.HIGH else 3)
    *_, points = format_losses([trial]).splitlines()
    *causes, total = map(float, points.split()[1:])
    *_, figures = format_figures({"all areas": [trial]}).splitlines()
    assert sum(causes) == pytest.approx(total, abs=0.05)
    assert total == pytest.approx(100 * (1 - float(figures.split()[-1])), abs=0.1)


def test_trials_that_are_for_measuring_are_not_shown():
    shown = [Loss(record_id, "eligibility.sex", Cause.CERTAIN, "all", "male", "") for record_id in "ABCD"]
    text = format_examples(shown, {"A": 0, "B": 3, "C": 4, "D": 2}, 10)
    assert [line.split()[0] for line in text.splitlines() if "eligibility.sex" in line] == ["A", "D"]


def test_the_command_prints_figures_and_losses_of_the_folds_that_are_wanted(monkeypatch, capsys):
    seeds = Path(__file__).parents[2] / "seeds"
    arguments = ["oracle", str(seeds / "gold"), str(seeds / "records"), "--effort", "high", "--examples", "2"]
    monkeypatch.setattr(sys, "argv", arguments)
    command.main()
    out = capsys.readouterr().out
    assert "oncology and allergy (5): rules" in out
    assert "\npoints " in out
    monkeypatch.setattr(sys, "argv", [*arguments, "--folds", "0,1,2"])  # the seeds are for measuring
    with pytest.raises(SystemExit, match="no trial whose record is at hand"):
        command.main()
