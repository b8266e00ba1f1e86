"""Quotes with harmful changes are rejected, and quotes with harmless changes are accepted."""

import random
from pathlib import Path

import pytest

from benchmarks.changes import HARMFUL, HARMLESS
from benchmarks.quotes import (
    Drawn,
    Trial,
    draw_quotes,
    is_wrong,
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


@pytest.mark.parametrize("kind", [*HARMFUL, *HARMLESS])
def test_a_change_is_made_and_refused_if_it_is_harmful(kind):
    is_harmful = kind in HARMFUL
    quotes = [QUOTE] if is_harmful else [QUOTE, ODD, ODD.replace("ﬁ", "fi")]
    made = 0
    for seed in range(20 * len(quotes)):
        quote = quotes[seed % len(quotes)]
        text = Drawn(f"First line.\n* {quote}\nLast line.", 14, 14 + len(quote))
        new = (HARMFUL | HARMLESS)[kind](quote, random.Random(seed))
        if new:
            made += 1
            assert not is_wrong(Trial(text, kind, new, is_harmful))
    assert made == 20 if is_harmful else made


def test_a_change_that_is_true_elsewhere_is_left_out():
    drawn = Drawn("Arm A: 5 mg daily\nArm B: 6 mg daily", 7, 17)
    trials = list(make_trials([drawn] * 50, 40, random.Random(1)))

    assert trials
    assert all(trial.quote != "6 mg daily" for trial in trials if trial.harmful)


@pytest.mark.slow
@pytest.mark.skipif(not DATA.exists(), reason="the data folder is not here")
def test_few_changes_escape_and_few_harmless_ones_are_refused():
    rng = random.Random(5)
    trials = list(make_trials(draw_quotes(DATA, rng), choose(300, 10_000), rng))

    escaped, refused = (
        tally_verdicts(one for one in trials if one.harmful is harmful)["all"]
        for harmful in (True, False)
    )
    assert escaped["wrong"] <= 0.002 * escaped["count"]
    assert refused["wrong"] <= 0.005 * refused["count"]
