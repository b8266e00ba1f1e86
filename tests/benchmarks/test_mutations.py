import gzip
import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.changes import HARMFUL, HARMLESS
from benchmarks.mutations import (
    Drawn,
    Trial,
    Verdict,
    draw_quotes,
    format_comparison,
    format_kinds,
    judge,
    make_trials,
    stands_elsewhere,
    tally_verdicts,
)
from tests.depth import choose

DATA = Path(__file__).parents[3] / "shared" / "data"
QUOTE = (
    "Patients must be 18-65 years or older than 70, not on two drugs, with platelets \\>= 1.5 x 10\\^9/L or 25 mg/kg"
)
ODD = "The “first-line” patient's naïve ﬁbrosis \\[grade 3\\], at 10\\^9 cells/m2 & 5 mg"
ELIGIBILITY = (
    "Inclusion Criteria:\n\n* Age of at least 18 years and not more than 75 years\n* Platelets \\> 50 x 10\\^9/L\n"
)


def text_with(quote):
    return Drawn(f"First line.\n* {quote}\nLast line.", 14, 14 + len(quote))


@pytest.mark.parametrize("kind", HARMFUL)
def test_a_harmful_change_is_made_and_refused(kind):
    drawn = text_with(QUOTE)
    changed = {HARMFUL[kind](QUOTE, random.Random(seed)) for seed in range(20)}
    assert None not in changed
    assert QUOTE not in changed
    assert not any(judge(Trial(drawn, kind, quote, harmful=True)).accepted for quote in changed)


@pytest.mark.parametrize("kind", HARMLESS)
def test_a_harmless_change_is_made_and_accepted(kind):
    quotes = [QUOTE, ODD, ODD.replace("ﬁ", "fi")]
    changed = [(q, HARMLESS[kind](q, random.Random(seed))) for q in quotes for seed in range(20)]
    trials = [Trial(text_with(quote), kind, new, harmful=False) for quote, new in changed if new]
    assert trials
    assert [trial.quote for trial in trials if not judge(trial).accepted] == []


def test_a_change_that_is_true_elsewhere_is_no_trial():
    drawn = Drawn("Arm A: 5 mg daily\nArm B: 6 mg daily", 7, 17)
    assert stands_elsewhere("6 mg daily", drawn)
    trials = make_trials([drawn] * 50, 40, random.Random(1))
    assert all(trial.quote != "6 mg daily" for trial in trials if trial.harmful)


def test_verdicts_are_counted_by_kind():
    drawn = text_with(QUOTE)
    verdicts = [
        Verdict(Trial(drawn, "number", "x", harmful=True), accepted=True),
        Verdict(Trial(drawn, "number", "x", harmful=True), accepted=False, named=True),
        Verdict(Trial(drawn, "case", "x", harmful=False), accepted=False),
    ]
    tallies = tally_verdicts(verdicts)
    assert [(t.kind, t.harmful, t.count, t.wrong, t.named) for t in tallies] == [
        ("number", True, 2, 1, 1),
        ("all", True, 2, 1, 1),
        ("case", False, 1, 1, 0),
        ("all", False, 1, 1, 0),
    ]
    assert "50.00%" in format_kinds(tallies)
    assert "| number (escaped) | 2 | 50.0% | 50.0% |" in format_comparison({"one": tallies, "two": tallies})


@pytest.fixture
def folder(tmp_path):
    study = {
        "protocolSection": {
            "identificationModule": {"nctId": "NCT90000077", "briefTitle": "Exampline"},
            "eligibilityModule": {"eligibilityCriteria": ELIGIBILITY},
        }
    }
    (tmp_path / "records").mkdir()
    with gzip.open(tmp_path / "records" / "ctgov_v2.jsonl.gz", "wt", encoding="utf-8") as file:
        file.write(json.dumps(study) + "\n")
    return tmp_path


def test_quotes_are_lines_and_clauses_of_the_records(folder):
    quotes = draw_quotes(folder, random.Random(1))
    drawn = {next(quotes).quote for _ in range(50)}
    assert {"Age of at least 18 years and not more than 75 years", "Platelets \\> 50 x 10\\^9/L"} <= drawn


def test_the_command_prints_both_tables(folder):
    command = [sys.executable, "-m", "benchmarks.mutations", "--data", str(folder), "--n", "60"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]).stdout
    assert "says something else" in shown
    assert "says the same" in shown


@pytest.mark.skipif(not DATA.exists(), reason="the data folder is not here")
def test_few_changes_escape_and_few_harmless_ones_are_refused():
    rng = random.Random(5)
    verdicts = [judge(trial) for trial in make_trials(draw_quotes(DATA, rng), choose(1000, 10_000), rng)]
    wrong = {t.harmful: t.wrong / t.count for t in tally_verdicts(verdicts) if t.kind == "all"}
    assert wrong[True] <= 0.002
    assert wrong[False] <= 0.005
