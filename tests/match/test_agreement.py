"""The verdicts agree with the table of limits, for thousands of random patients."""

import random

import duckdb

from extractor import Extractor
from extractor.apps.match import match_trials
from extractor.concepts.limits.quantity_names import list_quantities
from extractor.match import Patient

QUESTION = """
    SELECT record_id, criterion_index, quantity, unit, low, low_inclusive, high, high_inclusive, outside
    FROM bounds JOIN criteria USING (record_id, criterion_index)
    WHERE canonical AND unit IS NOT NULL AND holds_for = 'all' AND decides AND quantity <> 'age' AND NOT has_exception
"""
UNITS = dict.fromkeys(("1", "{score}", "{grade}", "{class}"), "")
UNITS |= {"mm[Hg]": "mmHg", "mL/min/{1.73_m2}": "mL/min/1.73m2"}
"""Other spellings of units, as a patient's data have them."""
SEED = 114
PATIENTS = 300


def admits(number, low, low_inclusive, high, high_inclusive, outside):
    """Whether a row of ``bounds`` admits a number."""
    below = low is not None and (number < low or (number == low and not low_inclusive))
    above = high is not None and (
        number > high or (number == high and not high_inclusive)
    )
    if outside:
        return number < low or number > high
    return not (below or above)


def test_no_verdict_contradicts_the_table_of_limits(tmp_path):
    results = Extractor(effort="none").run("tests/records")
    results.export(tmp_path / "t.duckdb")
    with duckdb.connect(str(tmp_path / "t.duckdb"), read_only=True) as database:
        rows = database.sql(QUESTION).fetchall()
    assert len(rows) > 20
    chance = random.Random(SEED)
    known = list_quantities()
    rows = [row for row in rows if not known[row[2]].weak or row[2] == "body_weight"]
    trials = {trial.record_id: trial for trial in results}
    decided = 0
    for record_id, index, quantity, unit, *bound in rows:
        ends = [end for end in (bound[0], bound[2]) if end is not None]
        numbers = [
            *ends,
            *(chance.choice(ends) * chance.uniform(0.5, 1.5) for _ in range(PATIENTS)),
        ]
        numbers = [number for number in numbers if known[quantity].is_possible(number)]
        patients = [
            Patient(
                id=str(place),
                values={quantity: f"{number:.4f} {UNITS.get(unit, unit)}"},
            )
            for place, number in enumerate(numbers)
        ]
        for number, match in zip(
            numbers, match_trials([trials[record_id]], patients), strict=True
        ):
            _, found = match.judged[index]
            expected = admits(round(number, 4), *bound)
            assert found.verdict != ("not_met" if expected else "met"), (number, found)
            decided += found.verdict in ("met", "not_met")
    assert decided > 1000
