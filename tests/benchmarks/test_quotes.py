"""Changed quotes: harmful ones are refused, harmless ones are not."""

import random
from pathlib import Path

import pytest

from benchmarks.changes import HARMFUL, HARMLESS
from benchmarks.quotes import (
    Drawn,
    Trial,
    draw_quotes,
    judge,
    make_trials,
    tally_verdicts,
)
from tests.depth import choose

DATA = Path(__file__).parents[3] / "shared" / "data"
QUOTE = (
    "Patients must be 18-65 years or older than 70, not on two drugs, with platelets \\>= 1.5 "
    "x 10\\^9/L or 25 mg/kg"
)
ODD = (
    "The “first-line” patient's naïve ﬁbrosis \\[grade 3\\], at 10\\^9 cells/m2 & 5 mg"
)


def text_with(quote):
    return Drawn(f"First line.\n* {quote}\nLast line.", 14, 14 + len(quote))


@pytest.mark.parametrize("kind", HARMFUL)
def test_a_harmful_change_is_made_and_refused(kind):
    changed = {HARMFUL[kind](QUOTE, random.Random(seed)) for seed in range(20)}
    assert not {None, QUOTE} & changed
    assert not any(
        judge(Trial(text_with(QUOTE), kind, quote, harmful=True)).accepted
        for quote in changed
    )


@pytest.mark.parametrize("kind", HARMLESS)
def test_a_harmless_change_is_made_and_accepted(kind):
    quotes = [QUOTE, ODD, ODD.replace("ﬁ", "fi")]
    changed = [
        (q, HARMLESS[kind](q, random.Random(seed)))
        for q in quotes
        for seed in range(20)
    ]
    trials = [
        Trial(text_with(quote), kind, new, harmful=False)
        for quote, new in changed
        if new
    ]

    assert trials
    assert [trial.quote for trial in trials if not judge(trial).accepted] == []


def test_a_change_that_is_true_elsewhere_is_left_out():
    drawn = Drawn("Arm A: 5 mg daily\nArm B: 6 mg daily", 7, 17)
    trials = list(make_trials([drawn] * 50, 40, random.Random(1)))

    assert trials
    assert all(trial.quote != "6 mg daily" for trial in trials if trial.harmful)


@pytest.mark.slow
@pytest.mark.skipif(not DATA.exists(), reason="the data folder is not here")
def test_few_changes_escape_and_few_harmless_ones_are_refused():
    rng = random.Random(5)

    tallies = tally_verdicts(
        judge(trial)
        for trial in make_trials(draw_quotes(DATA, rng), choose(300, 10_000), rng)
    )

    escaped, refused = (tallies[harmful, "all"] for harmful in (True, False))
    assert escaped["wrong"] <= 0.002 * escaped["count"]
    assert refused["wrong"] <= 0.005 * refused["count"]
